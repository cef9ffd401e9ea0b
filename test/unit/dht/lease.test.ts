import { describe, expect, test } from 'vitest';
import { leaseClockAt, leaseHolds, observeClocks } from '../../../src/dht/lease.ts';

const clock = leaseClockAt(1000, 1_700_000_001_000);
const times = { nowMs: 20_000, leaseMs: 15_000 };

describe('the authority lease', () => {
  test.each([
    ['both neighbours recognised us lately', [6000, 19_000], true],
    ['one of them too long ago', [4999, 19_000], false],
    ['one of them never', [undefined, 19_000], false],
    ['exactly three periods ago', [5000, 5000], true],
    ['nobody else in the ring', [], true],
  ] as const)('%s', (_, recognised, holds) => {
    expect(leaseHolds(clock, recognised, times)).toBe(holds);
  });

  test.each([
    ['wall time jumps ahead by more than 5 s', 1_700_000_025_001, false],
    ['wall time jumps back by more than 5 s', 1_700_000_014_999, false],
    ['5 s are still drift', 1_700_000_025_000, true],
  ])('%s', (_, wallMs, holds) => {
    const seen = observeClocks(clock, 20_000, wallMs, 5000);
    expect(leaseHolds(seen, [19_000, 19_000], times)).toBe(holds);
  });

  test('after a jump only what was asked since counts', () => {
    const jumped = observeClocks(clock, 20_000, 1_700_000_999_000, 5000);
    expect(leaseHolds(jumped, [20_000, 20_100], { ...times, nowMs: 20_200 })).toBe(true);
    expect(leaseHolds(jumped, [20_000, 19_999], { ...times, nowMs: 20_200 })).toBe(false);
  });

  test('a jump is one jump: the new offset is what later times are compared with', () => {
    const jumped = observeClocks(clock, 20_000, 1_700_000_999_000, 5000);
    expect(observeClocks(jumped, 30_000, 1_700_001_009_000, 5000).voidBeforeMs).toBe(20_000);
  });
});
