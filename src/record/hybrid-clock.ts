// The hybrid logical clock that stamps versions: 48 bit of milliseconds, 16 bit of counter, never behind what it saw.
import type { Version } from './types.ts';

const COUNTER_BITS = 16n;

export const versionFromMs = (ms: number): Version => BigInt(Math.floor(ms)) << COUNTER_BITS;
export const versionMs = (version: Version): number => Number(version >> COUNTER_BITS);

export class HybridClock {
  readonly #skewMs: number;
  #last: Version = 0n;

  constructor(options: { readonly skewMs: number }) {
    this.#skewMs = options.skewMs;
  }

  /** Greater than every version given or observed before, and at least `wallMs`. */
  next(wallMs: number): Version {
    const wall = versionFromMs(wallMs);
    const after = this.#last + 1n;
    // More than SKEW ahead would be refused by every store: after the wall clock was set back, time starts again there.
    this.#last = after > wall && versionMs(after) <= wallMs + this.#skewMs ? after : wall;
    return this.#last;
  }

  /** Moves past a version seen elsewhere; false (and unmoved) if that is more than SKEW ahead of `wallMs`. */
  observe(version: Version, wallMs: number): boolean {
    if (versionMs(version + 1n) > wallMs + this.#skewMs) return false;
    if (version > this.#last) this.#last = version;
    return true;
  }
}
