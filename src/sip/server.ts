// The SIP server: sockets, the reader and the dispatch put together, with one life.
import { sourceOf } from '../runtime/address-ranges.ts';
import type { Clock } from '../runtime/clock.ts';
import type { OpenDatagram } from '../runtime/datagram.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Random } from '../runtime/random.ts';
import { RateLimiter } from '../runtime/rate-limiter.ts';
import type { Result } from '../runtime/result.ts';
import type { ConnectStream, ListenStream } from '../runtime/stream.ts';
import { writeReply } from './codec.ts';
import { Dispatch, type DispatchOptions, type Encode, retryAfter } from './dispatch.ts';
import type { KnownMethod } from './methods.ts';
import { PendingTable } from './pending.ts';
import type { SipReadError } from './read-error.ts';
import { readMessage } from './reader.ts';
import { reasonPhrase } from './reason-phrases.ts';
import { createSender } from './sender.ts';
import { createSipMetrics, type SipMetrics } from './sip-metrics.ts';
import { type StreamPorts, StreamTransport } from './stream-transport.ts';
import { createToTags } from './to-tag.ts';
import type {
  BoundListener,
  Flow,
  ListenerSpec,
  MethodHandler,
  Reply,
  SipMessage,
  SipRequest,
  SipResponse,
  SipSender,
} from './types.ts';
import { UdpTransport } from './udp-transport.ts';
import { answerPort, stampVia } from './via.ts';
import { NO_TAP, type WireTap } from './wire-tap.ts';

export interface SipServerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly openDatagram: OpenDatagram;
  readonly listenStream: ListenStream;
  readonly connectStream: ConnectStream;
  /** What tls and wss need; undefined where there is none of them. */
  readonly tls?: StreamPorts;
}

/** Every bound of the SIP sockets. Read when it is needed: it may change while the server runs. */
export interface SipLimits {
  /**
   * Messages a second that one source may send by datagrams, and as many by connections, twice as many at once; and new
   * connections a second. Trusted sources are not counted.
   */
  readonly perSourcePerSec: number;
  readonly messageBytesMax: number;
  readonly connectionsMax: number;
  /** Behind one NAT sits an office; a single host needs one or two. Trusted sources are not counted. */
  readonly connectionsPerSourceMax: number;
  readonly idleMs: number;
}

export interface SipServerOptions extends DispatchOptions {
  readonly listeners: readonly ListenerSpec[];
  /** What To tags are computed with. */
  readonly secret: Uint8Array;
  readonly limits: SipLimits;
  readonly isTrusted: (host: string) => boolean;
  /** Such a source is not heard at all. */
  readonly isBanned: (host: string) => boolean;
  /** Is this User-Agent that of a program that looks for victims? */
  readonly isScanner: (userAgent: string) => boolean;
  readonly tap?: WireTap;
  /** Where pages may come from that open a WebSocket (RFC 6454, as browsers send it); none for all. */
  readonly webSocketOrigins?: readonly string[];
}

/** Somebody to take the responses that come in: the forwarder. */
export type ResponseHandler = (response: SipResponse, flow: Flow) => void;

/** A source that fills the table of others starts again with a full bucket, so this may be forgotten early. */
const SOURCES_MAX = 20_000;
/** 10,000 lookups at once are far more than the overlay takes; each entry is about 3 kB with its message. */
const PENDING_MAX = 10_000;
/** A message that takes longer to arrive than a caller waits for its first answer (timer F: 32 s) is not worth holding. */
const MESSAGE_MS = 10_000;
const WRITE_BUFFER_BYTES = 256 * 1024;

const TRYING_AFTER_MS = 200;
const INVITE_DEADLINE_MS = 3000;
const OTHER_DEADLINE_MS = 5000;

/** A connection to a next hop: a caller waits for it, and gives up itself after 32 s. */
const CONNECT_MS = 4000;
const CONNECTING_MAX = 256;
const BACKOFF_MS = 10_000;

