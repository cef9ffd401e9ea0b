import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalContact, sipUriEquals } from '../../../src/uri/compare.ts';
import { canonicalHost, familyOf } from '../../../src/uri/hosts.ts';
import { aorOf, locationName } from '../../../src/uri/name.ts';
import { formatSipUri, parseSipUri } from '../../../src/uri/parse.ts';

const word = (chars: string, maxLength = 12) =>
  fc.string({ unit: fc.constantFrom(...chars), minLength: 1, maxLength });

const label = fc.tuple(word('abcxyz'), word('abc019-', 8), word('xyz')).map((parts) => parts.join(''));
const host = fc.oneof(
  fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.')),
  fc.ipV4(),
  fc.ipV6().map((address) => `[${address.toLowerCase()}]`),
);
const param = fc.tuple(word('abcdefgh', 6), fc.option(word("aB1-_.!~*'()[]/:&+$")));
const sipUri = fc
  .record({
    scheme: fc.constantFrom('sip:', 'sips:'),
    user: fc.option(fc.oneof(word("abzAZ019-_.!~*'()&=+$,;?/"), fc.constantFrom('%41b', '%00', 'a%40b'))),
    password: fc.option(word('abzAZ019&=+$,')),
    host,
    port: fc.option(fc.integer({ min: 1, max: 65535 })),
    params: fc.uniqueArray(param, { selector: ([name]) => name, maxLength: 4 }),
    headers: fc.option(word('ab=&/:?', 10)),
  })
  .map(({ scheme, user, password, host: place, port, params, headers }) => {
    const userinfo = user === null ? '' : `${user}${password === null ? '' : `:${password}`}@`;
    const tail = params.map(([name, value]) => (value === null ? `;${name}` : `;${name}=${value}`)).join('');
    return `${scheme}${userinfo}${place}${port === null ? '' : `:${port}`}${tail}${headers === null ? '' : `?${headers}`}`;
  });

describe('a SIP URI', () => {
  test('is written as it was read', () => {
    fc.assert(
      fc.property(sipUri, (text) => {
        const read = parseSipUri(text);
        expect(read.ok && formatSipUri(read.value)).toBe(text);
      }),
    );
  });

  test('has a canonical text that is stable and equal only for equal URIs', () => {
    fc.assert(
      fc.property(sipUri, sipUri, (left, right) => {
        const [a, b] = [parseSipUri(left), parseSipUri(right)];
        const canonical = canonicalContact(left);
        expect(canonicalContact(canonical)).toBe(canonical);
        expect(a.ok && sipUriEquals(a.value, a.value)).toBe(true);
        if (a.ok && b.ok && canonical === canonicalContact(right))
          expect(sipUriEquals(a.value, b.value)).toBe(true);
      }),
    );
  });

  test('equals itself in other escapes, cases and orders, and so does its canonical text', () => {
    fc.assert(
      fc.property(sipUri, (text) => {
        const read = parseSipUri(text);
        if (!read.ok) throw new Error(read.error);
        const uri = read.value;
        const respelt = {
          ...uri,
          ...(uri.user === undefined
            ? {}
            : { user: uri.user.replace(/(?<!%.?)[a-z]/g, (c) => `%${c.charCodeAt(0).toString(16)}`) }),
          host: uri.host.toUpperCase(),
          params: uri.params.map((one) => ({ ...one, name: one.name.toUpperCase() })).reverse(),
        };
        expect(canonicalContact(formatSipUri(respelt))).toBe(canonicalContact(text));
        expect(sipUriEquals(uri, respelt)).toBe(true);
      }),
    );
  });
});

test('a name survives its text, whatever the user is called', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
      fc.constantFrom('sip', 'xmpp'),
      (user, scheme) => {
        const name = { scheme, user, domain: 'example.com' };
        expect(locationName(aorOf(name))).toEqual({ ok: true, value: name });
      },
    ),
  );
});

test('an IPv6 address has one canonical text, which means the same address', () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const canonical = canonicalHost(address);
      expect(familyOf(address)).toBe(6);
      expect(canonicalHost(canonical)).toBe(canonical);
      expect(new URL(`http://[${address}]/`).hostname).toBe(new URL(`http://[${canonical}]/`).hostname);
    }),
  );
});

test('no text makes the parsers throw', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 60 }),
    sipUri.chain((uri) =>
      fc
        .tuple(fc.nat(uri.length), fc.nat(4), fc.string({ maxLength: 4 }))
        .map(([at, cut, put]) => uri.slice(0, at) + put + uri.slice(at + cut)),
    ),
  );
  fc.assert(
    fc.property(text, (given) => {
      parseSipUri(given);
      locationName(given);
      canonicalContact(given);
    }),
    { numRuns: 500 },
  );
});
