import { expect, test } from 'vitest';
import { createAddressRanges, sourceOf } from '../../../src/runtime/address-ranges.ts';

const inRanges = createAddressRanges(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32', '::1', 'nonsense']);

test.each([
  ['10.255.0.1', true],
  ['11.0.0.1', false],
  ['192.0.2.1', true],
  ['192.0.2.2', false],
  ['2001:db8:1::9', true],
  ['2001:db9::1', false],
  ['::1', true],
  ['::ffff:10.0.0.1', true],
  ['::1%lo', true],
  ['', false],
  ['nonsense', false],
])('%s lies in the ranges: %s', (host, expected) => {
  expect(inRanges(host)).toBe(expected);
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8:0:0:ffff::9', '2001:db8:0:0::/64'],
  ['2001:0db8:0000:0001:0:0:0:1', '2001:db8:0:1::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('%s counts as the source %s', (host, source) => {
  expect(sourceOf(host)).toBe(source);
});
