import { describe, expect, test } from 'vitest';
import { gapEstimate, medianEstimate } from '../../../src/dht/size-estimate.ts';
import { hashToId, type Id } from '../../../src/record/id.ts';

/** `count` members, and for each its own estimate from `k` gaps clockwise. */
const estimates = (count: number, k: number): readonly number[] => {
  const ids = Array.from({ length: count }, (_, index) => hashToId(Buffer.from(`member ${index}`))).sort();
  return ids.map((_, at) =>
    gapEstimate(
      Array.from({ length: k + 1 }, (_gap, step) => ids[(at + step) % count] ?? ids[0]).flatMap(
        (id) => id ?? [],
      ),
    ),
  );
};
const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? Number.NaN;

describe('the size estimate', () => {
  test('of one node from eight gaps: 90 % within 0.53 to 1.69 of N (research A.6)', () => {
    const values = estimates(1000, 8);
    expect(quantile(values, 0.05)).toBeGreaterThan(450);
    expect(quantile(values, 0.95)).toBeLessThan(1800);
    expect(quantile(values, 0.5)).toBeGreaterThan(800);
    expect(quantile(values, 0.5)).toBeLessThan(1200);
  });

  test('the median of ten: nearly always within a third of N', () => {
    const values = estimates(1000, 8);
    const medians = values.map((own, index) =>
      medianEstimate(
        own,
        Array.from({ length: 10 }, (_, j) => values[(index + 97 * (j + 1)) % 1000] ?? own),
      ),
    );
    expect(quantile(medians, 0.05)).toBeGreaterThan(667);
    expect(quantile(medians, 0.95)).toBeLessThan(1333);
  });

  test.each<[string, readonly Id[], number]>([
    ['nobody', [], 0],
    ['ourselves', [hashToId(Buffer.from('a'))], 1],
    ['two', [hashToId(Buffer.from('a')), hashToId(Buffer.from('b'))], 2],
  ])('of a chain too short to say anything: its length (%s)', (_, chain, expected) => {
    expect(gapEstimate(chain)).toBe(expected);
  });

  test('what is no estimate is not counted, and one liar does not move the median far', () => {
    expect(medianEstimate(10, [Number.NaN, -5, Number.POSITIVE_INFINITY, 0])).toBe(10);
    expect(medianEstimate(10, [9, 11, 1e15])).toBeLessThanOrEqual(11);
  });
});
