import { describe, expect, test } from 'vitest';
import { parseCredentials } from '../../../src/sip/credentials.ts';
import { parseCseq, parseQ, parseTokens, parseUint, unquote } from '../../../src/sip/header-values.ts';
import { parseContacts, parseNameAddr, parseNameAddrs } from '../../../src/sip/name-addr.ts';
import type { HeaderRow } from '../../../src/sip/types.ts';

const rows = (name: string, ...values: readonly string[]): readonly HeaderRow[] =>
  values.map((value) => ({ name, as: name, value }));

describe('an address', () => {
  test.each([
    ['sip:a@b', { uri: 'sip:a@b', params: [] }],
    ['sip:a@b ;tag = 1', { uri: 'sip:a@b', params: [{ name: 'tag', value: '1' }] }],
    ['<sip:a@b;x?y=z>;Tag="q;,>"', { uri: 'sip:a@b;x?y=z', params: [{ name: 'tag', value: '"q;,>"' }] }],
    ['caller<sip:a@b>', { display: 'caller', uri: 'sip:a@b', params: [] }],
    ['Two  Words <sip:a@b>', { display: 'Two  Words', uri: 'sip:a@b', params: [] }],
    ['"\\"<sip:x@y>" <sip:a@b>', { display: '"\\"<sip:x@y>"', uri: 'sip:a@b', params: [] }],
    ['J\u00c3\u00a0 <sip:a@b>', { display: 'J\u00c3\u00a0', uri: 'sip:a@b', params: [] }],
    ['<tel:+1;phone-context=x>', { uri: 'tel:+1;phone-context=x', params: [] }],
    ['isbn:2983792873', { uri: 'isbn:2983792873', params: [] }],
    [
      '<sip:a@b>;received=2001:db8::1;r2=[::1]',
      {
        uri: 'sip:a@b',
        params: [
          { name: 'received', value: '2001:db8::1' },
          { name: 'r2', value: '[::1]' },
        ],
      },
    ],
  ])('%s', (value, expected) => {
    expect(parseNameAddr(value)).toEqual({ ok: true, value: { ...expected, text: value } });
  });

  test.each([
    '',
    '<>',
    '<sip:a@b',
    '< sip:a@b >',
    '"x" sip:a@b',
    '"x <sip:a@b>',
    'a, b <sip:a@b>',
    'a;b <sip:a@b>',
    'sip:a@b?x=y',
    'sip:a b@c',
    '<sip:a@b> x',
    '<sip:a@b>;',
    '<sip:a@b>;=x',
    '<sip:a@b>;x=',
    '<sip:a@b>;x="',
    '<sip:a@b>;;x',
    '<sip:"a"@b>',
    '<sip:ü@b>',
    '<nobody>',
  ])('%j is none', (value) => {
    expect(parseNameAddr(value).ok).toBe(false);
  });
});

describe('lists of addresses', () => {
  test('go over rows and commas, in order', () => {
    const read = parseNameAddrs(rows('route', '<sip:a;lr> , <sip:b>;x=1', '<sip:c>'), 'route');
    expect(read.ok && read.value.map(({ text }) => text)).toEqual(['<sip:a;lr>', '<sip:b>;x=1', '<sip:c>']);
  });

  test('of Contacts hold * as itself', () => {
    expect(parseContacts(rows('contact', '*'))).toEqual({ ok: true, value: ['*'] });
    const mixed = parseContacts(rows('contact', '<sip:a@b>;expires=0', '*'));
    expect(mixed.ok && mixed.value.length).toBe(2);
    expect(parseContacts(rows('contact', '*, <sip:a@b>')).ok).toBe(false);
  });

  test('of Contacts without brackets: comma and semicolon end the URI', () => {
    const read = parseContacts(rows('contact', 'sip:a@b;q=0.5, sip:c@d'));
    expect(read.ok && read.value).toMatchObject([
      { uri: 'sip:a@b', params: [{ name: 'q', value: '0.5' }] },
      { uri: 'sip:c@d', params: [] },
    ]);
  });

  test.each(['<sip:a@b>,', ',<sip:a@b>', '<sip:a@b>,,<sip:c@d>', '<sip:a@b> <sip:c@d>'])(
    '%j is none',
    (value) => {
      expect(parseContacts(rows('contact', value)).ok).toBe(false);
    },
  );

  test('end at 64 values', () => {
    const list = (count: number) => Array.from({ length: count }, () => '<sip:a@b>').join(',');
    expect(parseContacts(rows('contact', list(64))).ok).toBe(true);
    expect(parseContacts(rows('contact', list(65))).ok).toBe(false);
    expect(parseContacts(rows('contact', list(33), list(32))).ok).toBe(false);
    expect(parseNameAddrs(rows('path', list(65)), 'path').ok).toBe(false);
  });
});

