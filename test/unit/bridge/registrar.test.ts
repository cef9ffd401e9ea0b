// The registrar before a Location Service in memory: the steps of RFC 3261 §10.3, what it stores, and what it says when it can't.
import { describe, expect, test } from 'vitest';
import type { Authenticator } from '../../../src/auth/authenticator.ts';
import type { LocationName } from '../../../src/uri/types.ts';
import { registrarWorld } from '../../support/registrar-world.ts';

const PHONE = '<sip:bob@192.0.2.4>';
const contact = (text = PHONE) => [`Contact: ${text}`];

describe('step 1: has the registrar access to bindings for the domain of the Request-URI', () => {
  test.each([
    ['sip:biloxi.com', 200],
    ['sip:BILOXI.COM', 200],
    ['sip:biloxi.net', 200],
    ['sip:192.0.2.1', 200],
    ['sip:192.0.2.1:5060;transport=tcp', 200],
    ['sip:atlanta.com', 404],
    ['sip:192.0.2.2', 404],
    ['sip:biloxi.com:5070', 404],
  ])('%s: %d (10.3 step 1)', async (uri, status) => {
    const { register } = registrarWorld();
    expect((await register({ uri, headers: contact() })).status).toBe(status);
  });

  test('the refusal says which host is not ours (10.3 step 1)', async () => {
    const answer = await registrarWorld().register({ uri: 'sip:atlanta.com' });
    expect(answer.reason).toBe('host atlanta.com is not a domain or alias of this registrar');
  });
});

describe('step 5: the address of record', () => {
  test.each([
    '<sip:bob@biloxi.com;user=phone>',
    '<sip:%62ob@biloxi.com>',
    '"Bob" <sips:bob@BILOXI.com>',
    'sip:bob@biloxi.com',
    '<sip:bob@biloxi.net>',
    '<sip:bob@192.0.2.1>',
  ])('"MUST then be converted to a canonical form": %s is sip:bob@biloxi.com (10.3 step 5)', async (to) => {
    const { register, location } = registrarWorld();
    await register({ to, headers: contact() });
    expect(location.published[0]?.name).toEqual({ scheme: 'sip', user: 'bob', domain: 'biloxi.com' });
  });

  test('users differ by case (19.1.4)', async () => {
    const { register, location } = registrarWorld();
    await register({ to: '<sip:Bob@biloxi.com>', headers: contact() });
    expect(location.published[0]?.name.user).toBe('Bob');
  });
});

describe('step 4: is the user authorized to modify these bindings', () => {
  test('who asks for an alias of another user does not hear that it is one (10.3 step 4)', async () => {
    const bob: Authenticator = { check: () => ({ kind: 'ok', users: ['bob'] }) };
    const aliases = (name: LocationName) => (name.user === '101' ? { ...name, user: 'alice' } : name);
    const { register } = registrarWorld({ authenticator: bob, aliases });
    const [alias, nobody] = [
      await register({ to: '<sip:101@biloxi.com>' }),
      await register({ to: '<sip:102@biloxi.com>' }),
    ];
    expect([alias.status, alias.header('Warning')]).toEqual([
      403,
      '399 chordial "the credentials are for another address of record: bob"',
    ]);
    expect(alias.reply).toEqual(nobody.reply);
  });
});

describe('step 6: Contact', () => {
  test('absent and nothing registered: 200 without Contact (10.2.3)', async () => {
    const answer = await registrarWorld().register();
    expect([answer.status, answer.contacts]).toEqual([200, []]);
  });

  test.each([
    [['Contact: *', 'Expires: 0'], 200],
    [['m: *', 'Expires: 0'], 200],
    [['Contact: *'], 400],
    [['Contact: *', 'Expires: 60'], 400],
    [['Contact: *', `Contact: ${PHONE}`, 'Expires: 0'], 400],
    [[`Contact: ${PHONE}`, 'Contact: *', 'Expires: 0'], 400],
    [['Contact: *;expires=0'], 400],
    [['Contact: <*>', 'Expires: 0'], 400],
  ])('%j: %d (10.3 step 6)', async (headers, status) => {
    const { register, location } = registrarWorld();
    await register({ headers: contact() });
    const answer = await register({ headers });
    expect([answer.status, answer.contacts, location.published.length]).toEqual([
      status,
      [],
      status === 200 ? 2 : 1,
    ]);
  });
});

describe('step 7: intervals and bindings', () => {
  test.each([
    ['the parameter over the header', [`Contact: ${PHONE};expires=100`, 'Expires: 200'], 100],
    ['the header where there is no parameter', [`Contact: ${PHONE}`, 'Expires: 200'], 200],
    ['the default where there is neither', [`Contact: ${PHONE}`], 3600],
    ['no more than the registrar grants', [`Contact: ${PHONE};expires=86400`], 3600],
    ['the largest number as "as long as you let me"', [`Contact: ${PHONE}`, 'Expires: 4294967295'], 3600],
    ['a malformed parameter as 3600 (10.2.1.1)', [`Contact: ${PHONE};expires=never`], 3600],
    ['a malformed header as 3600 (10.2.1.1)', [`Contact: ${PHONE}`, 'Expires: never'], 3600],
  ])('%s (10.3 step 7)', async (_, headers, expires) => {
    const answer = await registrarWorld().register({ headers });
    expect(answer.contacts).toEqual([`${PHONE};expires=${expires}`]);
  });

  test('several contacts, each with its own interval (10.3 step 7)', async () => {
    const { register } = registrarWorld();
    const answer = await register({
      headers: ['Contact: <sip:bob@192.0.2.4>;expires=100, <sip:bob@192.0.2.5>;q=0.5', 'Expires: 300'],
    });
    expect(answer.contacts).toEqual([
      '<sip:bob@192.0.2.4>;expires=100',
      '<sip:bob@192.0.2.5>;expires=300;q=0.5',
    ]);
  });

  test('an equal CSeq is a retransmission and is answered like the first', async () => {
    const { register } = registrarWorld();
    const first = await register({ cseq: 10, headers: contact() });
    const second = await register({ cseq: 10, headers: contact() });
    expect(second.reply).toEqual(first.reply);
  });
});

