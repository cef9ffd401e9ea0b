import { describe, expect, test } from 'vitest';
import {
  adoptPredecessors,
  adoptSuccessors,
  belongsIn,
  isBetterPredecessor,
  isBetterSuccessor,
  NO_LISTS,
  type RingLists,
  rectify,
  renewed,
  replicasAmong,
  skipsPredecessor,
  without,
} from '../../../src/dht/ring-state.ts';
import type { Peer } from '../../../src/dht/types.ts';
import { type Id, idFromBytes } from '../../../src/record/id.ts';
import { atlanta } from '../../support/lsp-samples.ts';

const idOf = (first: number): Id => {
  const bytes = new Uint8Array(20);
  bytes[0] = first;
  return idFromBytes(bytes);
};
const peer = (first: number, bootSequence = 1): Peer => ({
  ...atlanta,
  id: idOf(first),
  domain: `${first}.example`,
  bootSequence,
});
const peers = (...firsts: readonly number[]): readonly Peer[] => firsts.map((first) => peer(first));
const firsts = (list: readonly Peer[]): readonly number[] =>
  list.map(({ id }) => Number.parseInt(id.slice(0, 2), 16));
const self = idOf(100);
const lists = (successors: readonly number[], predecessors: readonly number[]): RingLists => ({
  successors: peers(...successors),
  predecessors: peers(...predecessors),
});

describe('adopting a list', () => {
  test.each([
    ['whole', 120, [150, 200, 20], 4, [120, 150, 200, 20], false],
    ['cut to its length', 120, [150, 200, 20], 2, [120, 150], false],
    ['cut where it comes back to us', 120, [50, 100, 120], 4, [120, 50], true],
    ['without what is out of order', 120, [110, 150, 130, 200], 4, [120, 150, 200], false],
    ['without doubles', 120, [120, 150, 150], 4, [120, 150], false],
    ['of a ring of two', 120, [100], 4, [120], true],
  ])('%s', (_, head, tail, max, expected, wrapped) => {
    const adopted = adoptSuccessors(self, peer(head), peers(...tail), max);
    expect([firsts(adopted.peers), adopted.wrapped]).toEqual([expected, wrapped]);
  });

  test.each([
    ['counter-clockwise', 80, [50, 20, 200], 3, [80, 50, 20]],
    ['cut where it comes back to us', 80, [150, 100, 80], 3, [80, 150]],
    ['without what is out of order', 80, [90, 50], 3, [80, 50]],
  ])('of predecessors, %s', (_, head, tail, max, expected) => {
    expect(firsts(adoptPredecessors(self, peer(head), peers(...tail), max))).toEqual(expected);
  });
});

describe('stabilise and rectify', () => {
  test.each([
    [lists([150], []), 120, true],
    [lists([150], []), 150, false],
    [lists([150], []), 200, false],
    [lists([50], []), 200, true],
    [NO_LISTS, 7, true],
    [NO_LISTS, 100, false],
  ])('%#: is it a better successor', (state, candidate, better) => {
    expect(isBetterSuccessor(self, state, idOf(candidate))).toBe(better);
  });

  test.each([
    [lists([], [50]), 80, true],
    [lists([], [50]), 20, false],
    [lists([], [200]), 20, true],
    [NO_LISTS, 7, true],
    [NO_LISTS, 100, false],
  ])('%#: is it a better predecessor', (state, candidate, better) => {
    expect(isBetterPredecessor(self, state, idOf(candidate))).toBe(better);
  });

  test('a notifier takes its place among the predecessors, ourselves never', () => {
    const state = lists([150], [80, 20]);
    expect(firsts(rectify(self, state, peer(50), 3).predecessors)).toEqual([80, 50, 20]);
    expect(firsts(rectify(self, state, peer(90), 2).predecessors)).toEqual([90, 80]);
    expect(firsts(rectify(self, state, peer(80), 3).predecessors)).toEqual([80, 20]);
    expect(rectify(self, state, peer(100), 3)).toBe(state);
  });

  test.each([
    ['among the successors', lists([120, 150], [80, 50]), 130, true],
    ['among the predecessors', lists([120, 150], [80, 50]), 60, true],
    ['further than full lists reach', lists([120, 150], [80, 50]), 200, false],
    ['in a list already', lists([120, 150], [80, 50]), 50, false],
    ['where a list is short', lists([120], [80, 50]), 200, true],
    ['ourselves', NO_LISTS, 100, false],
  ])('what belongs in the lists and is not there, %s', (_, state, candidate, expected) => {
    const room = { successors: 2, predecessors: 2 };
    expect(belongsIn(self, state, idOf(candidate), room)).toBe(expected);
  });

  test('a predecessor is passed over only within what the list reaches', () => {
    const state = lists([150], [80, 20]);
    expect([90, 80, 50, 10].map((first) => skipsPredecessor(self, state, idOf(first)))).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test('the dead leave both lists; a newer life takes the place of the old one, an older does not', () => {
    const state = lists([150, 200], [50, 200]);
    expect(without(state, idOf(200))).toEqual(lists([150], [50]));
    expect(renewed(state, peer(200, 2)).successors[1]?.bootSequence).toBe(2);
    expect(renewed(state, peer(200, 0)).predecessors[1]?.bootSequence).toBe(1);
  });
});

describe('who holds a key, as far as our surroundings tell', () => {
  const around = lists([120, 150, 200], [80, 50, 20]);
  test.each([
    [110, [120, 150, 200]],
    [100, [100, 120, 150]],
    [90, [100, 120, 150]],
    [80, [80, 100, 120]],
    [21, [50, 80, 100]],
    [20, []],
    [10, []],
    [130, []],
    [201, []],
  ])('key %i: %j', (key, expected) => {
    expect(firsts(replicasAmong({ ...peer(100) }, around, idOf(key), { count: 3, allMin: 8 }))).toEqual(
      expected,
    );
  });

  test('nothing without a predecessor', () => {
    expect(replicasAmong(peer(100), lists([120, 150, 200], []), idOf(90), { count: 3, allMin: 8 })).toEqual(
      [],
    );
  });
});
