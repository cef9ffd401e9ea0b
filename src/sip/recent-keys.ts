// Keys seen lately, in two generations: remembering one costs a set entry, forgetting it costs nothing.

export interface RecentKeysOptions {
  /** Keys a generation; a generation that is full is the old one at once. */
  readonly max: number;
  /** A key is remembered for at least so long (unless `max` comes first), and for less than twice as long. */
  readonly keepMs: number;
}

export class RecentKeys {
  readonly #options: RecentKeysOptions;
  // BOUNDED: `max` each.
  #young = new Set<string>();
  #old = new Set<string>();
  #youngSinceMs = Number.NEGATIVE_INFINITY;

  constructor(options: RecentKeysOptions) {
    this.#options = options;
  }

  add(key: string, nowMs: number): void {
    this.#turn(nowMs);
    this.#young.add(key);
  }

  has(key: string, nowMs: number): boolean {
    this.#turn(nowMs);
    return this.#young.has(key) || this.#old.has(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  #turn(nowMs: number): void {
    const { max, keepMs } = this.#options;
    const ageMs = nowMs - this.#youngSinceMs;
    if (ageMs < keepMs && this.#young.size < max) return;
    this.#old = ageMs < 2 * keepMs ? this.#young : new Set();
    this.#young = new Set();
    this.#youngSinceMs = nowMs;
  }
}
