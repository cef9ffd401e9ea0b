// The asked side of LSP: proof of the source, parts, copies, signatures; then the owner's handler, and its answer sent.
import { SIGNATURE_BYTES, type VerifySignature } from '../record/identity.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { endpointKey, sourceKey } from './address.ts';
import { AnswerCache } from './answer-cache.ts';
import { type Frame, SUPPORTED_VERSIONS } from './frame.ts';
import type { MessageCodec } from './messages.ts';
import { bitmapFromBytes, fullBitmap, hasPart, PartStage, splitMessage } from './parts.ts';
import { answerFrames, bitmapFrame, challengeFrame, errorAnswer, type ReplyTo } from './reply-frames.ts';
import { requestSignatureFits } from './request-signature.ts';
import { REQUEST_TRAITS, type RequestType } from './request-traits.ts';
import { type DropReason, type RpcMetrics, resultOf } from './rpc-metrics.ts';
import type { Answer, Request, RequestHandler } from './types.ts';

/** DESIGN §5: "no answer outgrows 3× the request" before the source has proven that it receives what we send. */
const AMPLIFICATION_MAX = 3;

export interface RequestLimits {
  /** Handlers at work at once. */
  readonly runningMax: number;
  readonly stageKeepMs: number;
  readonly stageBytesMax: number;
  readonly stagePerSourceMax: number;
  readonly answerKeepMs: number;
  readonly answerBytesMax: number;
}

export interface RequestDeps {
  readonly clock: Clock;
  readonly codec: MessageCodec;
  readonly verify: VerifySignature;
  readonly overlayId: string;
  readonly overlayTag: Uint8Array;
  readonly handler: RequestHandler;
  readonly log: Log;
  readonly metrics: RpcMetrics;
  sizeEstimate(): number;
  send(bytes: Uint8Array, to: Endpoint, kind?: RequestType): void;
  /** May this source have so many more signatures checked? */
  mayCheck(from: Endpoint, checks: number): boolean;
}

/** Where one datagram came from and what that is worth. */
export interface Arrival {
  readonly from: Endpoint;
  /** It carried a good cookie. */
  readonly proven: boolean;
  /** Given with the answer when the one shown is missing, wrong or in its second window. */
  readonly fresh: Uint8Array | undefined;
  readonly datagramBytes: number;
}

interface Asker extends Arrival, ReplyTo {
  readonly key: string;
  /** Of the request, once it has been looked into. */
  kind: RequestType | undefined;
}

const asking = (overlayTag: Uint8Array, transaction: Uint8Array, arrival: Arrival): Asker => ({
  overlayTag,
  // A copy: the answer may come long after the datagram's buffer is somebody else's.
  transaction: new Uint8Array(transaction),
  key: `${endpointKey(arrival.from)} ${Buffer.from(transaction).toString('latin1')}`,
  kind: undefined,
  ...arrival,
});

export class RpcRequests {
  readonly #deps: RequestDeps;
  readonly #limits: RequestLimits;
  readonly #stage: PartStage;
  readonly #answers: AnswerCache;
  #running = 0;
  #stopped = false;

