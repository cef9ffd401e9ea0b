// The simulated world: one event queue, one network, processes that boot, pause and die, and a hash of all that was sent.
import type { Clock } from '../runtime/clock.ts';
import type { OpenDatagram } from '../runtime/datagram.ts';
import { EventQueue } from './event-queue.ts';
import { type Awakening, SimClock } from './sim-clock.ts';
import { type LinkOptions, SimNetwork } from './sim-network.ts';
import { type SimRandom, simRandom } from './sim-random.ts';
import { SimTrace } from './sim-trace.ts';

/** One life of a process on one host: the ports it runs on, and what may happen to it. */
export interface SimProcess {
  /** The host's address. A second process on it is a restart after `crash`, or a neighbour on another port. */
  readonly host: string;
  readonly clock: Clock;
  readonly random: SimRandom;
  readonly openDatagram: OpenDatagram;
  /** kill -9: timers never fire again, sockets neither send nor receive. */
  crash(): void;
  pause(forMs: number, awakening?: Awakening): void;
  jumpWall(byMs: number): void;
}

// Let the real event loop breathe (test timeouts, signals) once in so many simulated events.
const EVENTS_PER_BREATH = 2048;

// Node drains every microtask before it takes the next tick, so whoever awaits this resumes when all that an event
// set off has settled: complete like a turn of the event loop, and several times cheaper.
const microtasksDrained = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));
const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class SimWorld {
  readonly random: SimRandom;
  readonly network: SimNetwork;
  readonly #queue = new EventQueue();
  readonly #trace = new SimTrace();
  #nowMs = 0;
  #events = 0;
  #boots = 0;

  constructor(
    seed: number | string,
    link: Partial<LinkOptions> = {},
    { traced }: { readonly traced: boolean } = { traced: true },
  ) {
    this.random = simRandom(seed);
    const time = { queue: this.#queue, nowMs: () => this.#nowMs };
    this.network = new SimNetwork(
      {
        time,
        random: this.random.fork('network'),
        trace: (packet) => {
          if (traced) this.#trace.add(this.#nowMs, packet);
        },
      },
      link,
    );
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Timers and datagrams under way, those that were cancelled but are not due yet among them. */
  get pending(): number {
    return this.#queue.size;
  }

  /** Events run so far: a measure of work that does not depend on the machine. */
  get events(): number {
    return this.#events;
  }

  /** Same seed, same program: same hash. Over time, addresses and bytes of every datagram sent so far. */
  traceHash(): string {
    return this.#trace.digest();
  }

  boot(host: string, options: { skewMs?: number } = {}): SimProcess {
    this.#boots += 1;
    const time = { queue: this.#queue, nowMs: () => this.#nowMs };
    const clock = new SimClock(time, { skewMs: options.skewMs ?? 0 });
    return {
      host,
      clock,
      random: this.random.fork(`process ${this.#boots} ${host}`),
      openDatagram: async (bind, handlers) => this.network.open({ ...bind, host }, handlers, clock),
      crash: () => clock.kill(),
      pause: (forMs, awakening) => clock.pause(forMs, awakening),
      jumpWall: (byMs) => clock.jumpWall(byMs),
    };
  }

  /** Something the simulation's author does at a moment (world time). */
  at(atMs: number, act: () => void): void {
    this.#queue.push(Math.max(atMs, this.#nowMs), act);
  }

  /** Runs every event up to and including `untilMs`; then it is that time. */
  async run(untilMs: number): Promise<void> {
    // So that the first drain, too, is awaited from within a microtask.
    await Promise.resolve();
    await microtasksDrained();
    for (;;) {
      const next = this.#queue.peek();
      if (next === undefined || next.atMs > untilMs) break;
      this.#queue.pop();
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      // A timer that was cancelled, or whose process died: nothing happens, so nothing needs to settle.
      if (!next.due()) continue;
      this.#events += 1;
      next.run();
      await (this.#events % EVENTS_PER_BREATH === 0 ? breath() : microtasksDrained());
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  runFor(durationMs: number): Promise<void> {
    return this.run(this.#nowMs + durationMs);
  }

  /** Runs in steps until `holds`, at most `limitMs` more; says whether it held. */
  async runUntil(holds: () => boolean, options: { limitMs: number; stepMs?: number }): Promise<boolean> {
    const endMs = this.#nowMs + options.limitMs;
    while (!holds()) {
      if (this.#nowMs >= endMs) return false;
      await this.run(Math.min(endMs, this.#nowMs + (options.stepMs ?? 100)));
    }
    return true;
  }

  /** Runs the world until a promise of the code under test settles; rejects if that takes more than `limitMs`. */
  async settle<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    if (!(await this.runUntil(() => settled, { limitMs, stepMs: 5 })))
      throw new Error(`not settled after ${limitMs} ms of simulated time`);
    return promise;
  }
}
