import { describe, expect, test } from 'vitest';
import { pcapHeader, pcapRecord } from '../../../src/sip/pcap.ts';
import { readPcap } from '../../support/pcap-reader.ts';

const captured = (from: string, to: string, payload: Uint8Array = Buffer.from('REGISTER')) =>
  readPcap(
    Buffer.concat([
      pcapHeader(),
      pcapRecord({
        wallMs: 1_767_225_600_123.25,
        from: { host: from, port: 40_000 },
        to: { host: to, port: 5061 },
        payload,
      }),
    ]),
  );

describe('a record', () => {
  test.each([
    ['192.0.2.4', '198.51.100.1', '192.0.2.4 40000', '198.51.100.1 5061'],
    ['2001:db8::1', '::1', '2001:db8:0:0:0:0:0:1 40000', '0:0:0:0:0:0:0:1 5061'],
    ['fe80::1:2%eth0', '::', 'fe80:0:0:0:0:0:1:2 40000', '0:0:0:0:0:0:0:0 5061'],
    [
      '2001:db8:1:2:3:4:5:6',
      '64:ff9b::192.0.2.1',
      '2001:db8:1:2:3:4:5:6 40000',
      '64:ff9b:0:0:0:0:c000:201 5061',
    ],
  ])(
    'from %s to %s has the addresses, ports, lengths and checksums of a datagram',
    (from, to, source, target) => {
      expect(captured(from, to)).toEqual([
        { wallMs: 1_767_225_600_123.25, from: source, to: target, text: 'REGISTER' },
      ]);
    },
  );

  test.each([0, 1, 2, 3, 1000, 1001])('holds %d bytes as they are', (length) => {
    const payload = Buffer.from(Array.from({ length }, (_, index) => (index * 37) % 256));
    expect(captured('192.0.2.4', '192.0.2.5', payload)[0]?.text).toBe(payload.toString('latin1'));
  });

  test.each([
    ['192.0.2.4', '192.0.2.5', 65_507],
    ['2001:db8::1', '2001:db8::2', 65_487],
  ])('of what no datagram from %s to %s holds is cut to %d bytes', (from, to, bytes) => {
    expect(captured(from, to, Buffer.alloc(70_000, 'x'))[0]?.text).toHaveLength(bytes);
  });
});
