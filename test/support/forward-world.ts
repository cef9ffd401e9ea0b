// A forwarder among fake sockets: what it sends lies in the flows, what comes in is given as typed messages.
import { FlowTokens } from '../../src/auth/flow-token.ts';
import { Branches } from '../../src/proxy/branch.ts';
import { Forwarder } from '../../src/proxy/forwarder.ts';
import type { Dns } from '../../src/runtime/dns.ts';
import { type LogFields, silentLog } from '../../src/runtime/log.ts';
import { MetricsRegistry } from '../../src/runtime/metrics.ts';
import { Retransmitter } from '../../src/sip/client-transaction.ts';
import type { NextHop, Transport } from '../../src/sip/types.ts';
import { createSelf } from '../../src/uri/self.ts';
import { FakeFlow, FakeTransaction } from './forward-fakes.ts';
import { type GivenMessage, type GivenRequest, requestOf, responseOf, routesOf } from './forward-messages.ts';
import { ManualClock } from './manual-clock.ts';

const US = { host: '192.0.2.1', port: 5060 } as const;
const SECRET = Buffer.from('secret');

/** The rows of a sent message called `name`, and its start line. */
export const valuesOf = (sent: string | undefined, name: string): readonly string[] =>
  (sent ?? '')
    .split('\r\n\r\n', 1)
    .join('')
    .split('\r\n')
    .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    .map((line) => line.slice(name.length + 1).trim());
export const startOf = (sent: string | undefined): string => (sent ?? '').split('\r\n', 1).join('');

const noDns: Dns = {
  naptr: async () => ({ kind: 'none' }),
  srv: async () => ({ kind: 'none' }),
  addresses: async () => ({ kind: 'none' }),
};

export interface WorldOptions {
  readonly dns?: Partial<Dns>;
  readonly transports?: readonly Transport[];
  readonly max?: number;
  readonly bytesMax?: number;
}

export class ForwardWorld {
  readonly clock = new ManualClock();
  readonly retransmitter = new Retransmitter({ clock: this.clock }, { max: 100 });
  readonly metrics = new MetricsRegistry();
  readonly tokens = new FlowTokens(SECRET);
  /** BOUNDED: by the test. */
  readonly flows = new Map<string, FakeFlow>();
  /** Targets without a way. BOUNDED: by the test. */
  readonly unreachable = new Set<string>();
  readonly asked: NextHop[] = [];
  /** Info lines of the log. BOUNDED: by the test. */
  readonly lines: LogFields[] = [];
  forwarder: Forwarder;
  readonly #options: WorldOptions;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.forwarder = this.restarted();
  }

  /** A forwarder with the same secret and nothing in its memory. */
  restarted(): Forwarder {
    const { dns, max = 100, bytesMax = 1_000_000, transports = ['udp', 'tcp'] } = this.#options;
    this.forwarder = new Forwarder(
      {
        clock: this.clock,
        dns: { ...noDns, ...dns },
        sender: {
          flowTo: async (hop) => {
            this.asked.push(hop);
            const key = `${hop.transport} ${hop.host} ${hop.port}`;
            return this.unreachable.has(key) ? undefined : this.flow(hop.transport, hop.host, hop.port);
          },
          advertised: (transport) => (transports.includes(transport) ? US : undefined),
        },
        retransmitter: this.retransmitter,
        tokens: this.tokens,
        branches: new Branches(SECRET),
        self: createSelf({
          domains: ['biloxi.com'],
          aliases: [],
          listeners: [{ bound: US, advertised: US }],
        }),
        background: {
          background: (name, promise) => {
            promise.catch((error: unknown) => {
              throw new Error(name, { cause: error });
            });
          },
        },
        log: { ...silentLog, info: (fields) => this.lines.push(fields) },
        metrics: this.metrics,
      },
      { max, bytesMax },
    );
    return this.forwarder;
  }

  /** The flow to a place; the same every time. */
  flow(transport: Transport, host: string, port: number): FakeFlow {
    const key = `${transport} ${host} ${port}`;
    const known = this.flows.get(key) ?? new FakeFlow(transport, { host, port }, US);
    this.flows.set(key, known);
    return known;
  }

  get caller(): FakeFlow {
    return this.flow('udp', '192.0.2.50', 5070);
  }

  get callee(): FakeFlow {
    return this.flow('udp', '192.0.2.7', 5062);
  }

  /** Forwards a request that may be forwarded, to its Request-URI and the Routes given. */
  async forward(given: GivenRequest, routes: readonly string[] = [], from: FakeFlow = this.caller) {
    const request = requestOf({ uri: 'sip:bob@192.0.2.7:5062', ...given });
    const transaction = new FakeTransaction(request, from);
    const startedMs = this.clock.monoMs();
    const plan = { uri: request.uri, routes: routesOf(...routes) };
    const outcome = await this.forwarder.forward(transaction, plan, startedMs);
    return { outcome, transaction };
  }

  /** A message of a transaction under way: true if it was taken. */
  again(given: GivenRequest): boolean {
    return this.takes(given).taken;
  }

  /** The same, with its transaction. */
  takes(given: GivenRequest, from: FakeFlow = this.caller) {
    const request = requestOf({ uri: 'sip:bob@192.0.2.7:5062', ...given });
    const transaction = new FakeTransaction(request, from);
    return { taken: this.forwarder.again(transaction), transaction };
  }

  /** An answer to what was sent as `sent`. */
  answer(
    sent: string | undefined,
    status: number,
    given: GivenMessage = {},
    by: FakeFlow = this.callee,
  ): void {
    const vias = valuesOf(sent, 'Via');
    this.forwarder.onResponse(responseOf({ status, vias, to: '<sip:bob@example.com>;tag=b1', ...given }), by);
  }
}

/** Lets what was started and not awaited run to its end: nothing here waits for more than promises. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
