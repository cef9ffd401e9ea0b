// Peers in the order of their ids, each once: eight bytes an entry beside the descriptor, which many tables may share.
import { addPower, type Id } from '../record/id.ts';
import type { Peer } from './types.ts';

const ID_BITS = 160;

/** A run of `count` places from `start` on, counter-clockwise. */
export interface Stretch {
  readonly count: number;
  /** The n-th (from 1 on) counter-clockwise. */
  nth(n: number): Peer | undefined;
}

export class RingOrder {
  // BOUNDED: by its owner, peer-table.ts.
  #peers: Peer[] = [];

  get size(): number {
    return this.#peers.length;
  }

  /** In the order of their ids. Not to be kept: it changes with the order. */
  get peers(): readonly Peer[] {
    return this.#peers;
  }

  get(id: Id): Peer | undefined {
    const peer = this.#peers[this.#indexOf(id)];
    return peer?.id === id ? peer : undefined;
  }

  /** Takes the place of another life of the same peer. */
  set(peer: Peer): void {
    const index = this.#indexOf(peer.id);
    this.#peers.splice(index, this.#peers[index]?.id === peer.id ? 1 : 0, peer);
  }

  delete(id: Id): boolean {
    const index = this.#indexOf(id);
    if (this.#peers[index]?.id !== id) return false;
    this.#peers.splice(index, 1);
    return true;
  }

  /** Holds these instead of what it held. */
  replace(peers: readonly Peer[]): void {
    this.#peers = [...peers].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The first `count` clockwise after `id`, which is not among them. */
  after(id: Id, count: number): readonly Peer[] {
    const start = this.#indexOf(id);
    return this.#walk(this.#peers[start]?.id === id ? start + 1 : start, 1, id, count);
  }

  /** The first `count` counter-clockwise before `id`, closest first. */
  before(id: Id, count: number): readonly Peer[] {
    return this.#walk(this.#indexOf(id) - 1, -1, id, count);
  }

  /** Those strictly between the two, counter-clockwise from `from`; with `until` = `from` all but that one. */
  between(until: Id, from: Id): Stretch {
    const length = this.#peers.length;
    const end = this.#indexOf(from);
    const at = this.#indexOf(until);
    const start = this.#peers[at]?.id === until ? at + 1 : at;
    const count = end - start + (until < from ? 0 : length);
    return { count, nth: (n) => (n > count ? undefined : this.#peers[(end - n + length) % length]) };
  }

  /**
   * Where `self` has most of interchangeable entries (RFC 6940 §10.7.4.2: fingers are spread by powers of two): all in the
   * most crowded of the distances [2^k, 2^(k+1)) from it.
   */
  mostCrowded(self: Id): readonly Peer[] {
    let best: { readonly start: number; readonly count: number } = { start: 0, count: 0 };
    const length = this.#peers.length;
    let end = self;
    for (let power = ID_BITS - 1, left = length; power >= 0 && left > best.count; power -= 1) {
      const from = addPower(self, power);
      const start = this.#indexOf(from);
      const count = this.#indexOf(end) - start + (from < end ? 0 : length);
      if (count > best.count) best = { start, count };
      left -= count;
      end = from;
    }
    const { start, count } = best;
    return Array.from({ length: count }, (_, n) => this.#peers[(start + n) % length]).flatMap(
      (peer) => peer ?? [],
    );
  }

  #walk(start: number, step: 1 | -1, not: Id, count: number): readonly Peer[] {
    const length = this.#peers.length;
    const out: Peer[] = [];
    for (let n = 0; n < length && out.length < count; n += 1) {
      const peer = this.#peers[(start + step * n + 2 * length) % length];
      if (peer !== undefined && peer.id !== not) out.push(peer);
    }
    return out;
  }

  /** Where `id` is or would be. */
  #indexOf(id: Id): number {
    let low = 0;
    let high = this.#peers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#peers[middle]?.id ?? id) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
