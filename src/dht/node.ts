// A process in the overlay: one socket, one or several members of the ring on it, and the paths that read and write through them.
import type { Id } from '../record/id.ts';
import type { DomainKeyResolver, Identity } from '../record/types.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { jittered } from '../runtime/random.ts';
import { createAsk, endpointFor } from './courier.ts';
import { Member, type MemberOptions } from './member.ts';
import { Members } from './members.ts';
import type { Neighbourhood } from './neighbourhood.ts';
import { createOverlay } from './overlay.ts';
import { type Calls, withOwnMembers } from './own-members.ts';
import { createReadRepair } from './read-repair.ts';
import type { FatalProblem } from './ring-options.ts';
import { type RingWalk, walkRing } from './ring-walk.ts';
import type { KnownPeer } from './speaker.ts';
import { createStack, type Stack, type StackDeps, type StackOptions } from './stack.ts';
import type {
  Answer,
  FindOutcome,
  OverlayClient,
  Peer,
  PublishOutcome,
  QueryOutcome,
  RecordStorePort,
  Request,
  RequestHandler,
  StatusReport,
} from './types.ts';

export interface LspNodeDeps extends StackDeps {
  readonly identity: Identity;
  readonly keys: DomainKeyResolver;
  /** Each member has its own. */
  readonly store: (vnode: number) => RecordStorePort;
  /** It is pointless to go on: say so and exit 2. */
  readonly onFatal: (problem: FatalProblem) => void;
}

export interface LspNodeOptions extends StackOptions, MemberOptions {
  /** What others reach us at, at most one per address family; port 0 stands for the bound one. Default: the bound address. */
  readonly advertise?: readonly Endpoint[];
  /** Members of the ring that this process is; 1 if absent. */
  readonly vnodes?: number;
  /** Of the program, for STATUS. */
  readonly version: string;
}

const EXPIRE_MS = 30_000;
/** SIGTERM to exit takes 10 s at most: this much of it for handing over. */
const LEAVE_MS = 4000;

const NOT_MEMBER: Answer = { type: 'error', code: 'not-member', detail: 'no such member here', peers: [] };

const FORSAKEN = { kind: 'unavailable', detail: 'no other member answers' } as const;

const UNSTARTED = { kind: 'unavailable', detail: 'not started' } as const;

/** Of a process with several members the first speaks in the gauges of the ring; counters and the store's gauges are sums. */
const withoutGauges = (metrics: Metrics): Metrics => ({
  counter: (name, help) => metrics.counter(name, help),
  histogram: (name, help, buckets) => metrics.histogram(name, help, buckets),
  gauge: () => undefined,
  gauges: () => undefined,
  counters: () => undefined,
});

export class LspNode implements OverlayClient {
  readonly #deps: LspNodeDeps;
  readonly #options: LspNodeOptions;
  readonly #stack: Stack;
  readonly #calls: Calls;
  /** From when the socket is open and our own address known. */
  #members: Members | undefined;
  #overlay: OverlayClient | undefined;
  #stopping: Promise<void> | undefined;

