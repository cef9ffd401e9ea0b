import { isIP } from 'node:net';
import { describe, expect, test } from 'vitest';
import {
  canonicalEndpoint,
  endpointFromBytes,
  endpointToBytes,
  hostToBytes,
  sourceKey,
} from '../../../src/dht/address.ts';

describe('texts', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['fe80::', 'fe80::'],
  ])('%s is written as sockets write it: %s', (given, canonical) => {
    expect(canonicalEndpoint({ host: given, port: 1 })).toEqual({ host: canonical, port: 1 });
  });

  test.each([
    '',
    'example.com',
    '1.2.3',
    '1.2.3.256',
    '[::1]',
    'fe80::1%eth0',
    '1::2::3',
    ':1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '1.2.3.4::',
    '::1.2.3.4.5',
    'x'.repeat(10_000),
  ])('%s is no address', (text) => {
    expect(hostToBytes(text)).toBeUndefined();
    if (!text.includes('%') && text !== '1:2:3:4:5:6:7::8') expect(isIP(text)).toBe(0);
  });
});

test.each([0, -1, 65_536, Number.NaN])('port %d has no bytes', (port) => {
  expect(endpointToBytes({ host: '192.0.2.1', port })).toBeUndefined();
});

test('addresses come back from their bytes', () => {
  for (const host of ['192.0.2.1', '127.0.0.1', '2001:db8::1', '::1', '2001:db8:1:2:3:4:5:6']) {
    const bytes = endpointToBytes({ host, port: 65_535 });
    expect(bytes && endpointFromBytes(bytes)).toEqual({ host, port: 65_535 });
  }
});

test('one source is one IPv4 address or one IPv6 /64', () => {
  expect(sourceKey('192.0.2.1')).not.toBe(sourceKey('192.0.2.2'));
  expect(sourceKey('2001:db8::1')).toBe(sourceKey('2001:db8::ffff:1'));
  expect(sourceKey('2001:db8::1')).not.toBe(sourceKey('2001:db8:0:1::1'));
  expect(sourceKey('::ffff:192.0.2.1')).not.toBe(sourceKey('::ffff:192.0.2.2'));
  expect(sourceKey('fe80::1%eth0')).toBe(sourceKey('fe80::2%eth0'));
});
