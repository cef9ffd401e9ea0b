// Zave's corrected Chord as pure functions over the lists of one node (research B.2–B.5; "How to Make Chord Correct").
import { between, clockwiseFrom, type Id } from '../record/id.ts';
import { firstHosts } from './hosts.ts';
import { membersFrom } from './range.ts';
import type { Peer } from './types.ts';

/** Both closest first. Never ourselves, never anybody twice (RFC 6940 §10.7.3: leave the entries empty instead). */
export interface RingLists {
  readonly successors: readonly Peer[];
  readonly predecessors: readonly Peer[];
}

export const NO_LISTS: RingLists = { successors: [], predecessors: [] };

const inOrder = (
  self: Id,
  peers: readonly Peer[],
  follows: (a: Id, x: Id, end: Id) => boolean,
  max: number,
): { readonly peers: readonly Peer[]; readonly wrapped: boolean } => {
  const out: Peer[] = [];
  let last = self;
  for (const peer of peers) {
    if (peer.id === self) return { peers: out, wrapped: true };
    // A list that doubles back was not taken from one node at one moment: what is out of order is left out.
    if (!follows(last, peer.id, self)) continue;
    if (out.length >= max) break;
    out.push(peer);
    last = peer.id;
  }
  return { peers: out, wrapped: false };
};

/**
 * STABILIZE: "t.succ := [s] ++ dropLast(s.succ)". The head has just answered, its tail comes whole with it; cut where it
 * comes back to us. `wrapped`: it did, so the list is the whole ring.
 */
export const adoptSuccessors = (
  self: Id,
  head: Peer,
  tail: readonly Peer[],
  max: number,
): { readonly peers: readonly Peer[]; readonly wrapped: boolean } =>
  inOrder(self, [head, ...tail], between, max);

/** The same, counter-clockwise: `tail` is the head's own predecessor list, of those we have heard ourselves. */
export const adoptPredecessors = (
  self: Id,
  head: Peer,
  tail: readonly Peer[],
  max: number,
): readonly Peer[] => inOrder(self, [head, ...tail], (last, id, end) => between(end, id, last), max).peers;

/** STABILIZE: "if between(t, p, s)". True as well when there is no successor at all. */
export const isBetterSuccessor = (self: Id, lists: RingLists, candidate: Id): boolean => {
  const head = lists.successors[0];
  return candidate !== self && (head === undefined || between(self, candidate, head.id));
};

/** RECTIFY: "if between(r.prdc, n, r)". True as well when there is no predecessor. */
export const isBetterPredecessor = (self: Id, lists: RingLists, candidate: Id): boolean => {
  const head = lists.predecessors[0];
  return candidate !== self && (head === undefined || between(head.id, candidate, self));
};

/** Does it lie within what a list (closest first) reaches over, without being in it? */
const skips = (peers: readonly Peer[], id: Id, within: (furthest: Id) => boolean): boolean => {
  const furthest = peers.at(-1);
  return furthest !== undefined && within(furthest.id) && !peers.some((peer) => peer.id === id);
};

export const skipsPredecessor = (self: Id, { predecessors }: RingLists, id: Id): boolean =>
  skips(predecessors, id, (furthest) => between(furthest, id, self));

/** Do our lists pass it over, or are they too short to tell? `room`: entries of full ones. */
export const belongsIn = (
  self: Id,
  lists: RingLists,
  id: Id,
  room: { readonly successors: number; readonly predecessors: number },
): boolean => {
  const { successors, predecessors } = lists;
  const lacking = (peers: readonly Peer[], wanted: number): boolean =>
    peers.length < wanted && !peers.some((peer) => peer.id === id);
  return (
    id !== self &&
    (lacking(successors, room.successors) ||
      skips(successors, id, (furthest) => between(self, id, furthest)) ||
      lacking(predecessors, room.predecessors) ||
      skipsPredecessor(self, lists, id))
  );
};

/** RECTIFY: "r.prdc := n -- adopt without checking the old one": n has just notified us, so it lives. */
export const rectify = (self: Id, lists: RingLists, notifier: Peer, max: number): RingLists => {
  if (notifier.id === self) return lists;
  const order = clockwiseFrom(self);
  const predecessors = [notifier, ...lists.predecessors.filter(({ id }) => id !== notifier.id)]
    .sort((a, b) => order(b.id, a.id))
    .slice(0, max);
  return { ...lists, predecessors };
};

/** A dead peer leaves both lists; they are refilled at the next round (no artificial pad, as in Verdi's Chord). */
export const without = (lists: RingLists, id: Id): RingLists => ({
  successors: lists.successors.filter((peer) => peer.id !== id),
  predecessors: lists.predecessors.filter((peer) => peer.id !== id),
});

/** A newer descriptor of a peer takes the place of the old one. */
export const renewed = (lists: RingLists, peer: Peer): RingLists => {
  const swap = (peers: readonly Peer[]): readonly Peer[] =>
    peers.map((one) => (one.id === peer.id && one.bootSequence < peer.bootSequence ? peer : one));
  return { successors: swap(lists.successors), predecessors: swap(lists.predecessors) };
};

/** JOIN: "find m with between(m, j, m.succ[0])": may `self` take the joiner in as its successor? */
export const isJoinPoint = (self: Id, lists: RingLists, joiner: Id): boolean =>
  isBetterSuccessor(self, lists, joiner);

/** Both lists meet: they are all there is, if the ring is in order. */
export const isWhole = ({ successors, predecessors }: RingLists): boolean =>
  successors.some(({ id }) => predecessors.some((peer) => peer.id === id));

/**
 * The replica set of `key`, `count` hosts, where our exact neighbourhood makes it certain: the key lies behind our furthest
 * predecessor, and the list does not end before `count`. Empty otherwise.
 * `allMin`: a list as long as this that comes round to us is the whole ring, of however few hosts.
 */
export const replicasAmong = (
  self: Peer,
  lists: RingLists,
  key: Id,
  { count, allMin }: { readonly count: number; readonly allMin: number },
): readonly Peer[] => {
  const chain = [...lists.predecessors].reverse().concat(self, lists.successors);
  if (lists.successors.length >= allMin && isWhole(lists)) {
    const ring = [...new Map(chain.map((peer) => [peer.id, peer])).values()];
    return firstHosts(membersFrom(key, ring), count);
  }
  const first = chain[0];
  if (first === undefined || first.id === self.id) return [];
  // The first in the chain is known, what lies before it is not.
  for (let index = 1; index < chain.length; index += 1) {
    const before = chain[index - 1];
    const owner = chain[index];
    if (before === undefined || owner === undefined) return [];
    if (owner.id !== key && !between(before.id, key, owner.id)) continue;
    const set = firstHosts(chain.slice(index), count);
    return set.length === count ? set : [];
  }
  return [];
};
