// The size estimate over ideal rings of 1,000 (docs/figures.md): of one node, by its gaps, and the median of ten nodes'.
import { describe, expect, test, vi } from 'vitest';
import { gapEstimate, medianEstimate } from '../../../src/dht/size-estimate.ts';
import type { Id } from '../../../src/record/id.ts';
import { randomBelow } from '../../../src/runtime/random.ts';
import { simRandom } from '../../../src/sim/sim-random.ts';
import { FULL, figure, quantile } from '../../support/figures.ts';
import { memberIds } from '../../support/routing-ring.ts';

vi.setConfig({ testTimeout: 120_000 });

const NODES = 1000;
const RINGS = FULL ? 50 : 8;
const random = simRandom('size');

/** For each ring every node's estimate from `gaps` consecutive gaps around it, as a share of N. */
const estimates = (gaps: number): readonly (readonly number[])[] =>
  Array.from({ length: RINGS }, (_, ring) => {
    const ids = [...memberIds(NODES, 1, `ring ${ring}`)].sort();
    const at = (index: number): readonly Id[] => ids.slice(index % NODES, (index % NODES) + 1);
    return ids.map((_id, index) => {
      const chain = Array.from({ length: gaps + 1 }, (_gap, step) => at(index + step)).flat();
      return gapEstimate(chain) / NODES;
    });
  });

const mediansOfTen = (values: readonly (readonly number[])[]): readonly number[] =>
  values.flatMap((ring) =>
    ring.map((own) => {
      const others = Array.from({ length: 9 }, () => (ring[randomBelow(random, ring.length)] ?? own) * NODES);
      return medianEstimate(own * NODES, others) / NODES;
    }),
  );

describe('size estimate of 1,000 nodes: 90 % of all lie between', () => {
  test.each([
    [4, 0.38, 2.23],
    [8, 0.53, 1.69],
    // What a node has: eight successors and three predecessors.
    [11, 0.58, 1.58],
    [16, 0.64, 1.47],
    [32, 0.74, 1.34],
  ])('%i gaps of one node: %f and %f', (gaps, low, high) => {
    const values = estimates(gaps).flat();
    figure(`one node, ${gaps} gaps`, quantile(values, 0.05), quantile(values, 0.5), quantile(values, 0.95));
    expect(Math.abs(quantile(values, 0.05) - low)).toBeLessThan(0.07);
    expect(Math.abs(quantile(values, 0.95) / high - 1)).toBeLessThan(0.1);
  });

  test.each([
    [8, 0.75, 1.21],
    [11, 0.79, 1.2],
    [16, 0.84, 1.18],
  ])('the median of ten, %i gaps each: %f and %f', (gaps, low, high) => {
    const values = mediansOfTen(estimates(gaps));
    figure(`median of ten, ${gaps} gaps`, quantile(values, 0.05), quantile(values, 0.95));
    expect(Math.abs(quantile(values, 0.05) - low)).toBeLessThan(0.07);
    expect(Math.abs(quantile(values, 0.95) / high - 1)).toBeLessThan(0.1);
    expect(quantile(values, 0.001)).toBeGreaterThan(0.55);
    expect(quantile(values, 0.999)).toBeLessThan(1.7);
  });
});
