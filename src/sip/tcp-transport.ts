// SIP over TCP: listeners and the connections they and we opened, counted and limited.

import { sourceOf } from '../runtime/address-ranges.ts';
import type { Clock } from '../runtime/clock.ts';
import { delay } from '../runtime/clock.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import type {
  ConnectStream,
  ListenStream,
  StreamHandlers,
  StreamListener,
  StreamPort,
} from '../runtime/stream.ts';
import { canonicalHost, familyOf } from '../uri/hosts.ts';
import type { SipMetrics } from './sip-metrics.ts';
import { type Connection, type ConnectionOptions, createConnection } from './tcp-connection.ts';
import type { BoundListener, Flow, ListenerSpec } from './types.ts';
import { boundListener, listenFailure } from './udp-transport.ts';

export interface TcpTransportDeps {
  readonly clock: Clock;
  readonly metrics: SipMetrics;
  readonly listen: ListenStream;
  readonly connect: ConnectStream;
}

export interface TcpTransportOptions extends ConnectionOptions {
  readonly listeners: readonly ListenerSpec[];
  readonly limits: ConnectionOptions['limits'] & {
    /** All connections together, those that we open included. */
    readonly connectionsMax: number;
    readonly connectionsPerSourceMax: number;
  };
  /** What a peer has not read yet, for each connection. */
  readonly writeBufferBytesMax: number;
  /** Sources whose connections count against the whole only. */
  readonly isTrusted: (host: string) => boolean;
}

interface Listening extends BoundListener {
  readonly stream: StreamListener;
}

/** How long a closing connection may take to send what is buffered. */
const CLOSING_MS = 500;

const remoteKey = (remote: Endpoint): string => `${canonicalHost(remote.host)} ${remote.port}`;

export class TcpTransport {
  readonly #deps: TcpTransportDeps;
  readonly #options: TcpTransportOptions;
  // BOUNDED: by the listeners of the configuration.
  readonly #listeners: Listening[] = [];
  // BOUNDED: `connectionsMax`, held in `#admits`.
  readonly #connections = new Set<Connection>();
  // BOUNDED: as #connections; by remote address and port, the youngest of equals.
  readonly #byRemote = new Map<string, Connection>();
  // BOUNDED: as #connections; a source without connections has no entry.
  readonly #perSource = new Map<string, number>();

  constructor(deps: TcpTransportDeps, options: TcpTransportOptions) {
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

  /** The open connection with `remote`, whoever opened it. */
  flowWith(remote: Endpoint): Flow | undefined {
    const flow = this.#byRemote.get(remoteKey(remote))?.flow;
    return flow?.open ? flow : undefined;
  }

  /** Opens a connection, or rejects (refused, given up, too many). What comes over it is served like any other. */
  async connect(to: Endpoint, signal: AbortSignal): Promise<Flow | undefined> {
    const family = familyOf(to.host);
    const listener = this.#listeners.find((one) => familyOf(one.bound.host) === family);
    // Without a listener there is no address that answers could come back to.
    if (listener === undefined || this.#connections.size >= this.#options.limits.connectionsMax)
      return undefined;
    let flow: Flow | undefined;
    await this.#deps.connect(to, {
      signal,
      writeBufferBytesMax: this.#options.writeBufferBytesMax,
      onStream: (stream) => {
        const connection = this.#add(stream, listener);
        flow = connection.flow;
        return connection.handlers;
      },
    });
    return flow;
  }

  async #listen(spec: ListenerSpec): Promise<Listening> {
    const { metrics } = this.#deps;
    let listening: Listening | undefined;
    const stream = await this.#deps.listen(
      { host: spec.host, port: spec.port },
      {
        writeBufferBytesMax: this.#options.writeBufferBytesMax,
        onStream: (accepted) => (listening === undefined ? undefined : this.#accept(accepted, listening)),
        onError: () => metrics.dropped('socket-error'),
      },
    );
    listening = { ...boundListener(spec, stream.local), stream };
    return listening;
  }

  #accept(stream: StreamPort, listener: BoundListener): StreamHandlers | undefined {
    const { metrics } = this.#deps;
    const { host } = stream.remote;
    if (this.#options.isBanned(host)) {
      metrics.dropped('banned');
      return undefined;
    }
    if (this.#connections.size >= this.#options.limits.connectionsMax) {
      metrics.dropped('connections');
      return undefined;
    }
    const held = this.#perSource.get(sourceOf(host)) ?? 0;
    if (held >= this.#options.limits.connectionsPerSourceMax && !this.#options.isTrusted(host)) {
      metrics.dropped('connections-per-source');
      return undefined;
    }
    return this.#add(stream, listener).handlers;
  }

  #add(stream: StreamPort, listener: BoundListener): Connection {
    const source = sourceOf(stream.remote.host);
    const key = remoteKey(stream.remote);
    const connection = createConnection(this.#deps, this.#options, {
      stream,
      local: listener.bound,
      advertised: listener.advertised,
      onClosed: () => {
        this.#connections.delete(connection);
        if (this.#byRemote.get(key) === connection) this.#byRemote.delete(key);
        const left = (this.#perSource.get(source) ?? 1) - 1;
        if (left > 0) this.#perSource.set(source, left);
        else this.#perSource.delete(source);
      },
    });
    this.#connections.add(connection);
    this.#byRemote.set(key, connection);
    this.#perSource.set(source, (this.#perSource.get(source) ?? 0) + 1);
    return connection;
  }
}
