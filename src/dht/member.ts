// One member of the overlay, composed: its place in the ring, the records it holds there, and what it answers about both.
import type { DomainKeyResolver, Identity } from '../record/types.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Random } from '../runtime/random.ts';
import type { Ask } from './courier.ts';
import { encodePeer } from './descriptor.ts';
import { MemberLocator } from './member-locator.ts';
import type { Calls } from './own-members.ts';
import type { PeerHealth } from './peer-health.ts';
import { Replication } from './replication.ts';
import { REPLICATION_TIMINGS, type ReplicationTimings } from './replication-options.ts';
import { RingMember } from './ring-member.ts';
import { type FatalProblem, type NodeFacts, RING_TIMING, type RingTiming } from './ring-options.ts';
import type { ResolveHost } from './seeds.ts';
import { cutOff, serve } from './serve.ts';
import { createSyncServer } from './serve-sync.ts';
import type { Tally } from './tally.ts';
import type { Answer, Peer, RecordStorePort, Request } from './types.ts';

export interface MemberDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly resolveHost: ResolveHost;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly identity: Identity;
  readonly keys: DomainKeyResolver;
  readonly store: RecordStorePort;
  readonly rpc: Calls;
  readonly ask: Ask;
  readonly health: PeerHealth;
  readonly tally: Tally;
  /** What others reach our socket at. */
  readonly advertised: () => readonly Endpoint[];
  /** For STATUS: of the whole process. */
  readonly facts: () => Pick<NodeFacts, 'version' | 'vnodes'>;
  readonly onFatal: (problem: FatalProblem) => void;
}

export interface MemberOptions {
  readonly overlayId: string;
  readonly seeds: readonly Endpoint[];
  readonly replicas: number;
  readonly successors: number;
  readonly minMembers: number;
  /** For simulations: the settled ring to start in (RingOptions). */
  readonly initial?: readonly Peer[] | undefined;
  /** May self-certifying domains be members of this overlay? False if absent. */
  readonly selfCertified?: boolean;
  readonly ringTiming?: Partial<RingTiming>;
  readonly replicationTiming?: Partial<ReplicationTimings>;
}

const NOT_MEMBER: Answer = { type: 'error', code: 'not-member', detail: 'starting', peers: [] };

const STRANGER: Answer = { type: 'error', code: 'refused', detail: 'not a member known here', peers: [] };

export class Member {
  readonly vnode: number;
  readonly ring: RingMember;
  readonly replication: Replication;
  readonly locator: MemberLocator;
  readonly store: RecordStorePort;
  readonly #sync: ReturnType<typeof createSyncServer>;

  /** Of several in one process only vnode 0 founds a ring; the others come in through it. */
  constructor(deps: MemberDeps, vnode: number, options: MemberOptions) {
    const { clock, random, log, metrics, store, identity, ask, health, tally } = deps;
    const { replicas, overlayId } = options;
    const { domain, selector } = identity;
    this.vnode = vnode;
    this.store = store;
    const ring = new RingMember(
      {
        ...deps,
        describe: (bootSequence) =>
          encodePeer(
            { domain, selector, vnode, endpoints: deps.advertised(), bootSequence },
            identity,
            overlayId,
          ),
        facts: () => ({
          ...deps.facts(),
          keys: store.counts.keys,
          entries: store.counts.entries,
          storedBytes: store.counts.bytes,
          settled: this.replication.settled,
          ...tally.report(),
        }),
      },
      {
        ...options,
        through: vnode === 0 ? undefined : deps.advertised()[0],
        selfCertified: options.selfCertified ?? false,
        timing: { ...RING_TIMING, ...options.ringTiming },
      },
    );
    const replication = new Replication(
      { ring, store, ask, clock, random, log, metrics, tally },
      { replicas, timings: { ...REPLICATION_TIMINGS, ...options.replicationTiming } },
    );
    this.ring = ring;
    this.replication = replication;
    this.locator = new MemberLocator({ ring, ask, clock, health });
    this.#sync = createSyncServer({
      store,
      settled: (arc) => replication.holds(arc),
      near: (key) => replication.near(key),
    });
    ring.onChange(() => replication.ringChanged());
  }

  /** In the ring, with enough others, everything it should hold fetched: may acknowledge and deny. */
  get ready(): boolean {
    const { ring, replication } = this;
    return ring.ready && ring.leaseValid() && replication.settled && !cutOff(ring);
  }

  async start(): Promise<void> {
    this.replication.start();
    await this.ring.start();
  }

  async handle(request: Request, from: Endpoint, proven: boolean): Promise<Answer> {
    const { ring, replication, store } = this;
    switch (request.type) {
      case 'find':
      case 'query':
      case 'publish':
        return serve({ ring, store, handOver: replication }, request);
      case 'sync':
        // Whole stores, and the work of comparing them, are for members.
        return (await ring.admits(request.peer)) ? this.#sync(request.op) : STRANGER;
      default:
        return ring.handleRing(request, from, proven) ?? NOT_MEMBER;
    }
  }

  /** Gives others what we hold, if we hold it with authority. */
  async handOver(deadlineMs: number): Promise<void> {
    if (this.ring.ready) await this.replication.leave(deadlineMs);
  }

  async stop(): Promise<void> {
    await Promise.all([this.replication.stop(), this.ring.stop()]);
  }
}
