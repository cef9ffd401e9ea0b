// When is a write stored, and what do two reads say: the rules of DESIGN §5 as pure functions.
import type { Id } from '../record/id.ts';

/** ⌊n/2⌋ + 1. */
export const quorumOf = (n: number): number => Math.floor(n / 2) + 1;

/** One replica's acknowledgement, with the replica set as it sees it. */
export interface Ack {
  readonly id: Id;
  readonly view: readonly Id[];
  readonly live: readonly Uint8Array[];
  /** False: it holds this, but perhaps not all that was there before. */
  readonly settled: boolean;
}

const holdsIn = (view: readonly Id[], ids: ReadonlySet<Id>): boolean =>
  view.length > 0 && view.filter((id) => ids.has(id)).length >= quorumOf(view.length);

/**
 * The acknowledgements that make a write stored; empty while it is not.
 * "Where two views differ, the quorum must hold in both" (DESIGN §5, Write): in the writer's own and in that of every
 * acknowledgement counted. One that contradicts a quorum which holds without it is as good as one that never came,
 * so the greatest set that agrees with itself is looked for, not all or nothing.
 */
export const countedAcks = (acks: readonly Ack[], believed: readonly Id[]): readonly Ack[] => {
  let counted = acks;
  for (;;) {
    const ids = new Set(counted.map((ack) => ack.id));
    const kept = counted.filter((ack) => holdsIn(ack.view, ids));
    if (kept.length === counted.length) return holdsIn(believed, ids) ? counted : [];
    counted = kept;
  }
};

/** Ids that some acknowledgement holds to be replicas and the writer did not know of. */
export const unknownTo = (believed: readonly Id[], acks: readonly Ack[]): readonly Id[] => {
  const known = new Set(believed);
  return [...new Set(acks.flatMap((ack) => ack.view))].filter((id) => !known.has(id));
};

/** What one replica said to a QUERY. */
export type Reading =
  /** `settled`: entitled to say that there is no more than this. */
  | { readonly kind: 'entries'; readonly entries: readonly Uint8Array[]; readonly settled: boolean }
  /** Nothing to show. `entries` bury what others may still show; `view`: the replicas as it sees them. */
  | {
      readonly kind: 'none';
      readonly by: Id;
      readonly view: readonly Id[];
      readonly entries: readonly Uint8Array[];
    }
  /** Not entitled to say (retry), or not a replica; what it has to bury counts all the same. */
  | { readonly kind: 'mute'; readonly entries: readonly Uint8Array[] }
  | { readonly kind: 'lost' };

type Denial = Extract<Reading, { readonly kind: 'none' }>;

/**
 * Each is a replica in the other's eyes. One that was paused or cut off, and whose place was taken meanwhile, does not know
 * what was written without it; but whoever took part in that counts it out.
 */
const agree = (a: Denial, b: Denial): boolean => a.view.includes(b.by) && b.view.includes(a.by);

/**
 * Whether the answers so far decide a read: two of them, merged (DESIGN §5, Read), or one in a ring of one.
 * `believed`: how many replicas the reader knows of. The larger of all opinions counts: nobody denies alone by
 * pretending that the ring is small.
 */
export const decideRead = (
  readings: readonly Reading[],
  believed: number,
): 'entries' | 'none' | undefined => {
  const denials = readings.filter((reading) => reading.kind === 'none');
  const shown = readings.filter((reading) => reading.kind === 'entries');
  const n = Math.max(believed, ...denials.map(({ view }) => view.length));
  if (shown.length > 0) {
    const answers = denials.length + shown.filter(({ settled }) => settled).length;
    return answers >= Math.max(1, Math.min(2, n)) ? 'entries' : undefined;
  }
  const enough =
    n <= 1
      ? denials.some((one) => agree(one, one))
      : denials.some((a, at) => denials.slice(at + 1).some((b) => agree(a, b)));
  return enough ? 'none' : undefined;
};

/** The entries of several answers, each once, in the order they came. */
export const unionOf = (lists: readonly (readonly Uint8Array[])[]): readonly Uint8Array[] => {
  if (lists.length === 1) return lists[0] ?? [];
  const seen = new Set<string>();
  const union: Uint8Array[] = [];
  for (const list of lists) {
    for (const entry of list) {
      const text = Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength).toString('latin1');
      if (seen.has(text)) continue;
      seen.add(text);
      union.push(entry);
    }
  }
  return union;
};
