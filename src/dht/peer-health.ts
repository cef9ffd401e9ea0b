// What the data plane remembers about its peers: how fast each answers, and who missed its time lately.
import type { Id } from '../record/id.ts';
import { BoundedMap } from '../runtime/bounded-map.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Peer } from './types.ts';

const PEERS_MAX = 4096;
/** Who missed its time is asked last for so long. */
const SUSPECT_MS = 10_000;
// A hedge is one more datagram, not a verdict: early is cheap. Unknown peers get what half the Internet needs.
const HEDGE_UNKNOWN_MS = 300;
const HEDGE_MIN_MS = 40;
const HEDGE_MAX_MS = 1000;

interface Health {
  readonly smoothedRttMs: number | undefined;
  readonly suspectUntilMs: number;
}

export class PeerHealth {
  readonly #clock: Clock;
  // BOUNDED: PEERS_MAX, the oldest leaves.
  readonly #peers = new BoundedMap<Id, Health>(PEERS_MAX);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  answered(id: Id, rttMs: number): void {
    const before = this.#peers.get(id)?.smoothedRttMs;
    // RFC 6298's weight: one eighth of the news.
    const smoothedRttMs = before === undefined ? rttMs : before + (rttMs - before) / 8;
    this.#peers.set(id, { smoothedRttMs, suspectUntilMs: 0 });
  }

  missed(id: Id): void {
    const smoothedRttMs = this.#peers.get(id)?.smoothedRttMs;
    this.#peers.set(id, { smoothedRttMs, suspectUntilMs: this.#clock.monoMs() + SUSPECT_MS });
  }

  suspect(id: Id): boolean {
    return (this.#peers.get(id)?.suspectUntilMs ?? 0) > this.#clock.monoMs();
  }

  /** How long a reader waits for this peer before it asks another one as well. */
  hedgeMs(id: Id): number {
    const rttMs = this.#peers.get(id)?.smoothedRttMs;
    if (rttMs === undefined) return HEDGE_UNKNOWN_MS;
    return Math.min(HEDGE_MAX_MS, Math.max(HEDGE_MIN_MS, 4 * rttMs));
  }

  /** Ourselves first (no datagram), then who answers, the fastest first, then who missed its time lately. */
  inReadOrder(peers: readonly Peer[], self: Id | undefined): readonly Peer[] {
    const cost = (peer: Peer): number => {
      if (peer.id === self) return -1;
      const rttMs = this.#peers.get(peer.id)?.smoothedRttMs ?? HEDGE_UNKNOWN_MS;
      return this.suspect(peer.id) ? 1e9 + rttMs : rttMs;
    };
    return [...peers].sort((a, b) => cost(a) - cost(b));
  }
}
