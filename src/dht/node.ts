// A member of the overlay, composed: the socket, the ring, the records it holds, and the paths that use all three.
import type { Id } from '../record/id.ts';
import type { DomainKeyResolver, Identity } from '../record/types.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Endpoint, OpenDatagram } from '../runtime/datagram.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { jittered, type Random } from '../runtime/random.ts';
import { createAsk, endpointFor } from './courier.ts';
import type { LspCrypto } from './crypto.ts';
import { encodePeer } from './descriptor.ts';
import { MemberLocator } from './member-locator.ts';
import { createOverlay } from './overlay.ts';
import { PeerHealth } from './peer-health.ts';
import { createReadRepair } from './read-repair.ts';
import { Replication } from './replication.ts';
import { REPLICATION_TIMINGS, type ReplicationTimings } from './replication-options.ts';
import { RingMember } from './ring-member.ts';
import { type FatalProblem, RING_TIMING, type RingTiming } from './ring-options.ts';
import { type RingWalk, walkRing } from './ring-walk.ts';
import { LspRpc } from './rpc.ts';
import type { ResolveHost } from './seeds.ts';
import { cutOff, serve } from './serve.ts';
import { createSyncServer } from './serve-sync.ts';
import { Tasks } from './tasks.ts';
import type {
  Answer,
  FindOutcome,
  OverlayClient,
  Peer,
  PublishOutcome,
  QueryOutcome,
  RecordStorePort,
  Request,
  StatusReport,
} from './types.ts';

export interface LspNodeDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly openDatagram: OpenDatagram;
  readonly resolveHost: ResolveHost;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly identity: Identity;
  readonly keys: DomainKeyResolver;
  readonly store: RecordStorePort;
  /** Ed25519 if absent. */
  readonly crypto?: LspCrypto | undefined;
  /** It is pointless to go on: say so and exit 2. */
  readonly onFatal: (problem: FatalProblem) => void;
}

export interface LspNodeOptions {
  readonly overlayId: string;
  readonly listen: Endpoint;
  /** What others reach us at, at most one per address family; port 0 stands for the bound one. Default: the bound address. */
  readonly advertise?: readonly Endpoint[];
  readonly seeds: readonly Endpoint[];
  readonly vnode?: number;
  readonly replicas: number;
  readonly successors: number;
  readonly minMembers: number;
  /** For simulations: the settled ring to start in (RingOptions). */
  readonly initial?: readonly Peer[] | undefined;
  /** May self-certifying domains be members of this overlay? False if absent. */
  readonly selfCertified?: boolean;
  /** Of the program, for STATUS. */
  readonly version: string;
  /** Sources that no rate limit holds back. */
  readonly trusted?: (host: string) => boolean;
  readonly ringTiming?: Partial<RingTiming>;
  readonly replicationTiming?: Partial<ReplicationTimings>;
}

/** Operations left over after their answer (the third replica) beyond which nothing lingers. */
const LINGERING_MAX = 2000;
const EXPIRE_MS = 30_000;
/** SIGTERM to exit takes 10 s at most: this much of it for handing over. */
const LEAVE_MS = 4000;

const NOT_MEMBER: Answer = { type: 'error', code: 'not-member', detail: 'starting', peers: [] };

const STRANGER: Answer = { type: 'error', code: 'refused', detail: 'not a member known here', peers: [] };

const FORSAKEN = { kind: 'unavailable', detail: 'no other member answers' } as const;

/** What exists once the socket is open and our own address known. */
interface Running {
  readonly ring: RingMember;
  readonly replication: Replication;
  readonly overlay: OverlayClient;
  readonly sync: ReturnType<typeof createSyncServer>;
}

export class LspNode implements OverlayClient {
  readonly #deps: LspNodeDeps;
  readonly #options: LspNodeOptions;
  readonly #rpc: LspRpc;
  readonly #tasks: Tasks;
  #running: Running | undefined;
  #stopping: Promise<void> | undefined;

