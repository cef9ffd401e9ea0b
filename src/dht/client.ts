// The overlay as a non-member uses it: publishes and queries through any members' addresses, never joins, keeps a
// bounded table (draft-johnston-sipping-p2p-ipcom-02 §4: "or even UAs in other domains").
import type { Id } from '../record/id.ts';
import { type Endpoint, formatEndpoint } from '../runtime/datagram.ts';
import { ClientView } from './client-view.ts';
import { type Ask, createAsk, endpointFor } from './courier.ts';
import { createOverlay } from './overlay.ts';
import { type RingWalk, type WalkOptions, walkRing } from './ring-walk.ts';
import type { LspRpc } from './rpc.ts';
import { resolveSeeds } from './seeds.ts';
import { createStack, type StackDeps, type StackOptions } from './stack.ts';
import type { Tasks } from './tasks.ts';
import { type KeyTrace, traceKey } from './trace.ts';
import type {
  FindOutcome,
  OverlayClient,
  PublishOutcome,
  QueryOutcome,
  Request,
  RequestHandler,
  StatusReport,
} from './types.ts';

export type LspClientDeps = StackDeps;

export interface LspClientOptions extends StackOptions {
  /** Any members, by address or name. */
  readonly seeds: readonly Endpoint[];
  /** A constant of the overlay. */
  readonly replicas: number;
}

const WALK = { attempts: 3, timeoutMs: 1000 } as const;

/** Others may ask a client whether it is there, and nothing else. */
const answerStranger: RequestHandler = async (request: Request) =>
  request.type === 'ping'
    ? { type: 'pong' }
    : { type: 'error', code: 'not-member', detail: 'a client', peers: [] };

export class LspClient implements OverlayClient {
  readonly #rpc: LspRpc;
  readonly #tasks: Tasks;
  readonly #view: ClientView;
  readonly #ask: Ask;
  readonly #overlay: OverlayClient;
  readonly #seeds: () => Promise<readonly Endpoint[]>;

  constructor(deps: LspClientDeps, options: LspClientOptions) {
    const { clock, random, metrics } = deps;
    const { rpc, tasks, health } = createStack(
      { ...deps, handler: answerStranger, sizeEstimate: () => this.#view.sizeEstimate },
      options,
    );
    this.#rpc = rpc;
    this.#tasks = tasks;
    const ask = createAsk({ rpc, health });
    this.#ask = ask;
    this.#seeds = () => resolveSeeds(deps.resolveHost, options.seeds);
    this.#view = new ClientView(
      { ask, rpc, clock, random, tasks, health, seeds: this.#seeds },
      { replicas: options.replicas },
    );
    this.#overlay = createOverlay({
      ask,
      health,
      clock,
      random,
      metrics,
      tally: rpc.tally,
      tasks,
      locator: this.#view,
      isSelf: () => false,
      find: (key, deadlineMs) => this.#view.find(key, deadlineMs),
    });
  }

  /** Binds the socket and looks for the ring; resolves also when nobody answers yet. */
  async start(): Promise<void> {
    await this.#rpc.start();
    this.#tasks.run('refresh', () => this.#view.refresh());
  }

  /** Ends what is under way (callers are told `unavailable`) and closes the socket. Idempotent. */
  async stop(): Promise<void> {
    const stopped = this.#tasks.stop();
    await this.#rpc.stop();
    await stopped;
  }

  get local(): Endpoint {
    return this.#rpc.local;
  }

  /** Has anybody of the ring answered us? */
  get ready(): boolean {
    return this.#view.peers.length > 0;
  }

  /** Members that answered or were named by one that did; all of them in a small ring. */
  get knownMembers(): number {
    return this.#view.peers.length;
  }

  get sizeEstimate(): number {
    return this.#view.sizeEstimate;
  }

  publish(key: Id, entries: readonly Uint8Array[], deadlineMs: number): Promise<PublishOutcome> {
    return this.#overlay.publish(key, entries, deadlineMs);
  }

  query(key: Id, deadlineMs: number): Promise<QueryOutcome> {
    return this.#overlay.query(key, deadlineMs);
  }

  find(key: Id, deadlineMs: number): Promise<FindOutcome> {
    return this.#overlay.find(key, deadlineMs);
  }

  /** The same with all that was said on the way, and what each replica holds. */
  trace(key: Id, deadlineMs: number): Promise<KeyTrace> {
    return traceKey({ ask: this.#ask, find: (one, ms) => this.#view.find(one, ms) }, key, deadlineMs);
  }

  /** What one node says of itself. */
  async status(
    at: Endpoint,
    options?: { readonly attempts: number; readonly timeoutMs: number },
  ): Promise<StatusReport | undefined> {
    const outcome = await this.#rpc.call(at, { type: 'status' }, options);
    return outcome.ok && outcome.answer.type === 'status' ? outcome.answer.status : undefined;
  }

  /** Everybody in the ring, found by walking from neighbour to neighbour, and what each says. */
  async members(options: Pick<WalkOptions, 'onProgress'> = {}): Promise<RingWalk> {
    const seeds = await this.#seeds();
    const known = this.#view.peers.flatMap(({ endpoints }) => endpoints.slice(0, 1));
    const start = [...new Map([...seeds, ...known].map((one) => [formatEndpoint(one), one])).values()];
    // A person waits: who says nothing for so long, to three copies, is told as silent.
    return walkRing((to, request) => this.#rpc.call(to, request, WALK), start, {
      ...options,
      endpointOf: (peer) => endpointFor(peer, this.#rpc.local),
    });
  }
}
