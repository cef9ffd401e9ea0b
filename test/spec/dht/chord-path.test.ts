// Chord's path lengths (Stoica et al., ToN 11(1) 2003, Figure 10) with the node's own lists, fingers and lookup.
import { describe, expect, test, vi } from 'vitest';
import { addPower } from '../../../src/record/id.ts';
import { FULL, figure, mean, quantile } from '../../support/figures.ts';
import { RoutingRing, runLookups } from '../../support/routing-ring.ts';

vi.setConfig({ testTimeout: 120_000 });

const POWERS = FULL ? [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14] : [4, 6, 8, 10, 12, 14];
const LOOKUPS = FULL ? 5000 : 1000;

/** Questions asked one after the other before the owner is known. */
const paths = async (ring: RoutingRing): Promise<readonly number[]> => {
  const looked = await runLookups(ring, { lookups: LOOKUPS });
  // In an ideal ring each names the true owner.
  for (const { key, replicas } of looked) expect(replicas).toEqual(ring.replicaSet(key));
  return looked.map(({ roundTrips }) => roundTrips);
};

describe('ToN Figure 10(a): path length over the number of nodes', () => {
  test.each(POWERS)('as published (fingers n + 2^i, one successor), N = 2^%i: ½·log₂N', async (power) => {
    const ring = new RoutingRing({
      seed: `10a ${power}`,
      count: 2 ** power,
      successors: 1,
      replicas: 1,
      known: (of, self) =>
        Array.from({ length: power + 2 }, (_, level) =>
          of.at(of.ownerOf(addPower(of.at(self).id, 159 - level))),
        ),
    });
    const path = await paths(ring);
    figure(`10(a) published 2^${power}`, mean(path), quantile(path, 0.01), quantile(path, 0.99));
    expect(Math.abs(mean(path) - power / 2)).toBeLessThan(0.5);
    expect(quantile(path, 0.99)).toBeLessThanOrEqual(power);
  });

  test.each(POWERS)(
    'as a node has it (r = 8, fingers random in their interval), N = 2^%i: less',
    async (power) => {
      const ring = new RoutingRing({ seed: `10a ${power}`, count: 2 ** power, successors: 8, replicas: 3 });
      const path = await paths(ring);
      figure(`10(a) r=8 2^${power}`, mean(path), quantile(path, 0.01), quantile(path, 0.99));
      expect(mean(path)).toBeLessThan(power / 2 - 1);
      expect(mean(path)).toBeGreaterThan(power / 2 - 2.1);
      expect(quantile(path, 0.99)).toBeLessThanOrEqual(power);
    },
  );
});

describe('ToN Figure 10(b): distribution of the path length in a ring of 2^12', () => {
  test('as published: its peak is at 6', async () => {
    const ring = new RoutingRing({
      seed: '10b',
      count: 4096,
      successors: 1,
      replicas: 1,
      known: (of, self) =>
        Array.from({ length: 14 }, (_, level) => of.at(of.ownerOf(addPower(of.at(self).id, 159 - level)))),
    });
    const path = await paths(ring);
    const counts = Array.from({ length: 13 }, (_, length) => path.filter((one) => one === length).length);
    figure('10(b) share of each length', ...counts.map((count) => count / path.length));
    expect(counts.indexOf(Math.max(...counts))).toBeGreaterThanOrEqual(5);
    expect(counts.indexOf(Math.max(...counts))).toBeLessThanOrEqual(6);
  });
});

// Four exchanges and one with the successor at about 60 ms each: 285 ms measured by the authors, 300 expected.
describe('ToN Section VI (Internet prototype): latency of a lookup among 180 nodes', () => {
  test('iterative, round trips of 60 ms, one successor: a median of 240 to 330 ms with the fetch', async () => {
    const ring = new RoutingRing({ seed: 'ron', count: 180, successors: 1, replicas: 1 });
    const looked = await runLookups(ring, { lookups: LOOKUPS, rttMs: 60 });
    const total = looked.map(({ ms }) => ms + 60);
    figure('prototype, N = 180', quantile(total, 0.05), quantile(total, 0.5), quantile(total, 0.95));
    expect(quantile(total, 0.5)).toBeGreaterThanOrEqual(240);
    expect(quantile(total, 0.5)).toBeLessThanOrEqual(330);
  });
});
