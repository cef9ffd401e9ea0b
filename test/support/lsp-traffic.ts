// Counts what every host sends on a simulated network: per second, and requests that are still without an answer.
import { readFrame } from '../../src/dht/frame.ts';
import type { SimWorld } from '../../src/sim/sim-world.ts';

/** A ping is waited for at most so long; what is asked again after that counts once more. */
const FORGOTTEN_MS = 3000;

export class LspTraffic {
  readonly #world: SimWorld;
  // BOUNDED: both by the test.
  readonly #perSecond = new Map<string, number>();
  readonly #open = new Map<string, Map<string, number>>();
  #openMax = 0;

  constructor(world: SimWorld) {
    this.#world = world;
    world.network.setFilter(({ from, to, bytes }) => {
      this.#count(from.host);
      const reading = readFrame(bytes);
      if (!reading.ok) return true;
      const { answer, transaction } = reading.frame;
      const id = Buffer.from(transaction).toString('hex');
      if (answer) this.#open.get(to.host)?.delete(id);
      else this.#opened(from.host, id);
      return true;
    });
  }

  /** Datagrams sent so far. */
  get sent(): number {
    return [...this.#perSecond.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The most datagrams that any host sent in one second. */
  get peakPerSecond(): number {
    return Math.max(0, ...this.#perSecond.values());
  }

  /** The most requests that any host had open at one moment. */
  get peakOpen(): number {
    return this.#openMax;
  }

  reset(): void {
    this.#perSecond.clear();
    this.#open.clear();
    this.#openMax = 0;
  }

  #count(host: string): void {
    const second = `${host} ${Math.floor(this.#world.nowMs / 1000)}`;
    this.#perSecond.set(second, (this.#perSecond.get(second) ?? 0) + 1);
  }

  #opened(host: string, id: string): void {
    const open = this.#open.get(host) ?? new Map<string, number>();
    this.#open.set(host, open);
    for (const [old, atMs] of open) if (this.#world.nowMs - atMs > FORGOTTEN_MS) open.delete(old);
    open.set(id, open.get(id) ?? this.#world.nowMs);
    this.#openMax = Math.max(this.#openMax, open.size);
  }
}
