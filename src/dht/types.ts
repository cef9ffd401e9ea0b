// The overlay's vocabulary: peers, requests and answers of LSP (docs/lsp.md), and what the parts of dht/ ask of each other.

import type { Arc, Id } from '../record/id.ts';
import type { Endpoint } from '../runtime/datagram.ts';

/** A member of the ring, as its signed descriptor says. Two descriptors of one id: the higher bootSequence counts. */
export interface Peer {
  readonly id: Id;
  readonly domain: string;
  readonly selector: number;
  readonly vnode: number;
  readonly publicKey: Uint8Array;
  /** At least one; the first is preferred. At most 2 (one per address family). */
  readonly endpoints: readonly Endpoint[];
  readonly bootSequence: number;
  /** The signed bytes as received: passed on verbatim. */
  readonly encoded: Uint8Array;
}

/** `vnode`: which member at the address is meant, where a process is several (0 if absent; FIND, QUERY, PUBLISH: any). */
export type Request = Question & { readonly vnode?: number };

type Question =
  | { readonly type: 'ping' }
  /** Ask another peer to ping `target` for us (indirect probe before declaring it dead). */
  | { readonly type: 'probe'; readonly target: Peer }
  | { readonly type: 'find'; readonly key: Id }
  | { readonly type: 'query'; readonly key: Id }
  | { readonly type: 'publish'; readonly key: Id; readonly entries: readonly Uint8Array[] }
  /** First step of joining: `peer` asks its would-be predecessor (or, in small mode, any member) for the ring around it. */
  | { readonly type: 'join'; readonly peer: Peer; readonly replicas: number; readonly successors: number }
  /** "I think I am your predecessor", and in small mode "this is the membership I know" (peers, dead). */
  | {
      readonly type: 'notify';
      readonly peer: Peer;
      readonly members: readonly Peer[];
      readonly gone: readonly Gone[];
    }
  /**
   * `since`: the life and ring version of the answerer's last full answer; if nothing changed, `unchanged` is all it says.
   * `life` and `fromVnode`: the asker's boot sequence, and which of the members at its address it is (absent: 0), by which a
   * neighbour's question shows that it lives.
   */
  | {
      readonly type: 'neighbours';
      readonly since?: RingVersion;
      readonly life?: number;
      readonly fromVnode?: number;
      /** Of what changed since then names will do, but of those that are new. */
      readonly named?: boolean;
    }
  | { readonly type: 'leave'; readonly peer: Peer }
  /** `peer`, a member: range digests first, then the keys of one bucket, then whole records; see docs/lsp.md, "SYNC". */
  | { readonly type: 'sync'; readonly peer: Peer; readonly op: SyncOp }
  | { readonly type: 'status' }
  /** `peer`, a member, passes on who came and went; each batch is carried on counter-clockwise up to its `until`. */
  | { readonly type: 'events'; readonly peer: Peer; readonly batches: readonly EventBatch[] }
  /**
   * The peer table, an arc at a time. `buckets`: digests of the whole ring's sixty-fourths, to learn which differ. Else
   * the members in the arc but those in `have`, which are fingerprints (table-digest.ts).
   */
  | {
      readonly type: 'table';
      readonly arc: Arc;
      readonly buckets?: readonly number[];
      readonly have?: readonly number[];
    };

/** One state of one life of a member's surroundings. */
export interface RingVersion {
  readonly bootSequence: number;
  readonly ringVersion: number;
}

/** Somebody came, or came back with a new life, as it says itself; or is gone, as its predecessor found out. */
export type MemberEvent =
  | { readonly kind: 'join'; readonly peer: Peer }
  | { readonly kind: 'leave'; readonly id: Id; readonly bootSequence: number };

export interface EventBatch {
  readonly until: Id;
  readonly events: readonly MemberEvent[];
}

/** A member known to have died or left, by the boot sequence that died: an equal or lower one does not come back by hearsay. */
export interface Gone {
  readonly id: Id;
  readonly bootSequence: number;
}

export type SyncOp =
  | { readonly kind: 'digests'; readonly arc: Arc; readonly buckets: readonly Uint8Array[] }
  | {
      readonly kind: 'keys';
      readonly arc: Arc;
      readonly bucket: number;
      readonly keys: readonly { readonly key: Id; readonly digest: Uint8Array }[];
    }
  | { readonly kind: 'pull'; readonly arc: Arc; readonly after: Id | undefined }
  /** All records of one key, whole; `have: [key]` in the answer says that the receiver now holds them. */
  | { readonly kind: 'push'; readonly key: Id; readonly records: readonly Uint8Array[] };

