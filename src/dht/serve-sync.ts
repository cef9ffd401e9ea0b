// The answering side of SYNC: what differs, who wants what, pages of whole records (docs/lsp.md, "SYNC").
import type { Arc, Id } from '../record/id.ts';
import { unreachable } from '../runtime/errors.ts';
import { HAVE_MAX, PAGE_BYTES_MAX } from './exchange.ts';
import { bucketArc, bucketDigests, differing } from './range.ts';
import type { Answer, RecordStorePort, SyncOp } from './types.ts';

export interface ServeSyncDeps {
  readonly store: RecordStorePort;
  /** Does this node hold `arc` completely, as one of its replicas now or lately? */
  settled(arc: Arc): boolean;
  /** Is this node one of those that may come to hold `key`? Others' records are not taken in. */
  near(key: Id): boolean;
}

const PAGE_KEYS_MAX = 64;
/** Framing and key of one page entry, and of one record in it. */
const KEY_BYTES = 32;
const RECORD_BYTES = 4;

const retry = (detail: string): Answer => ({ type: 'error', code: 'retry', detail, peers: [] });

export const createSyncServer = (deps: ServeSyncDeps): ((op: SyncOp) => Promise<Answer>) => {
  const { store } = deps;
  // BOUNDED: one listing, of the last arc a page of which was given; keys only.
  let listing: { readonly arc: Arc; readonly keys: readonly Id[] } | undefined;

  const listed = (arc: Arc, after: Id | undefined): readonly Id[] => {
    // (a, a] is the whole ring, but nothing comes after the arc's end.
    if (after === arc.to) return [];
    // A first page lists anew: what was acknowledged before it was asked for must be in it.
    if (after === undefined || listing?.arc.from !== arc.from || listing.arc.to !== arc.to)
      listing = { arc, keys: store.keysIn(arc) };
    if (after === undefined) return listing.keys;
    const at = listing.keys.indexOf(after);
    return at >= 0 ? listing.keys.slice(at + 1) : store.keysIn({ from: after, to: arc.to });
  };

  const pull = (arc: Arc, after: Id | undefined): Answer => {
    const settled = deps.settled(arc);
    const keys = listed(arc, after);
    const page: { key: Id; records: readonly Uint8Array[] }[] = [];
    let bytes = 0;
    let last: Id | undefined;
    for (const key of keys) {
      const records: Uint8Array[] = [];
      let size = KEY_BYTES;
      for (const record of store.records(key)) {
        // A name's records go whole, the few that exceed a page of their own excepted: digests bring those.
        if (size + record.length > PAGE_BYTES_MAX) break;
        records.push(record);
        size += record.length + RECORD_BYTES;
      }
      if (page.length > 0 && bytes + size > PAGE_BYTES_MAX) break;
      last = key;
      if (records.length > 0) page.push({ key, records });
      bytes += size;
      if (page.length >= PAGE_KEYS_MAX) break;
    }
    const more = last !== undefined && last !== keys.at(-1);
    return { type: 'synced', page, settled, ...(more && last !== undefined ? { next: last } : {}) };
  };

  const compareKeys = (op: Extract<SyncOp, { kind: 'keys' }>): Answer => {
    const theirs = new Map(op.keys.map(({ key, digest }) => [key, digest]));
    const same = (key: Id, digest: Uint8Array): boolean => {
      const ours = store.digest(key);
      return ours !== undefined && Buffer.compare(ours, digest) === 0;
    };
    const want = op.keys.filter(({ key, digest }) => !same(key, digest)).map(({ key }) => key);
    const have = store
      .keysIn(bucketArc(op.arc, op.bucket))
      .filter((key) => {
        const digest = theirs.get(key);
        return digest === undefined || !same(key, digest);
      })
      .slice(0, HAVE_MAX);
    return { type: 'synced', want, have };
  };

  return async (op) => {
    switch (op.kind) {
      case 'digests': {
        const ours = bucketDigests(store, op.arc, op.buckets.length);
        return { type: 'synced', buckets: differing(ours, op.buckets), settled: deps.settled(op.arc) };
      }
      case 'keys':
        return compareKeys(op);
      case 'pull':
        return pull(op.arc, op.after);
      case 'push': {
        if (!deps.near(op.key)) return retry('not near that key');
        await store.absorb(op.key, op.records);
        // Who gives them away drops them on this word.
        const holds = store.digest(op.key) !== undefined && store.certain(op.key);
        return { type: 'synced', have: holds ? [op.key] : [] };
      }
      default:
        return unreachable(op);
    }
  };
};
