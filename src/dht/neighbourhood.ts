// The exact surroundings of a member, small mode or full: what decides who holds which key, and when that has changed.
import type { Arc } from '../record/id.ts';
import type { RingLists } from './ring-state.ts';
import type { Peer } from './types.ts';

/** Both lists closest first. */
export interface Neighbourhood extends RingLists {
  readonly mode: 'small' | 'full';
  readonly self: Peer;
  /** (predᵣ, self]; undefined while not in a ring. */
  readonly arc: Arc | undefined;
}

export interface RingChange {
  readonly before: Neighbourhood;
  readonly after: Neighbourhood;
}

const samePeers = (a: readonly Peer[], b: readonly Peer[]): boolean =>
  a.length === b.length &&
  a.every((peer, index) => peer.id === b[index]?.id && peer.bootSequence === b[index]?.bootSequence);

export const sameNeighbourhood = (a: Neighbourhood, b: Neighbourhood): boolean =>
  a.mode === b.mode &&
  a.self === b.self &&
  a.arc?.from === b.arc?.from &&
  a.arc?.to === b.arc?.to &&
  samePeers(a.predecessors, b.predecessors) &&
  samePeers(a.successors, b.successors);

/** Key ∈ (predᵣ, self] is ours; with `whole`, everything is (no more members than replicas). */
export const arcOf = (
  self: Peer,
  lists: RingLists,
  facts: { readonly replicas: number; readonly whole: boolean },
): Arc | undefined => {
  if (facts.whole) return { from: self.id, to: self.id };
  // In a large ring a short list makes the arc narrow, never wide: what we are not sure of is not ours yet.
  const from = lists.predecessors[facts.replicas - 1] ?? lists.predecessors.at(-1);
  return from === undefined ? undefined : { from: from.id, to: self.id };
};
