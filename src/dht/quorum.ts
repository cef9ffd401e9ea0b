// When is a write stored, and what do two reads say: the rules of DESIGN §5 as pure functions.
import type { Id } from '../record/id.ts';

/** ⌊n/2⌋ + 1. */
export const quorumOf = (n: number): number => Math.floor(n / 2) + 1;

/** One replica's acknowledgement, with the replica set as it sees it. */
export interface Ack {
  readonly id: Id;
  readonly view: readonly Id[];
  readonly live: readonly Uint8Array[];
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

/** What one replica said to a QUERY; `n`: how many replicas it holds there to be. */
export type Reading =
  | { readonly kind: 'entries'; readonly entries: readonly Uint8Array[]; readonly n: number }
  | { readonly kind: 'none'; readonly n: number }
  /** Not entitled to say (retry), or not a replica. */
  | { readonly kind: 'mute' }
  | { readonly kind: 'lost' };

/**
 * Whether the answers so far decide a read: two of them, merged (DESIGN §5, Read), or one in a ring of one.
 * `believed`: how many replicas the reader knows of. The larger of all opinions counts: nobody denies alone by
 * pretending that the ring is small.
 */
export const decideRead = (
  readings: readonly Reading[],
  believed: number,
): 'entries' | 'none' | undefined => {
  let n = believed;
  let answers = 0;
  let positive = 0;
  for (const reading of readings) {
    if (reading.kind !== 'entries' && reading.kind !== 'none') continue;
    n = Math.max(n, reading.n);
    answers += 1;
    if (reading.kind === 'entries') positive += 1;
  }
  if (answers < Math.max(1, Math.min(2, n))) return undefined;
  return positive > 0 ? 'entries' : 'none';
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