export type ErrorCode =
  | 'malformed'
  | 'unsupported-version'
  | 'wrong-overlay'
  | 'not-mine'
  | 'retry'
  | 'stale'
  | 'quota'
  | 'refused'
  | 'too-large'
  | 'not-member'
  | 'id-alive-elsewhere'
  | 'constants-differ'
  /** A request type this version doesn't know. */
  | 'unsupported'
  /** A request names its sender, whose descriptor is not held here: it is to say the same with its descriptor. */
  | 'unknown-speaker';

export type Answer =
  /**
   * Who answers: the id and the life (boot sequence) that runs at this address now, whether it has joined yet or not. Both
   * absent while it leaves, and from clients. A pong with another id or life says that the peer asked for is not here.
   */
  | { readonly type: 'pong'; readonly id?: Id; readonly bootSequence?: number }
  | { readonly type: 'probed'; readonly alive: boolean }
  /** `replicas` (owner first) if the answerer knows the replica set, else empty; `closest`: peers closer to the key. */
  | { readonly type: 'found'; readonly replicas: readonly Peer[]; readonly closest: readonly Peer[] }
  /**
   * To QUERY. `replicas`: the set as seen here, with an answer that shows no binding (a denial, whatever it buries).
   * `settled` false: the answerer is not entitled to say that there is no more than this.
   */
  | {
      readonly type: 'entries';
      readonly entries: readonly Uint8Array[];
      readonly replicas: readonly Peer[];
      readonly settled?: boolean;
    }
  /** `entries`: the merged live set after the publication; `replicas`: this node's view of the replica set, by id. */
  | {
      readonly type: 'published';
      readonly entries: readonly Uint8Array[];
      readonly replicas: readonly Id[];
      /** False: stored, but what was there before may not have been fetched yet. */
      readonly settled?: boolean;
    }
  | {
      readonly type: 'joined';
      readonly mode: 'small' | 'full';
      /** The answerer itself: in full mode the joiner's predecessor. */
      readonly predecessor: Peer | undefined;
      /** The answerer's successor list (full mode) or all members (small mode). */
      readonly successors: readonly Peer[];
      /** Boot sequence last seen for the joiner's id, if any. */
      readonly bootSequenceSeen: number | undefined;
    }
  | {
      readonly type: 'neighbours';
      readonly mode: 'small' | 'full';
      readonly ringVersion: number;
      /** The answerer: its current descriptor. */
      readonly self?: Peer;
      /** Closest first. Small mode: at most `replicas` of the members in `successors`. */
      readonly predecessors: readonly Peer[];
      /** Closest first, without the answerer. Small mode: all other members. */
      readonly successors: readonly Peer[];
      readonly gone: readonly Gone[];
    }
  /** To NEIGHBOURS with `since` and `named`: the lists by name, and the descriptors that the earlier answer had not. */
  | {
      readonly type: 'changed';
      readonly ringVersion: number;
      readonly predecessors: readonly Gone[];
      readonly successors: readonly Gone[];
      readonly peers: readonly Peer[];
      readonly gone: readonly Gone[];
    }
  /** To NEIGHBOURS with \`since\`: as I said then. */
  | { readonly type: 'unchanged' }
  /**
   * `buckets`: those that differ. `peers`: of the arc, in order; `next`, if there are more, is the one to go on behind.
   * `lack`: fingerprints of `have` that nobody here has, once there are no more. `complete`: all of the ring is held here.
   */
  | {
      readonly type: 'table';
      readonly peers: readonly Peer[];
      readonly complete: boolean;
      readonly buckets?: readonly number[];
      readonly next?: Id;
      readonly lack?: readonly number[];
    }
  | { readonly type: 'ok' }
  | {
      readonly type: 'synced';
      /** digests → buckets that differ; keys → keys the answerer wants; pull → a page of records. */
      readonly buckets?: readonly number[];
      readonly want?: readonly Id[];
      readonly have?: readonly Id[];
      readonly page?: readonly { readonly key: Id; readonly records: readonly Uint8Array[] }[];
      readonly next?: Id;
      /** False while the answerer itself still fetches the arc it was asked about: what it holds may be incomplete. */
      readonly settled?: boolean;
    }
  | { readonly type: 'status'; readonly status: StatusReport }
  /** `peers`: better ones, with `not-mine`; `detail`: for people. */
  | {
      readonly type: 'error';
      readonly code: ErrorCode;
      readonly detail: string;
      readonly peers: readonly Peer[];
      /** The protocol versions spoken here, with `unsupported-version`. */
      readonly versions?: readonly number[];
    };

