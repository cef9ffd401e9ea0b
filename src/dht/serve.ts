// What a member answers to FIND, QUERY and PUBLISH: who is responsible, what is held, and when it may not say.
import type { Id } from '../record/id.ts';
import { unreachable } from '../runtime/errors.ts';
import { CHUNK_BYTES_MAX } from './frame.ts';
import { sameHost } from './hosts.ts';
import { closestFirst } from './lookup.ts';
import type { Answer, ErrorCode, Peer, PublishVerdict, RecordStorePort, Request, RingView } from './types.ts';

/** What the hand-over of arcs adds to the ring's view of responsibility (replication.ts). */
export interface HandOver {
  /** Everything the old replicas held for `key` has been fetched, and no other ring's data is outstanding. */
  complete(key: Id): boolean;
  /** The nodes that left the replica set of `key` for us know that they did. */
  announced(key: Id): boolean;
}

export interface ServeDeps {
  readonly ring: RingView;
  readonly store: RecordStorePort;
  readonly handOver: HandOver;
}

type FindQueryPublish = Extract<Request, { type: 'find' | 'query' | 'publish' }>;

const CLOSEST_MAX = 8;
/** For all of an answer but its closer peers, and for the length in front of each of these. */
const ANSWER_HEAD_BYTES = 32;
const PEER_HEAD_BYTES = 3;

/**
 * The closest of them, at most 8 and no more than one datagram takes: a second one would cost every step of a look-up
 * another datagram, whoever has no cookie another round trip, and us the answer's keeping until its parts have arrived.
 */
export const closestTold = (key: Id, peers: readonly Peer[]): readonly Peer[] => {
  let left = CHUNK_BYTES_MAX - ANSWER_HEAD_BYTES;
  return closestFirst(key, peers)
    .slice(0, CLOSEST_MAX)
    .filter(({ encoded }) => {
      left -= encoded.length + PEER_HEAD_BYTES;
      return left >= 0;
    });
};

type Refusal = Extract<Answer, { type: 'error' }>;

const error = (code: ErrorCode, detail: string, peers: readonly Peer[] = []): Refusal => ({
  type: 'error',
  code,
  detail,
  peers,
});

/** Better ones to ask: the replicas if known, else who is nearer to the key. */
const better = (ring: RingView, key: Id): readonly Peer[] => {
  const replicas = ring.believed(key).filter(({ id }) => id !== ring.self.id);
  return replicas.length > 0 ? replicas : closestTold(key, ring.closestPreceding(key));
};

const find = (ring: RingView, key: Id): Answer => {
  const replicas = ring.believed(key);
  const closest = replicas.length > 0 ? [] : closestTold(key, ring.closestPreceding(key));
  return { type: 'found', replicas, closest };
};

/** Why this node may not say that there is no more than it holds; undefined if it may. */
const ignorance = ({ ring, store, handOver }: ServeDeps, key: Id): Refusal | undefined => {
  if (!ring.ready) return error('retry', 'not in the ring');
  if (!ring.isMine(key)) return error('not-mine', '', better(ring, key));
  if (!ring.mayDeny(key) || !handOver.complete(key)) return error('retry', 'not entitled to say none');
  return store.certain(key) ? undefined : error('retry', 'what others hold could not be checked yet');
};

const query = (deps: ServeDeps, key: Id): Answer => {
  const { ring, store } = deps;
  const unable = ignorance(deps, key);
  const entries = store.live(key);
  // "Signed positive answers may always be given": also by who is no replica any more, or not yet. What shows nothing (a
  // removal, a binding that expired here) is no positive answer: the phone may have registered elsewhere since.
  if (store.shows(key))
    return { type: 'entries', entries, replicas: [], ...(unable === undefined ? {} : { settled: false }) };
  if (unable === undefined) return { type: 'entries', entries, replicas: ring.replicaSet(key) };
  // Not entitled to deny. But what it has to bury must count against what somebody who missed that still shows.
  const replicas = unable.code === 'retry' && entries.length > 0 ? ring.replicaSet(key) : [];
  return replicas.length > 0 ? { type: 'entries', entries, replicas, settled: false } : unable;
};

/**
 * Left alone by more than half of its ring at once: the others are more likely cut off from us than dead, and what one
 * node alone acknowledges is at no quorum of theirs. (With the lease, a denial of what is ours fails only for that.)
 */
export const cutOff = (ring: RingView): boolean =>
  ring.members().every((peer) => sameHost(peer, ring.self)) &&
  ring.leaseValid() &&
  !ring.mayDeny(ring.self.id);

/** Why this node may not acknowledge a publication now; undefined if it may. */
const obstacle = ({ ring, handOver }: ServeDeps, key: Id): Answer | undefined => {
  if (!ring.ready) return error('retry', 'not in the ring');
  if (!ring.isMine(key)) return error('not-mine', '', better(ring, key));
  if (cutOff(ring)) return error('retry', 'cut off from the ring');
  if (!ring.mayAcknowledge(key) || !handOver.announced(key)) return error('retry', 'not entitled to accept');
  return undefined;
};

const verdictAnswer = ({ ring, handOver }: ServeDeps, key: Id, verdict: PublishVerdict): Answer => {
  switch (verdict.kind) {
    case 'stored': {
      const replicas = ring.replicaSet(key).map(({ id }) => id);
      const settled = handOver.complete(key) ? {} : { settled: false };
      return { type: 'published', entries: verdict.live, replicas, ...settled };
    }
    case 'stale':
      return error('stale', '');
    case 'quota':
      return error('quota', verdict.detail);
    case 'refused':
      return error('refused', verdict.detail);
    case 'unavailable':
      return error('retry', verdict.detail);
    default:
      return unreachable(verdict);
  }
};

const publish = async (deps: ServeDeps, key: Id, entries: readonly Uint8Array[]): Promise<Answer> => {
  const before = obstacle(deps, key);
  if (before !== undefined) return before;
  const verdict = await deps.store.publish(key, entries);
  // Signatures take a while: the lease or the replica set may be another one by now.
  const after = verdict.kind === 'stored' ? obstacle(deps, key) : undefined;
  return after ?? verdictAnswer(deps, key, verdict);
};

export const serve = async (deps: ServeDeps, request: FindQueryPublish): Promise<Answer> => {
  switch (request.type) {
    case 'find':
      return find(deps.ring, request.key);
    case 'query':
      return query(deps, request.key);
    case 'publish':
      return publish(deps, request.key, request.entries);
    default:
      return unreachable(request);
  }
};
