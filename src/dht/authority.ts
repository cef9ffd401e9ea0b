// The authority lease over time: whether it holds now, and how often it did not, whoever looked at that moment.
import type { Clock } from '../runtime/clock.ts';
import { type LeaseClock, leaseClockAt, leaseHolds, observeClocks } from './lease.ts';

/** Nobody can hold us for dead in less: it takes five pings of 400 ms each without an answer. */
const LAPSE_MS = 1500;

export class Authority {
  readonly #clock: Clock;
  readonly #jumpMs: number;
  #lease: LeaseClock;
  /** When it was last seen to hold. */
  #leasedMs = Number.NEGATIVE_INFINITY;
  #lapses = 0;
  #onVoid: () => void = () => undefined;

  constructor(clock: Clock, clockJumpMs: number) {
    this.#clock = clock;
    this.#jumpMs = clockJumpMs;
    this.#lease = leaseClockAt(clock.monoMs(), clock.wallMs());
  }

  get lapses(): number {
    return this.#lapses;
  }

  /** Called when the lease was voided: only a new round of questions brings it back. */
  onVoid(listener: () => void): void {
    this.#onVoid = listener;
  }

  /** Others held us for dead: what they wrote meanwhile, they wrote without us, however short it was. */
  void(): void {
    this.#lease = { ...this.#lease, voidBeforeMs: this.#clock.monoMs() };
    this.#lapses += 1;
    this.#onVoid();
  }

  /** A machine that slept: monotonic time may have stood still for it, and no gap shows. Others wrote without it. */
  observeClocks(): void {
    const before = this.#lease.voidBeforeMs;
    this.#lease = observeClocks(this.#lease, this.#clock.monoMs(), this.#clock.wallMs(), this.#jumpMs);
    if (this.#lease.voidBeforeMs === before) return;
    this.#lapses += 1;
    this.#onVoid();
  }

  /** `recognisedMs`: of those that vouch for us. */
  recognised(recognisedMs: readonly (number | undefined)[], leaseMs: number): boolean {
    return leaseHolds(this.#lease, recognisedMs, { nowMs: this.#clock.monoMs(), leaseMs });
  }

  /** Takes in whether it holds now; a gap since it last did is a lapse. */
  seen(holds: boolean): boolean {
    if (!holds) return false;
    const nowMs = this.#clock.monoMs();
    if (nowMs - this.#leasedMs > LAPSE_MS) this.#lapses += 1;
    this.#leasedMs = nowMs;
    return true;
  }
}
