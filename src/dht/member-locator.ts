// How a member learns who holds a key: from its lists, from its peer table, or by asking around.
import type { Id } from '../record/id.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Ask } from './courier.ts';
import { lookup } from './lookup.ts';
import type { PeerHealth } from './peer-health.ts';
import type { FindOutcome, Peer, RingView } from './types.ts';
import type { Locator } from './write.ts';

export interface LocatorDeps {
  readonly ring: RingView;
  readonly ask: Ask;
  readonly clock: Clock;
  readonly health: PeerHealth;
}

export class MemberLocator implements Locator {
  readonly #deps: LocatorDeps;

  constructor(deps: LocatorDeps) {
    this.#deps = deps;
  }

  /** "Optimistic: with the peer table it sends straight to whom it believes responsible" (DESIGN §5, Write). */
  believed(key: Id): readonly Peer[] {
    return this.#deps.ring.believed(key);
  }

  /** Others tell us of every change. */
  async recheck(key: Id): Promise<readonly Peer[]> {
    return this.believed(key);
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
    const [owner] = this.believed(key);
    if (owner === undefined) return this.#lookup(key, this.#deps.ring.closestPreceding(key), deadlineMs);
    // It knows its surroundings for certain: one question, whose answer is right or names whom to ask.
    const told = await this.#lookup(key, [owner], deadlineMs);
    if (told.replicas.length > 0) return told;
    const around = await this.#lookup(key, this.#deps.ring.closestPreceding(key), deadlineMs);
    return {
      ...around,
      steps: [...told.steps, ...around.steps],
      roundTrips: told.steps.length + around.roundTrips,
    };
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
