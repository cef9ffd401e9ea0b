// Brings here what others hold of an arc that became ours: from whom, and when that is enough (DESIGN §5, Responsibility).
import type { Arc } from '../record/id.ts';
import type { Ask } from './courier.ts';
import { type ExchangeDeps, type ExchangeResult, exchange, pullArc } from './exchange.ts';
import { firstHosts, keptOf } from './hosts.ts';
import { membersFrom } from './range.ts';
import type { RingHere } from './replication-options.ts';
import type { Peer, RecordStorePort } from './types.ts';

/** "pulls its arc from two old replicas before it answers none". */
const SOURCES = 2;
const PULL = { push: false, pull: true };

export interface ArcFetchDeps {
  readonly ring: RingHere;
  readonly store: RecordStorePort;
  readonly ask: Ask;
  readonly onMoved: ExchangeDeps['onMoved'];
  /** False: it is pointless to go on. */
  readonly goesOn: () => boolean;
  /** Has the arc been ours for so long that a source which can't be reached is not waited for? */
  readonly impatient: () => boolean;
  readonly onGaveUp: () => void;
  /** Self and the exact surroundings; in a small ring everybody. */
  readonly around: () => readonly Peer[];
}

export interface ArcFetch {
  /** Does `peer` know of us? What it acknowledges from then on, it acknowledges with us among the replicas. */
  knowsUs(peer: Peer): Promise<boolean>;
  /** All that is held of a segment, of which all keys have one replica set; false if it is to be tried again. */
  segment(segment: Arc): Promise<boolean>;
  /** What `peer` holds of our arc; false if it did not tell. */
  meet(peer: Peer, arc: Arc): Promise<boolean>;
}

export const createArcFetch = (deps: ArcFetchDeps, replicas: number): ArcFetch => {
  const { ring, store, ask } = deps;
  const exchanging: ExchangeDeps = {
    ask,
    store,
    self: () => ring.self,
    pace: () => Promise.resolve(deps.goesOn()),
    onMoved: deps.onMoved,
  };

  const knowsUs = async (peer: Peer): Promise<boolean> => {
    const outcome = await ask(peer, { type: 'neighbours' });
    if (!outcome.ok || outcome.answer.type !== 'neighbours') return false;
    const { id, bootSequence } = ring.self;
    return [...outcome.answer.predecessors, ...outcome.answer.successors].some(
      (there) => there.id === id && there.bootSequence === bootSequence,
    );
  };

  /** Are we among the neighbours that `peer` lists, when the ring is in order? */
  const shouldKnowUs = (peer: Peer): boolean => {
    const clockwise = membersFrom(peer.id, deps.around()).slice(1);
    const us = clockwise.findIndex(({ id }) => id === ring.self.id);
    const room = { atLeast: 0, hosts: replicas };
    const after = keptOf(peer, clockwise.slice(0, us + 1), room);
    const before = keptOf(peer, clockwise.slice(us).reverse(), room);
    return [...after, ...before].some(({ id }) => id === ring.self.id);
  };

  const fetchFrom = (peer: Peer, segment: Arc): Promise<ExchangeResult> =>
    store.keysIn(segment).length === 0
      ? pullArc(exchanging, peer, segment)
      : exchange(exchanging, peer, segment, PULL);

  /** A joiner that has fetched nothing yet: one question instead of a comparison of the whole arc. */
  const hasNothing = async (peer: Peer): Promise<boolean> => {
    const everything: Arc = { from: ring.self.id, to: ring.self.id };
    const outcome = await ask(peer, {
      type: 'sync',
      peer: ring.self,
      op: { kind: 'pull', arc: everything, after: undefined },
    });
    if (!outcome.ok || outcome.answer.type !== 'synced') return false;
    return outcome.answer.page?.length === 0 && outcome.answer.next === undefined;
  };

  return {
    knowsUs,

    /**
     * From two that hold it completely. Where there are no two, from everybody who may hold some of it: the first
     * `replicas` hosts after its end, and as many more as of these have not fetched it themselves yet.
     */
    async segment(segment) {
      const members = membersFrom(segment.to, deps.around()).filter(({ id }) => id !== ring.self.id);
      const others = firstHosts(members, members.length);
      let settled = 0;
      let unheard = 0;
      let unsettled = 0;
      for (const [index, peer] of others.entries()) {
        if (index >= replicas + unsettled) break;
        // Whoever acknowledges without knowing of us would acknowledge what this fetch misses.
        const known = !shouldKnowUs(peer) || (await knowsUs(peer));
        const result = known ? await fetchFrom(peer, segment) : undefined;
        if (result === undefined) unheard += 1;
        else if (result.settled) settled += 1;
        else unsettled += 1;
        if (settled >= SOURCES) return true;
      }
      if (unheard === 0) return true;
      if (settled === 0 || !deps.impatient()) return false;
      deps.onGaveUp();
      return true;
    },

    async meet(peer, arc) {
      return (await hasNothing(peer)) || (await exchange(exchanging, peer, arc, PULL)) !== undefined;
    },
  };
};
