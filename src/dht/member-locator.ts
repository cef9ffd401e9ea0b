// How a member learns who holds a key: from its lists, from its peer table, or by asking around.
import type { Id } from '../record/id.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Ask } from './courier.ts';
import { lookup } from './lookup.ts';
import type { PeerHealth } from './peer-health.ts';
import { hostsFrom } from './range.ts';
import type { FindOutcome, Peer, RingView } from './types.ts';
import type { Locator } from './write.ts';

/** The table is trusted to name the replicas when it holds this share of the members there should be. */
const COMPLETE_SHARE = 0.7;

export interface LocatorDeps {
  readonly ring: RingView;
  readonly ask: Ask;
  readonly clock: Clock;
  readonly health: PeerHealth;
}

export class MemberLocator implements Locator {
  readonly #deps: LocatorDeps;
  readonly #replicas: number;

  constructor(deps: LocatorDeps, options: { readonly replicas: number }) {
    this.#deps = deps;
    this.#replicas = options.replicas;
  }

  /** "Optimistic: with the peer table it sends straight to whom it believes responsible" (DESIGN §5, Write). */
  believed(key: Id): readonly Peer[] {
    const exact = this.#deps.ring.replicaSet(key);
    if (exact.length > 0) return exact;
    const members = this.#deps.ring.ready ? this.#deps.ring.members() : [];
    if (members.length < COMPLETE_SHARE * this.#deps.ring.sizeEstimate()) return [];
    return hostsFrom(key, members, this.#replicas);
  }

  async relocate(key: Id, hints: readonly Peer[], deadlineMs: number): Promise<FindOutcome> {
    if (hints.length > 0) {
      const told = await this.#lookup(key, hints, deadlineMs);
      if (told.replicas.length > 0) return told;
    }
    return this.find(key, deadlineMs);
  }

  async find(key: Id, deadlineMs: number): Promise<FindOutcome> {
    const replicas = this.#deps.ring.replicaSet(key);
    if (replicas.length > 0) return { replicas, steps: [], roundTrips: 0 };
    return this.#lookup(key, this.#deps.ring.closestPreceding(key), deadlineMs);
  }

  #lookup(key: Id, start: readonly Peer[], deadlineMs: number): Promise<FindOutcome> {
    const { ask, clock, health } = this.#deps;
    return lookup(
      { ask, clock, health, sizeEstimate: this.#deps.ring.sizeEstimate() },
      key,
      start,
      deadlineMs,
    );
  }
}
