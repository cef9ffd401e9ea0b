// SIP over connections (TCP, TLS, WebSocket): listeners and the connections they and we opened, counted and limited.

import { sourceOf } from '../runtime/address-ranges.ts';
import type { Clock } from '../runtime/clock.ts';
import { delay } from '../runtime/clock.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import { CodedError } from '../runtime/errors.ts';
import type {
  ConnectStream,
  ListenStream,
  StreamHandlers,
  StreamListener,
  StreamPort,
} from '../runtime/stream.ts';
import { canonicalHost, familyOf } from '../uri/hosts.ts';
import { StreamFramer } from './framer.ts';
import type { Framing } from './framing.ts';
import type { DropReason, SipMetrics } from './sip-metrics.ts';
import { type Connection, type ConnectionOptions, createConnection } from './stream-connection.ts';
import type { BoundListener, Flow, ListenerSpec, NextHop, StreamTransportName } from './types.ts';
import { boundListener, listenFailure } from './udp-transport.ts';
import { WebSocketFramer } from './web-socket-framer.ts';

/** How connections of one kind come about: plain, or with TLS. */
export interface StreamPorts {
  readonly listen: ListenStream;
  readonly connect: ConnectStream;
}

export interface StreamTransportDeps {
  readonly clock: Clock;
  readonly metrics: SipMetrics;
  readonly plain: StreamPorts;
  /** Undefined where there are no certificates. */
  readonly tls: StreamPorts | undefined;
}

export interface StreamTransportOptions extends ConnectionOptions {
  readonly listeners: readonly (ListenerSpec & { readonly transport: StreamTransportName })[];
  readonly limits: ConnectionOptions['limits'] & {
    /** All connections together, those that we open included. */
    readonly connectionsMax: number;
    readonly connectionsPerSourceMax: number;
  };
  /** What a peer has not read yet, for each connection. */
  readonly writeBufferBytesMax: number;
  /** Sources whose connections count against the whole only. */
  readonly isTrusted: (host: string) => boolean;
  /** Asked before any handshake: may this source have one more connection now? */
  readonly admitConnection: (host: string) => boolean;
  /** Where pages may come from that open a WebSocket; none for all. */
  readonly webSocketOrigins: readonly string[];
}

interface Listening extends BoundListener {
  readonly transport: StreamTransportName;
  readonly stream: StreamListener;
}

/** How many connections there are, and of how many the handshake is not done. */
interface Held {
  all: number;
  young: number;
}

/** How long a closing connection may take to send what is buffered. */
const CLOSING_MS = 500;
/** Whoever has not finished a handshake, or said anything yet, leaves this much of the room to those who have. */
const YOUNG_SHARE = 1 / 2;

const isTls = (transport: StreamTransportName): boolean => transport === 'tls' || transport === 'wss';

/**
 * Connections that may stand in for one another. One that we opened over TLS has shown a certificate for one name, and
 * is good for that name alone.
 */
const wayKey = (transport: StreamTransportName, remote: Endpoint, serverName: string | undefined): string =>
  `${transport} ${canonicalHost(remote.host)} ${remote.port} ${isTls(transport) ? (serverName ?? '') : ''}`;

export class StreamTransport {
  readonly #deps: StreamTransportDeps;
  readonly #options: StreamTransportOptions;
  // BOUNDED: by the listeners of the configuration.
  readonly #listeners: Listening[] = [];
  // BOUNDED: `connectionsMax`, held in `#refusal` and `connect`.
  readonly #connections = new Set<Connection>();
  // BOUNDED: as #connections; by way, the youngest of equals.
  readonly #byWay = new Map<string, Connection>();
  // BOUNDED: as #connections; a source without connections has no entry.
  readonly #perSource = new Map<string, Held>();
  #young = 0;

