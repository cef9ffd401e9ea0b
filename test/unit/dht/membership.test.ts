import { describe, expect, test } from 'vitest';
import {
  afterLoss,
  afterReturn,
  type Departed,
  isMassLoss,
  judge,
  type LossWatch,
  NO_LOSS,
} from '../../../src/dht/membership.ts';
import type { Peer } from '../../../src/dht/types.ts';
import { hashToId, type Id } from '../../../src/record/id.ts';
import { atlanta } from '../../support/lsp-samples.ts';

const life = (bootSequence: number): Peer => ({ ...atlanta, bootSequence });
const departed = (bootSequence: number, cause: Departed['cause'] = 'silent', checkedMs = 0): Departed => ({
  peer: life(bootSequence),
  cause,
  atMs: 0,
  checkedMs,
});
const at = (nowMs: number) => ({ nowMs, revisitMs: 5000 });

describe('what hearsay is worth', () => {
  test.each([
    ['never heard of', undefined, undefined, 'verify'],
    ['a member of the same life', life(3), undefined, 'known'],
    ['a member of a later life', life(4), undefined, 'known'],
    ['a member of an earlier life', life(2), undefined, 'verify'],
    ['departed in a later life', undefined, departed(4), 'ignore'],
    ['departed in an earlier life', undefined, departed(2), 'verify'],
    ['departed silently in this life, long ago', undefined, departed(3), 'verify'],
    ['departed silently in this life, asked just now', undefined, departed(3, 'silent', 9000), 'ignore'],
    ['left in this life', undefined, departed(3, 'left'), 'ignore'],
    ['replaced in this life', undefined, departed(3, 'replaced'), 'ignore'],
  ] as const)('%s: %s', (_, member, gone, judgement) => {
    expect(judge(life(3), { member, departed: gone }, at(10_000))).toBe(judgement);
  });
});

describe('mass loss', () => {
  const ids = Array.from({ length: 10 }, (_, index) => hashToId(Buffer.from(String(index))));
  /** Loses the first `count` of `known` members (ourselves one of them), `gapMs` apart. */
  const lose = (known: number, count: number, gapMs = 100): LossWatch =>
    ids
      .slice(0, count)
      .reduce(
        (watch, id, index) =>
          afterLoss(watch, id, { nowMs: index * gapMs, hostsLeft: known - index - 1, repairMs: 60_000 }),
        NO_LOSS,
      );
  const idAt = (index: number): Id => ids[index] ?? hashToId(Buffer.from('none'));

  test.each([
    [2, 1, false],
    [3, 1, false],
    [3, 2, true],
    [5, 2, false],
    [5, 3, true],
    [9, 4, false],
    [9, 5, true],
  ])('of %i known members %i lost within a repair interval: %s', (known, count, massive) => {
    expect(isMassLoss(lose(known, count), 1000, 3_600_000)).toBe(massive);
  });

  test('the same number one by one, each repaired before the next, is none', () => {
    expect(isMassLoss(lose(5, 3, 61_000), 200_000, 3_600_000)).toBe(false);
  });

  test('over when half of them are back, or after the longest lifetime', () => {
    const lost = lose(5, 4);
    expect(isMassLoss(afterReturn(lost, idAt(0)), 1000, 3_600_000)).toBe(true);
    expect(isMassLoss(afterReturn(afterReturn(lost, idAt(0)), idAt(1)), 1000, 3_600_000)).toBe(false);
    expect(isMassLoss(lost, 3_600_300, 3_600_000)).toBe(false);
  });

  test('who is lost while it lasts is waited for, too', () => {
    const more = afterLoss(lose(5, 3), idAt(3), { nowMs: 100_000, hostsLeft: 1, repairMs: 60_000 });
    expect(isMassLoss(afterReturn(more, idAt(0)), 100_000, 3_600_000)).toBe(true);
  });
});
