// What was seen lately, in two generations: remembering costs a map entry, forgetting costs nothing.

export interface RecentMapOptions {
  /** Entries a generation; a generation that is full is the old one at once. */
  readonly max: number;
  /** An entry is remembered for at least so long (unless `max` comes first), and for less than twice as long. */
  readonly keepMs: number;
}

export class RecentMap<Value> {
  readonly #options: RecentMapOptions;
  // BOUNDED: `max` each.
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();
  #youngSinceMs = Number.NEGATIVE_INFINITY;

  constructor(options: RecentMapOptions) {
    this.#options = options;
  }

  set(key: string, value: Value, nowMs: number): void {
    this.#turn(nowMs);
    this.#young.set(key, value);
  }

  get(key: string, nowMs: number): Value | undefined {
    this.#turn(nowMs);
    return this.#young.get(key) ?? this.#old.get(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  #turn(nowMs: number): void {
    const { max, keepMs } = this.#options;
    const ageMs = nowMs - this.#youngSinceMs;
    if (ageMs < keepMs && this.#young.size < max) return;
    this.#old = ageMs < 2 * keepMs ? this.#young : new Map();
    this.#young = new Map();
    this.#youngSinceMs = nowMs;
  }
}
