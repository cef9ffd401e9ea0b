// Arcs of the ring, the digests that compare what two nodes hold of one, and who is near whom. Pure.
import { createHash } from 'node:crypto';
import { type Arc, between, clockwiseFrom, type Id, inHalfOpen } from '../record/id.ts';
import type { Peer } from './types.ts';

export const BUCKETS = 64;
const DIGEST_BYTES = 8;
const RING = 1n << 160n;

const toBig = (id: Id): bigint => BigInt(`0x${id}`);
// The brand's door for numbers: always 40 hex digits.
const fromBig = (value: bigint): Id => (value % RING).toString(16).padStart(40, '0') as Id;

const offset = (from: bigint, id: Id): bigint => (toBig(id) - from + RING) % RING;
/** (a, a] is the whole ring. */
const spanOf = (arc: Arc): bigint => offset(toBig(arc.from), arc.to) || RING;

export const inArc = (arc: Arc | undefined, key: Id): boolean =>
  arc !== undefined && inHalfOpen(arc.from, key, arc.to);

/** inner ⊆ outer. */
export const within = (outer: Arc, inner: Arc): boolean =>
  outer.from === outer.to || offset(toBig(outer.from), inner.from) + spanOf(inner) <= spanOf(outer);

/** (key − 1, key]. */
export const only = (key: Id): Arc => ({ from: fromBig(toBig(key) + RING - 1n), to: key });

/** Two arcs that end at the same id: the shorter one. */
export const narrower = (a: Arc, b: Arc): Arc => (spanOf(a) <= spanOf(b) ? a : b);

/** The part of `arc` that falls in bucket `index` of BUCKETS equal ones. */
export const bucketArc = (arc: Arc, index: number): Arc => {
  const span = spanOf(arc);
  const from = toBig(arc.from);
  const edge = (at: number): bigint => (BigInt(at) * span + BigInt(BUCKETS - 1)) / BigInt(BUCKETS);
  return { from: fromBig(from + edge(index)), to: fromBig(from + edge(index + 1)) };
};

/** First 8 bytes of SHA-256(key ‖ digest): keys that hold the same, or swapped what they hold, don't cancel out. */
const mixedDigest = (key: Id, digest: Uint8Array): Uint8Array =>
  createHash('sha256').update(key, 'hex').update(digest).digest().subarray(0, DIGEST_BYTES);

/** For each bucket of the arc the XOR of all that is held there: equal if two nodes hold the same. */
export const bucketDigests = (
  arc: Arc,
  keys: readonly Id[],
  digestOf: (key: Id) => Uint8Array | undefined,
): readonly Uint8Array[] => {
  const buckets = Array.from({ length: BUCKETS }, () => new Uint8Array(DIGEST_BYTES));
  const span = spanOf(arc);
  const from = toBig(arc.from);
  for (const key of keys) {
    const digest = digestOf(key);
    const position = offset(from, key);
    // Offsets run from 1 to span; the arc's own end of the whole ring has offset 0.
    const index = Number((((position === 0n ? span : position) - 1n) * BigInt(BUCKETS)) / span);
    const bucket = buckets[index];
    if (digest === undefined || bucket === undefined) continue;
    const mixed = mixedDigest(key, digest);
    for (let i = 0; i < DIGEST_BYTES; i += 1) bucket[i] = (bucket[i] ?? 0) ^ (mixed[i] ?? 0);
  }
  return buckets;
};

/** Buckets in which two nodes differ. */
export const differing = (ours: readonly Uint8Array[], theirs: readonly Uint8Array[]): readonly number[] =>
  ours.flatMap((digest, index) =>
    Buffer.compare(digest, theirs[index] ?? new Uint8Array(0)) === 0 ? [] : [index],
  );

/** The members in the order in which a key at `from` sees them: its owner first, a member at `from` itself before all. */
export const membersFrom = (from: Id, members: readonly Peer[]): readonly Peer[] => {
  const order = clockwiseFrom(from);
  const sorted = [...members].sort((a, b) => order(a.id, b.id));
  const last = sorted.at(-1);
  return last?.id === from ? [last, ...sorted.slice(0, -1)] : sorted;
};

/** The first `count` of `membersFrom`, in one pass: for a table of thousands on a request's way. */
export const firstFrom = (from: Id, members: readonly Peer[], count: number): readonly Peer[] => {
  const order = clockwiseFrom(from);
  // clockwiseFrom puts its origin last; a member there owns the key and comes first.
  const before = (a: Id, b: Id): boolean => b !== from && (a === from || order(a, b) < 0);
  const first: Peer[] = [];
  for (const peer of members) {
    let at = first.length;
    while (at > 0 && before(peer.id, first[at - 1]?.id ?? peer.id)) at -= 1;
    if (at >= count) continue;
    first.splice(at, 0, peer);
    if (first.length > count) first.pop();
  }
  return first;
};

/**
 * What one node replicates, cut at the members in it, nearest to itself first: within one piece all keys have the same
 * replica set, the members from its end on.
 */
export const segmentsOf = (arc: Arc, self: Id, members: readonly Peer[]): readonly Arc[] => {
  const inside = membersFrom(arc.from, members)
    .map(({ id }) => id)
    .filter((id) => id !== self && id !== arc.from && between(arc.from, id, self));
  const edges = [arc.from, ...inside, self];
  const segments: Arc[] = [];
  for (let i = 0; i + 1 < edges.length; i += 1) {
    const from = edges[i];
    const to = edges[i + 1];
    if (from !== undefined && to !== undefined) segments.push({ from, to });
  }
  return segments.reverse();
};
