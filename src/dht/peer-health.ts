// What the data plane remembers about its peers: how fast each answers, and who missed its time lately.
import type { Id } from '../record/id.ts';
import { BoundedMap } from '../runtime/bounded-map.ts';
import type { Clock } from '../runtime/clock.ts';
import { type RttState, rttSample } from './rto.ts';
import type { Peer } from './types.ts';

const PEERS_MAX = 4096;
/** Who missed its time is asked last for so long. */
const SUSPECT_MS = 10_000;
// A hedge is one more datagram, not a verdict: early is cheap, but one for nothing in fifty questions is enough. Five mean
// deviations are passed by 2 % of the answers where delays have an exponential tail, by 0.01 % where they are uniform.
const HEDGE_DEVIATIONS = 5;
/** RFC 6298's G: what a collection or a busy machine takes at either end. */
const HEDGE_SLACK_MS = 10;
/** Before anybody has answered: what half the Internet needs. */
const HEDGE_UNKNOWN_MS = 300;
const HEDGE_MAX_MS = 1000;

interface Health {
  readonly rtt: RttState | undefined;
  readonly suspectUntilMs: number;
}

export class PeerHealth {
  readonly #clock: Clock;
  // BOUNDED: PEERS_MAX, the oldest leaves.
  readonly #peers = new BoundedMap<Id, Health>(PEERS_MAX);
  /** Over everybody's answers: what to expect of a peer that never gave one. In a large ring that is nearly every peer. */
  #anybody: RttState | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  answered(id: Id, rttMs: number): void {
    const before = this.#peers.get(id)?.rtt;
    // RFC 6298 supposes R/2 of a first sample for want of others; here there are others.
    const rtt = rttSample(
      before,
      rttMs,
      Math.min(rttMs / 2, this.#anybody?.rttvarMs ?? Number.POSITIVE_INFINITY),
    );
    this.#anybody = rttSample(this.#anybody, rttMs);
    this.#peers.set(id, { rtt, suspectUntilMs: 0 });
  }

  missed(id: Id): void {
    const rtt = this.#peers.get(id)?.rtt;
    this.#peers.set(id, { rtt, suspectUntilMs: this.#clock.monoMs() + SUSPECT_MS });
  }

  /** It has come back with another life: what it missed is over. */
  returned(id: Id): void {
    const known = this.#peers.get(id);
    if (known !== undefined) this.#peers.set(id, { ...known, suspectUntilMs: 0 });
  }

  suspect(id: Id): boolean {
    return (this.#peers.get(id)?.suspectUntilMs ?? 0) > this.#clock.monoMs();
  }

  /** How long to wait for this peer before another one is asked as well. */
  hedgeMs(id: Id): number {
    const rtt = this.#peers.get(id)?.rtt ?? this.#anybody;
    if (rtt === undefined) return HEDGE_UNKNOWN_MS;
    return Math.min(HEDGE_MAX_MS, rtt.srttMs + Math.max(HEDGE_SLACK_MS, HEDGE_DEVIATIONS * rtt.rttvarMs));
  }

  /** Ourselves first (no datagram), then who answers, the fastest first, then who missed its time lately. */
  inReadOrder(peers: readonly Peer[], isSelf: (id: Id) => boolean): readonly Peer[] {
    const cost = (peer: Peer): number => {
      if (isSelf(peer.id)) return -1;
      const rttMs = (this.#peers.get(peer.id)?.rtt ?? this.#anybody)?.srttMs ?? HEDGE_UNKNOWN_MS;
      return this.suspect(peer.id) ? 1e9 + rttMs : rttMs;
    };
    return [...peers].sort((a, b) => cost(a) - cost(b));
  }
}
