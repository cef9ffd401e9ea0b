// One question at a time per key: who asks while it runs gets its answer too.

export class Coalescer<K, V> {
  readonly #max: number;
  // BOUNDED: `max` questions at once; above it `run` refuses.
  readonly #running = new Map<K, Promise<V>>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Joins the running question for `key` or asks; undefined if too many run already. */
  run(key: K, ask: () => Promise<V>): Promise<V> | undefined {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    if (this.#running.size >= this.#max) return undefined;
    const asked: Promise<V> = ask().finally(() => {
      if (this.#running.get(key) === asked) this.#running.delete(key);
    });
    this.#running.set(key, asked);
    return asked;
  }

  /** What runs for `key` may be out of date: the next to ask asks anew. */
  forget(key: K): void {
    this.#running.delete(key);
  }
}