describe('step 8: the answer', () => {
  test('lists all current bindings with what is left of them, and the date (10.3 step 8)', async () => {
    const { register, clock } = registrarWorld();
    await register({
      headers: ['Contact: <sip:bob@192.0.2.4;x=1>;+sip.instance="<urn:uuid:1>";q=0.7;+sip.ice;expires=600'],
    });
    clock.advance(100_000);
    const answer = await register({ callId: 'other', headers: ['Contact: <tel:+15551234>;expires=90'] });
    expect(answer.contacts).toEqual([
      '<sip:bob@192.0.2.4;x=1>;expires=500;q=0.7;+sip.instance="<urn:uuid:1>";+sip.ice',
      '<tel:+15551234>;expires=90',
    ]);
    expect(answer.header('Date')).toBe('Thu, 01 Jan 2026 00:01:41 GMT');
  });

  test('never grants a second more than was asked, whatever clock signed the binding', async () => {
    const { register, location, clock } = registrarWorld();
    location.publishFault = {
      kind: 'stored',
      bindings: [
        {
          contact: 'sip:bob@192.0.2.4',
          canonicalContact: 'sip:bob@192.0.2.4',
          params: [],
          path: [],
          expiresAtMs: clock.wallMs() + 100_000 + 40_000,
        },
      ],
    };
    const answer = await register({ headers: [`Contact: ${PHONE};expires=100`] });
    expect(answer.contacts).toEqual([`${PHONE};expires=100`]);
  });

  test('stays in a datagram where it can: parameters go first, bindings never', async () => {
    const { register } = registrarWorld();
    const phones = Array.from(
      { length: 10 },
      (_, at) =>
        `Contact: <sip:bob@192.0.2.1${at}:5060;transport=udp>;+sip.instance="<urn:uuid:00000000-0000-1000-8000-${at}00A95A0E12>";methods="INVITE,ACK,CANCEL,BYE,OPTIONS,MESSAGE"`,
    );
    const udp = await register({ headers: phones });
    const tcp = await register({ transport: 'tcp' });
    const bytes = (contacts: readonly string[]) => contacts.reduce((sum, one) => sum + one.length + 11, 0);
    expect([udp.contacts.length, tcp.contacts.length]).toEqual([10, 10]);
    expect(bytes(udp.contacts)).toBeLessThan(800);
    expect(tcp.contacts[0]).toContain('methods=');
  });
});

describe('Path (RFC 3327)', () => {
  test('is stored and copied into the answer (RFC 3327 5.3)', async () => {
    const { register, location } = registrarWorld();
    const answer = await register({
      headers: [...contact(), 'Supported: gruu, Path', 'Path: <sip:p3.example;lr>, <sip:p1.example;lr>'],
    });
    const [published] = location.published;
    const stored = published?.changes === 'all' ? [] : published?.changes.map((change) => change.path);
    expect(stored).toEqual([['<sip:p3.example;lr>', '<sip:p1.example;lr>']]);
    expect(answer.reply.headers?.filter(([name]) => name === 'Path').map(([, value]) => value)).toEqual([
      '<sip:p3.example;lr>',
      '<sip:p1.example;lr>',
    ]);
  });

  test('of a phone that does not say it knows Path is a 420 (RFC 3327 5.3)', async () => {
    const { register, location } = registrarWorld();
    const answer = await register({ headers: [...contact(), 'Path: <sip:p1.example;lr>'] });
    expect([answer.status, answer.header('Unsupported')]).toEqual([420, 'path']);
    expect(location.published).toEqual([]);
  });
});

describe('what the Location Service says', () => {
  test.each([
    [{ kind: 'unavailable', reason: 'no quorum' }, 503],
    [{ kind: 'stale' }, 500],
    [{ kind: 'refused', reason: 'too long', cause: 'too-large' }, 400],
    [{ kind: 'refused', reason: 'quota', cause: 'quota' }, 403],
    [{ kind: 'refused', reason: 'not ours' }, 403],
  ] as const)('%j is answered with %d', async (fault, status) => {
    const { register, location } = registrarWorld();
    location.publishFault = fault;
    expect((await register({ headers: contact() })).status).toBe(status);
  });

  test.each([{ kind: 'unavailable', reason: 'alone' }, { kind: 'timeout' }] as const)(
    'a query that ends in %j is a 503, never "no bindings"',
    async (fault) => {
      const { register, location } = registrarWorld();
      location.queryFault = fault;
      const answer = await register();
      expect([answer.status, answer.header('Retry-After')]).toEqual([503, '10']);
    },
  );

  test('every answer has one log line that says why', async () => {
    const { register, location, lines } = registrarWorld();
    location.publishFault = { kind: 'unavailable', reason: 'no quorum' };
    await register({ callId: 'c9', headers: contact() });
    expect(lines).toEqual([
      {
        message: 'register',
        fields: {
          callId: 'c9',
          aor: 'sip:bob@biloxi.com',
          src: '192.0.2.4:5060',
          transport: 'udp',
          code: 503,
          why: 'no quorum',
          ms: 0,
        },
      },
    ]);
  });
});
