// How much of the id space the members of a walked ring own and hold, as fractions: for whoever shows a ring.
import { type Arc, distance } from '../record/id.ts';
import type { WalkedMember } from './ring-check.ts';

const share = ({ from, to }: Arc): number => (from === to ? 1 : distance(from, to));

/** Of `members` in ring order, the one at `index`: what it is the first for, and what it says it holds as one of the replicas. */
export const sharesOf = (
  members: readonly WalkedMember[],
  index: number,
): { readonly owns: number; readonly holds: number | undefined } => {
  const member = members[index];
  const before = members[(index + members.length - 1) % members.length];
  if (member === undefined || before === undefined) return { owns: 0, holds: undefined };
  const { arc } = member.status;
  return {
    owns: share({ from: before.peer.id, to: member.peer.id }),
    holds: arc === undefined ? undefined : share(arc),
  };
};