export interface StatusReport {
  readonly version: string;
  readonly uptimeSec: number;
  readonly self: Peer;
  readonly mode: 'small' | 'full';
  readonly ready: boolean;
  readonly arc: Arc | undefined;
  readonly keys: number;
  readonly entries: number;
  readonly members: number;
  // Optional on the wire: a node of an earlier version does not tell, a client has none.
  /** The overlay's constants, as configured here. */
  readonly replicas?: number;
  readonly successors?: number;
  /** Members that this process is. */
  readonly vnodes?: number;
  /** Peers in its table. */
  readonly table?: number;
  readonly predecessor?: Id;
  readonly successor?: Id;
  /** It holds the authority lease: may acknowledge and deny. */
  readonly lease?: boolean;
  /** All that it should hold has been fetched. */
  readonly settled?: boolean;
  readonly storedBytes?: number;
  /** Keys that came from and went to other replicas. */
  readonly moved?: { readonly pulled: number; readonly pushed: number };
  /** Reads in which two replicas held different things. */
  readonly disagreements?: number;
  /** Queries answered, and the questions one after another that all of them took. */
  readonly lookups?: { readonly count: number; readonly roundTrips: number };
  /** By kind of request; at most 32 kinds. */
  readonly traffic?: readonly KindTraffic[];
  /** UDP payload since the start. */
  readonly bytes?: { readonly in: number; readonly out: number };
}

/** Messages and bytes of one kind of request, since the start. */
export interface KindTraffic {
  /** A request's name; `other` for frames of no request; `#N` for what this version does not know. */
  readonly kind: string;
  readonly asked: number;
  readonly served: number;
  /** All datagrams sent that belong to such requests and their answers. */
  readonly sentBytes: number;
}

/** Every answer's header fields, beside the answer itself. */
export interface AnswerMeta {
  readonly from: Endpoint;
  readonly rttMs: number;
  readonly sizeEstimate: number;
}

export type CallOutcome =
  | { readonly ok: true; readonly answer: Answer; readonly meta: AnswerMeta }
  | { readonly ok: false; readonly code: 'timeout' | 'closed' | 'malformed' | 'too-many' | 'too-large' };

/** Requests and answers over datagrams: retransmission, adaptive timeouts, parts, cookies. Knows nothing of the ring. */
export interface Rpc {
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly local: Endpoint;
  /** Asks one endpoint; never rejects. `attempts` defaults to 3 (one and two retries), `timeoutMs` to the peer's adaptive timeout. */
  call(
    to: Endpoint,
    request: Request,
    options?: { attempts?: number; timeoutMs?: number },
  ): Promise<CallOutcome>;
}

/**
 * What Rpc asks of its owner for a request that came in; the returned promise never rejects. `proven`: the source receives
 * what is sent to it.
 */
export type RequestHandler = (request: Request, from: Endpoint, proven: boolean) => Promise<Answer>;

/** What the ring says about responsibility; the replication layer decides nothing about it. */
export interface RingView {
  readonly self: Peer;
  /** Joined (or founder) and at or above minMembers. */
  readonly ready: boolean;
  readonly mode: 'small' | 'full';
  /** Members known to be alive, self included. Small mode: all; full mode: every verified peer in the peer table. */
  members(): readonly Peer[];
  /** The replica set of `key` as this node believes, owner first, at most `replicas`; empty when it cannot know. */
  replicaSet(key: Id): readonly Peer[];
  /** The same by the whole table, where that is complete: members told of count, too. A belief, which an answer may correct. */
  believed(key: Id): readonly Peer[];
  /** key ∈ (predᵣ, self]: this node is one of the `replicas` nodes for it. */
  isMine(key: Id): boolean;
  /** The arc this node replicates: (predᵣ, self]; undefined while not joined. */
  arc(): Arc | undefined;
  /** The peers preceding `key` that are known here, the closest to it first, at most 8. */
  closestPreceding(key: Id): readonly Peer[];
  /** Authority lease: predecessor and successor answered lately, no clock jump, not below minMembers, not after mass loss. */
  leaseValid(): boolean;
  /** Stronger: may this node say "none" for `key` (lease, arc handed over, no pending merge)? */
  mayDeny(key: Id): boolean;
  /** May this node acknowledge a PUBLISH of `key` (lease, and the nodes that left the replica set know of it)? */
  mayAcknowledge(key: Id): boolean;
  sizeEstimate(): number;
}

