// What one node does to bring another and itself to the same records over an arc: digests, then keys, then whole records.
import type { Arc, Id } from '../record/id.ts';
import type { Ask } from './courier.ts';
import { bucketArc, bucketDigests, only } from './range.ts';
import type { Answer, Peer, RecordStorePort, SyncOp } from './types.ts';

type Synced = Extract<Answer, { type: 'synced' }>;

export interface ExchangeDeps {
  readonly ask: Ask;
  /** Our own descriptor: only members are told what others hold. */
  readonly self: () => Peer;
  readonly store: RecordStorePort;
  /** Called before every request: paces what is not urgent, and says false when it is time to stop. */
  readonly pace: () => Promise<boolean>;
  readonly onMoved: (direction: 'pushed' | 'pulled', keys: number) => void;
  /** Told how many keys were held differently, or by one side only, as far as `ways` lets it see. */
  readonly onDiffer?: (keys: number) => void;
}

/** `settled`: what the answerer says of its own arc. Undefined: it did not answer, or we were stopped. */
export type ExchangeResult = { readonly settled: boolean } | undefined;

/** More keys than this in one bucket: it is cut into buckets itself. SYNC_KEYS_MAX of the wire is above it. */
const KEYS_PER_REQUEST = 256;
/** 64⁴ buckets are more than any arc's keys need. */
const DEPTH_MAX = 4;
/** A page of the wire carries 16 parts; the rest of it is framing and keys. */
export const PAGE_BYTES_MAX = 12_000;
/** Keys named in one answer; as many as this means that there may be more. */
export const HAVE_MAX = 400;
const PAGES_MAX = 100_000;
/** Lacking so many times what is held: then at most a quarter more than what is lacking comes along. */
const ALMOST_ALL = 4;

/** `records` in pieces that each fit one request; a name's records are merged, so their order does not matter. */
export const pieces = (records: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] => {
  const out: Uint8Array[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const record of records) {
    if (bytes + record.length > PAGE_BYTES_MAX) {
      out.push([]);
      bytes = 0;
    }
    out.at(-1)?.push(record);
    bytes += record.length;
  }
  return out;
};

const sync = async (deps: ExchangeDeps, peer: Peer, op: SyncOp): Promise<Synced | undefined> => {
  if (!(await deps.pace())) return undefined;
  const outcome = await deps.ask(peer, { type: 'sync', peer: deps.self(), op });
  return outcome.ok && outcome.answer.type === 'synced' ? outcome.answer : undefined;
};

/** Fetches all that `peer` holds of the arc, page by page. */
export const pullArc = async (deps: ExchangeDeps, peer: Peer, arc: Arc): Promise<ExchangeResult> => {
  let after: Id | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const answer = await sync(deps, peer, { kind: 'pull', arc, after });
    if (answer === undefined) return undefined;
    for (const { key, records } of answer.page ?? []) await deps.store.absorb(key, records);
    deps.onMoved('pulled', answer.page?.length ?? 0);
    if (answer.next === undefined) return { settled: answer.settled === true };
    if (answer.next === after) return undefined;
    after = answer.next;
  }
  return undefined;
};

const pushKey = async (deps: ExchangeDeps, peer: Peer, key: Id): Promise<boolean> => {
  for (const records of pieces(deps.store.records(key))) {
    const answer = await sync(deps, peer, { kind: 'push', key, records });
    if (answer?.have?.includes(key) !== true) return false;
  }
  deps.onMoved('pushed', 1);
  return true;
};

/**
 * Compares an arc with `peer` and moves what differs: pushes what it wants if `push`, pulls what it has if `pull`.
 * Afterwards it holds all that we hold (`push`), or we all that it holds (`pull`), as of when the exchange began.
 */
export const exchange = async (
  deps: ExchangeDeps,
  peer: Peer,
  arc: Arc,
  ways: { readonly push: boolean; readonly pull: boolean },
  depth = 0,
): Promise<ExchangeResult> => {
  const { store } = deps;
  if (!ways.pull && store.keysIn(arc).length === 0) return { settled: true };
  const compare = (buckets: readonly Uint8Array[]): Promise<Synced | undefined> =>
    sync(deps, peer, { kind: 'digests', arc, buckets });
  // One digest of it all first: most comparisons are of replicas that hold the same, and end here.
  const whole = depth === 0 ? await compare(bucketDigests(store, arc, 1)) : undefined;
  if (depth === 0 && whole === undefined) return undefined;
  if (whole?.buckets?.length === 0) return { settled: whole.settled === true };
  const answer = await compare(bucketDigests(store, arc));
  if (answer === undefined) return undefined;
  let complete = true;
  for (const bucket of answer.buckets ?? []) {
    const part = bucketArc(arc, bucket);
    const held = store.keysIn(part);
    if (held.length === 0) {
      if (ways.pull && (await pullArc(deps, peer, part)) === undefined) return undefined;
      deps.onDiffer?.(store.keysIn(part).length);
      continue;
    }
    if (held.length > KEYS_PER_REQUEST && depth < DEPTH_MAX) {
      if ((await exchange(deps, peer, part, ways, depth + 1)) === undefined) return undefined;
      continue;
    }
    const listed = held.slice(0, KEYS_PER_REQUEST).flatMap((key) => {
      const digest = store.digest(key);
      return digest === undefined ? [] : [{ key, digest }];
    });
    const told = await sync(deps, peer, { kind: 'keys', arc, bucket, keys: listed });
    if (told === undefined) return undefined;
    deps.onDiffer?.(new Set([...(told.want ?? []), ...(told.have ?? [])]).size);
    const have = ways.pull ? (told.have ?? []) : [];
    // Where we hold next to nothing of the bucket, whole pages cost less than so many single questions.
    const few = have.length < HAVE_MAX && have.length < ALMOST_ALL * held.length;
    const arcs = few || have.length === 1 ? have.map(only) : have.length === 0 ? [] : [part];
    for (const missing of arcs) if ((await pullArc(deps, peer, missing)) === undefined) return undefined;
    if (ways.push) for (const key of told.want ?? []) if (!(await pushKey(deps, peer, key))) complete = false;
  }
  return complete ? { settled: answer.settled === true } : undefined;
};
