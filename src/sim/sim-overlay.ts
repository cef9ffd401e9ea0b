// A ring of whole members (socket, ring, replication, store: the production code) in a simulated world.
import { encodePeer } from '../dht/descriptor.ts';
import { LspNode } from '../dht/index.ts';
import type { ReplicationTimings } from '../dht/replication-options.ts';
import type { FatalProblem, RingTiming } from '../dht/ring-options.ts';
import type { Peer, RecordStorePort } from '../dht/types.ts';
import type { DomainKeyResolver } from '../record/types.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import type { Log } from '../runtime/log.ts';
import { MetricsRegistry } from '../runtime/metrics.ts';
import { OpaqueStore } from './opaque-store.ts';
import { fastCrypto, realCrypto, type SimCrypto } from './sim-crypto.ts';
import type { LinkOptions } from './sim-network.ts';
import { type SimProcess, SimWorld } from './sim-world.ts';

export const SIM_PORT = 7184;
export const SIM_OVERLAY = 'sim';

export interface SimOverlayOptions {
  readonly seed?: number | string;
  readonly link?: Partial<LinkOptions>;
  readonly replicas?: number;
  readonly successors?: number;
  readonly minMembers?: number;
  /** Members of the ring that each process is; 1 if absent. */
  readonly vnodes?: number;
  /** `fast` (the default): a cheap hash for signatures; `real`: Ed25519. */
  readonly crypto?: 'fast' | 'real';
  /** Constants of the ring other than production's. */
  readonly timing?: Partial<RingTiming>;
  readonly replication?: Partial<ReplicationTimings>;
  /** Another store than the opaque one. */
  readonly store?: (process: SimProcess, overlay: SimOverlay) => RecordStorePort;
  /** One registry for all members: a third of a member's memory less, and sums instead of each one's figures. */
  readonly sharedMetrics?: boolean;
  /** False: nothing is hashed, for long runs whose trace nobody compares. */
  readonly traced?: boolean;
}

export interface SimMember {
  readonly name: string;
  readonly host: string;
  readonly process: SimProcess;
  readonly node: LspNode;
  /** Of the first of its members. */
  readonly store: RecordStorePort;
  readonly stores: readonly RecordStorePort[];
  readonly metrics: MetricsRegistry;
  /** The codes of problems after which a real process would have exited. */
  readonly fatal: string[];
}

export interface SimBoot {
  /** Default: one of its own for each member booted. */
  readonly host?: string;
  /** Default: those that run now. */
  readonly seeds?: readonly Endpoint[];
  readonly skewMs?: number;
  /** Default: `NAME.example`, selector 0. */
  readonly domain?: string;
  readonly selector?: number;
  /** Where others reach it, if not where it listens: a forwarded port. */
  readonly advertise?: Endpoint;
  /** Default: as all. */
  readonly vnodes?: number;
}

interface Prepared {
  readonly name: string;
  readonly boot: SimBoot;
  readonly process: SimProcess;
}

const domainOf = (name: string, boot: SimBoot): string => boot.domain ?? `${name}.example`;

/** The address of the n-th host, from 1: room for sixteen million. */
const hostOf = (n: number): string => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;

export class SimOverlay {
  readonly world: SimWorld;
  readonly crypto: SimCrypto;
  /** Those that run, in the order of their boots. BOUNDED: by the simulation's author, like all here. */
  readonly members: SimMember[] = [];
  /** Faults of ours that members logged as errors: there must never be one. */
  readonly faults: string[] = [];
  readonly #options: SimOverlayOptions;
  readonly #shared: MetricsRegistry | undefined;
  readonly #lsp: ReturnType<SimCrypto['lsp']>;
  #hosts = 0;

  constructor(options: SimOverlayOptions = {}) {
    this.#options = options;
    this.world = new SimWorld(options.seed ?? 1, options.link, { traced: options.traced ?? true });
    this.crypto = options.crypto === 'real' ? realCrypto() : fastCrypto();
    this.#lsp = this.crypto.lsp(SIM_OVERLAY);
    this.#shared = options.sharedMetrics === true ? new MetricsRegistry() : undefined;
  }

  get network(): SimWorld['network'] {
    return this.world.network;
  }

  /** Vouches for every member's key, as a trust file would that lists them all. */
  readonly keys: DomainKeyResolver = {
    resolve: async (domain, selector) => ({
      kind: 'key',
      publicKey: this.crypto.identity(domain, selector).publicKey,
    }),
  };

  /** Boots a member, which joins through its seeds as in life; returns when its socket is open. */
  async boot(name: string, boot: SimBoot = {}): Promise<SimMember> {
    const seeds = boot.seeds ?? this.members.map(({ host }) => ({ host, port: SIM_PORT }));
    return this.#start(this.#prepare(name, boot), { seeds });
  }

