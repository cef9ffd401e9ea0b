// How long a reader waits for whom, and whom it asks first.
import { describe, expect, test } from 'vitest';
import { PeerHealth } from '../../../src/dht/peer-health.ts';
import { simRandom } from '../../../src/sim/sim-random.ts';
import { SimWorld } from '../../../src/sim/sim-world.ts';
import { peerNamed } from '../../support/fake-peers.ts';

const [a, b, c] = ['a', 'b', 'c'].map((name) => peerNamed(name)) as [
  ReturnType<typeof peerNamed>,
  ReturnType<typeof peerNamed>,
  ReturnType<typeof peerNamed>,
];
const setUp = () => {
  const world = new SimWorld(1);
  return { world, health: new PeerHealth(world.boot('10.0.0.1').clock) };
};

describe('the wait before another one is asked', () => {
  test('is 300 ms while nobody has ever answered', () => {
    expect(setUp().health.hedgeMs(a.id)).toBe(300);
  });

  test('comes close to the round trip where that is steady, with room for a slow machine', () => {
    const { health } = setUp();
    for (let n = 0; n < 40; n += 1) health.answered(a.id, 100);
    expect(health.hedgeMs(a.id)).toBeCloseTo(110, 0);
  });

  test('for a peer never asked goes by what the others take', () => {
    const { health } = setUp();
    for (let n = 0; n < 40; n += 1) health.answered(n % 2 === 0 ? a.id : b.id, 95 + (n % 3) * 5);
    expect(health.hedgeMs(c.id)).toBeGreaterThan(100);
    expect(health.hedgeMs(c.id)).toBeLessThan(140);
  });

  test('is not three times its first round trip, where the others say how far they spread', () => {
    const { health } = setUp();
    for (let n = 0; n < 40; n += 1) health.answered(a.id, 100);
    health.answered(b.id, 90);
    expect(health.hedgeMs(b.id)).toBeLessThan(110);
  });

  test('has an upper bound', () => {
    const { health } = setUp();
    for (let n = 0; n < 40; n += 1) health.answered(a.id, 20_000);
    expect(health.hedgeMs(a.id)).toBe(1000);
  });

  test.each<[string, (uniform: number) => number]>([
    ['uniform', (u) => 80 + 40 * u],
    ['with an exponential tail', (u) => 50 - 30 * Math.log(1 - u)],
  ])('is passed by at most 2 %% of the answers of a live peer: %s', (_, rttOf) => {
    const { health } = setUp();
    const random = simRandom('hedge');
    let passed = 0;
    for (let n = 0; n < 20_000; n += 1) {
      const rttMs = rttOf(random.float());
      if (n >= 1000 && rttMs > health.hedgeMs(a.id)) passed += 1;
      health.answered(a.id, rttMs);
    }
    expect(passed / 19_000).toBeLessThan(0.02);
  });
});

describe('the order of asking', () => {
  test('ourselves, then the fastest, last who missed its time, for ten seconds', async () => {
    const { world, health } = setUp();
    health.answered(a.id, 10);
    health.answered(b.id, 50);
    health.missed(a.id);
    expect(health.inReadOrder([a, b, c], (id) => id === c.id)).toEqual([c, b, a]);
    await world.runFor(10_001);
    expect(health.inReadOrder([a, b, c], (id) => id === c.id)).toEqual([c, a, b]);
  });
});
