// One simulated process's clocks: monotonic time since its boot, wall time with skew and jumps, timers that die with it.
import type { Clock } from '../runtime/clock.ts';
import type { EventQueue } from './event-queue.ts';

/**
 * What a process that stood still goes on with: what was due, in its order; or first what its sockets got, because it stood
 * in epoll_wait, as an idle process does (libuv runs the timers only after what that returns).
 */
export type Awakening = 'in-order' | 'datagrams-first';
/** Too short for anything else to happen. */
const BEHIND_DATAGRAMS_MS = 0.001;

/** What a clock asks of the world. */
export interface SimTime {
  readonly queue: EventQueue;
  nowMs(): number;
}

/** 2026-01-01T00:00:00Z: where every simulated world's wall clock starts. */
export const SIM_EPOCH_MS = Date.UTC(2026, 0, 1);

export class SimClock implements Clock {
  readonly #time: SimTime;
  readonly #bootMs: number;
  #skewMs: number;
  #pausedUntilMs = 0;
  #timersFromMs = 0;
  #dead = false;

  constructor(time: SimTime, options: { skewMs: number }) {
    this.#time = time;
    this.#bootMs = time.nowMs();
    this.#skewMs = options.skewMs;
  }

  /** Crashed: what it still holds (sockets, timers) counts no more. */
  get dead(): boolean {
    return this.#dead;
  }

  /** Not a round number at boot, and different from wall time: code that mixes the two shows. */
  monoMs(): number {
    return this.#time.nowMs() - this.#bootMs + 1000;
  }

  wallMs(): number {
    return SIM_EPOCH_MS + this.#time.nowMs() + this.#skewMs;
  }

  setTimer(delayMs: number, fire: () => void): { cancel(): void } {
    // What was cancelled stays in the queue until its time, but not what it would have worked on: of a ring of thousands that
    // is most of what a collection has to look through.
    let wanted: (() => void) | undefined = fire;
    this.#schedule(
      this.#time.nowMs() + Math.max(0, delayMs),
      () => wanted?.(),
      () => wanted !== undefined && !this.#dead,
    );
    return {
      cancel: () => {
        wanted = undefined;
      },
    };
  }

  #schedule(atMs: number, fire: () => void, due: () => boolean): void {
    this.#time.queue.push(atMs, () => this.#runOrHold(fire, due, () => this.#timersFromMs), due);
  }

  /** A datagram: now, if the process runs; when it runs again, if it is paused. */
  runOrHold(fire: () => void): void {
    this.#runOrHold(
      fire,
      () => !this.#dead,
      () => this.#pausedUntilMs,
    );
  }

  #runOrHold(fire: () => void, due: () => boolean, fromMs: () => number): void {
    if (!due()) return;
    const atMs = fromMs();
    if (this.#time.nowMs() < atMs) this.#time.queue.push(atMs, () => this.#runOrHold(fire, due, fromMs), due);
    else fire();
  }

  /** Sets the wall clock forward (or back) by `byMs`, as ntpd or an operator does. */
  jumpWall(byMs: number): void {
    this.#skewMs += byMs;
  }

  /** SIGSTOP, a long collection, a suspended machine: nothing runs until then; what came meanwhile comes at once after. */
  pause(forMs: number, awakening: Awakening = 'in-order'): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#time.nowMs() + forMs);
    this.#timersFromMs = this.#pausedUntilMs + (awakening === 'in-order' ? 0 : BEHIND_DATAGRAMS_MS);
  }

  kill(): void {
    this.#dead = true;
  }
}
