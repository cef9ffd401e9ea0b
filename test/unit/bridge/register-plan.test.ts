import { describe, expect, test } from 'vitest';
import {
  planRegister,
  type RegisterLimits,
  type RegisterParts,
  registerTarget,
} from '../../../src/bridge/register-plan.ts';
import type { NameAddr } from '../../../src/sip/types.ts';
import { createSelf } from '../../../src/uri/self.ts';
import type { Param } from '../../../src/uri/types.ts';

const self = createSelf({
  domains: ['biloxi.com', 'second.example'],
  aliases: ['biloxi.net'],
  listeners: [{ bound: { host: '0.0.0.0', port: 5060 }, advertised: { host: '192.0.2.5', port: 5060 } }],
});
const limits: RegisterLimits = {
  minExpiresSec: 60,
  maxExpiresSec: 3600,
  defaultExpiresSec: 1800,
  maxContacts: 3,
};
const bob = { scheme: 'sip', user: 'bob', domain: 'biloxi.com' };

const contact = (uri: string, params: Readonly<Record<string, string>> = {}): NameAddr => ({
  uri,
  params: Object.entries(params).map(([name, value]): Param => (value === '' ? { name } : { name, value })),
  text: `<${uri}>`,
});
const phone = (params: Readonly<Record<string, string>> = {}) => contact('sip:bob@192.0.2.4', params);
const plan = (
  contacts: RegisterParts['contacts'],
  parts: Partial<RegisterParts> = {},
  context: { user?: string | undefined; limits?: Partial<RegisterLimits> } = { user: 'bob' },
) =>
  planRegister(
    { contacts, expires: undefined, path: [], supported: [], userAgent: undefined, ...parts },
    {
      name: bob,
      users: context.user === undefined ? undefined : [context.user],
      limits: { ...limits, ...context.limits },
      self,
    },
  );

/** The expiries that a plan grants, or the status it rejects with. */
const granted = (made: ReturnType<typeof plan>) =>
  made.kind === 'rejection'
    ? made.status
    : made.kind === 'publication' && made.changes !== 'all'
      ? made.changes.map((change) => change.expiresSec)
      : made.kind;

describe('whom a REGISTER is about', () => {
  const to = (uri: string) => contact(uri);
  test.each([
    ['sip:biloxi.com', 'sip:bob@biloxi.com', 'bob', 'biloxi.com'],
    ['sip:BILOXI.com', 'sip:bob@biloxi.com;user=phone', 'bob', 'biloxi.com'],
    ['sip:biloxi.net', 'sips:bob@biloxi.net', 'bob', 'biloxi.com'],
    ['sip:192.0.2.5', 'sip:%62ob@biloxi.com:5060', 'bob', 'biloxi.com'],
    ['sip:192.0.2.5:5060;transport=udp', 'sip:bob@192.0.2.5:5060', 'bob', 'biloxi.com'],
    ['sip:192.0.2.5', 'sip:ann@second.example', 'ann', 'second.example'],
  ])('%s with To %s is %s of %s', (uri, toUri, user, domain) => {
    expect(registerTarget(uri, to(toUri), self)).toEqual({
      ok: true,
      value: { scheme: 'sip', user, domain },
    });
  });

  test.each([
    ['sip:atlanta.com', 'sip:bob@biloxi.com', 404, /^host atlanta\.com is not a domain or alias/],
    ['sip:biloxi.com', 'sip:bob@atlanta.com', 404, /^host atlanta\.com is not a domain or alias/],
    ['sip:biloxi.com:5070', 'sip:bob@biloxi.com', 404, /^host biloxi\.com with port 5070/],
    ['sip:192.0.2.6', 'sip:bob@192.0.2.6', 404, /^host 192\.0\.2\.6 /],
    ['sip:biloxi.com', 'sip:biloxi.com', 400, /names no user/],
    ['sip:biloxi.com', 'tel:+15551234', 400, /^To: /],
    ['sip:biloxi.com', 'sip:%ff@biloxi.com', 400, /UTF-8/],
    ['tel:+15551234', 'sip:bob@biloxi.com', 400, /^Request-URI: /],
  ])('%s with To %s is refused with %d', (uri, toUri, status, reason) => {
    const target = registerTarget(uri, to(toUri), self);
    expect(target).toMatchObject({ ok: false, error: { status, reason: expect.stringMatching(reason) } });
  });
});

