// Every verified member heard of, in ring order and bounded: all of a small ring, the routing table of a large one.
import type { Id } from '../record/id.ts';
import type { Peer } from './types.ts';

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

// The place of an id relative to our own, in powers of two: entries of one class are interchangeable as fingers.
const HEX_DIGITS = 12;
const HEAD_BITS = 4 * HEX_DIGITS;
const distanceClass = (self: Id, id: Id): number => {
  const gap = Number.parseInt(id.slice(0, HEX_DIGITS), 16) - Number.parseInt(self.slice(0, HEX_DIGITS), 16);
  return Math.floor(Math.log2((gap + 2 ** HEAD_BITS) % 2 ** HEAD_BITS || 1));
};

export class PeerTable {
  readonly #self: Id;
  readonly #max: number;
  // BOUNDED: both by `max`, held in `set`.
  readonly #known = new Map<Id, Known>();
  readonly #order: Id[] = [];

  constructor(self: Id, max: number) {
    this.#self = self;
    this.#max = max;
  }

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
    if (!this.#known.has(id)) {
      if (this.#known.size >= this.#max) this.#evict(keep);
      this.#order.splice(this.#indexOf(id), 0, id);
    }
    this.#known.set(id, known);
  }

  delete(id: Id): boolean {
    if (!this.#known.delete(id)) return false;
    this.#order.splice(this.#indexOf(id), 1);
    return true;
  }

  /** In the order of their ids. */
  all(): Known[] {
    return this.#order.flatMap((id) => this.#known.get(id) ?? []);
  }

  /** In no order. */
  *peers(): Iterable<Peer> {
    for (const { peer } of this.#known.values()) yield peer;
  }

  /** The first `count` members clockwise after `id`, which is not among them. */
  after(id: Id, count: number): readonly Peer[] {
    const start = this.#indexOf(id);
    return this.#walk(this.#order[start] === id ? start + 1 : start, 1, id, count);
  }

  /** The first `count` members counter-clockwise before `id`, closest first. */
  before(id: Id, count: number): readonly Peer[] {
    return this.#walk(this.#indexOf(id) - 1, -1, id, count);
  }

  #walk(start: number, step: 1 | -1, not: Id, count: number): readonly Peer[] {
    const length = this.#order.length;
    const out: Peer[] = [];
    for (let n = 0; n < length && out.length < count; n += 1) {
      const id = this.#order[(start + step * n + 2 * length) % length];
      const known = id === undefined ? undefined : this.#known.get(id);
      if (known !== undefined && id !== not) out.push(known.peer);
    }
    return out;
  }

  /** Where `id` is or would be. */
  #indexOf(id: Id): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#order[middle] ?? id) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // RFC 6940 §10.7.4.2: fingers are spread by powers of two. So the most crowded class gives up its stalest member.
  #evict(keep: ReadonlySet<Id>): void {
    const classes = new Map<number, { count: number; stalest: Known }>();
    for (const known of this.#known.values()) {
      if (keep.has(known.peer.id)) continue;
      const index = distanceClass(this.#self, known.peer.id);
      const one = classes.get(index);
      if (one === undefined) classes.set(index, { count: 1, stalest: known });
      else {
        one.count += 1;
        if (known.heardMs < one.stalest.heardMs) one.stalest = known;
      }
    }
    const crowded = [...classes.values()].reduce<{ count: number; stalest: Known } | undefined>(
      (most, one) => (most === undefined || one.count > most.count ? one : most),
      undefined,
    );
    if (crowded !== undefined) this.delete(crowded.stalest.peer.id);
  }
}
