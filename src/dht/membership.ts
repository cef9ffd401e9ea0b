// What hearsay about a member is worth: descriptors are versioned by boot sequence, and the dead are remembered by theirs.
import type { Peer } from './types.ts';

/** silent: it stopped answering. left: it said so itself. replaced: another life or another id runs at its address. */
export type EndOfLife = 'silent' | 'left' | 'replaced';

/** One that was a member and is none now. Times are monotonic. */
export interface Departed {
  readonly peer: Peer;
  readonly cause: EndOfLife;
  readonly atMs: number;
  /** When we last asked it ourselves. */
  readonly checkedMs: number;
}

// Lives are numbered in seconds since 1970. Nobody's clock was wrong by more than a century.
const LIFE_STEP_MAX = 2 ** 32;

/** May this be a life of one that we know in another? To outlive a number without bound would use up all there are. */
export const isCredibleLife = (claimed: number, known: number): boolean => claimed - known <= LIFE_STEP_MAX;

/**
 * - `known`: nothing new.
 * - `ignore`: a life that is over.
 * - `verify`: ask it; only its own answer makes it a member ("never adopt an unanswered pointer", research B.1).
 */
export type Judgement = 'known' | 'ignore' | 'verify';

export const judge = (
  offered: Peer,
  held: { readonly member: Peer | undefined; readonly departed: Departed | undefined },
  times: { readonly nowMs: number; readonly revisitMs: number },
): Judgement => {
  const { member, departed } = held;
  if (member !== undefined && member.bootSequence >= offered.bootSequence) return 'known';
  if (departed === undefined || departed.peer.bootSequence < offered.bootSequence) return 'verify';
  if (departed.peer.bootSequence > offered.bootSequence || departed.cause !== 'silent') return 'ignore';
  // The same life that we lost: hearsay doesn't bring it back, its own answer does (a partition that ended). Not asked
  // again and again on behalf of members that haven't noticed yet that it is dead.
  return times.nowMs - departed.checkedMs >= times.revisitMs ? 'verify' : 'ignore';
};

/** More than half of the processes known, lost within one repair interval: a partition, or our own cable (DESIGN §5, lease). */
export interface MassLoss {
  readonly missing: ReadonlySet<string>;
  readonly known: number;
  readonly sinceMs: number;
}

export interface LossWatch {
  /** Silent deaths within the last repair interval. */
  readonly recent: readonly { readonly host: string; readonly atMs: number }[];
  readonly massLoss: MassLoss | undefined;
}

export const NO_LOSS: LossWatch = { recent: [], massLoss: undefined };
// A table of 4,096 that dies in one interval is a mass loss long before this many are counted.
const RECENT_MAX = 4096;

/** `hostsLeft`: ourselves included. */
export const afterLoss = (
  watch: LossWatch,
  lost: string,
  facts: { readonly nowMs: number; readonly hostsLeft: number; readonly repairMs: number },
): LossWatch => {
  const recent = [
    ...watch.recent.filter(({ host, atMs }) => host !== lost && facts.nowMs - atMs < facts.repairMs),
    { host: lost, atMs: facts.nowMs },
  ].slice(-RECENT_MAX);
  if (watch.massLoss !== undefined) {
    const missing = new Set(watch.massLoss.missing).add(lost);
    return { recent, massLoss: { ...watch.massLoss, missing } };
  }
  const known = facts.hostsLeft + recent.length;
  if (2 * recent.length <= known) return { recent, massLoss: undefined };
  return {
    recent,
    massLoss: { missing: new Set(recent.map(({ host }) => host)), known, sinceMs: facts.nowMs },
  };
};

/** "until they are back": until those still missing are half of the known, or fewer. */
export const afterReturn = (watch: LossWatch, back: string): LossWatch => {
  const recent = watch.recent.filter(({ host }) => host !== back);
  if (watch.massLoss === undefined) return { recent, massLoss: undefined };
  const missing = new Set(watch.massLoss.missing);
  missing.delete(back);
  const over = 2 * missing.size <= watch.massLoss.known;
  return { recent, massLoss: over ? undefined : { ...watch.massLoss, missing } };
};

/** "or LMAX has passed": whatever they held has expired. */
export const isMassLoss = (watch: LossWatch, nowMs: number, lmaxMs: number): boolean =>
  watch.massLoss !== undefined && nowMs - watch.massLoss.sinceMs < lmaxMs;
