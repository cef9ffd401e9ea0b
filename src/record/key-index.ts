// The keys held, in ring order: found by arc without sorting them all, and an arc's fingerprint without visiting them all.
import { type Fingerprint, fingerprintBytes, NO_FINGERPRINT } from './fingerprint.ts';
import { type Arc, type Id, inHalfOpen } from './id.ts';

const BUCKET_DIGITS = 3;
const BUCKETS = 16 ** BUCKET_DIGITS;

interface Bucket {
  readonly keys: Set<Id>;
  /** The exclusive or over `keys`; undefined since one of them changed. */
  fingerprint: Fingerprint | undefined;
}

/** Keys by their first 12 bits: at 100,000 keys a bucket holds two dozen, and only those in the arc are looked at. */
export class KeyIndex {
  readonly #fingerprintOf: (key: Id) => Fingerprint;
  // BOUNDED: by the store that owns it; 4096 buckets.
  readonly #buckets = new Map<number, Bucket>();

  /** `fingerprintOf` is asked again for the keys of a bucket when one of them was added, deleted or changed. */
  constructor(fingerprintOf: (key: Id) => Fingerprint) {
    this.#fingerprintOf = fingerprintOf;
  }

  add(key: Id): void {
    const number = bucketOf(key);
    const bucket = this.#buckets.get(number);
    if (bucket === undefined) {
      this.#buckets.set(number, { keys: new Set([key]), fingerprint: undefined });
      return;
    }
    bucket.keys.add(key);
    bucket.fingerprint = undefined;
  }

  delete(key: Id): void {
    const number = bucketOf(key);
    const bucket = this.#buckets.get(number);
    if (bucket === undefined) return;
    bucket.keys.delete(key);
    bucket.fingerprint = undefined;
    if (bucket.keys.size === 0) this.#buckets.delete(number);
  }

  /** What is held under `key` is another now. */
  changed(key: Id): void {
    const bucket = this.#buckets.get(bucketOf(key));
    if (bucket !== undefined) bucket.fingerprint = undefined;
  }

  /** The keys in (arc.from, arc.to], clockwise. */
  within(arc: Arc): Id[] {
    const found: Id[] = [];
    this.#visit(arc, (bucket, holds) => {
      const keys = [...bucket.keys];
      found.push(...(holds === undefined ? keys : keys.filter(holds)).sort());
    });
    return found;
  }

  /** The exclusive or of the fingerprints of the keys in (arc.from, arc.to]: at most 4096 steps, however many they are. */
  fingerprint(arc: Arc): Uint8Array {
    let high = 0;
    let low = 0;
    this.#visit(arc, (bucket, holds) => {
      const one = holds === undefined ? this.#whole(bucket) : this.#fold([...bucket.keys].filter(holds));
      high ^= one.high;
      low ^= one.low;
    });
    return fingerprintBytes({ high, low });
  }

  #whole(bucket: Bucket): Fingerprint {
    bucket.fingerprint ??= this.#fold(bucket.keys);
    return bucket.fingerprint;
  }

  #fold(keys: Iterable<Id>): Fingerprint {
    let { high, low } = NO_FINGERPRINT;
    for (const key of keys) {
      const one = this.#fingerprintOf(key);
      high ^= one.high;
      low ^= one.low;
    }
    return { high, low };
  }

  /** The buckets that an arc touches, clockwise; `holds` where it takes only some of their keys. */
  #visit(arc: Arc, visit: (bucket: Bucket, holds?: (key: Id) => boolean) => void): void {
    const first = bucketOf(arc.from);
    const span = (bucketOf(arc.to) - first + BUCKETS) % BUCKETS;
    // An arc that comes back to its first bucket from behind goes round the whole ring.
    const count = span === 0 && arc.to <= arc.from ? BUCKETS : span;
    const inside = (key: Id): boolean => inHalfOpen(arc.from, key, arc.to);
    for (let step = 0; step <= count; step += 1) {
      const bucket = this.#buckets.get((first + step) % BUCKETS);
      if (bucket === undefined) continue;
      const edge = step === 0 || step === count;
      // The first bucket comes up twice on the way round: first what lies after arc.from, at the end what lies before.
      const wraps = count === BUCKETS && edge;
      if (wraps) visit(bucket, (key) => inside(key) && key > arc.from === (step === 0));
      else if (edge) visit(bucket, inside);
      else visit(bucket);
    }
  }
}

const bucketOf = (key: Id): number => Number.parseInt(key.slice(0, BUCKET_DIGITS), 16);
