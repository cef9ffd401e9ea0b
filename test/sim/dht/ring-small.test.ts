// Rings of up to nine: the shape that most real rings have.
import { describe, expect, test } from 'vitest';
import { simRandom } from '../../../src/sim/sim-random.ts';
import { at, hostOf, SimRing } from '../../support/sim-ring.ts';

const SEEDS = [1, 2, 3];
const names = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `n${i}`);
const shuffled = <T>(items: readonly T[], seed: number): readonly T[] => {
  const random = simRandom(`order ${seed}`);
  const rest = [...items];
  const out: T[] = [];
  while (rest.length > 0) out.push(...rest.splice(Math.floor(random.float() * rest.length), 1));
  return out;
};
const seedsOf = (count: number) => Array.from({ length: Math.min(2, count) }, (_, i) => at(hostOf(i)));

/** `count` nodes, the first two are everybody's seeds, started in a random order within three seconds. */
const started = async (count: number, seed: number, options = {}): Promise<SimRing> => {
  const ring = new SimRing(seed, options);
  for (const name of shuffled(names(count), seed)) {
    await ring.start(name, hostOf(Number(name.slice(1))), seedsOf(count));
    await ring.world.runFor(300);
  }
  return ring;
};

describe.each(SEEDS)('a small ring, seed %i', (seed) => {
  test.each([1, 2, 3, 4, 5, 7, 9])('%i nodes started in any order become one ideal ring', async (count) => {
    const ring = await started(count, seed);
    await ring.settled(60_000);
    expect(ring.alive.every((node) => node.ring.ready)).toBe(true);
    expect(ring.faults).toEqual([]);
  });
});