  constructor(deps: StreamTransportDeps, options: StreamTransportOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  get listeners(): readonly BoundListener[] {
    return this.#listeners;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Binds all listeners, or none and rejects with the first one's fault. */
  async start(): Promise<void> {
    for (const spec of this.#options.listeners) {
      try {
        this.#listeners.push(await this.#listen(spec));
      } catch (error) {
        await this.stop();
        throw listenFailure(spec, error);
      }
    }
  }

  /** Stops accepting, sends what is buffered, closes. */
  async stop(): Promise<void> {
    const listeners = this.#listeners.splice(0);
    await Promise.all(listeners.map(({ stream }) => stream.close()));
    if (this.#connections.size === 0) return;
    const closed = [...this.#connections].map((connection) => {
      connection.end();
      return connection.closed;
    });
    await Promise.race([Promise.all(closed), delay(this.#deps.clock, CLOSING_MS)]);
    for (const connection of this.#connections) connection.destroy();
    await Promise.all(closed);
  }

  /** The open connection for `hop`, whoever opened it. */
  flowWith(
    hop: Pick<NextHop, 'host' | 'port' | 'serverName'>,
    transport: StreamTransportName,
  ): Flow | undefined {
    const flow = this.#byWay.get(wayKey(transport, hop, hop.serverName))?.flow;
    return flow?.open ? flow : undefined;
  }

  /**
   * Opens a connection, or rejects (refused, given up, not to be trusted); undefined if there may be none. What comes over
   * it is served like any other.
   */
  async connect(
    hop: Pick<NextHop, 'host' | 'port' | 'serverName'>,
    transport: StreamTransportName,
    signal: AbortSignal,
  ): Promise<Flow | undefined> {
    const family = familyOf(hop.host);
    const listener = this.#listeners.find(
      (one) => one.transport === transport && familyOf(one.bound.host) === family,
    );
    const ports = transport === 'tcp' ? this.#deps.plain : transport === 'tls' ? this.#deps.tls : undefined;
    // Without a listener there is no address that answers could come back to; a WebSocket is for clients to open.
    if (listener === undefined || ports === undefined) return undefined;
    if (this.#connections.size >= this.#options.limits.connectionsMax) return undefined;
    let flow: Flow | undefined;
    const { serverName } = hop;
    await ports.connect(hop, {
      signal,
      writeBufferBytesMax: this.#options.writeBufferBytesMax,
      ...(serverName === undefined ? {} : { serverName }),
      onStream: (stream) => {
        const connection = this.#add(stream, listener, { dialled: true, serverName });
        flow = connection.flow;
        return connection.handlers;
      },
    });
    return flow;
  }

  async #listen(spec: StreamTransportOptions['listeners'][number]): Promise<Listening> {
    const { metrics, plain, tls } = this.#deps;
    const { transport } = spec;
    const ports = isTls(transport) ? tls : plain;
    if (ports === undefined) throw new CodedError('ERR_SIP_NO_TLS', 'TLS needs a certificate');
    let listening: Listening | undefined;
    const stream = await ports.listen(
      { host: spec.host, port: spec.port },
      {
        writeBufferBytesMax: this.#options.writeBufferBytesMax,
        onStream: (accepted) => (listening === undefined ? undefined : this.#accept(accepted, listening)),
        onError: () => metrics.dropped('socket-error'),
      },
    );
    listening = { ...boundListener(spec, stream.local), transport, stream };
    return listening;
  }

  #accept(stream: StreamPort, listener: Listening): StreamHandlers | undefined {
    const refused = this.#refusal(stream.remote.host);
    if (refused === undefined) return this.#add(stream, listener, { dialled: false }).handlers;
    this.#deps.metrics.dropped(refused);
    return undefined;
  }

  #refusal(host: string): DropReason | undefined {
    const { connectionsMax, connectionsPerSourceMax } = this.#options.limits;
    if (this.#options.isBanned(host)) return 'banned';
    if (this.#connections.size >= connectionsMax) return 'connections';
    if (this.#young >= Math.ceil(connectionsMax * YOUNG_SHARE)) return 'handshakes';
    const held = this.#perSource.get(sourceOf(host));
    if (held !== undefined && !this.#options.isTrusted(host)) {
      if (held.all >= connectionsPerSourceMax) return 'connections-per-source';
      if (held.young >= Math.ceil(connectionsPerSourceMax * YOUNG_SHARE)) return 'handshakes';
    }
    return this.#options.admitConnection(host) ? undefined : 'rate';
  }

  #framing(transport: StreamTransportName): Framing {
    const { limits, webSocketOrigins, tap } = this.#options;
    const { messageBytesMax } = limits;
    const wantsRaw = (): boolean => tap.on;
    return transport === 'ws' || transport === 'wss'
      ? new WebSocketFramer({ messageBytesMax, origins: webSocketOrigins, wantsRaw })
      : new StreamFramer({ messageBytesMax, wantsRaw });
  }

  #add(
    stream: StreamPort,
    listener: Listening,
    { dialled, serverName }: { readonly dialled: boolean; readonly serverName?: string | undefined },
  ): Connection {
    const { transport } = listener;
    const source = sourceOf(stream.remote.host);
    const key = wayKey(transport, stream.remote, serverName);
    const held = this.#perSource.get(source) ?? { all: 0, young: 0 };
    held.all += 1;
    held.young += 1;
    this.#young += 1;
    this.#perSource.set(source, held);
    let young = true;
    const grown = (): void => {
      if (!young) return;
      young = false;
      held.young -= 1;
      this.#young -= 1;
    };
    const connection = createConnection(this.#deps, this.#options, {
      transport,
      stream,
      framing: this.#framing(transport),
      local: listener.bound,
      advertised: listener.advertised,
      dialled,
      onGrown: grown,
      onClosed: () => {
        grown();
        this.#connections.delete(connection);
        if (this.#byWay.get(key) === connection) this.#byWay.delete(key);
        held.all -= 1;
        if (held.all === 0) this.#perSource.delete(source);
      },
    });
    this.#connections.add(connection);
    this.#byWay.set(key, connection);
    return connection;
  }
}
