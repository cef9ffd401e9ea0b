// The exact surroundings of a member, small mode or full: what decides who holds which key, and when that has changed.
import { type Arc, between, type Id } from '../record/id.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import { sameEndpoint } from './address.ts';
import { nearestForeign, reachOf } from './hosts.ts';
import type { RingLists } from './ring-state.ts';
import type { Peer } from './types.ts';

/** Both lists closest first. */
export interface Neighbourhood extends RingLists {
  readonly mode: 'small' | 'full';
  readonly self: Peer;
  /** What this member holds a copy of; undefined while not in a ring. */
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

/**
 * A key is ours if fewer than `replicas` other hosts, and none of our own members, lie between it and us. So the arcs of one
 * process never overlap. With one member a process that is (predᵣ, self].
 * `whole`: the lists are all there is.
 */
export const arcOf = (
  self: Peer,
  lists: RingLists,
  facts: { readonly replicas: number; readonly whole: boolean },
): Arc | undefined => {
  const { members, ended } = reachOf(self, lists.predecessors, facts.replicas);
  if (!ended && facts.whole) return { from: self.id, to: self.id };
  // In a large ring a short list makes the arc narrow, never wide: what we are not sure of is not ours yet.
  const from = ended ? members.at(-1) : lists.predecessors.at(-1);
  return from === undefined ? undefined : { from: from.id, to: self.id };
};

/** The nearest on both sides that are no members of our own process: nobody vouches for itself. */
export const vouchers = ({
  self,
  predecessors,
  successors,
}: Neighbourhood): readonly (Peer | undefined)[] => [
  nearestForeign(self, predecessors),
  nearestForeign(self, successors),
];

/** Both neighbours, and the nearest of other processes: whom every round asks. */
export const closest = (hood: Neighbourhood): readonly Peer[] => [
  ...new Set([hood.successors[0], hood.predecessors[0], ...vouchers(hood)].flatMap((peer) => peer ?? [])),
];

/** Within the reach of the lists, in them or not yet: whoever may hold keys of ours. In a small ring everybody. */
export const isNear = ({ mode, self, predecessors, successors }: Neighbourhood, id: Id): boolean => {
  const [first, last] = [predecessors.at(-1), successors.at(-1)];
  if (mode === 'small' || first === undefined || last === undefined) return true;
  if (id === first.id || id === last.id) return true;
  return between(first.id, id, self.id) || between(self.id, id, last.id);
};

/** Who of them speaks from there, in that life. Members of one process share address and life: the vnode tells them apart. */
export const speakerAmong = (
  peers: readonly Peer[],
  speaker: { readonly from: Endpoint; readonly life: number | undefined; readonly vnode: number },
): Peer | undefined =>
  peers.find(
    ({ bootSequence, vnode, endpoints }) =>
      bootSequence === speaker.life &&
      vnode === speaker.vnode &&
      endpoints.some((one) => sameEndpoint(one, speaker.from)),
  );