describe('intervals', () => {
  test.each([
    // [Contact's expires, Expires header, what is granted]
    [undefined, undefined, [1800]],
    [undefined, '120', [120]],
    ['90', '120', [90]],
    ['0', '120', [0]],
    ['60', undefined, [60]],
    ['59', undefined, 423],
    [undefined, '1', 423],
    ['3600', undefined, [3600]],
    ['7200', undefined, [3600]],
    ['2147483647', undefined, [3600]],
    ['4294967295', undefined, [3600]],
    ['99999999999999999999', undefined, [3600]],
    ['soon', '120', [3600]],
    ['-1', undefined, [3600]],
    ['1.5', undefined, [3600]],
    ['', '120', [3600]],
    [undefined, 'tomorrow', [3600]],
  ])('expires=%s with Expires: %s gives %j', (param, header, expected) => {
    const made = plan([phone(param === undefined ? {} : { expires: param })], { expires: header });
    expect(granted(made)).toEqual(expected);
  });

  test('423 names the shortest interval', () => {
    expect(plan([phone({ expires: '5' })])).toMatchObject({
      status: 423,
      headers: [['Min-Expires', '60']],
    });
  });

  test('an hour or more is never too brief, whatever the minimum', () => {
    const strict = { user: 'bob', limits: { minExpiresSec: 7200, maxExpiresSec: 86_400 } };
    expect(granted(plan([phone({ expires: '3600' })], {}, strict))).toEqual([3600]);
    expect(granted(plan([phone({ expires: '3599' })], {}, strict))).toBe(423);
  });

  test('each contact has its own, and one that is too brief fails all', () => {
    const other = contact('sip:bob@192.0.2.9', { expires: '0' });
    expect(granted(plan([phone({ expires: '90' }), other], { expires: '100' }))).toEqual([90, 0]);
    expect(granted(plan([phone({ expires: '90' }), contact('sip:bob@192.0.2.9', { expires: '2' })]))).toBe(
      423,
    );
  });
});

describe('contacts', () => {
  test('none is a query', () => {
    expect(plan([]).kind).toBe('query');
  });

  test('carry the URI byte for byte, q, instance, flow, other parameters, Path and user agent', () => {
    const made = plan(
      [
        contact('sip:Bob@192.0.2.4:5062;transport=tcp', {
          q: '0.700',
          expires: '100',
          '+sip.instance': '"<urn:uuid:1>"',
          'reg-id': '2',
          '+sip.ice': '',
          methods: '"INVITE,ACK"',
        }),
      ],
      { path: ['<sip:edge.example;lr>'], supported: ['path'], userAgent: 'x'.repeat(100) },
    );
    expect(made).toEqual({
      kind: 'publication',
      changes: [
        {
          contact: 'sip:Bob@192.0.2.4:5062;transport=tcp',
          canonicalContact: 'sip:Bob@192.0.2.4:5062;transport=tcp',
          q: 0.7,
          instance: '<urn:uuid:1>',
          regId: 2,
          params: [{ name: '+sip.ice' }, { name: 'methods', value: '"INVITE,ACK"' }],
          path: ['<sip:edge.example;lr>'],
          expiresSec: 100,
          userAgent: 'x'.repeat(64),
        },
      ],
    });
  });

  test.each([
    'tel:+15551234',
    'mailto:bob@biloxi.com',
    'sips:bob@192.0.2.4',
    'SIP:bob@192.0.2.4',
    'xmpp:a@b',
  ])('may be %s', (uri) => {
    expect(granted(plan([contact(uri)]))).toEqual([1800]);
  });

  test.each([
    'bob@192.0.2.4',
    'sip:',
    'sip:bob@',
    'sip:bob@192.0.2.4:99999',
    'sip:bob@host name',
    'mailto:<x>',
    'http://x y',
    '',
  ])('%j is a 400, and the others are not stored either', (uri) => {
    expect(granted(plan([phone(), contact(uri)]))).toBe(400);
  });

  test.each([
    ['0', 200],
    ['1', 200],
    ['0.5', 200],
    ['1.000', 200],
    ['0.', 200],
    ['1.1', 400],
    ['2', 400],
    ['-1', 400],
    ['0.1234', 400],
    ['', 400],
    ['high', 400],
  ])('q=%s: %d', (q, status) => {
    expect(granted(plan([phone({ q })]))).toEqual(status === 200 ? [1800] : 400);
  });

  test('more than allowed are a 403', () => {
    const many = [1, 2, 3, 4].map((at) => contact(`sip:bob@192.0.2.${at}`));
    expect(granted(plan(many))).toBe(403);
    expect(granted(plan(many.slice(0, 3)))).toHaveLength(3);
  });

  test('of two values for one binding the later stands', () => {
    expect(granted(plan([phone({ expires: '100' }), phone({ expires: '200' })]))).toEqual([200]);
  });

  test.each([
    'sip:bob@biloxi.com',
    'sip:ann@BILOXI.net',
    'sip:x@192.0.2.5',
    'sip:bob@192.0.2.4;maddr=192.0.2.5',
  ])('%s leads back here: a 403, though it may be removed', (uri) => {
    expect(granted(plan([contact(uri)]))).toBe(403);
    expect(granted(plan([contact(uri, { expires: '0' })]))).toEqual([0]);
  });

  test('our domain at a port that is not ours is a phone', () => {
    expect(granted(plan([contact('sip:bob@192.0.2.5:5070')]))).toEqual([1800]);
  });
});

