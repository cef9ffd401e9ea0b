// Ring members over the real wire on a simulated network: started, killed, moved, and compared with the ideal ring.
import { encodePeer } from '../../src/dht/descriptor.ts';
import { RingMember } from '../../src/dht/ring-member.ts';
import { type FatalProblem, RING_TIMING, type RingTiming } from '../../src/dht/ring-options.ts';
import { LspRpc } from '../../src/dht/rpc.ts';
import type { Peer } from '../../src/dht/types.ts';
import { clockwiseFrom, type Id } from '../../src/record/id.ts';
import type { Identity } from '../../src/record/types.ts';
import type { Endpoint } from '../../src/runtime/datagram.ts';
import { type Log, silentLog } from '../../src/runtime/log.ts';
import { MetricsRegistry } from '../../src/runtime/metrics.ts';
import type { LinkOptions } from '../../src/sim/sim-network.ts';
import { type SimProcess, SimWorld } from '../../src/sim/sim-world.ts';
import { OVERLAY, sampleIdentity } from './lsp-samples.ts';

const PORT = 7184;
// BOUNDED: by the names in the tests. Making a key costs more than using it.
const identities = new Map<string, Identity>();
const identityOf = (domain: string): Identity => {
  const identity = identities.get(domain) ?? sampleIdentity(domain);
  identities.set(domain, identity);
  return identity;
};

export interface RingNode {
  readonly name: string;
  readonly host: string;
  readonly process: SimProcess;
  readonly ring: RingMember;
  readonly rpc: LspRpc;
  readonly fatal: FatalProblem[];
}

export interface SimRingOptions {
  readonly successors?: number;
  readonly replicas?: number;
  readonly minMembers?: number;
  readonly selfCertified?: boolean;
  readonly timing?: Partial<RingTiming>;
  readonly link?: Partial<LinkOptions>;
  /** The domains that publish no key. */
  readonly unknownDomains?: readonly string[];
}

export const hostOf = (index: number): string => `10.0.0.${index + 1}`;
export const at = (host: string): Endpoint => ({ host, port: PORT });

export class SimRing {
  readonly world: SimWorld;
  readonly faults: string[] = [];
  /** What the nodes warned their operators of. */
  readonly warnings: string[] = [];
  readonly #options: SimRingOptions;
  /** The latest life of each name; dead ones stay until they are started again. */
  readonly nodes = new Map<string, RingNode>();
  readonly #alive = new Set<string>();

  constructor(seed: number | string, options: SimRingOptions = {}) {
    this.world = new SimWorld(seed, { delayMs: 2, jitterMs: 3, ...options.link });
    this.#options = options;
  }