  constructor(deps: RequestDeps, limits: RequestLimits) {
    this.#deps = deps;
    this.#limits = limits;
    this.#stage = new PartStage({
      keepMs: limits.stageKeepMs,
      bytesMax: limits.stageBytesMax,
      messagesPerSourceMax: limits.stagePerSourceMax,
    });
    this.#answers = new AnswerCache({ bytesMax: limits.answerBytesMax, keepMs: limits.answerKeepMs });
  }

  /** Bytes held for strangers, for the tests' and the metrics' eyes. */
  get held(): { readonly stageBytes: number; readonly answerBytes: number; readonly running: number } {
    return { stageBytes: this.#stage.bytes, answerBytes: this.#answers.bytes, running: this.#running };
  }

  onRequest(frame: Frame, arrival: Arrival): void {
    const asker = asking(this.#deps.overlayTag, frame.transaction, arrival);
    if (Buffer.compare(frame.overlayTag, this.#deps.overlayTag) !== 0) {
      this.#deps.metrics.dropped('wrong-overlay');
      this.#reply(asker, errorAnswer('wrong-overlay', 'this node is in another overlay'));
      return;
    }
    if (!asker.proven || frame.cookie === undefined) {
      // Nothing is kept of an unproven source: one datagram is one whole request, or it is told to come back with a cookie.
      const whole = frame.partCount === 1 && !frame.bitmap && !frame.signed && frame.chunk.length > 0;
      if (whole) this.#serve(asker, frame.chunk, undefined);
      else this.#challenge(asker);
      return;
    }
    const known = this.#answers.get(asker.key, this.#deps.clock.monoMs());
    if (known !== undefined) {
      this.#onCopy(asker, frame, known);
      return;
    }
    if (frame.bitmap) {
      this.#reply(asker, errorAnswer('retry', 'that answer is not kept any more'));
      return;
    }
    if (frame.partCount > 1) {
      this.#onPart(asker, frame, frame.cookie);
      return;
    }
    this.#onWhole(asker, frame.chunk, frame.signed, frame.cookie);
  }

  /** Of another version or by a kind of frame not spoken; version 1 carries the answer, whatever was asked. */
  onUnsupported(transaction: Uint8Array, arrival: Arrival): void {
    const asker = asking(this.#deps.overlayTag, transaction, arrival);
    const versions = SUPPORTED_VERSIONS.join(', ');
    this.#reply(asker, errorAnswer('unsupported-version', `plain frames of version ${versions}`));
  }

  stop(): void {
    this.#stopped = true;
    this.#stage.clear();
    this.#answers.clear();
  }

  #onCopy(asker: Asker, frame: Frame, known: 'running' | readonly Uint8Array[]): void {
    this.#deps.metrics.dropped('duplicate');
    if (known === 'running') {
      // The last bitmap may have been lost; the answer comes when it is there.
      if (frame.partCount > 1 && !frame.bitmap) {
        this.#deps.send(bitmapFrame(asker, frame.partCount, fullBitmap(frame.partCount)), asker.from);
      }
      return;
    }
    // A copy of the request is answered with one datagram, whoever wants more fetches it: no multiplication here.
    const has = frame.bitmap ? bitmapFromBytes(frame.chunk) : ~1;
    for (const [part, bytes] of known.entries()) {
      if (!hasPart(has, part)) this.#deps.send(bytes, asker.from);
    }
  }

  #onPart(asker: Asker, frame: Frame, cookie: Uint8Array): void {
    const staging = this.#stage.add(asker.key, sourceKey(asker.from.host), frame, this.#deps.clock.monoMs());
    if (staging.kind === 'full') {
      this.#deps.metrics.dropped('stage-full');
      this.#reply(asker, errorAnswer('retry', 'no room for parts'));
      return;
    }
    if (staging.kind === 'bad') {
      this.#refuse(asker, 'bad-parts', 'parts do not go together');
      return;
    }
    this.#deps.send(bitmapFrame(asker, frame.partCount, staging.bitmap), asker.from);
    if (staging.kind === 'complete') this.#onWhole(asker, staging.message, frame.signed, cookie);
  }

  #onWhole(asker: Asker, message: Uint8Array, signed: boolean, cookie: Uint8Array): void {
    if (!signed) {
      this.#serve(asker, message, undefined);
      return;
    }
    const { overlayId, verify } = this.#deps;
    const body = message.subarray(SIGNATURE_BYTES);
    const signature = message.subarray(0, SIGNATURE_BYTES);
    this.#serve(asker, body, (publicKey) =>
      requestSignatureFits(
        { overlayId, transaction: asker.transaction, cookie, body, signature },
        publicKey,
        verify,
      ),
    );
  }

  #serve(
    asker: Asker,
    body: Uint8Array,
    signatureFits: ((publicKey: Uint8Array) => boolean) | undefined,
  ): void {
    const opened = this.#deps.codec.openRequest(body);
    if (!opened.ok) {
      this.#deps.metrics.dropped('malformed');
      this.#reply(asker, errorAnswer(opened.error.code, opened.error.detail));
      return;
    }
    asker.kind = opened.value.type;
    const traits = REQUEST_TRAITS[opened.value.type];
    if (traits.cookie && !asker.proven) {
      this.#challenge(asker);
      return;
    }
    if (traits.signed && signatureFits === undefined) {
      this.#refuse(asker, 'malformed', 'this request must be signed');
      return;
    }
    // Strangers' reads get half of the places, so that they can't keep members out.
    if (this.#running >= this.#limits.runningMax / (asker.proven ? 1 : 2)) {
      this.#deps.metrics.dropped('busy');
      this.#reply(asker, errorAnswer('retry', 'too busy'));
      return;
    }
    if (traits.cookie && !this.#deps.mayCheck(asker.from, opened.value.checks)) {
      this.#deps.metrics.dropped('rate');
      this.#reply(asker, errorAnswer('retry', 'too many requests'));
      return;
    }
    const read = opened.value.read();
    if (!read.ok) {
      this.#deps.metrics.dropped(read.error.code);
      this.#reply(asker, errorAnswer(read.error.code, read.error.detail));
      return;
    }
    const request = read.value;
    if (signatureFits !== undefined && 'peer' in request && !signatureFits(request.peer.publicKey)) {
      this.#deps.metrics.dropped('bad-signature');
      // Of whom it names we may hold another's descriptor: with its own it can show that the name is its.
      const code = opened.value.byName ? 'unknown-speaker' : 'refused';
      this.#reply(asker, errorAnswer(code, 'signature does not fit'));
      return;
    }
    this.#run(asker, request, traits.once && asker.proven);
  }

  #run(asker: Asker, request: Request, once: boolean): void {
    if (once) this.#answers.set(asker.key, undefined, this.#deps.clock.monoMs());
    this.#running += 1;
    // A handler that throws or rejects is a fault of ours: told, and never the asker's silence.
    const fault = (error: unknown): Answer => {
      this.#deps.metrics.dropped('fault');
      this.#deps.log.error({ request: request.type, err: messageOf(error) }, 'an LSP handler failed');
      return errorAnswer('retry', 'internal fault');
    };
    new Promise<Answer>((resolve) => resolve(this.#deps.handler(request, asker.from, asker.proven)))
      .catch(fault)
      .then((answer) => this.#answered(asker, request, answer, once))
      .catch(fault);
  }

  #answered(asker: Asker, request: Request, answer: Answer, once: boolean): void {
    this.#running -= 1;
    if (this.#stopped) return;
    this.#deps.metrics.served(request.type, resultOf(answer));
    const frames = this.#reply(asker, answer);
    if (!asker.proven || frames === undefined) return;
    if (once || frames.length > 1) this.#answers.set(asker.key, frames, this.#deps.clock.monoMs());
  }

  #refuse(asker: Asker, reason: DropReason, detail: string): void {
    this.#deps.metrics.dropped(reason);
    this.#reply(asker, errorAnswer('malformed', detail));
  }

  /** Sends an answer, or a challenge in its place if it is too much for an unproven source; returns what was sent. */
  #reply(asker: Asker, answer: Answer): readonly Uint8Array[] | undefined {
    const { codec } = this.#deps;
    const estimate = this.#deps.sizeEstimate();
    const chunks =
      splitMessage(codec.encodeAnswer(answer, estimate)) ??
      splitMessage(codec.encodeAnswer(errorAnswer('too-large', 'the answer exceeds 16 parts'), estimate)) ??
      [];
    const frames = answerFrames(asker, chunks);
    const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
    if (!asker.proven && bytes > AMPLIFICATION_MAX * asker.datagramBytes) {
      this.#challenge(asker);
      return undefined;
    }
    for (const frame of frames) this.#deps.send(frame, asker.from, asker.kind);
    return frames;
  }

  #challenge(asker: Asker): void {
    this.#deps.metrics.challenged();
    this.#deps.send(challengeFrame(asker), asker.from);
  }
}
