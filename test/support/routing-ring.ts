// An ideal ring as data, for the published figures: lists and fingers as the node keeps them, asked by the real lookup.
import { nodeId } from '../../src/dht/descriptor.ts';
import { CANDIDATES_MAX, closestPreceding, type LookupDeps, lookup } from '../../src/dht/lookup.ts';
import { type RingLists, replicasAmong } from '../../src/dht/ring-state.ts';
import type { Answer, FindOutcome, Peer } from '../../src/dht/types.ts';
import { addPower, hashToId, type Id } from '../../src/record/id.ts';
import { delay } from '../../src/runtime/clock.ts';
import { randomBelow } from '../../src/runtime/random.ts';
import { type SimRandom, simRandom } from '../../src/sim/sim-random.ts';
import { SimWorld } from '../../src/sim/sim-world.ts';
import { peerNamed } from './fake-peers.ts';

export interface RoutingOptions {
  readonly seed: number | string;
  readonly count: number;
  /** Length of the successor list; `replicas` predecessors are known, too. */
  readonly successors: number;
  readonly replicas: number;
  /** Whom a node knows besides, if not one finger an interval. */
  readonly known?: (ring: RoutingRing, self: number) => readonly Peer[];
}

/** FIND names so many. */
const CLOSEST_MAX = 8;
/** How finely a finger's place within its interval is chosen, as in ring-search.ts. */
const FINGER_BITS = 16;

/** Ids as an overlay grants them: to domains, not by choice. */
export const memberIds = (count: number, vnodes = 1, overlay = 'figures'): readonly Id[] =>
  Array.from({ length: count * vnodes }, (_, index) =>
    nodeId(overlay, {
      domain: `d${Math.floor(index / vnodes)}.example`,
      selector: 0,
      vnode: index % vnodes,
    }),
  );

export class RoutingRing {
  readonly peers: readonly Peer[];
  readonly options: RoutingOptions;
  readonly random: SimRandom;
  readonly #index: ReadonlyMap<Id, number>;
  // BOUNDED: both by the ring.
  readonly #known = new Map<number, readonly Peer[]>();
  readonly dead = new Set<Id>();

  constructor(options: RoutingOptions) {
    this.options = options;
    this.random = simRandom(options.seed);
    const ids = [...memberIds(options.count)].sort();
    this.peers = ids.map((id, index) => peerNamed(`d${index}`, id));
    this.#index = new Map(ids.map((id, index) => [id, index]));
  }

  at(index: number): Peer {
    const { length } = this.peers;
    const peer = this.peers[((index % length) + length) % length];
    if (peer === undefined) throw new Error('an empty ring');
    return peer;
  }

  indexOf(id: Id): number {
    return this.#index.get(id) ?? -1;
  }

  /** Index of the first member at or clockwise after the key. */
  ownerOf(key: Id): number {
    let low = 0;
    let high = this.peers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.at(middle).id < key) low = middle + 1;
      else high = middle;
    }
    return low % this.peers.length;
  }

  replicaSet(key: Id): readonly Peer[] {
    const owner = this.ownerOf(key);
    return Array.from({ length: this.options.replicas }, (_, step) => this.at(owner + step));
  }

  lists(self: number): RingLists {
    const { successors, replicas, count } = this.options;
    const around = (step: 1 | -1, length: number): readonly Peer[] =>
      Array.from({ length: Math.min(length, count - 1) }, (_, n) => this.at(self + step * (n + 1)));
    return { successors: around(1, successors), predecessors: around(-1, replicas) };
  }

  /** RFC 6940 §10.7.4.2, as ring-search.ts has it: "a random id in the interval", one finger for each. */
  fingers(self: number): readonly Peer[] {
    const { id } = this.at(self);
    const levels = Math.min(159, Math.ceil(Math.log2(this.options.count)) + 1);
    return Array.from({ length: levels }, (_, level) => {
      const power = 159 - level;
      let target = addPower(id, power);
      for (let bit = power - 1; bit >= Math.max(0, power - FINGER_BITS); bit -= 1)
        if (this.random.float() < 0.5) target = addPower(target, bit);
      return this.at(this.ownerOf(target));
    });
  }

  known(self: number): readonly Peer[] {
    const held = this.#known.get(self);
    if (held !== undefined) return held;
    const known = (this.options.known ?? ((ring, at) => ring.fingers(at)))(this, self);
    this.#known.set(self, known);
    return known;
  }

  /** What this node answers to FIND (serve.ts). */
  found(self: number, key: Id, max = CLOSEST_MAX): Extract<Answer, { type: 'found' }> {
    const peer = this.at(self);
    const lists = this.lists(self);
    const replicas = replicasAmong(peer, lists, key, {
      count: this.options.replicas,
      allMin: this.options.successors,
    });
    if (replicas.length > 0) return { type: 'found', replicas, closest: [] };
    const known = [...this.known(self), ...lists.successors];
    return { type: 'found', replicas, closest: closestPreceding(peer.id, key, known, max) };
  }

  /** Kills a share of the members at once; nobody notices. */
  kill(share: number): void {
    const rest = [...this.peers];
    for (let n = 0; n < share * this.peers.length; n += 1) {
      const [peer] = rest.splice(randomBelow(this.random, rest.length), 1);
      if (peer !== undefined) this.dead.add(peer.id);
    }
  }

  alive(): Peer {
    for (;;) {
      const peer = this.at(randomBelow(this.random, this.peers.length));
      if (!this.dead.has(peer.id)) return peer;
    }
  }

  randomKey(): Id {
    return hashToId(this.random.bytes(20));
  }
}

export interface Looked extends FindOutcome {
  readonly key: Id;
  readonly from: Peer;
  readonly ms: number;
  /** Members asked that are dead. */
  readonly timeouts: number;
}

export interface LookupRun {
  readonly lookups: number;
  readonly parallel?: number;
  readonly health?: LookupDeps['health'];
  readonly rttMs?: number;
  readonly timeoutMs?: number;
}

/** Lookups of random keys from random living members, all at once in simulated time; nobody learns from them. */
export const runLookups = async (ring: RoutingRing, run: LookupRun): Promise<readonly Looked[]> => {
  const { rttMs = 100, timeoutMs = 1000, parallel = 1 } = run;
  const world = new SimWorld(ring.options.seed);
  const { clock } = world.boot('10.0.0.1');
  const one = async (): Promise<Looked> => {
    const key = ring.randomKey();
    const from = ring.alive();
    let timeouts = 0;
    const startMs = clock.monoMs();
    const self = ring.found(ring.indexOf(from.id), key, CANDIDATES_MAX);
    if (self.replicas.length > 0)
      return { key, from, ms: 0, timeouts, replicas: self.replicas, steps: [], roundTrips: 0 };
    const ask: LookupDeps['ask'] = async (peer) => {
      if (ring.dead.has(peer.id)) {
        timeouts += 1;
        await delay(clock, timeoutMs);
        return { ok: false, code: 'timeout' };
      }
      await delay(clock, rttMs);
      const answer = ring.found(ring.indexOf(peer.id), key);
      return { ok: true, answer, meta: { from: { host: '', port: 0 }, rttMs, sizeEstimate: 1 } };
    };
    const deps = {
      ask,
      clock,
      sizeEstimate: ring.options.count,
      parallel,
      ...(run.health === undefined ? {} : { health: run.health }),
    };
    const outcome = await lookup(deps, key, self.closest, 600_000);
    return { key, from, ms: clock.monoMs() - startMs, timeouts, ...outcome };
  };
  return world.settle(Promise.all(Array.from({ length: run.lookups }, one)), 3_600_000);
};
