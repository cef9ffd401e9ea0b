// A ring of whole members (socket, ring, replication, store) in the simulated world, with opaque records.
import { createHash } from 'node:crypto';
import { LspClient, LspNode } from '../../src/dht/index.ts';
import type { ReplicationTimings } from '../../src/dht/replication-options.ts';
import type { RingTiming } from '../../src/dht/ring-options.ts';
import { LspRpc } from '../../src/dht/rpc.ts';
import type { Answer, PublishVerdict, RecordStorePort, Request } from '../../src/dht/types.ts';
import { type Arc, clockwiseFrom, hashToId, type Id, inHalfOpen } from '../../src/record/id.ts';
import { identityFromSeed } from '../../src/record/identity.ts';
import type { DomainKeyResolver } from '../../src/record/types.ts';
import type { Endpoint } from '../../src/runtime/datagram.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { MetricsRegistry } from '../../src/runtime/metrics.ts';
import type { LinkOptions } from '../../src/sim/sim-network.ts';
import { type SimProcess, SimWorld } from '../../src/sim/sim-world.ts';

export const PORT = 7184;
export const OVERLAY = 'sim';

/** An opaque entry: `series seq what`, the greatest seq of a series counts. */
export const entryOf = (series: string, seq: number, what = ''): Uint8Array =>
  new Uint8Array(Buffer.from(`${series} ${seq} ${what}`));

export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

const parse = (bytes: Uint8Array): { series: string; seq: number } => {
  const [series = '', seq = ''] = textOf(bytes).split(' ');
  return { series, seq: Number(seq) };
};

/** The store's port over opaque entries: merges by series, refuses what says so, and knows what is stale. */
export class OpaqueStore implements RecordStorePort {
  // BOUNDED: by the test.
  readonly #held = new Map<Id, Map<string, Uint8Array>>();

  async publish(key: Id, entries: readonly Uint8Array[]): Promise<PublishVerdict> {
    const held = this.#held.get(key);
    for (const entry of entries) {
      const { series, seq } = parse(entry);
      if (series === 'refused') return { kind: 'refused', detail: 'as asked' };
      const before = held?.get(series);
      if (before !== undefined && parse(before).seq > seq) return { kind: 'stale' };
    }
    await this.absorb(key, entries);
    return { kind: 'stored', live: this.live(key) };
  }

  async absorb(key: Id, records: readonly Uint8Array[]): Promise<number> {
    const held = this.#held.get(key) ?? new Map<string, Uint8Array>();
    this.#held.set(key, held);
    let fresh = 0;
    for (const record of records) {
      const { series, seq } = parse(record);
      const before = held.get(series);
      if (before !== undefined && parse(before).seq >= seq) continue;
      held.set(series, Uint8Array.from(record));
      fresh += 1;
    }
    return fresh;
  }

  live(key: Id): readonly Uint8Array[] {
    return this.records(key);
  }

  shows(key: Id): boolean {
    return this.live(key).length > 0;
  }

  certain(_key: Id): boolean {
    return true;
  }

