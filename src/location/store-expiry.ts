// A store of our own is relieved of what is past retention, once a period.
import type { RecordStore } from '../record/store.ts';
import type { Clock, Timer } from '../runtime/clock.ts';

const PERIOD_MS = 60_000;

export class StoreExpiry {
  readonly #store: RecordStore;
  readonly #clock: Clock;
  #timer: Timer | undefined;

  constructor(store: RecordStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  start(): void {
    this.#timer = this.#clock.setTimer(PERIOD_MS, () => {
      this.#store.expire(this.#clock.wallMs());
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