  constructor(deps: LspNodeDeps, options: LspNodeOptions) {
    this.#deps = deps;
    this.#options = options;
    const handler: RequestHandler = (request, from, proven) => this.#handle(request, from, proven);
    const sizeEstimate = (): number => this.#members?.ownSizeEstimate() ?? 1;
    const known: KnownPeer = (id, bootSequence) => this.held(id, bootSequence);
    this.#stack = createStack({ ...deps, handler, sizeEstimate, known }, options);
    const { rpc } = this.#stack;
    this.#calls = withOwnMembers(rpc, {
      endpoints: () => [...this.#advertised(), rpc.local],
      handle: handler,
      sizeEstimate,
    });
  }

  /** Binds (rejects if it can't) and begins to join or found a ring; `ready` says when that is done. */
  async start(): Promise<void> {
    await this.#stack.rpc.start();
    const members = this.#compose();
    await members.start();
    this.#stack.tasks.run('expire', () => this.#expire(members));
  }

  /** Hands over, leaves the ring, closes. Callers under way are told `unavailable`. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  get local(): Endpoint {
    return this.#stack.rpc.local;
  }

  /** As others see our first member; undefined before `start`. */
  get self(): Peer | undefined {
    return this.#members?.first.ring.self;
  }

  /** As others see each of our members. */
  get selves(): readonly Peer[] {
    return this.#members?.all.map(({ ring }) => ring.self) ?? [];
  }

  /** Every member of ours is in the ring, with enough others, and has fetched what it should hold. */
  get ready(): boolean {
    return this.#members?.ready ?? false;
  }

  /** Members known to be alive, ourselves included. */
  get members(): readonly Peer[] {
    return this.#members?.first.ring.everybody() ?? [];
  }

  /** One life of a member, if it is among those known here. */
  held(id: Id, bootSequence: number): Peer | undefined {
    return this.#members?.held(id, bootSequence);
  }

  /** Our lists (the first member's), for who checks a ring from outside; undefined before `start`. */
  get neighbourhood(): Neighbourhood | undefined {
    return this.#members?.first.ring.neighbourhood;
  }

  get mode(): 'small' | 'full' {
    return this.#members?.first.ring.mode ?? 'small';
  }

  get sizeEstimate(): number {
    return this.#members?.first.ring.sizeEstimate() ?? 1;
  }

  /** What our members hold together. */
  get counts(): RecordStorePort['counts'] {
    return this.#members?.counts ?? { keys: 0, entries: 0, bytes: 0 };
  }

  async publish(key: Id, entries: readonly Uint8Array[], deadlineMs: number): Promise<PublishOutcome> {
    if (this.#overlay === undefined) return UNSTARTED;
    if (this.#members?.forsaken === true) return FORSAKEN;
    return this.#overlay.publish(key, entries, deadlineMs);
  }

  async query(key: Id, deadlineMs: number): Promise<QueryOutcome> {
    if (this.#overlay === undefined) return UNSTARTED;
    const held = this.#members?.all.some(({ store }) => store.live(key).length > 0);
    if (held !== true && this.#members?.forsaken === true) return FORSAKEN;
    return this.#overlay.query(key, deadlineMs);
  }

  async find(key: Id, deadlineMs: number): Promise<FindOutcome> {
    if (this.#overlay === undefined) return { replicas: [], steps: [], roundTrips: 0 };
    return this.#overlay.find(key, deadlineMs);
  }

  /** Of our first member, with what all of them hold. */
  async status(): Promise<StatusReport | undefined> {
    const answer = await this.#members?.first.handle({ type: 'status' }, this.local, true);
    if (answer?.type !== 'status') return undefined;
    const { keys, entries, bytes } = this.counts;
    return { ...answer.status, keys, entries, storedBytes: bytes };
  }

  /** Everybody in the ring, found by walking from neighbour to neighbour, and what each says. */
  walk(): Promise<RingWalk> {
    const start = this.members.flatMap(({ endpoints }) => endpoints.slice(0, 1));
    return walkRing((to, request) => this.#calls.call(to, request), start, {
      endpointOf: (peer) => endpointFor(peer, this.local),
    });
  }

  #compose(): Members {
    const { clock, random, log, metrics, store } = this.#deps;
    const { tasks, health, rpc } = this.#stack;
    const { vnodes = 1, version } = this.#options;
    const ask = createAsk({
      rpc: this.#calls,
      health,
      onMissed: (peer) => {
        for (const { ring } of members.all) ring.suspect(peer);
      },
      onTold: (peers) => {
        for (const { ring } of members.all) ring.learn(peers);
      },
    });
    const compose = (vnode: number): Member => {
      const deps = {
        ...this.#deps,
        log: vnodes === 1 ? log : log.child({ mod: `dht.vnode${vnode}` }),
        metrics: vnode === 0 ? metrics : withoutGauges(metrics),
        store: store(vnode),
        rpc: this.#calls,
        ask,
        health,
        tally: rpc.tally,
        advertised: () => this.#advertised(),
        facts: () => ({ version, vnodes }),
      };
      return new Member(deps, vnode, this.#options);
    };
    const others = Array.from({ length: vnodes - 1 }, (_, index) => compose(index + 1));
    const members: Members = new Members([compose(0), ...others], { clock, random, tasks });
    const { first } = members;
    this.#members = members;
    this.#overlay = createOverlay({
      ask,
      health,
      clock,
      random,
      metrics,
      tasks,
      tally: rpc.tally,
      locator: members.locator,
      isSelf: (id) => members.isSelf(id),
      repair: createReadRepair({
        ask,
        store: first.store,
        clock,
        metrics,
        tasks,
        self: () => first.ring.self,
      }),
      find: (key, deadlineMs) => members.find(key, deadlineMs),
    });
    metrics.gauge('chordial_store_keys', 'Names held', () => members.counts.keys);
    metrics.gauge('chordial_store_entries', 'Records held', () => members.counts.entries);
    metrics.gauge('chordial_store_bytes', 'Bytes of the records held', () => members.counts.bytes);
    metrics.gauge('chordial_store_settled', '1 while all that should be held is here', () =>
      members.settled ? 1 : 0,
    );
    return members;
  }

  #advertised(): readonly Endpoint[] {
    const { advertise = [] } = this.#options;
    if (advertise.length === 0) return [this.local];
    return advertise.map(({ host, port }) => ({ host, port: port === 0 ? this.local.port : port }));
  }

  async #handle(request: Request, from: Endpoint, proven: boolean): Promise<Answer> {
    if (this.#members === undefined) return NOT_MEMBER;
    const member = this.#members.addressed(request);
    if (member !== undefined) return member.handle(request, from, proven);
    // Whoever asks for a life that is over learns so at once.
    return request.type === 'ping' ? { type: 'pong' } : NOT_MEMBER;
  }

  async #expire(members: Members): Promise<void> {
    const { clock, random } = this.#deps;
    const { tasks } = this.#stack;
    while (!tasks.stopping) {
      await tasks.sleep(jittered(random, EXPIRE_MS));
      for (const { store } of members.all) store.expire?.(clock.wallMs());
    }
  }

  async #stop(): Promise<void> {
    const { tasks, rpc } = this.#stack;
    await this.#members?.leave(LEAVE_MS);
    const stopped = [tasks.stop(), this.#members?.stop()];
    // Closing the socket ends every question under way, which is what the others wait for.
    await rpc.stop();
    await Promise.all(stopped);
  }
}