  records(key: Id): readonly Uint8Array[] {
    return [...(this.#held.get(key)?.values() ?? [])];
  }

  digest(key: Id): Uint8Array | undefined {
    const held = this.#held.get(key);
    if (held === undefined) return undefined;
    const digest = new Uint8Array(8);
    for (const record of held.values()) {
      const hash = createHash('sha256').update(record).digest();
      for (let i = 0; i < 8; i += 1) digest[i] = (digest[i] ?? 0) ^ (hash[i] ?? 0);
    }
    return digest;
  }

  keysIn(arc: Arc): readonly Id[] {
    return [...this.#held.keys()]
      .filter((key) => inHalfOpen(arc.from, key, arc.to))
      .sort(clockwiseFrom(arc.from));
  }

  drop(key: Id): void {
    this.#held.delete(key);
  }

  get counts(): { keys: number; entries: number; bytes: number } {
    const entries = [...this.#held.values()].reduce((sum, held) => sum + held.size, 0);
    return { keys: this.#held.size, entries, bytes: 0 };
  }
}

export interface Machine {
  readonly name: string;
  readonly host: string;
  readonly process: SimProcess;
  readonly node: LspNode;
  readonly store: RecordStorePort;
  readonly metrics: MetricsRegistry;
  readonly fatal: string[];
}

const seedOf = (name: string): Uint8Array => new Uint8Array(createHash('sha256').update(name).digest());
export const identityOf = (name: string) =>
  identityFromSeed(seedOf(name), { domain: `${name}.example`, selector: 0 });

/** Vouches for every member of these tests. */
export const keys: DomainKeyResolver = {
  resolve: async (domain) => ({
    kind: 'key',
    publicKey: identityOf(domain.replace(/\.example$/, '')).publicKey,
  }),
};

const RING: Partial<RingTiming> = {
  stabiliseMs: 1000,
  heartbeatMs: 500,
  foundingMs: 1000,
  healMinMs: 3000,
  healMaxMs: 6000,
};
const REPLICATION: Partial<ReplicationTimings> = {
  holdDownMs: 1000,
  holdDownSmallMs: 1000,
  digestMs: 5000,
  keepMs: 3000,
  giveUpMs: 10_000,
};

export interface OverlayOptions {
  readonly seed?: number;
  readonly link?: Partial<LinkOptions>;
  readonly replicas?: number;
  readonly successors?: number;
  readonly minMembers?: number;
  /** Another store than the opaque one. */
  readonly store?: (process: SimProcess) => RecordStorePort;
  readonly ring?: Partial<RingTiming>;
  readonly replication?: Partial<ReplicationTimings>;
}

export class OverlayWorld {
  readonly world: SimWorld;
  // BOUNDED: by the test.
  readonly machines: Machine[] = [];
  readonly #options: OverlayOptions;

  constructor(options: OverlayOptions = {}) {
    this.#options = options;
    this.world = new SimWorld(options.seed ?? 1, options.link);
  }

  get network() {
    return this.world.network;
  }

  /** Boots a member; without `seeds` those that run now are its seeds. */
  async boot(name: string, more: { host?: string; seeds?: readonly Endpoint[] } = {}): Promise<Machine> {
    const host = more.host ?? `10.0.0.${this.machines.length + 1}`;
    const process = this.world.boot(host);
    const store = this.#options.store?.(process) ?? new OpaqueStore();
    const metrics = new MetricsRegistry();
    const fatal: string[] = [];
    const { replicas = 3, successors = 8, minMembers = 0 } = this.#options;
    const node = new LspNode(
      {
        clock: process.clock,
        random: process.random,
        openDatagram: process.openDatagram,
        resolveHost: async (name) => [name],
        log: silentLog,
        metrics,
        identity: identityOf(name),
        keys,
        store,
        onFatal: ({ code }) => fatal.push(code),
      },
      {
        overlayId: OVERLAY,
        listen: { host, port: PORT },
        seeds: more.seeds ?? this.machines.map((one) => ({ host: one.host, port: PORT })),
        replicas,
        successors,
        minMembers,
        version: '0',
        ringTiming: { ...RING, ...this.#options.ring },
        replicationTiming: { ...REPLICATION, ...this.#options.replication },
      },
    );
    const machine: Machine = { name, host, process, node, store, metrics, fatal };
    this.machines.push(machine);
    await node.start();
    return machine;
  }

  /** Boots `count` members one after the other and waits until all are one settled ring. */
  async ring(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      await this.boot(`m${i}`);
      if (!(await this.until(() => this.settled(), 60_000))) throw new Error(`member ${i} did not come in`);
    }
  }

  /** Every machine is ready and knows as many members as there are. */
  settled(): boolean {
    return this.machines.every(({ node }) => node.ready && node.members.length === this.machines.length);
  }

  until(holds: () => boolean, limitMs: number): Promise<boolean> {
    return this.world.runUntil(holds, { limitMs, stepMs: 20 });
  }

  /** kill -9: it is gone from `machines`. */
  crash(machine: Machine): void {
    machine.process.crash();
    this.machines.splice(this.machines.indexOf(machine), 1);
  }

  at(index: number): Machine {
    const machine = this.machines[index];
    if (machine === undefined) throw new Error(`no machine ${index}`);
    return machine;
  }

  /** Publishes `count` names through members in turn; every one must be stored. */
  async publishMany(count: number, prefix = 'user'): Promise<readonly Id[]> {
    const ids: Id[] = [];
    const jobs: Promise<unknown>[] = [];
    for (let i = 0; i < count; i += 1) {
      const key = keyOf(`${prefix}${i}`);
      ids.push(key);
      const { node } = this.at(i % this.machines.length);
      jobs.push(
        node.publish(key, [entryOf(`${prefix}${i}`, 1)], 5000).then((outcome) => {
          if (outcome.kind !== 'stored') throw new Error(`publication ${i}: ${JSON.stringify(outcome)}`);
        }),
      );
      if (jobs.length % 50 === 0) await this.world.settle(Promise.all(jobs));
    }
    await this.world.settle(Promise.all(jobs));
    return ids;
  }

  /** What every machine says about every key, by outcome. */
  async census(ids: readonly Id[], deadlineMs = 3000): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { node } of this.machines) {
      const outcomes = await this.world.settle(Promise.all(ids.map((id) => node.query(id, deadlineMs))));
      for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  }

  /** A bare socket that asks one node one question, as a stranger. */
  async stranger(host = '10.9.0.2'): Promise<(to: Machine, request: Request) => Promise<Answer | undefined>> {
    const { clock, random, openDatagram } = this.world.boot(host);
    const rpc = new LspRpc(
      {
        clock,
        random,
        openDatagram,
        handler: async () => ({ type: 'pong' }),
        sizeEstimate: () => 1,
        log: silentLog,
        metrics: new MetricsRegistry(),
      },
      { bind: { host, port: 0 }, overlayId: OVERLAY },
    );
    await rpc.start();
    return async (to, request) => {
      const outcome = await rpc.call({ host: to.host, port: PORT }, request);
      return outcome.ok ? outcome.answer : undefined;
    };
  }

  async client(host = '10.9.0.1'): Promise<LspClient> {
    const process = this.world.boot(host);
    const client = new LspClient(
      {
        clock: process.clock,
        random: process.random,
        openDatagram: process.openDatagram,
        resolveHost: async (name) => [name],
        log: silentLog,
        metrics: new MetricsRegistry(),
      },
      {
        overlayId: OVERLAY,
        listen: { host, port: 0 },
        seeds: this.machines.slice(0, 2).map((one) => ({ host: one.host, port: PORT })),
        replicas: this.#options.replicas ?? 3,
      },
    );
    await client.start();
    return client;
  }
}

export const keyOf = (name: string): Id => hashToId(Buffer.from(name));
