// A SIP server on loopback with a clock of its own, its counters at hand, and peers that close with it.

import { CertificateStore } from '../../src/runtime/certificate-store.ts';
import { type Endpoint, openDatagram } from '../../src/runtime/datagram.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { MetricsRegistry } from '../../src/runtime/metrics.ts';
import { connectStream, listenStream } from '../../src/runtime/stream.ts';
import { createConnectTls, createListenTls } from '../../src/runtime/tls-stream.ts';
import { type SipLimits, SipServer } from '../../src/sip/server.ts';
import type { ListenerSpec, Transport } from '../../src/sip/types.ts';
import type { WireTap } from '../../src/sip/wire-tap.ts';
import { ManualClock } from './manual-clock.ts';
import { type TcpPeer, tcpPeer, tlsPeer, type UdpPeer, udpPeer } from './sip-peers.ts';

export interface SipWorld {
  readonly server: SipServer;
  readonly clock: ManualClock;
  readonly udp: Endpoint;
  readonly tcp: Endpoint;
  /** The first listener of a transport. */
  placeOf(transport: Transport): Endpoint;
  /** Error lines that were logged. */
  readonly errors: readonly string[];
  /** Info lines, with their fields. */
  readonly infos: readonly (readonly [message: string, fields: object])[];
  udpPeer(bind?: Endpoint): Promise<UdpPeer>;
  tcpPeer(): Promise<TcpPeer>;
  /** A client that trusts `ca` and asks for `serverName`. */
  tlsPeer(ca: string, serverName?: string): Promise<TcpPeer>;
  /** A counter's series, by their labels as exposed. */
  series(name: string): ReadonlyMap<string, number>;
  /** A counter's sum over the series whose labels hold `label`. */
  count(name: string, label?: string): number;
  /** A value without labels. */
  gauge(name: string): number;
  close(): Promise<void>;
}

export interface SipWorldOptions {
  readonly listeners?: readonly ListenerSpec[];
  readonly limits?: Partial<SipLimits>;
  readonly trusted?: boolean;
  readonly isBanned?: (host: string) => boolean;
  readonly isScanner?: (userAgent: string) => boolean;
  readonly tap?: WireTap;
  /** For listeners of tls and wss. */
  readonly certificates?: CertificateStore;
  /** PEM: whom outgoing TLS trusts. */
  readonly ca?: string;
  readonly webSocketOrigins?: readonly string[];
}

export const loopback = (transport: Transport, host = '127.0.0.1'): ListenerSpec => ({
  transport,
  host,
  port: 0,
  advertised: { host, port: 0 },
});

const NOWHERE: Endpoint = { host: '127.0.0.1', port: 0 };

export const sipWorld = async (options: SipWorldOptions = {}): Promise<SipWorld> => {
  const clock = new ManualClock();
  const metrics = new MetricsRegistry();
  const errors: string[] = [];
  const infos: [string, object][] = [];
  const server = new SipServer(
    {
      clock,
      random: { bytes: (count) => new Uint8Array(count), float: () => 0.5 },
      log: {
        ...silentLog,
        error: (_fields, message) => void errors.push(message),
        info: (fields, message) => void infos.push([message, fields]),
      },
      metrics,
      openDatagram,
      listenStream,
      connectStream,
      tls: {
        listen: createListenTls(options.certificates ?? new CertificateStore()),
        connect: createConnectTls({ ca: () => options.ca }),
      },
    },
    {
      listeners: options.listeners ?? [loopback('udp'), loopback('tcp')],
      secret: new Uint8Array(32),
      webSocketOrigins: options.webSocketOrigins ?? [],
      limits: {
        perSourcePerSec: 200,
        messageBytesMax: 65_535,
        connectionsMax: 100,
        connectionsPerSourceMax: 100,
        idleMs: 120_000,
        ...options.limits,
      },
      isTrusted: () => options.trusted ?? true,
      isBanned: options.isBanned ?? (() => false),
      isScanner: options.isScanner ?? (() => false),
      ...(options.tap === undefined ? {} : { tap: options.tap }),
      isOurs: (uri) => uri.includes('example.com'),
      isSelf: (uri) => uri.includes('example.com') && !uri.includes('@'),
      supported: ['path'],
    },
  );
  await server.start();
  const placeOf = (transport: Transport): Endpoint =>
    server.listeners.find((one) => one.transport === transport)?.bound ?? NOWHERE;
  const udp = placeOf('udp');
  const tcp = placeOf('tcp');
  const series = (name: string): ReadonlyMap<string, number> =>
    new Map(
      metrics
        .text()
        .split('\n')
        .filter((line) => line.startsWith(`${name}{`))
        .map((line) => {
          const end = line.lastIndexOf(' ');
          return [line.slice(name.length, end), Number(line.slice(end + 1))];
        }),
    );
  const closers: (() => Promise<void> | void)[] = [];
  return {
    server,
    clock,
    udp,
    tcp,
    placeOf,
    errors,
    infos,
    async udpPeer(bind) {
      const peer = await udpPeer(bind);
      closers.push(() => peer.close());
      return peer;
    },
    async tcpPeer() {
      const peer = await tcpPeer(tcp);
      closers.push(() => peer.stream.destroy());
      return peer;
    },
    async tlsPeer(ca, serverName) {
      const peer = await tlsPeer(placeOf('tls'), ca, serverName);
      closers.push(() => peer.stream.destroy());
      return peer;
    },
    series,
    gauge: (name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics.text())?.[1]),
    count: (name, label = '') =>
      [...series(name)].reduce((sum, [labels, value]) => (labels.includes(label) ? sum + value : sum), 0),
    async close() {
      for (const close of closers) await close();
      await server.stop();
    },
  };
};
