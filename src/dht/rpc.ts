// LSP over one datagram socket: what comes in is bounded and told apart here, then goes to the asking or the asked side.
import type { Identity } from '../record/types.ts';
import type { Clock } from '../runtime/clock.ts';
import type { DatagramPort, Endpoint, OpenDatagram } from '../runtime/datagram.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Random } from '../runtime/random.ts';
import { RateLimiter } from '../runtime/rate-limiter.ts';
import { sourceKey } from './address.ts';
import { type CookieJar, cookieJar } from './cookie.ts';
import { ed25519Crypto, type LspCrypto } from './crypto.ts';
import { overlayTag, readFrame } from './frame.ts';
import { messageCodec } from './messages.ts';
import type { RequestType } from './request-traits.ts';
import { type CallLimits, RpcCalls } from './rpc-calls.ts';
import { type DropReason, type RpcMetrics, rpcMetrics } from './rpc-metrics.ts';
import { type RequestLimits, RpcRequests } from './rpc-requests.ts';
import type { KnownPeer } from './speaker.ts';
import { Tally } from './tally.ts';
import type { CallOutcome, Request, RequestHandler, Rpc } from './types.ts';

export interface LspRpcDeps {
  readonly openDatagram: OpenDatagram;
  readonly clock: Clock;
  readonly random: Random;
  /** What signs our JOIN, NOTIFY, LEAVE and SYNC; a client that never joins has none. */
  readonly identity?: Identity;
  /** Ed25519 if absent. */
  readonly crypto?: LspCrypto | undefined;
  /** Asked about every request that comes in; never rejects. */
  readonly handler: RequestHandler;
  /** Of members: whose requests need not carry their descriptors. */
  readonly known?: KnownPeer | undefined;
  /** Put into every answer. */
  readonly sizeEstimate: () => number;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface LspRpcOptions extends Partial<CallLimits>, Partial<RequestLimits> {
  readonly bind: Endpoint;
  readonly overlayId: string;
  /** Datagrams of one source a second, counted apart for who showed a good cookie and who didn't. */
  readonly perSourcePerSec?: number;
  /** Signatures a second that the requests of one source may make us check. */
  readonly checksPerSourcePerSec?: number;
  /** Sources that no rate limit holds back (loopback, the operator's own). */
  readonly trusted?: (host: string) => boolean;
}

type Limits = Required<
  CallLimits & RequestLimits & Pick<LspRpcOptions, 'perSourcePerSec' | 'checksPerSourcePerSec'>
>;

// docs/lsp.md, "Constants", has each with its reason.
export const RPC_LIMITS: Limits = {
  inFlightMax: 4096,
  inFlightPerPeerMax: 256,
  peersMax: 8192,
  runningMax: 1024,
  stageKeepMs: 2000,
  stageBytesMax: 4 << 20,
  stagePerSourceMax: 32,
  answerKeepMs: 10_000,
  answerBytesMax: 8 << 20,
  perSourcePerSec: 2000,
  checksPerSourcePerSec: 1000,
};
const SOURCES_MAX = 65_536;
const COOKIE_SECRET_BYTES = 32;

const limiter = (perSec: number): RateLimiter =>
  new RateLimiter({ perSec, burst: 2 * perSec, maxKeys: SOURCES_MAX });

export class LspRpc implements Rpc {
  /** What this socket, and who uses it, did so far: for STATUS. */
  readonly tally = new Tally();
  readonly #deps: LspRpcDeps;
  readonly #bind: Endpoint;
  readonly #trusted: (host: string) => boolean;
  readonly #metrics: RpcMetrics;
  readonly #cookies: CookieJar;
  readonly #sources: RateLimiter;
  readonly #checks: RateLimiter;
  readonly #calls: RpcCalls;
  readonly #requests: RpcRequests;
  #port: DatagramPort | undefined;
  #local: Endpoint | undefined;

