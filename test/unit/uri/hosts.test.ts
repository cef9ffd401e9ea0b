import { describe, expect, test } from 'vitest';
import {
  canonicalDomain,
  canonicalHost,
  familyOf,
  isHost,
  isIpLiteral,
  isLoopback,
  isWildcard,
} from '../../../src/uri/hosts.ts';

describe('an address literal', () => {
  test.each([
    ['192.0.2.1', 4],
    ['0.0.0.0', 4],
    ['255.255.255.255', 4],
    ['::', 6],
    ['::1', 6],
    ['2001:DB8::10', 6],
    ['2001:db8:0:0:0:0:0:1', 6],
    ['::ffff:192.0.2.10', 6],
    ['1:2:3:4:5:6:7::', 6],
  ])('%s is of family %i', (host, family) => {
    expect(familyOf(host)).toBe(family);
    expect(isIpLiteral(host)).toBe(true);
    expect(isHost(host)).toBe(true);
  });

  test.each([
    '256.0.0.1',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.',
    '1..2.3',
    ':::',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'fe80::1%eth0',
    '::1.2.3',
    '1.2.3.4::',
    'g::1',
    '1::2::3',
    ':',
  ])('%s is none, and no host either', (host) => {
    expect(familyOf(host)).toBeUndefined();
    expect(isHost(host)).toBe(false);
  });

  // RFC 5952 §4 and §5.
  test.each([
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['::FFFF:c000:20a', '::ffff:192.0.2.10'],
    ['2001:db8::192.0.2.1', '2001:db8::c000:201'],
  ])('%s is written %s', (host, canonical) => {
    expect(canonicalHost(host)).toBe(canonical);
  });
});

describe('a host name', () => {
  test.each(['example.com', 'EXAMPLE.com.', 'a', 'my_host', 'x-1.2a', `${'a'.repeat(63)}.de`, '1and1.de'])(
    '%s is one',
    (host) => {
      expect(isHost(host)).toBe(true);
    },
  );

  test.each([
    '',
    '.',
    'a..b',
    '.a',
    'a b',
    'a/b',
    'ü.de',
    'a.123',
    `${'a'.repeat(64)}.de`,
    `${'a.'.repeat(127)}aa`,
  ])('%j is none', (host) => {
    expect(isHost(host)).toBe(false);
  });
});

describe('a domain', () => {
  test.each([
    ['München.Example', 'xn--mnchen-3ya.example'],
    ['EXAMPLE.com.', 'example.com'],
    ['[2001:DB8::0]', '2001:db8::'],
    ['2001:db8::1', '2001:db8::1'],
    ['192.0.2.1', '192.0.2.1'],
    ['XN--MNCHEN-3YA.example', 'xn--mnchen-3ya.example'],
  ])('%s becomes %s', (text, domain) => {
    expect(canonicalDomain(text)).toEqual({ ok: true, value: domain });
  });

  test.each(['', '[example.com]', 'a b', '[::1', 'ü'.repeat(2000), 'exa\u0000mple.com', 'a@b'])(
    '%j is refused',
    (text) => {
      expect(canonicalDomain(text).ok).toBe(false);
    },
  );
});

test('loopback is 127/8, ::1, localhost, and 127/8 mapped into IPv6', () => {
  const loopback = [
    '127.0.0.1',
    '127.9.8.7',
    '::1',
    '0:0:0:0:0:0:0:1',
    'localhost',
    'LOCALHOST.',
    '::ffff:127.0.0.1',
  ];
  const elsewhere = ['128.0.0.1', '127.example.com', '::2', 'localhost.example.com', '::ffff:10.0.0.1', ''];
  expect(loopback.filter((host) => !isLoopback(host))).toEqual([]);
  expect(elsewhere.filter(isLoopback)).toEqual([]);
});

test('the wildcard addresses are known in every spelling', () => {
  expect(['0.0.0.0', '::', '0:0:0:0:0:0:0:0'].every(isWildcard)).toBe(true);
  expect(['127.0.0.1', '::1', 'example.com'].some(isWildcard)).toBe(false);
});
