// A member of the ring as a process of its own: no SIP, no files; what to do and what came of it goes over its IPC channel.
import { LspNode } from '../../src/dht/index.ts';
import { RecordStore } from '../../src/record/store.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { type Endpoint, openDatagram } from '../../src/runtime/datagram.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { MetricsRegistry } from '../../src/runtime/metrics.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { impaired, type Line } from './impaired.ts';
import { type Found, identityOf, keys, lookUp, newVerifier, OVERLAY, register } from './registrations.ts';

export interface MemberOptions {
  readonly name: string;
  readonly listen: Endpoint;
  readonly advertise?: Endpoint;
  readonly seeds: readonly Endpoint[];
  readonly line: Line;
  readonly successors: number;
  readonly ringTiming: Readonly<Record<string, number>>;
  readonly replicationTiming: Readonly<Record<string, number>>;
}

export interface MemberState {
  readonly ready: boolean;
  readonly members: number;
  readonly mode: 'small' | 'full';
  readonly local: Endpoint;
  readonly keys: number;
  readonly fatal: readonly string[];
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly keysPulled: number;
  readonly keysPushed: number;
  readonly cpuMs: number;
  readonly rssMb: number;
}

export type Order =
  | { readonly do: 'register'; readonly user: number; readonly seq: number }
  | { readonly do: 'lookUp'; readonly user: number }
  | { readonly do: 'cut'; readonly hosts: readonly string[] }
  | { readonly do: 'state' }
  | { readonly do: 'stop' };

export interface Results {
  readonly register: string;
  readonly lookUp: Found;
  readonly cut: true;
  readonly state: MemberState;
  readonly stop: true;
}

const options = JSON.parse(process.argv[2] ?? '{}') as MemberOptions; // by fleet.ts, our own JSON
const verifier = newVerifier();
const metrics = new MetricsRegistry();
const fatal: string[] = [];
const line = impaired(openDatagram, options.line);
const store = new RecordStore({ verifier, wallMs: () => systemClock.wallMs() });
const node = new LspNode(
  {
    clock: systemClock,
    random: systemRandom,
    openDatagram: line.open,
    resolveHost: async (host) => [host],
    log: silentLog,
    metrics,
    identity: identityOf(options.name),
    keys,
    store: () => store,
    onFatal: ({ code }) => fatal.push(code),
  },
  {
    overlayId: OVERLAY,
    listen: options.listen,
    ...(options.advertise === undefined ? {} : { advertise: [options.advertise] }),
    seeds: options.seeds,
    replicas: 3,
    successors: options.successors,
    minMembers: 0,
    version: '0',
    trusted: () => true,
    ringTiming: options.ringTiming,
    replicationTiming: options.replicationTiming,
  },
);

const count = (series: string): number => {
  const row = metrics
    .text()
    .split('\n')
    .find((one) => one.startsWith(`${series} `));
  return Number(row?.slice(series.length + 1) ?? 0);
};

const state = (): MemberState => {
  const { user, system } = process.cpuUsage();
  return {
    ready: node.ready,
    members: node.members.length,
    mode: node.mode,
    local: node.local,
    keys: store.counts.keys,
    fatal,
    bytesIn: count('chordial_lsp_bytes_total{direction="in"}'),
    bytesOut: count('chordial_lsp_bytes_total{direction="out"}'),
    keysPulled: count('chordial_sync_keys_total{direction="pulled"}'),
    keysPushed: count('chordial_sync_keys_total{direction="pushed"}'),
    cpuMs: (user + system) / 1000,
    rssMb: process.memoryUsage.rss() / 2 ** 20,
  };
};

const obey = async (order: Order): Promise<Results[Order['do']]> => {
  switch (order.do) {
    case 'register':
      return register(node, order.user, order.seq);
    case 'lookUp':
      return lookUp(node, order.user, verifier);
    case 'cut':
      line.cut(order.hosts);
      return true;
    case 'state':
      return state();
    case 'stop':
      await node.stop();
      return true;
  }
};

await node.start();
process.on('message', (message: { id: number; order: Order }) => {
  void obey(message.order).then((value) => process.send?.({ id: message.id, value }));
});
// Whoever started us is gone.
process.on('disconnect', () => process.exit(0));
process.send?.({ id: 0, value: true });
