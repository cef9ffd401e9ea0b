// Every verified member heard of, in ring order and bounded: all of a small ring, the routing table of a large one. Those
// that answered us are known first-hand; the rest we were told of, and they are hints for look-ups, nothing more.
import type { Id } from '../record/id.ts';
import { hostsFrom } from './range.ts';
import { RingOrder } from './ring-order.ts';
import type { Peer } from './types.ts';

/** Rings up to this size fit the table, and a look-up takes one round trip. */
export const TABLE_MAX = 8192;
/** Known first-hand: both lists, the fingers, and as many more whose silence shows a mass loss. */
export const HEARD_MAX = 256;
/** In rings that do not fit the table: so many members after itself everybody knows. */
export const DENSE = 128;

/** A member and what is known of it first-hand. Times are monotonic. */
export interface Known {
  readonly peer: Peer;
  /** It answered, or sent something only it can send. */
  readonly heardMs: number;
  readonly rttMs: number | undefined;
  readonly sizeEstimate: number | undefined;
  /** When a question was sent whose answer showed that it counts us among its neighbours. */
  readonly recognisedMs: number | undefined;
}

/** Evidence that a member lives: it answered. */
export interface Heard {
  readonly rttMs?: number;
  readonly sizeEstimate?: number;
  readonly recognisedMs?: number;
}

/** With what was known of this life before. */
export const knownOf = (peer: Peer, before: Known | undefined, heard: Heard, nowMs: number): Known => ({
  peer,
  heardMs: nowMs,
  rttMs: heard.rttMs ?? before?.rttMs,
  sizeEstimate: heard.sizeEstimate ?? before?.sizeEstimate,
  recognisedMs: heard.recognisedMs ?? before?.recognisedMs,
});

export interface TableLimits {
  /** Told and heard together. */
  readonly max: number;
  readonly heardMax: number;
}

export class PeerTable {
  readonly #self: Id;
  readonly #limits: TableLimits;
  // BOUNDED: both by `heardMax`, held in `set`.
  readonly #known = new Map<Id, Known>();
  readonly #heard = new RingOrder();
  // BOUNDED: by `max`, held in `#enter`.
  readonly #everybody = new RingOrder();
  #turn = 0;

  constructor(self: Id, limits: TableLimits) {
    this.#self = self;
    this.#limits = limits;
  }

  // --- known first-hand ---

  get size(): number {
    return this.#known.size;
  }

  get(id: Id): Known | undefined {
    return this.#known.get(id);
  }

  /** Never holds ourselves. A full table lets go of one that is best replaced; `keep` is never let go of. */
  set(known: Known, keep: ReadonlySet<Id>): void {
    const { id } = known.peer;
    if (id === this.#self) return;
    const before = this.#known.get(id);
    if (before === undefined && this.#known.size >= this.#limits.heardMax) this.#evictHeard(keep);
    this.#known.set(id, known);
    if (before?.peer === known.peer) return;
    this.#heard.set(known.peer);
    this.#enter(known.peer, keep);
  }

  /** Those known first-hand, in the order of their ids. */
  all(): Known[] {
    return this.#heard.peers.flatMap(({ id }) => this.#known.get(id) ?? []);
  }

  /** The first `count` members known first-hand clockwise after `id`, which is not among them. */
  after(id: Id, count: number): readonly Peer[] {
    return this.#heard.after(id, count);
  }

  /** The first `count` of them counter-clockwise before `id`, closest first. */
  before(id: Id, count: number): readonly Peer[] {
    return this.#heard.before(id, count);
  }

  /** One of those known first-hand, `luck` in [0, 1). */
  any(luck: number): Peer | undefined {
    return this.#heard.peers[Math.floor(luck * this.#heard.size)];
  }

  // --- all ---

  /** First-hand or told, without ourselves. */
  get everybody(): Pick<RingOrder, 'size' | 'peers' | 'get' | 'after' | 'before' | 'between'> {
    return this.#everybody;
  }

  /** Takes in one that we were told of; false if we know this life of it, or a later one. */
  tell(peer: Peer, keep: ReadonlySet<Id>): boolean {
    const held = this.#everybody.get(peer.id);
    if (peer.id === this.#self || (held !== undefined && held.bootSequence >= peer.bootSequence))
      return false;
    this.#enter(peer, keep);
    return true;
  }

  /** Both what we were told and what we heard; false if there was nothing. */
  delete(id: Id): boolean {
    if (this.#known.delete(id)) this.#heard.delete(id);
    return this.#everybody.delete(id);
  }

  /** In no order. */
  *peers(): Iterable<Peer> {
    for (const { peer } of this.#known.values()) yield peer;
  }

  /** Only those known first-hand stay. */
  forgetTold(): void {
    this.#everybody.replace(this.#heard.peers);
  }

  /** Of an ideal ring, as if we had been told of all of them. */
  fill(peers: readonly Peer[]): void {
    this.#everybody.replace(peers.filter(({ id }) => id !== this.#self).slice(0, this.#limits.max));
  }

  #enter(peer: Peer, keep: ReadonlySet<Id>): void {
    if (this.#everybody.size >= this.#limits.max && this.#everybody.get(peer.id) === undefined)
      this.#evict(keep);
    this.#everybody.set(peer);
  }

  // The most crowded distance gives up one of those we were told of, each in its turn; all are as good as one another.
  #evict(keep: ReadonlySet<Id>): void {
    const crowd = this.#everybody.mostCrowded(this.#self);
    const told = crowd.filter(({ id }) => !keep.has(id) && !this.#known.has(id));
    const candidates = told.length > 0 ? told : crowd.filter(({ id }) => !keep.has(id));
    this.#turn += 1;
    const one = candidates[this.#turn % Math.max(1, candidates.length)];
    if (one !== undefined) this.delete(one.id);
  }

  // The same among those known first-hand, by who was silent longest. It stays as one that we were told of.
  #evictHeard(keep: ReadonlySet<Id>): void {
    const crowd = this.#heard.mostCrowded(this.#self).filter(({ id }) => !keep.has(id));
    const candidates = crowd.length > 0 ? crowd : this.#heard.peers.filter(({ id }) => !keep.has(id));
    const stalest = candidates
      .flatMap(({ id }) => this.#known.get(id) ?? [])
      .reduce<Known | undefined>(
        (oldest, one) => (oldest === undefined || one.heardMs < oldest.heardMs ? one : oldest),
        undefined,
      );
    if (stalest === undefined) return;
    this.#known.delete(stalest.peer.id);
    this.#heard.delete(stalest.peer.id);
  }
}

/** Who holds `key` by all that a table knows; empty in a ring that doesn't fit it, but for the DENSE members behind us. */
export const believedReplicas = (
  self: Peer,
  everybody: PeerTable['everybody'],
  key: Id,
  replicas: number,
): readonly Peer[] => {
  if (everybody.size >= TABLE_MAX && everybody.between(self.id, key).count >= DENSE) return [];
  const at = everybody.get(key);
  // As a rule the next ones are processes apart; where they are not, we look further.
  for (let count = replicas; ; count *= 4) {
    const near = [...everybody.after(key, count), self, ...(at === undefined ? [] : [at])];
    const set = hostsFrom(key, near, replicas);
    if (set.length === replicas || count >= everybody.size) return set;
  }
};
