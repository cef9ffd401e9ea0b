import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contactHeaders } from '../../../src/bridge/contact-list.ts';
import { planRegister } from '../../../src/bridge/register-plan.ts';
import type { Binding } from '../../../src/location/types.ts';
import { isWritable } from '../../../src/sip/codec.ts';
import { parseContacts } from '../../../src/sip/name-addr.ts';
import type { NameAddr } from '../../../src/sip/types.ts';
import { createSelf } from '../../../src/uri/self.ts';

const self = createSelf({
  domains: ['biloxi.com'],
  aliases: [],
  listeners: [{ bound: { host: '192.0.2.1', port: 5060 }, advertised: { host: '192.0.2.1', port: 5060 } }],
});
const limits = { minExpiresSec: 60, maxExpiresSec: 1800, defaultExpiresSec: 900, maxContacts: 5 };
const name = { scheme: 'sip', user: 'bob', domain: 'biloxi.com' };

const expires = fc.oneof(
  fc.constant(undefined),
  fc.nat(8000).map(String),
  fc.string({ maxLength: 12 }),
  fc.constantFrom('4294967295', '2147483647', '0'),
);
const param = (key: string, values: fc.Arbitrary<string | undefined>) =>
  values.map((value) => (value === undefined ? [] : [{ name: key, value }]));
const contact: fc.Arbitrary<NameAddr> = fc
  .record({
    uri: fc.oneof(
      fc.nat(20).map((at) => `sip:bob@192.0.2.${at + 10}`),
      fc.string({ maxLength: 30 }),
      fc.constantFrom('tel:+1', 'sip:bob@biloxi.com', 'sips:b@[2001:db8::1]:5061;transport=tls'),
    ),
    expires: param('expires', expires),
    q: param('q', fc.oneof(fc.constant(undefined), fc.constantFrom('0', '0.5', '1.000', '1.1', 'x'))),
    instance: param('+sip.instance', fc.constantFrom(undefined, '"<urn:uuid:1>"', '"<urn:uuid:2>"')),
    regId: param('reg-id', fc.constantFrom(undefined, '1', '2', '0')),
  })
  .map(({ uri, ...params }) => ({ uri, params: Object.values(params).flat(), text: uri }));
const parts = fc.record({
  contacts: fc.array(
    fc.oneof({ weight: 9, arbitrary: contact }, { weight: 1, arbitrary: fc.constant('*' as const) }),
    {
      maxLength: 7,
    },
  ),
  expires,
  path: fc.array(fc.constant('<sip:p.example;lr>'), { maxLength: 2 }),
  supported: fc.constantFrom<readonly string[]>([], ['path']),
  userAgent: fc.option(fc.string({ maxLength: 100 }), { nil: undefined }),
});

describe('any REGISTER', () => {
  test('is a query, a publication within the limits, or a refusal that can be sent', () => {
    fc.assert(
      fc.property(parts, fc.constantFrom('bob', 'ann', undefined), (given, user) => {
        const plan = planRegister(given, {
          name,
          users: user === undefined ? undefined : [user],
          limits,
          self,
        });
        switch (plan.kind) {
          case 'query':
            expect(given.contacts).toEqual([]);
            break;
          case 'rejection':
            expect(plan.status).toBeGreaterThanOrEqual(400);
            // §10.3: "A registrar MUST not generate 6xx responses."
            expect(plan.status).toBeLessThan(500);
            expect(plan.reason).toMatch(/^[ -~]{1,200}$/);
            break;
          case 'publication': {
            expect(user === 'bob' || user === undefined).toBe(true);
            if (plan.changes === 'all') return;
            expect(plan.changes.length).toBeGreaterThan(0);
            expect(plan.changes.length).toBeLessThanOrEqual(limits.maxContacts);
            for (const { expiresSec, userAgent } of plan.changes) {
              expect(expiresSec === 0 || (expiresSec >= limits.minExpiresSec && expiresSec <= 1800)).toBe(
                true,
              );
              expect((userAgent ?? '').length).toBeLessThanOrEqual(64);
            }
          }
        }
      }),
    );
  });
});

/** Text of every kind, with what ends a header, a URI or a parameter more often than chance has it. */
const hostile = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .array(
      fc.oneof(
        fc.string({ unit: 'grapheme' }),
        fc.constantFrom('"', '\\', '\r\n', ';', ',', '>', '\u010a', '\0', 'a', '='),
      ),
      {
        maxLength,
      },
    )
    .map((parts) => parts.join('').slice(0, maxLength));

describe('any list of bindings', () => {
  const binding: fc.Arbitrary<Binding> = fc
    .record({
      contact: fc.oneof(
        fc.nat(200).map((at) => `sip:bob@192.0.2.${at};x=${'y'.repeat(at)}`),
        hostile(40).map((text) => `x:y${text}`),
      ),
      q: fc.double({ min: 0, max: 1, noNaN: true }),
      instance: hostile(60),
      name: hostile(10),
      value: fc.option(
        fc.oneof(
          hostile(60),
          hostile(60).map((text) => `"${text}"`),
        ),
        { nil: undefined },
      ),
      leftMs: fc.integer({ min: -10_000, max: 4_000_000 }),
    })
    .map(({ contact: uri, q, instance, name, value, leftMs }) => ({
      contact: uri,
      canonicalContact: uri,
      q,
      instance,
      params: [value === undefined ? { name } : { name, value }],
      path: [],
      expiresAtMs: 1_000_000 + leftMs,
    }));

  test('makes one Contact value of each live binding, with its URI and never an expiry of 0', () => {
    fc.assert(
      fc.property(fc.array(binding, { maxLength: 12 }), fc.boolean(), (bindings, datagram) => {
        const headers = contactHeaders(bindings, { nowMs: 1_000_000, granted: new Map(), datagram });
        const sane = bindings.filter(
          ({ expiresAtMs, contact: uri }) => expiresAtMs > 1_000_000 && /^[!#-;=?-~]+$/.test(uri),
        );
        // What another registrar stored may be anything; whatever leaves is read back as what it was meant to be.
        const read = headers.map(([as, value]) => parseContacts([{ name: 'contact', as, value }]));
        const uris = read.map((one) =>
          one.ok ? one.value.map((at) => (at === '*' ? at : at.uri)) : one.error,
        );
        expect(uris).toEqual(sane.map(({ contact: uri }) => [uri]));
        for (const [, value] of headers) {
          expect(isWritable(value)).toBe(true);
          expect(value).toMatch(/^<[^>]*>;expires=[1-9]\d*;q=/);
        }
      }),
    );
  });

  test('can be read back where the bindings were read from a REGISTER', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(99), { minLength: 1, maxLength: 10 }), (ports) => {
        const bindings = ports.map((port) => ({
          contact: `sip:bob@192.0.2.4:${port + 5061}`,
          canonicalContact: `sip:bob@192.0.2.4:${port + 5061}`,
          q: 0.5,
          instance: '<urn:uuid:1>',
          regId: 1,
          params: [{ name: 'methods', value: '"INVITE, ACK"' }],
          path: [],
          expiresAtMs: 60_000,
        }));
        const headers = contactHeaders(bindings, { nowMs: 0, granted: new Map(), datagram: true });
        const read = parseContacts(headers.map(([as, value]) => ({ name: 'contact', as, value })));
        expect(read.ok && read.value.map((one) => (one === '*' ? one : one.uri))).toEqual(
          bindings.map(({ contact: uri }) => uri),
        );
      }),
    );
  });
});
