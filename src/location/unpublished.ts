// What the ring has not taken yet: keys whose entries wait in the local store, and in which portions they go out.
import { decodeEntry, type Entry, sealedIn } from '../record/entry-codec.ts';
import type { Id } from '../record/id.ts';
import type { RecordLimits } from '../record/limits.ts';
import { expiresAtMs, retainedUntilMs } from '../record/merge.ts';
import type { EntryBytes } from '../record/types.ts';
import { BoundedMap } from '../runtime/bounded-map.ts';

/** The keys that wait, oldest first; the entries themselves stay in the store, where newer ones supersede them. */
export class UnpublishedKeys {
  // BOUNDED: `max`; the oldest falls out and is counted.
  readonly #keys: BoundedMap<Id, true>;
  #dropped = 0;

  constructor(max: number) {
    this.#keys = new BoundedMap(max, () => {
      this.#dropped += 1;
    });
  }

  get count(): number {
    return this.#keys.size;
  }

  /** Keys that fell out since the start: published again only by their phones' next refresh. */
  get dropped(): number {
    return this.#dropped;
  }

  add(key: Id): void {
    this.#keys.set(key, true);
  }

  delete(key: Id): void {
    this.#keys.delete(key);
  }

  first(): Id | undefined {
    for (const [key] of this.#keys.entries()) return key;
    return undefined;
  }
}

/**
 * The entries of ours that are still worth publishing, in the publications they came in, oldest first: what was to take
 * effect together does, and a stale publication does not keep a later one from the ring.
 */
export const waitingPublications = (
  records: readonly EntryBytes[],
  ours: { readonly isOurs: (entry: Entry) => boolean; readonly nowMs: number; readonly limits: RecordLimits },
): EntryBytes[][] => {
  const publications = new Map<string, Entry[]>();
  for (const bytes of records) {
    const decoded = decodeEntry(bytes);
    if (!decoded.ok || !ours.isOurs(decoded.value)) continue;
    const entry = decoded.value;
    const alive =
      entry.kind === 'binding'
        ? sealedIn(entry) !== undefined && expiresAtMs(entry) > ours.nowMs
        : retainedUntilMs(entry, ours.limits) > ours.nowMs;
    if (!alive) continue;
    const portion = `${entry.version} ${entry.seq} ${entry.series}`;
    const others = publications.get(portion);
    if (others === undefined) publications.set(portion, [entry]);
    else others.push(entry);
  }
  return [...publications.values()]
    .sort(([a], [b]) => Number((a?.version ?? 0n) - (b?.version ?? 0n)))
    .map((entries) => entries.map((entry) => entry.bytes));
};