describe('small values', () => {
  test('numbers are digits within their bound', () => {
    expect(parseUint('0068')).toBe(68);
    expect(parseUint('4294967295')).toBe(4294967295);
    for (const text of ['', '-1', '+1', '1.0', ' 1', '4294967296', '1e3'])
      expect(parseUint(text)).toBeUndefined();
    expect(parseUint('256', 255)).toBeUndefined();
  });

  test('CSeq is a number and a method', () => {
    expect(parseCseq('0009  INVITE')).toEqual({ seq: 9, method: 'INVITE' });
    for (const text of ['', '1', '1 ', ' 1 A', '1 A B', 'A 1']) expect(parseCseq(text)).toBeUndefined();
  });

  test('q is from 0 to 1 with three decimals', () => {
    expect(['0', '1', '0.', '0.5', '0.700', '1.000'].map(parseQ)).toEqual([0, 1, 0, 0.5, 0.7, 1]);
    for (const text of ['', '1.001', '2', '.5', '0.1234', '-0', '0,5']) expect(parseQ(text)).toBeUndefined();
  });

  test('option tags go over rows and commas', () => {
    expect(parseTokens(rows('supported', 'path , gruu', '', '100rel'), 'supported')).toEqual({
      ok: true,
      value: ['path', 'gruu', '100rel'],
    });
    expect(parseTokens(rows('require', 'a,,b'), 'require').ok).toBe(false);
    expect(parseTokens(rows('require', 'a b'), 'require').ok).toBe(false);
    const many = (count: number) => rows('require', Array.from({ length: count }, () => 'a').join(','));
    expect(parseTokens(many(64), 'require').ok).toBe(true);
    expect(parseTokens(many(65), 'require').ok).toBe(false);
  });

  test('quotes and quoted pairs are undone', () => {
    expect(unquote('"<urn:uuid:1>"')).toBe('<urn:uuid:1>');
    expect(unquote('"a\\"b\\\\"')).toBe('a"b\\');
    expect(unquote('plain')).toBe('plain');
    expect(unquote('"')).toBe('"');
  });
});

describe('credentials', () => {
  test('give their parameters by name, unquoted', () => {
    const read = parseCredentials(
      'Digest username="bob", Realm = "sip.test" ,uri="sip:127.0.0.1:35060;transport=udp", qop=auth,nc=00000001,opaque=a/b==',
    );
    expect(read.ok && read.value.scheme).toBe('digest');
    expect(read.ok && Object.fromEntries(read.value.params)).toEqual({
      username: 'bob',
      realm: 'sip.test',
      uri: 'sip:127.0.0.1:35060;transport=udp',
      qop: 'auth',
      nc: '00000001',
      opaque: 'a/b==',
    });
  });

  test('of another scheme are told by the scheme alone', () => {
    expect(parseCredentials('Bearer abc.def==')).toMatchObject({ ok: true, value: { scheme: 'bearer' } });
  });

  test.each([
    '',
    'Digest',
    'Digest username',
    'Digest username="a" realm="b"',
    'Digest username="a',
    'Digest username="a",',
    'Digest username="a",username="b"',
    'Digest =a',
    `Digest ${Array.from({ length: 33 }, (_, at) => `p${at}=1`).join(',')}`,
  ])('%j are none', (value) => {
    expect(parseCredentials(value).ok).toBe(false);
  });
});
