// The iterative lookup: from the peers known here to the replica set of a key, two questions at a time (DESIGN §5, Ring).
import { between, clockwiseFrom, type Id } from '../record/id.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Ask } from './courier.ts';
import type { PeerHealth } from './peer-health.ts';
import type { FindOutcome, LookupStep, Peer } from './types.ts';

/** α of DESIGN §5: ToN Table II averages 5 timeouts a lookup at half the nodes dead; two at once halve the wait. */
const PARALLEL = 2;
/** "at most log₂N + 5 steps". */
const EXTRA_STEPS = 5;
/** The dead on the way are no steps: where half of the ring just died they are as many as the living, and sometimes twice. */
const UNANSWERED_SHARE = 2;
/** Candidates kept of all that was heard, the closest ones; so many are worth knowing at the start. */
export const CANDIDATES_MAX = 32;

/** Closest to the key from behind first: the order in which to ask. */
export const closestFirst = (key: Id, peers: readonly Peer[]): readonly Peer[] => {
  const order = clockwiseFrom(key);
  return [...peers].sort((a, b) => order(b.id, a.id));
};

/** Of those known to `self`, the ones on the way to the key, each once, the closest to it first. */
export const closestPreceding = (self: Id, key: Id, known: readonly Peer[], max: number): readonly Peer[] => {
  const unique = new Map(known.map((peer) => [peer.id, peer]));
  return closestFirst(
    key,
    [...unique.values()].filter(({ id }) => between(self, id, key)),
  ).slice(0, max);
};

/** What a peer told us that is nearer to the key than itself: a lookup must make progress or end. */
export const closerThan = (answerer: Id, key: Id, told: readonly Peer[]): readonly Peer[] =>
  told.filter((peer) => peer.id === key || between(answerer, peer.id, key));

export const stepsMax = (sizeEstimate: number): number =>
  Math.ceil(Math.log2(Math.max(2, sizeEstimate))) + EXTRA_STEPS;

/** The replica set as an answer gave it: clockwise from the key, each peer once. */
export const inReplicaOrder = (key: Id, replicas: readonly Peer[]): readonly Peer[] => {
  const order = clockwiseFrom(key);
  // clockwiseFrom puts the origin last; a node whose id is the key owns it.
  const sorted = [...replicas].sort((a, b) =>
    a.id === key || b.id === key ? Number(b.id === key) - Number(a.id === key) : order(a.id, b.id),
  );
  return sorted.filter((peer, index) => sorted[index - 1]?.id !== peer.id);
};

export interface LookupDeps {
  readonly ask: Ask;
  readonly clock: Clock;
  readonly sizeEstimate: number;
  /** Whoever is late is asked beside, and counts as one under way no more. Absent: for maintenance, which has time. */
  readonly health?: Pick<PeerHealth, 'hedgeMs' | 'missed' | 'suspect'>;
  /** α, if it isn't ours: the published figures have 1. */
  readonly parallel?: number;
}

/** Finds the replica set, starting from `start`. Empty `replicas`: nobody reachable knew. Never rejects. */
export const lookup = async (
  deps: LookupDeps,
  key: Id,
  start: readonly Peer[],
  deadlineMs: number,
): Promise<FindOutcome> => {
  const { health, parallel = PARALLEL } = deps;
  const limit = PARALLEL * stepsMax(deps.sizeEstimate);
  // BOUNDED: all of these by `limit` questions that are answered, UNANSWERED_SHARE × `limit` more, and CANDIDATES_MAX.
  const steps: LookupStep[] = [];
  const visited = new Set<Id>();
  const depths = new Map<Id, number>();
  let candidates = closestFirst(key, start).slice(0, CANDIDATES_MAX);
  let replicas: readonly Peer[] = [];
  let roundTrips = 0;
  let answered = 0;

  const askOne = async (peer: Peer): Promise<void> => {
    const depth = depths.get(peer.id) ?? 1;
    const step = { peer, told: [], depth };
    const outcome = await deps.ask(peer, { type: 'find', key }, { attempts: 2 });
    if (!outcome.ok) {
      steps.push({ ...step, rttMs: undefined, result: outcome.code === 'timeout' ? 'timeout' : 'error' });
      return;
    }
    answered += 1;
    const { answer, meta } = outcome;
    if (answer.type === 'found' && answer.replicas.length > 0) {
      const told = inReplicaOrder(key, answer.replicas);
      steps.push({ ...step, rttMs: meta.rttMs, result: 'replicas', told });
      if (replicas.length > 0) return;
      replicas = told;
      roundTrips = depth;
      return;
    }
    const told = answer.type === 'found' ? answer.closest : answer.type === 'error' ? answer.peers : [];
    const closer = closerThan(peer.id, key, told);
    steps.push({ ...step, rttMs: meta.rttMs, result: closer.length > 0 ? 'closer' : 'error', told: closer });
    // Who was asked already takes no place: after a mass death the closest ones are many, and dead.
    const open = candidates.filter(({ id }) => !visited.has(id));
    const known = new Set(open.map(({ id }) => id));
    const fresh = closer.filter(({ id }) => !known.has(id) && !visited.has(id));
    for (const { id } of fresh) depths.set(id, depth + 1);
    candidates = closestFirst(key, [...open, ...fresh]).slice(0, CANDIDATES_MAX);
  };

  // Two questions under way, as long as there is somebody left to ask; nobody waits for the slower one once one found it.
  await new Promise<void>((resolve, reject) => {
    let active = 0;
    let late = 0;
    const timer = deps.clock.setTimer(deadlineMs, resolve);
    const mayAsk = (): boolean =>
      answered + active - late < limit && visited.size < (1 + UNANSWERED_SHARE) * limit;
    const next = (): Peer | undefined => {
      const open = candidates.filter(({ id }) => !visited.has(id));
      return open.find(({ id }) => health?.suspect(id) !== true) ?? open[0];
    };
    const begin = (peer: Peer): void => {
      active += 1;
      let isLate = false;
      const hedge =
        health &&
        deps.clock.setTimer(health.hedgeMs(peer.id), () => {
          isLate = true;
          late += 1;
          health.missed(peer.id);
          pump();
        });
      askOne(peer).then(() => {
        hedge?.cancel();
        active -= 1;
        if (isLate) late -= 1;
        pump();
      }, reject);
    };
    const pump = (): void => {
      while (active - late < parallel && replicas.length === 0 && mayAsk()) {
        const peer = next();
        if (peer === undefined) break;
        visited.add(peer.id);
        begin(peer);
      }
      if (active > 0 && replicas.length === 0) return;
      timer.cancel();
      resolve();
    };
    pump();
  });
  return { replicas, steps: [...steps], roundTrips };
};
