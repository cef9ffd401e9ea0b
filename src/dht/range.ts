// Arcs of the ring, the digests that compare what two nodes hold of one, and who is near whom. Pure.
import { FINGERPRINT_BYTES, foldFingerprints } from '../record/fingerprint.ts';
import { type Arc, between, clockwiseFrom, type Id, inHalfOpen } from '../record/id.ts';
import { sameHost } from './hosts.ts';
import type { Peer, RecordStorePort } from './types.ts';

export const BUCKETS = 64;
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

/** The part of `arc` that falls in bucket `index` of `count` equal ones. */
export const bucketArc = (arc: Arc, index: number, count = BUCKETS): Arc => {
  const span = spanOf(arc);
  const from = toBig(arc.from);
  const edge = (at: number): bigint => (BigInt(at) * span + BigInt(count - 1)) / BigInt(count);
  return { from: fromBig(from + edge(index)), to: fromBig(from + edge(index + 1)) };
};

/** For each of `count` buckets of the arc what all that is held there comes to: equal if two nodes hold the same. */
export const bucketDigests = (
  store: Pick<RecordStorePort, 'arcDigest' | 'digest' | 'keysIn'>,
  arc: Arc,
  count = BUCKETS,
): readonly Uint8Array[] =>
  Array.from({ length: count }, (_, index) => {
    const part = bucketArc(arc, index, count);
    // More buckets than ids: (a, a] would be the whole ring.
    if (part.from === part.to && count > 1) return new Uint8Array(FINGERPRINT_BYTES);
    return store.arcDigest?.(part) ?? foldFingerprints(store.keysIn(part), (key) => store.digest(key));
  });

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

/** The replica set of a key at `from`: `count` hosts of `membersFrom`, in one pass, for a table of thousands on a request's way. */
export const hostsFrom = (from: Id, members: readonly Peer[], count: number): readonly Peer[] => {
  const order = clockwiseFrom(from);
  // clockwiseFrom puts its origin last; a member there owns the key and comes first.
  const before = (a: Id, b: Id): boolean => b !== from && (a === from || order(a, b) < 0);
  const first: Peer[] = [];
  for (const peer of members) {
    let at = first.length;
    while (at > 0 && before(peer.id, first[at - 1]?.id ?? peer.id)) at -= 1;
    if (at >= count) continue;
    const same = first.findIndex((one) => sameHost(one, peer));
    if (same >= 0 && same < at) continue;
    if (same >= 0) first.splice(same, 1);
    first.splice(at, 0, peer);
    if (first.length > count) first.pop();
  }
  return first;
};

/**
 * What one node replicates, cut at the members in it, nearest to itself first: within one piece all keys have the same
 * replica set, the first hosts from its end on.
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
