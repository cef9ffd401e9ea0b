// A clock that stands still until the test moves it; timers fire in order while it moves.
import type { Clock, Timer } from '../../src/runtime/clock.ts';

export class ManualClock implements Clock {
  // Wall and monotonic time differ, so that code that mixes them shows.
  #nowMs = 1000;
  readonly #wallOffsetMs = Date.UTC(2026, 0, 1);
  #timers: { atMs: number; seq: number; fire: () => void }[] = [];
  #seq = 0;

  monoMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#nowMs;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), seq: this.#seq, fire };
    this.#seq += 1;
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((one) => one !== timer);
      },
    };
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#timers.length;
  }

  /** Moves on by `ms`, firing what falls due on the way, timers set meanwhile included. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const [next] = this.#timers
        .filter((timer) => timer.atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs || a.seq - b.seq);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = next.atMs;
      next.fire();
    }
    this.#nowMs = untilMs;
  }
}