  constructor(deps: LspNodeDeps, options: LspNodeOptions) {
    this.#deps = deps;
    this.#options = options;
    const { clock, random, log, metrics, openDatagram, identity } = deps;
    const onError = (task: string, error: unknown): void =>
      log.error({ task, err: messageOf(error) }, 'a background task failed');
    this.#tasks = new Tasks({ clock, onError }, { max: LINGERING_MAX });
    this.#rpc = new LspRpc(
      {
        openDatagram,
        clock,
        random,
        log,
        metrics,
        identity,
        crypto: deps.crypto,
        handler: (request, from) => this.#handle(request, from),
        sizeEstimate: () => this.#running?.ring.ownSizeEstimate() ?? 1,
      },
      {
        bind: options.listen,
        overlayId: options.overlayId,
        ...(options.trusted === undefined ? {} : { trusted: options.trusted }),
      },
    );
  }

  /** Binds (rejects if it can't) and begins to join or found a ring; `ready` says when that is done. */
  async start(): Promise<void> {
    await this.#rpc.start();
    const running = this.#compose();
    this.#running = running;
    running.ring.onChange(() => running.replication.ringChanged());
    running.replication.start();
    await running.ring.start();
    this.#tasks.run('expire', () => this.#expire());
  }

  /** Hands over, leaves the ring, closes. Callers under way are told `unavailable`. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  get local(): Endpoint {
    return this.#rpc.local;
  }

  /** As others see us; undefined before `start`. */
  get self(): Peer | undefined {
    return this.#running?.ring.self;
  }

  /** In the ring, with enough members, everything we should hold fetched: may acknowledge and deny. */
  get ready(): boolean {
    const running = this.#running;
    if (running?.ring.ready !== true || !running.ring.leaseValid()) return false;
    return running.replication.settled && !cutOff(running.ring);
  }

  /** Members known to be alive, ourselves included. */
  get members(): readonly Peer[] {
    return this.#running?.ring.members() ?? [];
  }

  get mode(): 'small' | 'full' {
    return this.#running?.ring.mode ?? 'small';
  }

  get sizeEstimate(): number {
    return this.#running?.ring.sizeEstimate() ?? 1;
  }

  async publish(key: Id, entries: readonly Uint8Array[], deadlineMs: number): Promise<PublishOutcome> {
    if (this.#running === undefined) return { kind: 'unavailable', detail: 'not started' };
    if (this.#forsaken(this.#running)) return FORSAKEN;
    return this.#running.overlay.publish(key, entries, deadlineMs);
  }

  async query(key: Id, deadlineMs: number): Promise<QueryOutcome> {
    if (this.#running === undefined) return { kind: 'unavailable', detail: 'not started' };
    const held = this.#deps.store.live(key).length > 0;
    if (!held && this.#forsaken(this.#running)) return FORSAKEN;
    return this.#running.overlay.query(key, deadlineMs);
  }

  async find(key: Id, deadlineMs: number): Promise<FindOutcome> {
    if (this.#running === undefined) return { replicas: [], steps: [], roundTrips: 0 };
    return this.#running.overlay.find(key, deadlineMs);
  }

  async status(): Promise<StatusReport | undefined> {
    const answer = await this.#running?.ring.handleRing({ type: 'status' }, this.#rpc.local);
    return answer?.type === 'status' ? answer.status : undefined;
  }

  /** Everybody in the ring, found by walking from neighbour to neighbour, and what each says. */
  walk(): Promise<RingWalk> {
    const start = this.members.flatMap(({ endpoints }) => endpoints.slice(0, 1));
    return walkRing((to, request) => this.#rpc.call(to, request), start, {
      endpointOf: (peer) => endpointFor(peer, this.#rpc.local),
    });
  }

  /** Alone and not entitled to be: asking ourselves until the deadline would not change that. */
  #forsaken({ ring }: Running): boolean {
    return ring.joined && ring.members().length === 1 && (!ring.ready || cutOff(ring));
  }

  #compose(): Running {
    const { clock, random, log, metrics, store, identity } = this.#deps;
    const { replicas, successors, minMembers, seeds } = this.#options;
    const health = new PeerHealth(clock);
    const ring = new RingMember(
      {
        ...this.#deps,
        rpc: this.#rpc,
        describe: (bootSequence) =>
          encodePeer(
            {
              domain: identity.domain,
              selector: identity.selector,
              vnode: this.#options.vnode ?? 0,
              endpoints: this.#advertised(),
              bootSequence,
            },
            identity,
            this.#options.overlayId,
          ),
        facts: () => ({
          version: this.#options.version,
          keys: store.counts.keys,
          entries: store.counts.entries,
          storedBytes: store.counts.bytes,
          settled: this.#running?.replication.settled ?? false,
          vnodes: 1,
          ...this.#rpc.tally.report(),
        }),
      },
      {
        seeds,
        replicas,
        successors,
        minMembers,
        initial: this.#options.initial,
        selfCertified: this.#options.selfCertified ?? false,
        timing: { ...RING_TIMING, ...this.#options.ringTiming },
      },
    );
    const ask = createAsk({
      rpc: this.#rpc,
      health,
      onMissed: (peer) => ring.suspect(peer),
      own: {
        id: ring.self.id,
        handle: (request, from) => this.#handle(request, from),
        sizeEstimate: () => ring.sizeEstimate(),
      },
    });
    const replication = new Replication(
      { ring, store, ask, clock, random, log, metrics, tally: this.#rpc.tally },
      { replicas, timings: { ...REPLICATION_TIMINGS, ...this.#options.replicationTiming } },
    );
    const locator = new MemberLocator({ ring, ask, clock, health }, { replicas });
    const overlay = createOverlay({
      ask,
      locator,
      health,
      clock,
      random,
      metrics,
      tally: this.#rpc.tally,
      tasks: this.#tasks,
      self: ring.self.id,
      repair: createReadRepair({ ask, store, clock, metrics, tasks: this.#tasks, self: () => ring.self }),
      find: (key, deadlineMs) => locator.find(key, deadlineMs),
    });
    const sync = createSyncServer({
      store,
      settled: (arc) => replication.holds(arc),
      near: (key) => replication.near(key),
    });
    metrics.gauge('chordial_store_keys', 'Names held', () => store.counts.keys);
    metrics.gauge('chordial_store_entries', 'Records held', () => store.counts.entries);
    metrics.gauge('chordial_store_bytes', 'Bytes of the records held', () => store.counts.bytes);
    metrics.gauge('chordial_store_settled', '1 while all that should be held is here', () =>
      replication.settled ? 1 : 0,
    );
    return { ring, replication, overlay, sync };
  }

  #advertised(): readonly Endpoint[] {
    const { advertise = [] } = this.#options;
    if (advertise.length === 0) return [this.#rpc.local];
    return advertise.map(({ host, port }) => ({ host, port: port === 0 ? this.#rpc.local.port : port }));
  }

  async #handle(request: Request, from: Endpoint): Promise<Answer> {
    if (this.#running === undefined) return NOT_MEMBER;
    const { ring, replication, sync } = this.#running;
    switch (request.type) {
      case 'find':
      case 'query':
      case 'publish':
        return serve({ ring, store: this.#deps.store, handOver: replication }, request);
      case 'sync':
        // Whole stores, and the work of comparing them, are for members.
        return (await ring.admits(request.peer)) ? sync(request.op) : STRANGER;
      default:
        return ring.handleRing(request, from) ?? NOT_MEMBER;
    }
  }

  async #expire(): Promise<void> {
    const { clock, random, store } = this.#deps;
    while (!this.#tasks.stopping) {
      await this.#tasks.sleep(jittered(random, EXPIRE_MS));
      store.expire?.(clock.wallMs());
    }
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    if (running?.ring.ready === true) await running.replication.leave(LEAVE_MS);
    await running?.ring.leave();
    const stopped = [this.#tasks.stop(), running?.replication.stop(), running?.ring.stop()];
    // Closing the socket ends every question under way, which is what the three wait for.
    await this.#rpc.stop();
    await Promise.all(stopped);
  }
}
