// A simulated ring of whole members with short timings, and what tests do to it and ask of it.
import { LspClient } from '../../src/dht/index.ts';
import type { RingTiming } from '../../src/dht/ring-options.ts';
import { LspRpc } from '../../src/dht/rpc.ts';
import type { Answer, Request } from '../../src/dht/types.ts';
import type { Id } from '../../src/record/id.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { MetricsRegistry } from '../../src/runtime/metrics.ts';
import { entryOf, keyOf } from '../../src/sim/opaque-store.ts';
import {
  SIM_OVERLAY,
  SIM_PORT,
  type SimMember,
  SimOverlay,
  type SimOverlayOptions,
} from '../../src/sim/sim-overlay.ts';

export { entryOf, keyOf, OpaqueStore, textOf } from '../../src/sim/opaque-store.ts';
export type Machine = SimMember;
export const PORT = SIM_PORT;
export const OVERLAY = SIM_OVERLAY;

const RING: Partial<RingTiming> = {
  stabiliseMs: 1000,
  heartbeatMs: 500,
  foundingMs: 1000,
  healMinMs: 3000,
  healMaxMs: 6000,
};
const REPLICATION: SimOverlayOptions['replication'] = {
  holdDownMs: 1000,
  holdDownSmallMs: 1000,
  digestMs: 5000,
  keepMs: 3000,
  giveUpMs: 10_000,
};

export class OverlayWorld extends SimOverlay {
  readonly #replicas: number;

  constructor(options: SimOverlayOptions = {}) {
    super({
      // Real signatures: some of these tests are about who can make one.
      crypto: 'real',
      ...options,
      timing: { ...RING, ...options.timing },
      replication: { ...REPLICATION, ...options.replication },
    });
    this.#replicas = options.replicas ?? 3;
  }

  get machines(): SimMember[] {
    return this.members;
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
    return this.members.every(({ node }) => node.ready && node.members.length === this.members.length);
  }

  at(index: number): SimMember {
    const machine = this.members[index];
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
      const { node } = this.at(i % this.members.length);
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
    for (const { node } of this.members) {
      const outcomes = await this.world.settle(Promise.all(ids.map((id) => node.query(id, deadlineMs))));
      for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  }

  /** A bare socket that asks one node one question, as a stranger. */
  async stranger(
    host = '10.9.0.2',
  ): Promise<(to: SimMember, request: Request) => Promise<Answer | undefined>> {
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
        crypto: this.crypto.lsp(OVERLAY),
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
        crypto: this.crypto.lsp(OVERLAY),
      },
      {
        overlayId: OVERLAY,
        listen: { host, port: 0 },
        seeds: this.members.slice(0, 2).map((one) => ({ host: one.host, port: PORT })),
        replicas: this.#replicas,
      },
    );
    await client.start();
    return client;
  }
}
