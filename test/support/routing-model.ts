// Routing in a ring larger than the peer table: who knows whom is drawn, all else (lookup, FIND's answer) is the real code's.
//
// Assumptions: a node knows the next `dense` members after it exactly; of all others it holds as many as the table takes,
// evened out over the distances [2^k, 2^(k+1)) as the table's eviction does, within a distance each with the same chance; a
// share of all members is dead and in everybody's tables still; links are alike; nobody learns from a lookup for the next.

import { closerThan } from '../../src/dht/lookup.ts';
import type { Answer } from '../../src/dht/types.ts';
import type { Id } from '../../src/record/id.ts';
import { type RoutingOptions, RoutingRing } from './routing-ring.ts';

export interface ModelOptions extends Pick<RoutingOptions, 'seed' | 'count' | 'replicas'> {
  /** Entries of the peer table. */
  readonly table: number;
  readonly dense: number;
}

/** How likely a member at a distance of [2^k, 2^(k+1)) places is in the table, by k: the crowded distances give up first. */
export const chances = (count: number, table: number): readonly number[] => {
  const sizes: number[] = [];
  for (let from = 1; from < count; from *= 2) sizes.push(Math.min(2 * from, count) - from);
  let room = table;
  let left = sizes.length;
  // The cap at which the distances that exceed it fill the table together with those that don't.
  for (const size of sizes) {
    if (size * left > room) break;
    room -= size;
    left -= 1;
  }
  const cap = left === 0 ? Number.POSITIVE_INFINITY : room / left;
  return sizes.map((size) => Math.min(1, cap / size));
};

// Two rounds of a 32-bit mix: the same pair always draws the same.
const drawn = (a: number, b: number): number => {
  let h = (Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
};

export class RoutingModel extends RoutingRing {
  readonly #model: ModelOptions;
  readonly #chances: readonly number[];

  constructor(options: ModelOptions) {
    super({ ...options, successors: options.dense });
    this.#model = options;
    this.#chances = chances(options.count, options.table);
  }

  knows(self: number, other: number): boolean {
    const { count, dense } = this.#model;
    const steps = (other - self + count) % count;
    if (steps === 0) return false;
    return steps <= dense || drawn(self, other) < (this.#chances[Math.floor(Math.log2(steps))] ?? 1);
  }

  override found(self: number, key: Id, max = 8): Extract<Answer, { type: 'found' }> {
    const { count, dense, table, replicas } = this.#model;
    const owner = this.ownerOf(key);
    const ahead = (owner - self + count) % count;
    // "A dense neighbourhood kept exact": it ends where the last copy would be further than that.
    if (table >= count - 1 || ahead + replicas - 1 <= dense)
      return { type: 'found', replicas: this.replicaSet(key), closest: [] };
    const closest = [];
    for (let back = 1; back < ahead && closest.length < max; back += 1) {
      const other = (owner - back + count) % count;
      if (this.knows(self, other)) closest.push(this.at(other));
    }
    return { type: 'found', replicas: [], closest: closerThan(this.at(self).id, key, closest) };
  }
}
