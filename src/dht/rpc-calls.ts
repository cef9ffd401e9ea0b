// The asking side of LSP: calls in flight, their retransmission, cookies learnt, answers gathered from parts.
import { SIGNATURE_BYTES } from '../record/identity.ts';
import { BoundedMap } from '../runtime/bounded-map.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import { jittered, type Random } from '../runtime/random.ts';
import { canonicalEndpoint, endpointKey, sameEndpoint } from './address.ts';
import { type Call, FRESH_CALL, inTransfer, noteBitmap } from './call.ts';
import { type CallFramesDeps, fetchFrame, requestFrames } from './call-frames.ts';
import { CHUNK_BYTES_MAX, type Frame, TRANSACTION_BYTES } from './frame.ts';
import type { MessageCodec } from './messages.ts';
import { bitmapFromBytes, hasPart, PartBuffer } from './parts.ts';
import { REQUEST_TRAITS, type RequestTraits, type RequestType } from './request-traits.ts';
import type { DropReason, RpcMetrics } from './rpc-metrics.ts';
import { RTO_INITIAL_MS, RTO_MAX_MS, type RtoState, rtoBackedOff, rtoSample } from './rto.ts';
import type { Answer, CallOutcome, ErrorCode, Request } from './types.ts';

/** Two suffice (none yet, then one that just expired); more is a peer that can't be asked. */
const CHALLENGES_MAX = 2;
const ATTEMPTS_DEFAULT = 3;
/** Between rounds of a transfer in parts: five fit into the 2 s that a receiver stages them. */
const ROUND_MS = 400;
/** Rounds that moved something on and therefore are no attempt; beyond them each is one. */
const ROUNDS_MAX = 16;

/** Who does not know of names at all misses the descriptor. */
const isUnknownSpeaker = (code: ErrorCode): boolean => code === 'unknown-speaker' || code === 'malformed';

export interface CallLimits {
  readonly inFlightMax: number;
  readonly inFlightPerPeerMax: number;
  /** Peers of whom a cookie and a timeout are remembered. */
  readonly peersMax: number;
}

export interface CallDeps extends CallFramesDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly codec: MessageCodec;
  readonly metrics: RpcMetrics;
  send(bytes: Uint8Array, to: Endpoint, kind: RequestType): void;
}

export class RpcCalls {
  readonly #deps: CallDeps;
  readonly #limits: CallLimits;
  // BOUNDED: inFlightMax.
  readonly #calls = new Map<string, Call>();
  // BOUNDED: by the calls in flight; a peer without one is deleted.
  readonly #perPeer = new Map<string, number>();
  // BOUNDED: peersMax each.
  readonly #cookies: BoundedMap<string, Uint8Array>;
  readonly #rto: BoundedMap<string, RtoState>;
  #stopped = false;

