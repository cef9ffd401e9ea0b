// Work that is done again and again, never twice at once: after its own delay, or at once when kicked.
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Tasks } from './tasks.ts';

export class Pulse {
  readonly #clock: Clock;
  readonly #tasks: Tasks;
  readonly #name: string;
  readonly #work: () => Promise<void>;
  readonly #nextMs: () => number;
  #timer: Timer | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #running = false;
  #again: number | undefined;
  #stopped = true;

  /** `nextMs` is asked after every run for the time to the next one; Infinity: only when kicked. */
  constructor(
    deps: { clock: Clock; tasks: Tasks },
    name: string,
    work: () => Promise<void>,
    nextMs: () => number,
  ) {
    this.#clock = deps.clock;
    this.#tasks = deps.tasks;
    this.#name = name;
    this.#work = work;
    this.#nextMs = nextMs;
  }

  start(firstMs: number = this.#nextMs()): void {
    this.#stopped = false;
    this.#arm(firstMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Runs within `withinMs`; after the run under way if there is one. */
  kick(withinMs = 0): void {
    if (this.#stopped) return;
    if (this.#running) this.#again = Math.min(this.#again ?? withinMs, withinMs);
    else if (this.#clock.monoMs() + withinMs < this.#dueMs) this.#arm(withinMs);
  }

  #arm(delayMs: number): void {
    this.#timer?.cancel();
    this.#dueMs = this.#clock.monoMs() + delayMs;
    this.#timer = Number.isFinite(delayMs) ? this.#clock.setTimer(delayMs, () => this.#run()) : undefined;
  }

  #run(): void {
    if (this.#stopped) return;
    this.#running = true;
    this.#again = undefined;
    this.#tasks.run(this.#name, async () => {
      try {
        await this.#work();
      } finally {
        this.#running = false;
        if (!this.#stopped) this.#arm(Math.min(this.#again ?? Number.POSITIVE_INFINITY, this.#nextMs()));
      }
    });
  }
}
