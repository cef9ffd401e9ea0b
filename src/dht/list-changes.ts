// What of a member's lists somebody lacks who was told them before: the others are only named to it (docs/lsp.md, "Unchanged").
import type { RingLists } from './ring-state.ts';
import type { Answer, Gone, Peer } from './types.ts';

type Neighbours = Extract<Answer, { type: 'neighbours' }>;
type Changed = Extract<Answer, { type: 'changed' }>;

const lifeOf = ({ id, bootSequence }: Gone): string => `${id} ${bootSequence}`;
const named = (peers: readonly Peer[]): readonly Gone[] =>
  peers.map(({ id, bootSequence }) => ({ id, bootSequence }));

/** At which version of the lists each life in them came in. */
export class ListChanges {
  // BOUNDED: by the lists.
  #cameAt = new Map<string, number>();

  /** The lists are now these. */
  note({ predecessors, successors }: RingLists, ringVersion: number): void {
    const lives = [...predecessors, ...successors].map(lifeOf);
    this.#cameAt = new Map(lives.map((life) => [life, this.#cameAt.get(life) ?? ringVersion]));
  }

  /** For who was told them at version `told`. */
  since(
    told: number,
    { predecessors, successors }: RingLists,
  ): Pick<Changed, 'predecessors' | 'successors' | 'peers'> {
    const all = new Map([...predecessors, ...successors].map((peer) => [peer.id, peer]));
    const isNew = (peer: Peer): boolean => (this.#cameAt.get(lifeOf(peer)) ?? told + 1) > told;
    return {
      predecessors: named(predecessors),
      successors: named(successors),
      peers: [...all.values()].filter(isNew),
    };
  }
}

/** The full answer that the earlier one has become; undefined if it names somebody whom neither has. */
export const filledIn = (earlier: Neighbours, changed: Changed): Neighbours | undefined => {
  const told = [...earlier.predecessors, ...earlier.successors, ...changed.peers];
  const known = new Map(told.map((peer) => [lifeOf(peer), peer]));
  const peersOf = (names: readonly Gone[]): readonly Peer[] =>
    names.flatMap((name) => known.get(lifeOf(name)) ?? []);
  const predecessors = peersOf(changed.predecessors);
  const successors = peersOf(changed.successors);
  const whole =
    predecessors.length === changed.predecessors.length && successors.length === changed.successors.length;
  if (!whole) return undefined;
  const { ringVersion, gone } = changed;
  return { ...earlier, ringVersion, predecessors, successors, gone };
};
