// How evenly keys fall on nodes (SIGCOMM 2001, Figures 8 and 9; ToN 2003, Figures 8 and 9), with ids and keys as LSP makes them.
import { describe, expect, test, vi } from 'vitest';
import { keyOf } from '../../../src/record/keys.ts';
import { FULL, figure, quantile } from '../../support/figures.ts';
import { memberIds } from '../../support/routing-ring.ts';

vi.setConfig({ testTimeout: 120_000 });

const NODES = FULL ? 10_000 : 2000;

// BOUNDED: made once, for all tests.
const keys: string[] = [];
const keysOf = (count: number): readonly string[] => {
  while (keys.length < count)
    keys.push(keyOf({ scheme: 'sip', user: `user${keys.length}`, domain: 'example.com' }));
  return keys.slice(0, count);
};

/** Keys on each node, as shares of the mean, ascending. */
const loads = (vnodes: number, keysPerNode: number): readonly number[] => {
  const ids = memberIds(NODES, vnodes).map((id, index) => ({ id, node: Math.floor(index / vnodes) }));
  ids.sort((a, b) => (a.id < b.id ? -1 : 1));
  const counts = new Array<number>(NODES).fill(0);
  let at = 0;
  for (const key of [...keysOf(NODES * keysPerNode)].sort()) {
    while ((ids[at]?.id ?? '~') < key) at += 1;
    const node = (ids[at] ?? ids[0])?.node ?? 0;
    counts[node] = (counts[node] ?? 0) + 1;
  }
  return counts.map((count) => count / keysPerNode).sort((a, b) => a - b);
};

describe('ToN Figure 8: keys per node without virtual nodes, 50 keys a node', () => {
  test('the 99th percentile is 4.2 to 5.0 times the mean, the first next to nothing', () => {
    const load = loads(1, 50);
    figure(`Figure 8, N = ${NODES}`, quantile(load, 0.01), quantile(load, 0.99), load.at(-1) ?? 0);
    expect(quantile(load, 0.99)).toBeGreaterThan(4.2);
    expect(quantile(load, 0.99)).toBeLessThan(5);
    expect(quantile(load, 0.01)).toBeLessThan(0.1);
  });
});

describe('ToN Figure 9: virtual nodes even the load out, 100 keys a node', () => {
  // What the published plot and its repetition give for the first and the 99th percentile.
  test.each([
    [1, 0.02, 4.6],
    [2, 0.07, 3.33],
    [5, 0.26, 2.32],
    [10, 0.41, 1.88],
    [16, 0.52, 1.68],
    [20, 0.56, 1.61],
  ])('%i ids a node: %f to %f times the mean', (vnodes, first, last) => {
    const load = loads(vnodes, FULL ? 100 : 50);
    figure(`Figure 9 v=${vnodes}`, quantile(load, 0.01), quantile(load, 0.99));
    expect(Math.abs(quantile(load, 0.01) - first)).toBeLessThan(0.12);
    expect(Math.abs(quantile(load, 0.99) / last - 1)).toBeLessThan(0.12);
    if (vnodes < 20) return;
    expect(quantile(load, 0.99)).toBeLessThanOrEqual(1.75);
    expect(quantile(load, 0.01)).toBeGreaterThanOrEqual(0.45);
  });
});