describe('Contact: *', () => {
  test.each([
    ['0', ['*'], 'all'],
    ['00', ['*'], 'all'],
    [undefined, ['*'], 400],
    ['60', ['*'], 400],
    ['zero', ['*'], 400],
    ['0', ['*', phone()], 400],
    ['0', [phone(), '*'], 400],
    ['0', ['*', '*'], 400],
  ] as const)('with Expires: %s and %j: %s', (expires, contacts, expected) => {
    const made = plan(contacts, { expires });
    expect(made.kind === 'publication' ? made.changes : made.kind === 'rejection' && made.status).toBe(
      expected,
    );
  });
});

describe('who may', () => {
  test('the user of the AOR', () => {
    expect(granted(plan([phone()], {}, { user: 'bob' }))).toEqual([1800]);
  });

  test.each(['ann', 'Bob', 'bob ', ''])('not %j, not even ask', (user) => {
    expect(granted(plan([phone()], {}, { user }))).toBe(403);
    expect(granted(plan([], {}, { user }))).toBe(403);
  });

  test('anybody where nobody is asked', () => {
    expect(granted(plan([phone()], {}, { user: undefined }))).toEqual([1800]);
  });
});

describe('Path (RFC 3327 5.3)', () => {
  const path = ['<sip:edge.example;lr>'];
  test('of a phone that does not know it is refused with 420', () => {
    expect(plan([phone()], { path })).toMatchObject({ status: 420, headers: [['Unsupported', 'path']] });
  });

  test('too long a path is a 400', () => {
    expect(granted(plan([phone()], { path: new Array(9).fill(path[0]), supported: ['path'] }))).toBe(400);
  });
});

describe('flows (RFC 5626 6)', () => {
  const flow = (host: string, regId: string, expires = '100') =>
    contact(`sip:bob@${host}`, { '+sip.instance': '"<urn:uuid:1>"', 'reg-id': regId, expires });

  test('a reg-id stands alone among lasting contacts', () => {
    expect(granted(plan([flow('192.0.2.4', '1'), flow('192.0.2.5:5070', '2')]))).toBe(400);
    expect(granted(plan([flow('192.0.2.4', '1'), flow('192.0.2.5:5070', '2', '0')]))).toEqual([100, 0]);
  });

  test('one instance and reg-id is one binding, whatever its contact', () => {
    expect(granted(plan([flow('192.0.2.9', '1', '0'), flow('192.0.2.4', '1')]))).toEqual([100]);
  });

  test.each([
    ['reg-id without an instance', { 'reg-id': '1' }],
    ['reg-id 0', { 'reg-id': '0', '+sip.instance': '"<urn:uuid:1>"' }],
    ['reg-id of 2^31', { 'reg-id': '2147483648', '+sip.instance': '"<urn:uuid:1>"' }],
  ])('%s is ignored, and kept as a parameter', (_, params) => {
    const made = plan([phone(params)]);
    const changes = made.kind === 'publication' && made.changes !== 'all' ? made.changes : [];
    expect(changes[0]?.regId).toBeUndefined();
    expect(changes[0]?.params.map(({ name }) => name)).toEqual(['reg-id']);
  });
});

test('a reason phrase never carries what the network sent beyond printable ASCII', () => {
  const made = plan([contact(`sip:b\r\nX: y@\u0000${'z'.repeat(500)}`)]);
  const reason = made.kind === 'rejection' ? made.reason : '';
  expect(reason).toMatch(/^[ -~]{1,200}$/);
});
