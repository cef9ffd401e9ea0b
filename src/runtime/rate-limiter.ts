// Token buckets per source in a bounded table: who sends too much is told apart from who doesn't.
import { BoundedMap } from './bounded-map.ts';

interface Bucket {
  tokens: number;
  atMs: number;
}

export interface RateLimits {
  readonly perSec: number;
  readonly burst: number;
  readonly maxKeys: number;
}

/**
 * One bucket a key: `perSec` tokens a second, at most `burst` saved up. Monotonic time is passed in. Both numbers are
 * read when they are needed, so that they may change.
 */
export class RateLimiter {
  readonly #limits: RateLimits;
  // BOUNDED: by `maxKeys`; an evicted key starts again with a full bucket.
  readonly #buckets: BoundedMap<string, Bucket>;

  constructor(limits: RateLimits) {
    this.#limits = limits;
    this.#buckets = new BoundedMap(limits.maxKeys);
  }

  /** Takes `cost` tokens; false (and nothing taken) if there are not enough. */
  take(key: string, nowMs: number, cost = 1): boolean {
    const { perSec, burst } = this.#limits;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { tokens: burst, atMs: nowMs };
      this.#buckets.set(key, bucket);
    }
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) * perSec) / 1000);
    bucket.atMs = nowMs;
    if (bucket.tokens < cost) return false;
    bucket.tokens -= cost;
    return true;
  }
}