  /** Boots `count` members `m0`, `m1`, … that are one settled ring from the beginning (RingOptions.initial). */
  bootIdeal(count: number, prefix = 'm'): Promise<readonly SimMember[]> {
    return this.bootSettled(Array.from({ length: count }, (_, n) => ({ name: `${prefix}${n}` })));
  }

  /** The same for members with names and wishes of their own. */
  async bootSettled(wishes: readonly ({ readonly name: string } & SimBoot)[]): Promise<readonly SimMember[]> {
    const prepared = wishes.map(({ name, ...boot }) => this.#prepare(name, boot));
    const first = prepared.slice(0, 3).map(({ process }) => ({ host: process.host, port: SIM_PORT }));
    const initial = prepared.flatMap((one) => this.#describe(one)).sort((a, b) => (a.id < b.id ? -1 : 1));
    const members: SimMember[] = [];
    for (const one of prepared)
      members.push(await this.#start(one, { seeds: one.boot.seeds ?? first, initial }));
    return members;
  }

  /** kill -9: it is gone from `members`. */
  crash(member: SimMember): void {
    member.process.crash();
    this.#remove(member);
  }

  /** SIGTERM: hands over, leaves, closes; its host may boot it again. */
  async stop(member: SimMember): Promise<void> {
    await this.world.settle(member.node.stop());
    member.process.crash();
    this.#remove(member);
  }

  /** Runs the world until it holds, at most `limitMs`; says whether it did. */
  until(holds: () => boolean, limitMs: number, stepMs = 20): Promise<boolean> {
    return this.world.runUntil(holds, { limitMs, stepMs });
  }

  #remove(member: SimMember): void {
    const index = this.members.indexOf(member);
    if (index >= 0) this.members.splice(index, 1);
  }

  #prepare(name: string, boot: SimBoot): Prepared {
    this.#hosts += 1;
    const process = this.world.boot(boot.host ?? hostOf(this.#hosts), { skewMs: boot.skewMs ?? 0 });
    return { name, boot, process };
  }

  // What the node will say of itself when it starts at this very moment.
  #describe({ name, boot, process }: Prepared): readonly Peer[] {
    const identity = this.crypto.identity(domainOf(name, boot), boot.selector);
    const { domain, selector } = identity;
    const endpoints = [boot.advertise ?? { host: process.host, port: SIM_PORT }];
    const bootSequence = Math.floor(process.clock.wallMs() / 1000);
    return Array.from({ length: this.#vnodesOf(boot) }, (_, vnode) =>
      encodePeer({ domain, selector, vnode, endpoints, bootSequence }, identity, SIM_OVERLAY),
    );
  }

  #vnodesOf(boot: SimBoot): number {
    return boot.vnodes ?? this.#options.vnodes ?? 1;
  }

  async #start(
    { name, boot, process }: Prepared,
    more: { readonly seeds: readonly Endpoint[]; readonly initial?: readonly Peer[] },
  ): Promise<SimMember> {
    const { replicas = 3, successors = 8, minMembers = 0, timing = {}, replication = {} } = this.#options;
    const { clock, random, openDatagram, host } = process;
    const vnodes = this.#vnodesOf(boot);
    const first = this.#options.store?.(process, this) ?? new OpaqueStore();
    const stores = [first];
    while (stores.length < vnodes) stores.push(this.#options.store?.(process, this) ?? new OpaqueStore());
    const metrics = this.#shared ?? new MetricsRegistry();
    const fatal: string[] = [];
    const node = new LspNode(
      {
        clock,
        random,
        openDatagram,
        resolveHost: async (literal) => [literal],
        log: this.#logOf(name),
        metrics,
        identity: this.crypto.identity(domainOf(name, boot), boot.selector),
        keys: this.keys,
        store: (vnode) => stores[vnode] ?? first,
        crypto: this.#lsp,
        onFatal: ({ code }: FatalProblem) => fatal.push(code),
      },
      {
        overlayId: SIM_OVERLAY,
        listen: { host, port: SIM_PORT },
        ...(boot.advertise === undefined ? {} : { advertise: [boot.advertise] }),
        seeds: more.seeds,
        initial: more.initial,
        vnodes,
        replicas,
        successors,
        minMembers,
        version: '0',
        ringTiming: timing,
        replicationTiming: replication,
      },
    );
    const member: SimMember = { name, host, process, node, store: first, stores, metrics, fatal };
    this.members.push(member);
    await node.start();
    return member;
  }

  #logOf(name: string): Log {
    const log: Log = {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (fields, message) => this.faults.push(`${name}: ${message} ${JSON.stringify(fields)}`),
      child: () => log,
    };
    return log;
  }
}
