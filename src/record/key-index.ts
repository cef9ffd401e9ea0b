// The keys held, in ring order: found by arc without sorting them all.
import { type Arc, type Id, inHalfOpen } from './id.ts';

const BUCKET_DIGITS = 3;
const BUCKETS = 16 ** BUCKET_DIGITS;

/** Keys by their first 12 bits: at 100,000 keys a bucket holds two dozen, and only those in the arc are looked at. */
export class KeyIndex {
  // BOUNDED: by the store that owns it; 4096 buckets.
  readonly #buckets: Set<Id>[] = Array.from({ length: BUCKETS }, () => new Set<Id>());

  add(key: Id): void {
    this.#buckets[bucketOf(key)]?.add(key);
  }

  delete(key: Id): void {
    this.#buckets[bucketOf(key)]?.delete(key);
  }

  /** The keys in (arc.from, arc.to], clockwise. */
  within(arc: Arc): Id[] {
    const first = bucketOf(arc.from);
    const span = (bucketOf(arc.to) - first + BUCKETS) % BUCKETS;
    // An arc that comes back to its first bucket from behind goes round the whole ring.
    const count = span === 0 && arc.to <= arc.from ? BUCKETS : span;
    const found: Id[] = [];
    for (let step = 0; step <= count; step += 1) {
      const bucket = this.#buckets[(first + step) % BUCKETS];
      if (bucket === undefined || bucket.size === 0) continue;
      const keys = [...bucket].filter((key) => inHalfOpen(arc.from, key, arc.to)).sort();
      // The first bucket comes up twice on the way round: first what lies after arc.from, at the end what lies before.
      const wraps = count === BUCKETS && step % BUCKETS === 0;
      found.push(...(wraps ? keys.filter((key) => key > arc.from === (step === 0)) : keys));
    }
    return found;
  }
}

const bucketOf = (key: Id): number => Number.parseInt(key.slice(0, BUCKET_DIGITS), 16);
