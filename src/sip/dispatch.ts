// Which handler a request goes to, and what becomes of it when there is none, when it fails, or when the server drains.
import { messageOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { type Random, randomBelow } from '../runtime/random.ts';
import { type CheckContext, refusalOf, unmetBy } from './checks.ts';
import { allowOf } from './methods.ts';
import type { PendingTable } from './pending.ts';
import type { SipMetrics } from './sip-metrics.ts';
import type { ToTags } from './to-tag.ts';
import type { Flow, MethodHandler, Reply, ServerTransaction, SipRequest } from './types.ts';
import { transactionKey } from './via.ts';

/** The bytes of an answer; `delaySec`: since its request came (RFC 3261 §8.2.6.1). */
export type Encode = (request: SipRequest, reply: Reply, delaySec?: number) => Uint8Array;

export interface DispatchDeps {
  readonly log: Log;
  readonly random: Random;
  readonly metrics: SipMetrics;
  readonly pending: PendingTable;
  readonly toTags: ToTags;
  readonly encode: Encode;
}

export interface DispatchOptions {
  /** Option tags that we ourselves can do for a REGISTER (`path`). */
  readonly supported: readonly string[];
  /** The URI is of a domain of ours, or this server. */
  readonly isOurs: (uri: string) => boolean;
  /** The URI means this server itself, not a user of it. */
  readonly isSelf: (uri: string) => boolean;
}

/** Spread, so that those who were turned away don't come back together. */
export const retryAfter = (random: Random): readonly [string, string] => [
  'Retry-After',
  String(2 + randomBelow(random, 9)),
];

export class Dispatch {
  readonly #deps: DispatchDeps;
  readonly #options: DispatchOptions;
  // BOUNDED: by the methods of SIP; filled when the program is put together.
  readonly #handlers = new Map<string, MethodHandler>();
  #others: MethodHandler | undefined;
  #draining = false;
  #checks: CheckContext | undefined;

  constructor(deps: DispatchDeps, options: DispatchOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Who serves `method`. */
  handle(method: string, handler: MethodHandler): void {
    this.#handlers.set(method, handler);
    this.#checks = undefined;
  }

  /** Who serves every method that has no handler of its own. */
  handleOthers(handler: MethodHandler): void {
    this.#others = handler;
    this.#checks = undefined;
  }

  /** The value of Allow. */
  get allow(): string {
    return this.#context().allow;
  }

  /** How a request is refused that asks for what we cannot do, and that nobody redirects (RFC 3261 §8.3). */
  unmet(request: SipRequest): Reply | undefined {
    return unmetBy(request, this.#context());
  }

  /** From now on new requests get 503. */
  drain(): void {
    this.#draining = true;
  }

  /** `answer` is the way back to the request's source. Never throws. */
  request(request: SipRequest, flow: Flow, answer: Flow): void {
    if (request.method === 'ACK') {
      this.#ack(request, flow);
      return;
    }
    const key = transactionKey(request);
    if (this.#deps.pending.join(key, request, answer)) return;
    if (request.method === 'CANCEL') {
      this.#cancel(key, request, flow, answer);
      return;
    }
    const refusal = this.#refusal(request);
    const handler = this.#handlers.get(request.method) ?? this.#others;
    if (refusal !== undefined) this.refuse(request, answer, refusal);
    else if (handler !== undefined) this.#open(key, request, flow, answer, handler);
    // Only OPTIONS for somebody else comes here: it is served, but not for all.
    else this.refuse(request, answer, { status: 404 });
  }

  /** Answers a request without a transaction. */
  refuse(request: SipRequest, answer: Flow, reply: Reply): void {
    const { metrics, encode } = this.#deps;
    if (!answer.send(encode(request, reply))) metrics.dropped('answer-undeliverable');
    metrics.answered(request.method, reply.status, answer.transport, 0);
  }

  #context(): CheckContext {
    const serves = (method: string): boolean =>
      method === 'OPTIONS' || this.#handlers.has(method) || this.#others !== undefined;
    this.#checks ??= {
      serves,
      // ACK and CANCEL are ours to take whether or not somebody forwards them.
      allow: allowOf((method) => method === 'ACK' || method === 'CANCEL' || serves(method)),
      supported: new Set(this.#options.supported),
      isOurs: this.#options.isOurs,
    };
    return this.#checks;
  }

  #refusal(request: SipRequest): Reply | undefined {
    // Without Retry-After: with it a client would wait for us, and SRV has others (RFC 3263 §4.3).
    if (this.#draining) return { status: 503 };
    const refusal = refusalOf(request, this.#context());
    if (refusal !== undefined) return refusal;
    // What no handler redirects ends here.
    const ends =
      request.method === 'REGISTER' || this.#others === undefined || this.#options.isSelf(request.uri);
    const unmet = ends ? this.unmet(request) : undefined;
    if (unmet !== undefined || request.method !== 'OPTIONS') return unmet;
    // RFC 3261 §11: "a server receiving an OPTIONS request with a Max-Forwards header field value of 0 MAY respond to
    // the request regardless of the Request-URI."
    return request.maxForwards === 0 || this.#options.isSelf(request.uri) ? this.#capabilities() : undefined;
  }

  /** RFC 3261 §11.2: "Allow, Accept, Accept-Encoding, Accept-Language, and Supported header fields SHOULD be present". */
  #capabilities(): Reply {
    const supported = this.#options.supported;
    return {
      status: 200,
      headers: [
        ['Allow', this.allow],
        ['Accept', '*/*'],
        ['Accept-Encoding', 'identity'],
        ['Accept-Language', 'en'],
        ['Supported', supported.join(', ')],
      ],
    };
  }

  #ack(request: SipRequest, flow: Flow): void {
    const { pending, toTags, metrics } = this.#deps;
    const ours = toTags.isOurs(request);
    // §17.1.1.3 and §8.2.7: an ACK to what we answered goes no further.
    if (pending.acknowledge(request, ours) || ours) {
      metrics.acknowledged();
      return;
    }
    const handler = this.#handlers.get('ACK');
    if (handler === undefined) {
      metrics.dropped('stray-ack');
      return;
    }
    let done = false;
    const end = (): void => {
      done = true;
    };
    const transaction: ServerTransaction = {
      request,
      flow,
      get done() {
        return done;
      },
      // RFC 3261 §17: ACK has no answer, whatever its handler thinks.
      reply: end,
      release: end,
      prolong: () => undefined,
    };
    void this.#run(handler, transaction, () => {
      if (!done) metrics.dropped('stray-ack');
    });
  }

  #cancel(key: string, request: SipRequest, flow: Flow, answer: Flow): void {
    const { pending } = this.#deps;
    const handler = this.#handlers.get('CANCEL');
    const found = pending.find(request, answer);
    // RFC 3261 §8.3: "For well-formed CANCEL requests, it SHOULD return a 2xx response." §9.2 asks for the 487 to the
    // INVITE besides, if that has no final answer yet.
    if (found !== 'none') this.refuse(request, answer, { status: 200 });
    // §9.2: "If the UAS did not find a matching transaction for the CANCEL according to the procedure above, it SHOULD
    // respond to the CANCEL with a 481".
    else if (handler === undefined) this.refuse(request, answer, { status: 481 });
    else this.#open(key, request, flow, answer, handler);
    if (found === 'pending') pending.cancel(request);
  }

  #open(key: string, request: SipRequest, flow: Flow, answer: Flow, handler: MethodHandler): void {
    const { pending, random } = this.#deps;
    const opened = pending.open(key, request, flow, answer);
    // RFC 3261 §8.2.2.2: "the UAS core SHOULD generate a 482 (Loop Detected) response".
    if (opened.kind === 'merged') this.refuse(request, answer, { status: 482 });
    else if (opened.kind === 'full')
      this.refuse(request, answer, { status: 503, headers: [retryAfter(random)] });
    else void this.#run(handler, opened.transaction, (failed) => this.#finish(opened.transaction, failed));
  }

  /** The handler has ended: what it left unanswered is answered. */
  #finish(transaction: ServerTransaction, failed: boolean): void {
    if (transaction.done) return;
    const { method, callId } = transaction.request;
    // A CANCEL that no forwarder took is one that matches nothing (§9.2).
    const unmatched = method === 'CANCEL' && !failed;
    if (!failed && !unmatched) this.#deps.log.error({ method, callId }, 'a handler ended without an answer');
    transaction.reply({ status: unmatched ? 481 : 500 });
  }

  /** Runs a handler to its end; `after` hears whether it failed. Never rejects. */
  async #run(
    handler: MethodHandler,
    transaction: ServerTransaction,
    after: (failed: boolean) => void,
  ): Promise<void> {
    let failed = false;
    try {
      await handler(transaction);
    } catch (error) {
      failed = true;
      const { method, callId } = transaction.request;
      this.#deps.log.error(
        { method, callId, err: messageOf(error), stack: error instanceof Error ? error.stack : '' },
        'a handler failed',
      );
    }
    after(failed);
  }
}
