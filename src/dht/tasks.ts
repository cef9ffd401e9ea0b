// Work that outlives the call which began it: every promise has an owner, and stop() ends all sleeping and awaits all.
import type { Clock } from '../runtime/clock.ts';

export class Tasks {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #onError: (name: string, error: unknown) => void;
  // BOUNDED: by what callers have under way, and beyond `max` nothing lingers (`crowded`).
  readonly #running = new Set<Promise<void>>();
  // BOUNDED: one per sleeping task or waiting caller.
  readonly #atStop = new Set<() => void>();
  #stopping = false;

  constructor(
    deps: { clock: Clock; onError: (name: string, error: unknown) => void },
    options: { max: number },
  ) {
    this.#clock = deps.clock;
    this.#onError = deps.onError;
    this.#max = options.max;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Like `run`, unless as much is under way as may be: work that something periodic will make good. */
  tryRun(name: string, work: () => Promise<void>): boolean {
    if (this.#stopping || this.crowded) return false;
    this.run(name, work);
    return true;
  }

  /** As much under way as may be: what something periodic will make good is left to that. */
  get crowded(): boolean {
    return this.#running.size >= this.#max;
  }

  /** Runs `work` under this owner; a rejection is a fault of ours and is told to `onError`. */
  run(name: string, work: () => Promise<void>): void {
    if (this.#stopping) return;
    const promise = work().catch((error: unknown) => this.#onError(name, error));
    this.#running.add(promise);
    promise
      .finally(() => this.#running.delete(promise))
      .catch((error: unknown) => this.#onError(name, error));
  }

  /** Calls `tell` once when stopping (at once if it already is); the result forgets it. */
  onStop(tell: () => void): () => void {
    if (this.#stopping) tell();
    else this.#atStop.add(tell);
    return () => this.#atStop.delete(tell);
  }

  /** Resolves after `ms` of monotonic time, or at once when stopping. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      let forget = (): unknown => undefined;
      const timer = this.#clock.setTimer(ms, () => {
        forget();
        resolve();
      });
      forget = this.onStop(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** Ends every sleep, tells who waits, then awaits what runs. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const tell of [...this.#atStop]) tell();
    this.#atStop.clear();
    while (this.#running.size > 0) await Promise.all([...this.#running]);
  }
}
