// The slow work of replication: replicas compare digests once a round, and what became another's is given away.
import type { Arc, Id } from '../record/id.ts';
import type { Clock } from '../runtime/clock.ts';
import { jittered, type Random } from '../runtime/random.ts';
import type { Ask } from './courier.ts';
import { type ExchangeDeps, exchange } from './exchange.ts';
import { hostsFrom, segmentsOf } from './range.ts';
import type { Tasks } from './tasks.ts';
import type { Peer, RecordStorePort, RingView } from './types.ts';

export interface AntiEntropyDeps {
  readonly ring: RingView;
  readonly store: RecordStorePort;
  readonly ask: Ask;
  readonly clock: Clock;
  readonly random: Random;
}

export interface AntiEntropyOptions {
  readonly replicas: number;
  readonly timings: { readonly digestMs: number; readonly paceMs: number; readonly keepMs: number };
  /** Our arc; undefined while nothing is to be compared. */
  readonly state: () => Arc | undefined;
  /** Since when it is that, and nobody gave us what is about to become ours. */
  readonly quietSinceMs: () => number;
  readonly onGivenAway: () => void;
  readonly onMoved: (direction: 'pushed' | 'pulled', keys: number) => void;
  /** So many keys of one comparison of replicas were held differently. */
  readonly onDiffer: (keys: number) => void;
  readonly onEvent: (event: string) => void;
}

export interface AntiEntropy {
  loop(): Promise<void>;
}

/** Rounds of digests, ±20 %: "range digests every 60 s" (DESIGN §5) is kept with the default of 45 s, the work included. */
const JITTER = 0.2;
/** Of a round: when it is tried again after one datagram too many was lost. What both had is asked for in one question. */
const AGAIN = 0.1;

const sameIds = (a: readonly Peer[], b: readonly Peer[]): boolean =>
  a.length === b.length && a.every(({ id }, index) => id === b[index]?.id);

export const createAntiEntropy = (
  deps: AntiEntropyDeps,
  tasks: Tasks,
  options: AntiEntropyOptions,
): AntiEntropy => {
  const { ring, store, ask, clock, random } = deps;
  const { timings, replicas } = options;

  const pace = async (): Promise<boolean> => {
    await tasks.sleep(timings.paceMs);
    return !tasks.stopping && options.state() !== undefined;
  };
  const exchanging: ExchangeDeps = { ask, store, pace, self: () => ring.self, onMoved: options.onMoved };

  const comparing: ExchangeDeps = { ...exchanging, onDiffer: options.onDiffer };

  /** Each pair of replicas compares what it shares once a round: we with those after us, those before us with us. */
  const compare = async (arc: Arc): Promise<boolean> => {
    const self = ring.self.id;
    let all = true;
    for (const segment of segmentsOf(arc, self, ring.members())) {
      const set = ring.replicaSet(segment.to);
      const place = set.findIndex(({ id }) => id === self);
      for (const peer of place < 0 ? [] : set.slice(place + 1)) {
        const done = await exchange(comparing, peer, segment, { push: true, pull: true });
        options.onEvent(done === undefined ? 'compare-failed' : 'compared');
        if (done === undefined) all = false;
      }
    }
    return all;
  };

  /** The replica set of what lies in `segment`, as those say who are in it; undefined while they say otherwise than we. */
  const agreedSet = async (segment: Arc, first: Id): Promise<readonly Peer[] | undefined> => {
    const believed = hostsFrom(segment.to, ring.members(), replicas);
    const owner = believed[0];
    if (owner === undefined || believed.some(({ id }) => id === ring.self.id)) return undefined;
    // A member unknown to us in the segment would be the owner of its first key.
    const outcome = await ask(owner, { type: 'find', key: first });
    const told = outcome.ok && outcome.answer.type === 'found' ? outcome.answer.replicas : [];
    return sameIds(told, believed) ? believed : undefined;
  };

  /** "a node that loses an arc keeps it until the new replicas confirm": then it is dropped. */
  const giveAway = async (arc: Arc): Promise<void> => {
    if (arc.from === arc.to || clock.monoMs() - options.quietSinceMs() < timings.keepMs) return;
    const foreign: Arc = { from: arc.to, to: arc.from };
    if (store.keysIn(foreign).length === 0) return options.onGivenAway();
    for (const segment of segmentsOf(foreign, foreign.to, ring.members())) {
      const keys = store.keysIn(segment);
      const first = keys[0];
      const set = first === undefined ? undefined : await agreedSet(segment, first);
      if (set === undefined) continue;
      let confirmed = 0;
      for (const peer of set)
        if ((await exchange(exchanging, peer, segment, { push: true, pull: false })) !== undefined)
          confirmed += 1;
      if (confirmed < set.length || options.state()?.from !== arc.from) continue;
      // From here on nobody may fetch it from us any more.
      options.onGivenAway();
      for (const key of keys) if (!ring.isMine(key)) store.drop(key);
      options.onEvent('gave-away');
    }
  };

  return {
    async loop() {
      let waitMs = timings.digestMs;
      while (!tasks.stopping) {
        await tasks.sleep(jittered(random, waitMs, JITTER));
        waitMs = timings.digestMs;
        const arc = options.state();
        if (tasks.stopping || arc === undefined || !ring.leaseValid()) continue;
        if (!(await compare(arc))) waitMs *= AGAIN;
        await giveAway(arc);
      }
    },
  };
};
