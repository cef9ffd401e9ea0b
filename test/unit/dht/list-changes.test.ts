import { describe, expect, test } from 'vitest';
import { filledIn, ListChanges } from '../../../src/dht/list-changes.ts';
import type { Answer, Peer } from '../../../src/dht/types.ts';
import { atlanta, biloxi, chicago, samplePeer } from '../../support/lsp-samples.ts';

type Neighbours = Extract<Answer, { type: 'neighbours' }>;

const denver = samplePeer('denver.com');
const again = samplePeer('denver.com', undefined, { bootSequence: 2 });

const told = (
  ringVersion: number,
  predecessors: readonly Peer[],
  successors: readonly Peer[],
): Neighbours => ({
  type: 'neighbours',
  mode: 'full',
  ringVersion,
  self: atlanta,
  predecessors,
  successors,
  gone: [],
});

/** What somebody makes of the answer to its question since `earlier`. */
const heard = (changes: ListChanges, earlier: Neighbours, now: Neighbours): Neighbours | undefined => {
  const { ringVersion, gone } = now;
  return filledIn(earlier, {
    type: 'changed',
    ringVersion,
    gone,
    ...changes.since(earlier.ringVersion, now),
  });
};

describe('what changed in the lists since they were told', () => {
  test('has the descriptors of those only that came since', () => {
    const changes = new ListChanges();
    const first = told(1, [denver], [biloxi]);
    const now = told(2, [biloxi], [chicago, denver]);
    changes.note(first, 1);
    changes.note(now, 2);
    expect(changes.since(1, now).peers).toEqual([chicago]);
    expect(heard(changes, first, now)).toEqual(now);
  });

  test('one in both lists is described once', () => {
    const changes = new ListChanges();
    const now = told(2, [chicago], [chicago]);
    changes.note(now, 2);
    expect(changes.since(1, now).peers).toEqual([chicago]);
  });

  test('who left and came again is described again to who was told before', () => {
    const changes = new ListChanges();
    const [first, without, now] = [told(1, [], [biloxi]), told(2, [], []), told(3, [], [biloxi])];
    changes.note(first, 1);
    changes.note(without, 2);
    changes.note(now, 3);
    expect(changes.since(1, now).peers).toEqual([biloxi]);
    expect(heard(changes, without, now)).toEqual(now);
  });

  test('another life of a member is new', () => {
    const changes = new ListChanges();
    const [first, now] = [told(1, [], [denver]), told(2, [], [again])];
    changes.note(first, 1);
    changes.note(now, 2);
    expect(changes.since(1, now).peers).toEqual([again]);
    expect(heard(changes, first, now)).toEqual(now);
  });

  test('what does not fit the earlier answer is no answer', () => {
    const changes = new ListChanges();
    const now = told(2, [], [biloxi, chicago]);
    changes.note(told(1, [], [biloxi, chicago]), 1);
    expect(heard(changes, told(1, [], [biloxi]), now)).toBeUndefined();
  });
});
