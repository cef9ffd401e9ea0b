import { describe, expect, test } from 'vitest';
import { HybridClock, versionFromMs, versionMs } from '../../../src/record/hybrid-clock.ts';

const SKEW = 60_000;
const T = 1_800_000_000_000;

describe('the hybrid clock', () => {
  test('follows the wall clock and counts within a millisecond', () => {
    const clock = new HybridClock({ skewMs: SKEW });
    expect([clock.next(T), clock.next(T), clock.next(T + 1)]).toEqual([
      versionFromMs(T),
      versionFromMs(T) + 1n,
      versionFromMs(T + 1),
    ]);
  });

  test('moves past what it observed, and stays there while the wall clock is behind', () => {
    const clock = new HybridClock({ skewMs: SKEW });
    expect(clock.observe(versionFromMs(T + 40_000), T)).toBe(true);
    expect(clock.next(T)).toBe(versionFromMs(T + 40_000) + 1n);
    expect(clock.next(T + 1)).toBe(versionFromMs(T + 40_000) + 2n);
  });

  test('is not dragged more than SKEW ahead', () => {
    const clock = new HybridClock({ skewMs: SKEW });
    expect(clock.observe(versionFromMs(T + SKEW + 1), T)).toBe(false);
    expect(clock.next(T)).toBe(versionFromMs(T));
  });

  test('starts again at the wall clock when that was set back further than SKEW', () => {
    const clock = new HybridClock({ skewMs: SKEW });
    clock.next(T);
    const after = clock.next(T - 10 * SKEW);
    expect(versionMs(after)).toBe(T - 10 * SKEW);
    expect(clock.next(T - 10 * SKEW)).toBeGreaterThan(after);
  });
});