  /** Boots `name` (a domain's first label) on `host`; returns when its socket is open. */
  async start(
    name: string,
    host: string,
    seeds: readonly Endpoint[],
    more: { skewMs?: number; successors?: number; resolve?: (host: string) => readonly string[] } = {},
  ): Promise<RingNode> {
    const process = this.world.boot(host, more.skewMs === undefined ? {} : { skewMs: more.skewMs });
    const identity = identityOf(`${name}.example`);
    const metrics = new MetricsRegistry();
    const fatal: FatalProblem[] = [];
    const log: Log = {
      ...silentLog,
      warn: (fields, message) => this.warnings.push(`${name}: ${message} ${JSON.stringify(fields)}`),
      error: (fields, message) => this.faults.push(`${name}: ${message} ${JSON.stringify(fields)}`),
      child: () => log,
    };
    const { clock, random } = process;
    const rpc = new LspRpc(
      {
        openDatagram: process.openDatagram,
        clock,
        random,
        identity,
        handler: async (request, from, proven) =>
          (await ring.handleRing(request, from, proven)) ??
          (request.type === 'find'
            ? {
                type: 'found',
                replicas: ring.replicaSet(request.key),
                closest: ring.closestPreceding(request.key),
              }
            : { type: 'error', code: 'refused', detail: 'not in this test', peers: [] }),
        known: (id, bootSequence) => ring.held(id, bootSequence),
        sizeEstimate: () => ring.ownSizeEstimate(),
        log,
        metrics,
      },
      { bind: at(host), overlayId: OVERLAY },
    );
    const ring: RingMember = new RingMember(
      {
        rpc,
        clock,
        random,
        log,
        metrics,
        keys: {
          resolve: async (domain) =>
            this.#options.unknownDomains?.includes(domain) === true
              ? { kind: 'unknown' }
              : { kind: 'key', publicKey: identityOf(domain).publicKey },
        },
        describe: (bootSequence) =>
          encodePeer(
            { domain: identity.domain, selector: 0, vnode: 0, endpoints: [at(host)], bootSequence },
            identity,
            OVERLAY,
          ),
        resolveHost: async (seed) => more.resolve?.(seed) ?? [seed],
        onFatal: (problem) => fatal.push(problem),
        facts: () => ({ version: 'test', keys: 0, entries: 0 }),
      },
      {
        seeds,
        replicas: this.#options.replicas ?? 3,
        successors: more.successors ?? this.#options.successors ?? 8,
        minMembers: this.#options.minMembers ?? 0,
        selfCertified: this.#options.selfCertified ?? false,
        timing: { ...RING_TIMING, ...this.#options.timing },
      },
    );
    ring.onChange(({ after }) => {
      for (const list of [after.successors, after.predecessors]) {
        const ids = list.map(({ id }) => id);
        if (ids.includes(after.self.id)) this.faults.push(`${name}: itself in a list`);
        if (new Set(ids).size !== ids.length) this.faults.push(`${name}: somebody twice in a list`);
        const order = clockwiseFrom(after.self.id);
        const sorted = [...ids].sort(list === after.successors ? order : (a, b) => order(b, a));
        if (ids.some((id, index) => id !== sorted[index])) this.faults.push(`${name}: list out of order`);
      }
    });
    await rpc.start();
    await ring.start();
    const node: RingNode = { name, host, process, ring, rpc, fatal };
    this.nodes.set(name, node);
    this.#alive.add(name);
    return node;
  }

  kill(name: string): void {
    this.nodes.get(name)?.process.crash();
    this.#alive.delete(name);
  }

  /** A graceful stop. */
  async leave(name: string): Promise<void> {
    const node = this.nodes.get(name);
    if (node === undefined) return;
    this.#alive.delete(name);
    await this.world.settle(node.ring.leave());
    await this.world.settle(Promise.all([node.ring.stop(), node.rpc.stop()]));
  }

  get alive(): readonly RingNode[] {
    return [...this.nodes.values()].filter(({ name }) => this.#alive.has(name));
  }

  node(name: string): RingNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  /** What keeps the ring of the living from being the ideal one (Zave: globally right lists); undefined if nothing. */
  defect(nodes: readonly RingNode[] = this.alive): string | undefined {
    const selves = nodes.map(({ ring }) => ring.self);
    const { successors = 8, replicas = 3 } = this.#options;
    for (const { name, ring } of nodes) {
      if (!ring.joined) return `${name} has not joined`;
      const order = clockwiseFrom(ring.self.id);
      const others = selves.filter(({ id }) => id !== ring.self.id).sort((a, b) => order(a.id, b.id));
      const { neighbourhood } = ring;
      const wrongMode = ring.mode === 'full' ? nodes.length <= successors : nodes.length > successors + 1;
      if (wrongMode) return `${name} is in ${ring.mode} mode with ${nodes.length} members`;
      const next = others.slice(0, successors);
      if (!same(neighbourhood.successors, next)) return `${name} has other successors`;
      const before = [...others].reverse().slice(0, replicas);
      if (!same(neighbourhood.predecessors, before)) return `${name} has other predecessors`;
      if (ring.mode === 'small' && ring.members().length !== nodes.length) return `${name} misses members`;
    }
    return undefined;
  }

  /** Runs until the living form the ideal ring and hold their leases; returns how long that took, fails after `limitMs`. */
  async settled(limitMs: number, nodes?: readonly RingNode[]): Promise<number> {
    const startMs = this.world.nowMs;
    const held = (): boolean =>
      this.defect(nodes) === undefined &&
      (nodes ?? this.alive).every(({ ring }) => !ring.ready || ring.leaseValid());
    if (!(await this.world.runUntil(held, { limitMs, stepMs: 250 })))
      throw new Error(`after ${limitMs} ms: ${this.defect(nodes) ?? 'a lease is missing'}`);
    return this.world.nowMs - startMs;
  }
}

const same = (a: readonly Peer[], b: readonly Peer[]): boolean =>
  a.length === b.length &&
  a.every((peer, index) => peer.id === b[index]?.id && peer.bootSequence === b[index]?.bootSequence);

/** Who is responsible for `key` among `nodes`, owner first. */
export const idealReplicas = (nodes: readonly RingNode[], key: Id, count: number): readonly Id[] => {
  const order = clockwiseFrom(key);
  return nodes
    .map(({ ring }) => ring.self.id)
    .sort((a, b) => (a === key ? -1 : b === key ? 1 : order(a, b)))
    .slice(0, count);
};
