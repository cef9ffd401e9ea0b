// Rings beyond successors + 1: Zave's lists, the change of modes both ways, joins and deaths at once, rings that meet.
import { describe, expect, test } from 'vitest';
import { lookup } from '../../../src/dht/lookup.ts';
import { hashToId } from '../../../src/record/id.ts';
import { at, hostOf, idealReplicas, SimRing } from '../../support/sim-ring.ts';

const grow = async (ring: SimRing, from: number, to: number, gapMs = 200): Promise<void> => {
  for (let index = from; index < to; index += 1) {
    await ring.start(`n${index}`, hostOf(index), [at(hostOf(0)), at(hostOf(1))]);
    await ring.world.runFor(gapMs);
  }
};

/** Every node's idea of who holds a key, where it has one, is the truth. */
const checkReplicaSets = (ring: SimRing, keys: number): void => {
  for (let index = 0; index < keys; index += 1) {
    const key = hashToId(Buffer.from(`key ${index}`));
    const ideal = idealReplicas(ring.alive, key, 3);
    for (const { ring: node } of ring.alive) {
      const believed = node.replicaSet(key).map(({ id }) => id);
      if (believed.length > 0) expect(believed).toEqual(ideal);
      expect(node.isMine(key)).toBe(ideal.includes(node.self.id));
      if (node.isMine(key)) expect(believed).toEqual(ideal);
    }
  }
};

describe.each([1, 2])('modes, seed %i', (seed) => {
  test('8 grow to 12 and shrink to 8: small, full, small again, an ideal ring each time', async () => {
    const ring = new SimRing(seed);
    await grow(ring, 0, 8);
    await ring.settled(60_000);
    expect(ring.alive.map(({ ring: node }) => node.mode)).toEqual(new Array(8).fill('small'));
    await grow(ring, 8, 12);
    await ring.settled(120_000);
    expect(ring.alive.map(({ ring: node }) => node.mode)).toEqual(new Array(12).fill('full'));
    checkReplicaSets(ring, 40);
    for (const index of [3, 7, 9, 11]) {
      ring.kill(`n${index}`);
      await ring.world.runFor(5000);
    }
    await ring.settled(120_000);
    expect(ring.alive.map(({ ring: node }) => node.mode)).toEqual(new Array(8).fill('small'));
    checkReplicaSets(ring, 40);
    expect(ring.faults).toEqual([]);
  });

  test('back and forth over the border with loss: no fault, and ideal in the end', async () => {
    const ring = new SimRing(seed, { successors: 4, link: { loss: 0.05 } });
    await grow(ring, 0, 5);
    await ring.settled(60_000);
    for (let round = 0; round < 3; round += 1) {
      await grow(ring, 5, 7, 1000);
      await ring.world.runFor(15_000);
      ring.kill('n5');
      await ring.leave('n6');
      await ring.world.runFor(20_000);
    }
    await ring.settled(120_000);
    expect(ring.faults).toEqual([]);
  });
});

describe.each([1])('a ring of 20, seed %i', (seed) => {
  const start = async (): Promise<SimRing> => {
    const ring = new SimRing(seed);
    await grow(ring, 0, 20, 100);
    await ring.settled(180_000);
    return ring;
  };

  test('forms, knows who holds what, finds any key, and knows how large it is', async () => {
    const ring = await start();
    checkReplicaSets(ring, 30);
    for (let index = 0; index < 10; index += 1) {
      const key = hashToId(Buffer.from(`key ${index}`));
      const { ring: from, rpc, process } = ring.node(`n${index}`);
      const found = await ring.world.settle(
        lookup(
          {
            clock: process.clock,
            sizeEstimate: from.sizeEstimate(),
            ask: (peer, request) => rpc.call(peer.endpoints[0] ?? at('0.0.0.0'), request),
          },
          key,
          from.closestPreceding(key),
          5000,
        ),
      );
      expect(found.replicas.map(({ id }) => id)).toEqual(idealReplicas(ring.alive, key, 3));
    }
    // Research H, property 10: within [0.6, 1.6] × N.
    for (const { ring: node } of ring.alive) {
      expect(node.sizeEstimate()).toBeGreaterThan(12);
      expect(node.sizeEstimate()).toBeLessThan(32);
    }
    expect(ring.faults).toEqual([]);
  });

  test('five die and five join at once: ideal again', async () => {
    const ring = await start();
    for (const index of [4, 5, 12, 13, 19]) ring.kill(`n${index}`);
    await grow(ring, 20, 25, 50);
    await ring.settled(180_000);
    checkReplicaSets(ring, 20);
    expect(ring.faults).toEqual([]);
  });

  test('a partition into halves heals to one ring', async () => {
    const ring = await start();
    const hosts = ring.alive.map(({ host }) => host);
    ring.world.network.partition(hosts.slice(0, 10), hosts.slice(10));
    await ring.world.runFor(60_000);
    for (const side of [ring.alive.slice(0, 10), ring.alive.slice(10)])
      expect(ring.defect(side)).toBeUndefined();
    ring.world.network.heal();
    await ring.settled(180_000);
    expect(ring.faults).toEqual([]);
  });
});

test('a settled ring of 20 is quiet: fewer than 10 datagrams a second and member', async () => {
  const ring = new SimRing(3);
  await grow(ring, 0, 20, 100);
  await ring.settled(180_000);
  await ring.world.runFor(60_000);
  const before = ring.world.network.counts.sent;
  await ring.world.runFor(60_000);
  expect((ring.world.network.counts.sent - before) / 60 / 20).toBeLessThan(10);
});
