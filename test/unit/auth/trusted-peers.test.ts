import { expect, test } from 'vitest';
import { createPeers } from '../../../src/auth/trusted-peers.ts';
import type { Transport } from '../../../src/sip/types.ts';

const isPeer = createPeers(['192.0.2.50', 'tcp:198.51.100.0/28', 'fd00::/64', 'tls:fd01::1']);

test.each<[Transport, string, boolean]>([
  ['udp', '192.0.2.50', true],
  ['wss', '192.0.2.50', true],
  ['udp', '::ffff:192.0.2.50', true],
  ['udp', '192.0.2.51', false],
  ['tcp', '198.51.100.15', true],
  ['tcp', '198.51.100.16', false],
  // Whoever likes writes any source address into a datagram.
  ['udp', '198.51.100.15', false],
  ['tls', '198.51.100.15', false],
  ['udp', 'fd00::7', true],
  ['tls', 'fd01::1', true],
  ['tcp', 'fd01::1', false],
])('over %s from %s: %s', (transport, host, answer) => {
  expect(isPeer({ transport, remote: { host, port: 5060 } })).toBe(answer);
});

test('nobody is one without a list', () => {
  expect(createPeers([])({ transport: 'udp', remote: { host: '127.0.0.1', port: 5060 } })).toBe(false);
});
