// Token buckets per source in a bounded table: who sends too much is told apart from who doesn't.
import { BoundedMap } from './bounded-map.ts';

interface Bucket {
  tokens: number;
  atMs: number;
}

/** One bucket a key: `perSec` tokens a second, at most `burst` saved up. Monotonic time is passed in. */
export class RateLimiter {
  readonly #perSec: number;
  readonly #burst: number;
  // BOUNDED: by `maxKeys`; an evicted key starts again with a full bucket.
  readonly #buckets: BoundedMap<string, Bucket>;

  constructor(options: { perSec: number; burst: number; maxKeys: number }) {
    this.#perSec = options.perSec;
    this.#burst = options.burst;
    this.#buckets = new BoundedMap(options.maxKeys);
  }

  /** Takes `cost` tokens; false (and nothing taken) if there are not enough. */
  take(key: string, nowMs: number, cost = 1): boolean {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { tokens: this.#burst, atMs: nowMs };
      this.#buckets.set(key, bucket);
    }
    bucket.tokens = Math.min(this.#burst, bucket.tokens + ((nowMs - bucket.atMs) * this.#perSec) / 1000);
    bucket.atMs = nowMs;
    if (bucket.tokens < cost) return false;
    bucket.tokens -= cost;
    return true;
  }
}