/** The records a node holds; merge, admission and signatures are its business (src/record). */
export interface RecordStorePort {
  /** Verifies, admits and merges all entries of one key, or none. */
  publish(key: Id, entries: readonly Uint8Array[]): Promise<PublishVerdict>;
  /** Merges records another replica holds: verified, without admission. Returns how many were new. */
  absorb(key: Id, records: readonly Uint8Array[]): Promise<number>;
  /** The live entries shown to readers (newest 10, and what buries); empty if none. */
  live(key: Id): readonly Uint8Array[];
  /** Would a reader be shown a binding of what `live` gives? The rest only buries or outranks. */
  shows(key: Id): boolean;
  /** False when records of `key` had to be left out for a reason that may pass: nobody should go by their absence. */
  certain(key: Id): boolean;
  /** Everything kept for merge, for SYNC. */
  records(key: Id): readonly Uint8Array[];
  /** Order-independent digest (8 bytes) of the records of `key`; undefined if none. */
  digest(key: Id): Uint8Array | undefined;
  /** Keys held in the arc, clockwise from arc.from. */
  keysIn(arc: Arc): readonly Id[];
  /** The exclusive or of SHA-256(key ‖ digest), first 8 bytes, over the keys in the arc; made from those where absent. */
  arcDigest?(arc: Arc): Uint8Array;
  drop(key: Id): void;
  /** Lets go of what is past retention (wall time); returns how many records that was. */
  expire?(nowMs: number): number;
  readonly counts: { readonly keys: number; readonly entries: number; readonly bytes: number };
}

export type PublishVerdict =
  | { readonly kind: 'stored'; readonly live: readonly Uint8Array[] }
  | { readonly kind: 'stale' }
  | { readonly kind: 'quota'; readonly detail: string }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'unavailable'; readonly detail: string };

/** The write and read paths of the overlay: what `location` and the CLI use. Never reject. */
export interface OverlayClient {
  /** All entries of one key, at a write quorum. `deadlineMs` from now. */
  publish(key: Id, entries: readonly Uint8Array[], deadlineMs: number): Promise<PublishOutcome>;
  /** The union of what the replicas asked hold (the caller verifies and merges). */
  query(key: Id, deadlineMs: number): Promise<QueryOutcome>;
  /** The replica set, and the steps taken to find it. */
  find(key: Id, deadlineMs: number): Promise<FindOutcome>;
}

export type PublishOutcome =
  | { readonly kind: 'stored'; readonly live: readonly Uint8Array[]; readonly acks: number }
  | { readonly kind: 'stale' }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'unavailable'; readonly detail: string };

export type QueryOutcome =
  | {
      readonly kind: 'entries';
      readonly entries: readonly Uint8Array[];
      readonly answers: number;
      /** False: fewer answered than may say that there is no more. What remains of these, if nothing, is no "none". */
      readonly settled?: false;
    }
  /** Two replicas (or as many as the ring has) entitled to say so said none. */
  | { readonly kind: 'none' }
  | { readonly kind: 'unavailable'; readonly detail: string }
  | { readonly kind: 'timeout' };

export interface LookupStep {
  readonly peer: Peer;
  readonly rttMs: number | undefined;
  readonly result: 'replicas' | 'closer' | 'timeout' | 'error';
  /** The replica set, or the closer peers, as it named them. */
  readonly told: readonly Peer[];
  /** Which question in a row this was: 1 for who was known at the start, one more than whoever named it for others. */
  readonly depth: number;
}

export interface FindOutcome {
  readonly replicas: readonly Peer[];
  readonly steps: readonly LookupStep[];
  /** Questions one after another that led to the replicas; 0 where they were known without asking. */
  readonly roundTrips: number;
}