  constructor(deps: LspRpcDeps, options: LspRpcOptions) {
    const limits = { ...RPC_LIMITS, ...options };
    const { clock, random, log, handler, sizeEstimate } = deps;
    const { overlayId } = options;
    const crypto = deps.crypto ?? ed25519Crypto(overlayId);
    this.#deps = deps;
    this.#bind = options.bind;
    this.#trusted = options.trusted ?? (() => false);
    this.#metrics = rpcMetrics(deps.metrics, this.tally);
    this.#cookies = cookieJar(random.bytes(COOKIE_SECRET_BYTES));
    this.#sources = limiter(limits.perSourcePerSec);
    this.#checks = limiter(limits.checksPerSourcePerSec);
    const common = {
      clock,
      overlayId,
      overlayTag: overlayTag(overlayId),
      codec: messageCodec(crypto.decodePeer, deps.known),
      metrics: this.#metrics,
      send: (bytes: Uint8Array, to: Endpoint, kind?: RequestType) => this.#send(bytes, to, kind),
    };
    this.#calls = new RpcCalls({ ...common, random, identity: deps.identity }, limits);
    const mayCheck = (from: Endpoint, checks: number): boolean =>
      this.#admits(this.#checks, from, '', checks);
    this.#requests = new RpcRequests(
      { ...common, verify: crypto.verify, log, handler, sizeEstimate, mayCheck },
      limits,
    );
  }

  /** Also after `stop`: what is under way then still asks for it. */
  get local(): Endpoint {
    if (this.#local === undefined) throw new Error('the LSP socket was never open');
    return this.#local;
  }

  /** What strangers make this node hold, all bounded by the options. */
  get held(): { readonly stageBytes: number; readonly answerBytes: number; readonly running: number } {
    return this.#requests.held;
  }

  async start(): Promise<void> {
    this.#port = await this.#deps.openDatagram(this.#bind, {
      onMessage: (bytes, from) => this.#onMessage(bytes, from),
      onError: () => this.#metrics.socketError(),
    });
    this.#local = this.#port.local;
  }

  /** Ends every open call as `closed`; idempotent. */
  async stop(): Promise<void> {
    this.#requests.stop();
    this.#calls.stop();
    const port = this.#port;
    this.#port = undefined;
    await port?.close();
  }

  call(
    to: Endpoint,
    request: Request,
    options: { attempts?: number; timeoutMs?: number } = {},
  ): Promise<CallOutcome> {
    if (this.#port === undefined) return Promise.resolve({ ok: false, code: 'closed' });
    return this.#calls.call(to, request, options);
  }

  #send(bytes: Uint8Array, to: Endpoint, kind: RequestType | undefined): void {
    this.#metrics.sent(bytes.length, kind);
    this.#port?.send(bytes, to);
  }

  #onMessage(bytes: Uint8Array, from: Endpoint): void {
    if (this.#port === undefined) return;
    this.#metrics.received(bytes.length);
    try {
      const reason = this.#take(bytes, from);
      if (reason !== undefined) this.#metrics.dropped(reason);
    } catch (error) {
      // No datagram may get here; if one does it is a fault of ours, told and survived.
      this.#metrics.dropped('fault');
      this.#deps.log.error({ err: messageOf(error) }, 'an LSP datagram was not handled');
    }
  }

  #take(bytes: Uint8Array, from: Endpoint): DropReason | undefined {
    // A source that can't be answered: port 0 is made up.
    if (from.port < 1) return 'bad-source';
    const reading = readFrame(bytes);
    if (reading.ok) {
      const { frame } = reading;
      // Answers are told by their transaction, a table's look-up: cheaper than a limit, and never held back by one.
      if (frame.answer) return this.#calls.onAnswer(frame, from);
      const proof =
        frame.cookie === undefined
          ? 'invalid'
          : this.#cookies.check(frame.cookie, from, this.#deps.clock.monoMs());
      // Two purses: a flood under a member's forged address does not use up the member's own.
      if (!this.#admits(this.#sources, from, proof === 'invalid' ? 'unproven' : 'proven')) return 'rate';
      const fresh = proof === 'current' ? undefined : this.#cookies.make(from, this.#deps.clock.monoMs());
      this.#requests.onRequest(frame, {
        from,
        proven: proof !== 'invalid',
        fresh,
        datagramBytes: bytes.length,
      });
      return undefined;
    }
    if (reading.problem !== 'unsupported') return reading.problem;
    if (reading.answer) return this.#calls.onUnsupportedAnswer(reading.transaction, from);
    if (!this.#admits(this.#sources, from, 'unproven')) return 'rate';
    const fresh = this.#cookies.make(from, this.#deps.clock.monoMs());
    const arrival = { from, proven: false, fresh, datagramBytes: bytes.length };
    this.#requests.onUnsupported(reading.transaction, arrival);
    return 'unsupported';
  }

  #admits(purse: RateLimiter, from: Endpoint, kind: string, cost = 1): boolean {
    if (this.#trusted(from.host)) return true;
    return purse.take(`${kind} ${sourceKey(from.host)}`, this.#deps.clock.monoMs(), cost);
  }
}