export class SipServer {
  readonly #log: Log;
  readonly #metrics: SipMetrics;
  readonly #pending: PendingTable;
  readonly #dispatch: Dispatch;
  readonly #udp: UdpTransport;
  readonly #streams: StreamTransport;
  readonly #isScanner: (request: SipRequest, flow: Flow) => boolean;
  #responses: ResponseHandler | undefined;
  /** The sockets as the forwarder sees them. */
  readonly sender: SipSender;

  constructor(deps: SipServerDeps, options: SipServerOptions) {
    const { clock, random, log, openDatagram, listenStream, connectStream } = deps;
    const { limits, listeners, isTrusted, isBanned, isScanner, tap = NO_TAP } = options;
    this.#log = log;
    this.#metrics = createSipMetrics(deps.metrics);
    const toTags = createToTags(options.secret);
    const metrics = this.#metrics;
    const encode: Encode = (request, reply, delaySec) =>
      // RFC 3261 §8.2.6.2: 100 needs no tag.
      writeReply(
        request,
        reply,
        reply.status === 100
          ? { ...(delaySec === undefined ? {} : { delaySec }) }
          : { toTag: toTags.tagFor(request) },
      );
    this.#pending = new PendingTable(
      {
        clock,
        encode,
        onDeadline: (request) =>
          // RFC 3261 §10.3: a binding that could not be stored in time is a 5xx that the phone repeats; a lookup that
          // took too long is the gateway's timeout (§21.5.5).
          request.method === 'REGISTER' ? { status: 503, headers: [retryAfter(random)] } : { status: 504 },
        onAnswered: (request, status, flow, seconds) =>
          metrics.answered(request.method, status, flow.transport, seconds),
        onDropped: (reason) => metrics.dropped(reason),
      },
      {
        max: PENDING_MAX,
        tryingAfterMs: TRYING_AFTER_MS,
        deadlineMs: (method) => (method === 'INVITE' ? INVITE_DEADLINE_MS : OTHER_DEADLINE_MS),
      },
    );
    this.#dispatch = new Dispatch({ log, random, metrics, pending: this.#pending, toTags, encode }, options);
    const within = (burst: () => number): ((host: string) => boolean) => {
      const rate = new RateLimiter({
        get perSec() {
          return limits.perSourcePerSec;
        },
        get burst() {
          return burst();
        },
        maxKeys: SOURCES_MAX,
      });
      return (host) => isTrusted(host) || rate.take(sourceOf(host), clock.monoMs());
    };
    const messages = (): number => 2 * limits.perSourcePerSec;
    this.#udp = new UdpTransport(
      { open: openDatagram, metrics },
      {
        listeners: listeners.filter((one) => one.transport === 'udp'),
        limits,
        isBanned,
        admit: within(messages),
        tap,
        onDatagram: (bytes, flow, answerTo) => this.#receive(readMessage(bytes), flow, answerTo),
      },
    );
    this.#streams = new StreamTransport(
      { clock, metrics, plain: { listen: listenStream, connect: connectStream }, tls: deps.tls },
      {
        listeners: listeners.flatMap((one) =>
          one.transport === 'udp' ? [] : [{ ...one, transport: one.transport }],
        ),
        webSocketOrigins: options.webSocketOrigins ?? [],
        limits,
        writeBufferBytesMax: WRITE_BUFFER_BYTES,
        messageMs: MESSAGE_MS,
        isTrusted,
        isBanned,
        // Apart from datagrams: those are sent in the name of others by anybody who wants these kept waiting.
        admit: within(messages),
        // All phones of an office may come back at once; who connects again and again has a handshake computed each time.
        admitConnection: within(() => limits.connectionsPerSourceMax),
        tap,
        onMessage: (read, flow) => this.#receive(read, flow, () => flow),
      },
    );
    this.#isScanner = ({ rows }, { remote }) => {
      const userAgent = rows.find(({ name }) => name === 'user-agent')?.value;
      return userAgent !== undefined && isScanner(userAgent) && !isTrusted(remote.host);
    };
    this.sender = createSender(
      { clock, random, log, udp: this.#udp, streams: this.#streams },
      { connectMs: CONNECT_MS, connectingMax: CONNECTING_MAX, backoffMs: BACKOFF_MS },
    );
    deps.metrics.gauge('chordial_sip_pending', 'Server transactions under way', () => this.#pending.size);
    deps.metrics.gauge('chordial_sip_connections', 'Open SIP connections', () => this.#streams.connections);
  }

  /** Binds all listeners, or none and rejects with words for the operator. */
  async start(): Promise<void> {
    await this.#udp.start();
    try {
      await this.#streams.start();
    } catch (error) {
      await this.#udp.stop();
      throw error;
    }
  }

  /** Closes all sockets; what is under way stays unanswered. */
  async stop(): Promise<void> {
    this.#pending.stop();
    await Promise.all([this.#udp.stop(), this.#streams.stop()]);
  }

  /** From now on new requests get 503 without Retry-After; resolves once nothing is under way. */
  drain(): Promise<void> {
    this.#dispatch.drain();
    return this.#pending.empty();
  }

  /** Who serves `method`. ACK and CANCEL come here only if they are not about an answer of this server. */
  handle(method: KnownMethod, handler: MethodHandler): void {
    this.#dispatch.handle(method, handler);
  }

  /** How a request is refused that asks for what we cannot do, where it is not redirected (RFC 3261 §8.3). */
  unmet(request: SipRequest): Reply | undefined {
    return this.#dispatch.unmet(request);
  }

  /** Who serves the methods without a handler of their own, unknown ones too. */
  handleOthers(handler: MethodHandler): void {
    this.#dispatch.handleOthers(handler);
  }

  /** Who takes the responses that come in. */
  handleResponses(handler: ResponseHandler): void {
    this.#responses = handler;
  }

  /** Where it listens; ports are known once it has started. */
  get listeners(): readonly BoundListener[] {
    return [...this.#udp.listeners, ...this.#streams.listeners];
  }

  /** The value of Allow. */
  get allow(): string {
    return this.#dispatch.allow;
  }

  /** Where bytes become requests: nothing that is wrong with them, or with us, may end the process. */
  #receive(read: Result<SipMessage, SipReadError>, flow: Flow, answerTo: (port: number) => Flow): void {
    try {
      this.#serve(read, flow, answerTo);
    } catch (error) {
      this.#metrics.dropped('fault');
      this.#log.error({ err: messageOf(error), source: flow.remote.host }, 'a message could not be served');
    }
  }

  #serve(read: Result<SipMessage, SipReadError>, flow: Flow, answerTo: (port: number) => Flow): void {
    const told = read.ok ? read.value : read.error.request;
    if (told?.kind === 'request' && this.#isScanner(told, flow)) {
      this.#metrics.dropped('scanner');
      // Any answer tells a scanner that there is something. Nobody is banned for it: over UDP anybody can send in the
      // name of another.
      flow.close?.();
    } else if (!read.ok) this.#unreadable(read.error, flow, answerTo);
    else if (read.value.kind === 'request') {
      const request = stampVia(read.value, flow.remote);
      this.#dispatch.request(request, flow, wayBack(request, flow, answerTo));
    } else if (this.#responses === undefined) this.#metrics.dropped('stray-response');
    else this.#responses(read.value, flow);
  }

  /** DESIGN §7: "a typed error that becomes a 400 with a reason", where there is somebody to tell. */
  #unreadable(error: SipReadError, flow: Flow, answerTo: (port: number) => Flow): void {
    if (error.request === undefined) {
      this.#metrics.dropped('malformed');
      return;
    }
    const request = stampVia(error.request, flow.remote);
    const phrase = reasonPhrase(error.status);
    const reason = phrase === error.reason ? phrase : `${phrase}: ${error.reason}`;
    this.#dispatch.refuse(request, wayBack(request, flow, answerTo), { status: error.status, reason });
  }
}

/** RFC 3581 §4: the answer leaves by the socket that the request came to; over TCP by its connection. */
const wayBack = (request: SipRequest, flow: Flow, answerTo: (port: number) => Flow): Flow => {
  if (flow.transport !== 'udp') return flow;
  const port = answerPort(request.vias[0], flow.remote);
  return port === flow.remote.port ? flow : answerTo(port);
};
