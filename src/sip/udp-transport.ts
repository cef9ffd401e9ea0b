// SIP over UDP: one socket a listener; datagrams in as flows, answers and requests out by the socket they belong to.
import { type DatagramPort, type Endpoint, formatEndpoint, type OpenDatagram } from '../runtime/datagram.ts';
import { CodedError, messageOf } from '../runtime/errors.ts';
import { familyOf } from '../uri/hosts.ts';
import type { DropReason, SipMetrics } from './sip-metrics.ts';
import type { BoundListener, Flow, ListenerSpec } from './types.ts';
import type { WireTap } from './wire-tap.ts';

/** A datagram that came. `answerTo` gives the way back to another port of its source, by the same socket. */
export type OnDatagram = (bytes: Uint8Array, flow: Flow, answerTo: (port: number) => Flow) => void;

export interface UdpTransportDeps {
  readonly open: OpenDatagram;
  readonly metrics: SipMetrics;
}

export interface UdpTransportOptions {
  readonly listeners: readonly ListenerSpec[];
  readonly limits: { readonly messageBytesMax: number };
  /** Nothing of such a source is looked at, nor answered. */
  readonly isBanned: (host: string) => boolean;
  /** Asked before anything is parsed: may this source go on? */
  readonly admit: (host: string) => boolean;
  readonly onDatagram: OnDatagram;
  readonly tap: WireTap;
}

interface UdpListener extends BoundListener {
  readonly socket: DatagramPort;
  readonly family: 4 | 6 | undefined;
  readonly tap: WireTap;
}

const flowOf = (listener: UdpListener, remote: Endpoint): Flow => {
  const flow: Flow = {
    transport: 'udp',
    local: listener.bound,
    advertised: listener.advertised,
    remote,
    open: true,
    send(bytes) {
      if (listener.tap.on) listener.tap.sent(bytes, flow);
      listener.socket.send(bytes, remote);
      return true;
    },
  };
  return flow;
};

// CRLF, CRLF CRLF and the four zero bytes of NAT helpers; no SIP message is as short.
const KEEP_ALIVE_BYTES_MAX = 4;

/** `spec` with the port that was really bound, which is also the advertised one where that was left at 0. */
export const boundListener = (spec: ListenerSpec, bound: Endpoint): BoundListener => ({
  transport: spec.transport,
  bound,
  advertised: {
    host: spec.advertised.host,
    port: spec.advertised.port === 0 ? bound.port : spec.advertised.port,
  },
});

/** What an operator reads when a listener cannot be had. */
export const listenFailure = (spec: ListenerSpec, error: unknown): CodedError =>
  new CodedError(
    'ERR_SIP_LISTEN',
    `can't listen on ${spec.transport}:${formatEndpoint(spec)}: ${messageOf(error)}`,
    { cause: error },
  );

export class UdpTransport {
  readonly #deps: UdpTransportDeps;
  readonly #options: UdpTransportOptions;
  // BOUNDED: by the listeners of the configuration.
  readonly #listeners: UdpListener[] = [];

  constructor(deps: UdpTransportDeps, options: UdpTransportOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  get listeners(): readonly BoundListener[] {
    return this.#listeners;
  }

  /** Binds all listeners, or none and rejects with the first one's fault. */
  async start(): Promise<void> {
    for (const spec of this.#options.listeners) {
      try {
        this.#listeners.push(await this.#open(spec));
      } catch (error) {
        await this.stop();
        throw listenFailure(spec, error);
      }
    }
  }

  async stop(): Promise<void> {
    const closing = this.#listeners.splice(0);
    await Promise.all(closing.map(({ socket }) => socket.close()));
  }

  /** The flow to `to` by the listener bound to `local`, or by the first of the address family. */
  flowTo(to: Endpoint, local?: Endpoint): Flow | undefined {
    const family = familyOf(to.host);
    const listener = this.#listeners.find(
      (one) =>
        one.family === family &&
        (local === undefined || (one.bound.host === local.host && one.bound.port === local.port)),
    );
    return listener === undefined || family === undefined ? undefined : flowOf(listener, to);
  }

  async #open(spec: ListenerSpec): Promise<UdpListener> {
    const { metrics } = this.#deps;
    let listener: UdpListener | undefined;
    const socket = await this.#deps.open(
      { host: spec.host, port: spec.port },
      {
        onMessage: (bytes, from) => {
          if (listener !== undefined) this.#receive(bytes, from, listener);
        },
        onError: () => metrics.dropped('socket-error'),
      },
    );
    const { tap } = this.#options;
    listener = { ...boundListener(spec, socket.local), socket, family: familyOf(spec.host), tap };
    return listener;
  }

  #receive(bytes: Uint8Array, from: Endpoint, listener: UdpListener): void {
    const { tap, onDatagram } = this.#options;
    // Before it is refused: whoever looks for a phone's requests wants to see that they come.
    if (tap.on && bytes.length > KEEP_ALIVE_BYTES_MAX) tap.received(bytes, flowOf(listener, from));
    const refused = this.#refusal(bytes, from);
    if (refused !== undefined) this.#deps.metrics.dropped(refused);
    else onDatagram(bytes, flowOf(listener, from), (port) => flowOf(listener, { host: from.host, port }));
  }

  #refusal(bytes: Uint8Array, from: Endpoint): DropReason | undefined {
    if (this.#options.isBanned(from.host)) return 'banned';
    if (!this.#options.admit(from.host)) return 'rate';
    if (bytes.length <= KEEP_ALIVE_BYTES_MAX) return 'keep-alive';
    return bytes.length > this.#options.limits.messageBytesMax ? 'too-large' : undefined;
  }
}
