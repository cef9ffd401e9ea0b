// The kinds of datagrams that the simulator counts, against every message there is.
import { expect, test } from 'vitest';
import { SimOverlay } from '../../../src/sim/sim-overlay.ts';
import { SimTraffic } from '../../../src/sim/sim-traffic.ts';

test('all that a ring sends is counted, by host and by kind', async () => {
  const overlay = new SimOverlay({ seed: 3 });
  const traffic = new SimTraffic();
  overlay.network.setTap((packet) => traffic.add(packet));
  await overlay.bootIdeal(3);
  await overlay.boot('late');
  await overlay.world.runFor(30_000);
  const { total, byKind } = traffic.sent();
  const { sent, bytes } = overlay.network.counts;
  expect(total).toEqual({ datagrams: sent, bytes });
  const kinds = [
    'cookie request',
    'challenge',
    'ping',
    'pong',
    'join',
    'joined',
    'notify',
    'neighbours',
    'around',
    'ok',
  ];
  expect([...byKind.keys()]).toEqual(expect.arrayContaining(kinds));
  expect([...byKind.keys()].filter((kind) => /\d|other|-/.test(kind))).toEqual([]);
  const hosts = overlay.members.map(({ host }) => traffic.sent(host).total.bytes);
  expect(hosts.reduce((sum, one) => sum + one, 0)).toBe(bytes);
  traffic.reset();
  expect(traffic.sent().total.datagrams).toBe(0);
});