  constructor(deps: CallDeps, limits: CallLimits) {
    this.#deps = deps;
    this.#limits = limits;
    this.#cookies = new BoundedMap(limits.peersMax);
    this.#rto = new BoundedMap(limits.peersMax);
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  call(
    to: Endpoint,
    request: Request,
    options: { readonly attempts?: number; readonly timeoutMs?: number },
  ): Promise<CallOutcome> {
    return this.#call(to, request, { ...options, byName: REQUEST_TRAITS[request.type].byName });
  }

  #call(
    to: Endpoint,
    request: Request,
    options: {
      readonly attempts?: number;
      readonly timeoutMs?: number | undefined;
      readonly byName: boolean;
    },
  ): Promise<CallOutcome> {
    return new Promise((resolve) => {
      const refuse = (code: Exclude<CallOutcome, { ok: true }>['code']): void => {
        const outcome: CallOutcome = { ok: false, code };
        this.#deps.metrics.called(request.type, outcome, 0);
        resolve(outcome);
      };
      const endpoint = canonicalEndpoint(to);
      if (this.#stopped) return refuse('closed');
      if (endpoint === undefined) return refuse('malformed');
      const traits = REQUEST_TRAITS[request.type];
      if (traits.signed && this.#deps.identity === undefined) return refuse('malformed');
      const peerKey = endpointKey(endpoint);
      const held = this.#perPeer.get(peerKey) ?? 0;
      if (this.#calls.size >= this.#limits.inFlightMax || held >= this.#limits.inFlightPerPeerMax) {
        return refuse('too-many');
      }
      const { body, byName } = this.#bodyOf(request, options.byName);
      const transaction = this.#deps.random.bytes(TRANSACTION_BYTES);
      const call: Call = {
        key: Buffer.from(transaction).toString('latin1'),
        peerKey,
        to: endpoint,
        request,
        traits,
        transaction,
        body,
        byName,
        startedMs: this.#deps.clock.monoMs(),
        fixedTimeoutMs: options.timeoutMs,
        resolve,
        attemptsLeft: Math.max(1, options.attempts ?? ATTEMPTS_DEFAULT),
        timeoutMs: options.timeoutMs ?? this.#firstTimeoutMs(peerKey, traits),
        // Last: what follows a spread is added property by property, which takes V8 longer than all the rest of a call.
        ...FRESH_CALL,
      };
      if (!this.#build(call)) return refuse('too-large');
      this.#calls.set(call.key, call);
      this.#perPeer.set(peerKey, held + 1);
      this.#transmit(call);
    });
  }

  /** An answer or challenge came: whose it is, or why it is nobody's. */
  onAnswer(frame: Frame, from: Endpoint): DropReason | undefined {
    const call = this.#calls.get(Buffer.from(frame.transaction).toString('latin1'));
    if (call === undefined) return 'unmatched';
    // An answer counts only from the endpoint that was asked: who speaks from elsewhere is somebody else.
    if (!sameEndpoint(call.to, from)) return 'elsewhere';
    if (frame.cookie !== undefined) {
      // A copy: the frame is a view of the datagram, and the cookie stays.
      this.#cookies.set(call.peerKey, new Uint8Array(frame.cookie));
    }
    if (frame.kind === 'challenge') return this.#onChallenge(call, frame);
    if (Buffer.compare(frame.overlayTag, this.#deps.overlayTag) !== 0) {
      this.#foreign(call, 'wrong-overlay', 'the peer is in another overlay');
      return undefined;
    }
    if (frame.bitmap) {
      if (noteBitmap(call, bitmapFromBytes(frame.chunk))) this.#arm(call);
      return undefined;
    }
    if (frame.partCount === 1) {
      this.#onMessage(call, frame.chunk);
      return undefined;
    }
    if (call.answer?.partCount !== frame.partCount) call.answer = new PartBuffer(frame.partCount);
    if (!call.answer.add(frame.part, frame.chunk)) return 'duplicate';
    call.moved = true;
    const message = call.answer.message();
    if (message === undefined) this.#arm(call);
    else this.#onMessage(call, message);
    return undefined;
  }

  /** The peer answered in a version, or by a kind of frame, that isn't spoken here. */
  onUnsupportedAnswer(transaction: Uint8Array, from: Endpoint): DropReason | undefined {
    const call = this.#calls.get(Buffer.from(transaction).toString('latin1'));
    if (call === undefined) return 'unmatched';
    if (!sameEndpoint(call.to, from)) return 'elsewhere';
    this.#foreign(call, 'unsupported-version', 'the peer speaks another version');
    return undefined;
  }

  /** Every open call ends as `closed`; none can begin. */
  stop(): void {
    this.#stopped = true;
    for (const call of [...this.#calls.values()]) this.#finish(call, { ok: false, code: 'closed' });
  }

  /** By name only in a single datagram: of one in parts the descriptor is little, and to send it twice would be much. */
  #bodyOf(request: Request, mayName: boolean): { readonly body: Uint8Array; readonly byName: boolean } {
    const { codec } = this.#deps;
    const named = mayName ? codec.encodeRequest(request, true) : undefined;
    return named !== undefined && named.length <= CHUNK_BYTES_MAX - SIGNATURE_BYTES
      ? { body: named, byName: true }
      : { body: codec.encodeRequest(request), byName: false };
  }

  #firstTimeoutMs(peerKey: string, traits: RequestTraits): number {
    const rtoMs = this.#rto.get(peerKey)?.rtoMs ?? RTO_INITIAL_MS;
    return traits.slow ? Math.max(rtoMs, RTO_INITIAL_MS) : rtoMs;
  }

  /** Makes the frames with the cookie known now; false if the message is too long. */
  #build(call: Call): boolean {
    const cookie = this.#cookies.get(call.peerKey);
    const frames = requestFrames(this.#deps, call, cookie);
    call.frames = frames ?? [];
    call.cookie = cookie;
    call.delivered = 0;
    return frames !== undefined;
  }

  #transmit(call: Call): void {
    // Another call may have learnt a cookie meanwhile. One that was used stays until it is refused: parts of one
    // message must carry one signature.
    if (call.cookie === undefined && this.#cookies.has(call.peerKey) && !this.#build(call)) {
      this.#finish(call, { ok: false, code: 'too-large' });
      return;
    }
    call.known = call.delivered;
    call.moved = false;
    call.copies += 1;
    call.sentMs = this.#deps.clock.monoMs();
    this.#arm(call);
    if (call.answer !== undefined) {
      this.#deps.send(fetchFrame(this.#deps, call, call.answer), call.to, call.request.type);
      return;
    }
    let missing = 0;
    for (const [part, frame] of call.frames.entries()) {
      if (hasPart(call.delivered, part)) continue;
      missing += 1;
      this.#deps.send(frame, call.to, call.request.type);
    }
    // All parts are there and the answer isn't: any of them asks for it.
    const first = call.frames[0];
    if (missing === 0 && first !== undefined) this.#deps.send(first, call.to, call.request.type);
  }

  #arm(call: Call): void {
    call.timer?.cancel();
    // Adaptive waits are spread a little, so that copies from many askers don't fall together; a caller's own is exact.
    const waitMs = call.fixedTimeoutMs ?? jittered(this.#deps.random, call.timeoutMs * 1.05, 1 / 21);
    const ms = inTransfer(call) ? Math.min(ROUND_MS, waitMs) : waitMs;
    call.timer = this.#deps.clock.setTimer(ms, () => this.#onTimeout(call));
  }

  #onTimeout(call: Call): void {
    const free = call.moved && call.rounds < ROUNDS_MAX;
    call.rounds += 1;
    if (!free) {
      call.attemptsLeft -= 1;
      if (call.attemptsLeft <= 0) {
        this.#backOff(call);
        this.#finish(call, { ok: false, code: 'timeout' });
        return;
      }
      call.timeoutMs = Math.min(RTO_MAX_MS, 2 * call.timeoutMs);
    }
    this.#deps.metrics.retransmitted();
    this.#transmit(call);
  }

  #onChallenge(call: Call, frame: Frame): DropReason | undefined {
    if (frame.cookie === undefined || call.challenges >= CHALLENGES_MAX) return 'bad-challenge';
    call.challenges += 1;
    call.cookie = undefined;
    call.copies = 0;
    call.delivered = 0;
    call.answer = undefined;
    this.#transmit(call);
    return undefined;
  }

  #onMessage(call: Call, message: Uint8Array): void {
    const read = this.#deps.codec.decodeAnswer(message);
    if (!read.ok) {
      this.#finish(call, { ok: false, code: 'malformed' });
      return;
    }
    const nowMs = this.#deps.clock.monoMs();
    const rttMs = nowMs - call.sentMs;
    if (call.copies > 1) this.#backOff(call);
    else if (!call.traits.slow) {
      this.#rto.set(call.peerKey, rtoSample(this.#rto.get(call.peerKey), rttMs));
    }
    const { answer, sizeEstimate } = read.value;
    if (call.byName && answer.type === 'error' && isUnknownSpeaker(answer.code)) {
      this.#forget(call);
      const { to, request, attemptsLeft: attempts, fixedTimeoutMs: timeoutMs } = call;
      void this.#call(to, request, { attempts, timeoutMs, byName: false }).then(call.resolve);
      return;
    }
    this.#finish(call, { ok: true, answer, meta: { from: call.to, rttMs, sizeEstimate } });
  }

  /** Said by the frame alone: the message in it is of an overlay or a protocol that isn't ours. */
  #foreign(call: Call, code: 'wrong-overlay' | 'unsupported-version', detail: string): void {
    const rttMs = this.#deps.clock.monoMs() - call.sentMs;
    const answer: Answer = { type: 'error', code, detail, peers: [] };
    this.#finish(call, { ok: true, answer, meta: { from: call.to, rttMs, sizeEstimate: 0 } });
  }

  #backOff(call: Call): void {
    if (call.fixedTimeoutMs !== undefined) return;
    this.#rto.set(call.peerKey, rtoBackedOff(this.#rto.get(call.peerKey), call.timeoutMs));
  }

  #forget(call: Call): void {
    call.timer?.cancel();
    this.#calls.delete(call.key);
    const held = (this.#perPeer.get(call.peerKey) ?? 1) - 1;
    if (held > 0) this.#perPeer.set(call.peerKey, held);
    else this.#perPeer.delete(call.peerKey);
  }

  #finish(call: Call, outcome: CallOutcome): void {
    this.#forget(call);
    this.#deps.metrics.called(call.request.type, outcome, this.#deps.clock.monoMs() - call.startedMs);
    call.resolve(outcome);
  }
}
