// One forwarded request between its caller and the hop that answers, until its end (RFC 3261 §16.7–16.10, docs/adr/0015-failover.md).
import type { Timer } from '../runtime/clock.ts';
import { writeReply, writeResponse } from '../sip/codec.ts';
import type { HeaderRow, NextHop, Reply, SipRequest, SipResponse } from '../sip/types.ts';
import { type AnswerFacts, answerDecision } from './answer-decision.ts';
import { Asking, type AskingDeps, type Failure } from './asking.ts';
import { forwardedResponse, viaOf } from './forwarded-message.ts';
import { ackOf, cancelOf, type SentInvite } from './hop-requests.ts';
import { retryAfterMs } from './hop-rests.ts';
import type { Attempt, RelayedRequest } from './relayed-request.ts';
import type { SendBack } from './send-back.ts';
import type { Reached } from './way.ts';

export interface RelayDeps extends AskingDeps {
  /** Brings an answer back to where `via` says, as the flow of its request is gone. */
  readonly sendBack: SendBack;
  /** The caller has his final answer, or its ACK went by. */
  readonly onEnd: (relay: Relay) => void;
  /** It went on to another hop than `from`, or had to be given up there. */
  readonly onTurn: (result: Turn, request: SipRequest, from: NextHop) => void;
}

export type Turn = 'next-hop' | 'timeout' | 'unreachable';

/** RFC 3261 §17.2.1: 100 "unless it knows that the TU will generate a provisional or final response within 200 ms". */
const TRYING_AFTER_MS = 200;
/** Timer C "MUST be larger than 3 minutes" (§16.6 step 11). */
const TIMER_C_MS = 200_000;
/** §9.1: a client may take an INVITE for cancelled that has no final answer "in 64*T1 seconds". */
const CANCELLED_MS = 32_000;

export class Relay {
  readonly #deps: RelayDeps;
  readonly #of: RelayedRequest;
  readonly #asking: Asking;
  #phase: AnswerFacts['phase'] = 'open';
  #answerer: Attempt | undefined;
  /** The caller has cancelled, with these Reason rows. */
  #cancelled: readonly HeaderRow[] | undefined;
  #trying = false;
  #final: Uint8Array | undefined;
  #ack: Uint8Array | undefined;
  /** First for the 100, then timer C, then for the end of what was cancelled. */
  #timer: Timer | undefined;

  constructor(deps: RelayDeps, of: RelayedRequest, first: Reached) {
    this.#deps = deps;
    this.#of = of;
    const events = {
      // RFC 4320 §4.1: "Without regard to transport, an SIP element MUST respond to a non-INVITE request with a
      // Status-Code of 100 if it has not otherwise responded after the amount of time it takes a client transaction's
      // Timer E to be reset to T2."
      onQuiet: () => {
        if (!this.#invite) this.#sayTrying();
      },
      onNextHop: (from: NextHop) => deps.onTurn('next-hop', of.request, from),
      onFailure: (failure: Failure) => this.#giveUp(failure),
    };
    this.#asking = new Asking(deps, of, events, first);
  }

  get transaction(): string {
    return this.#of.transaction;
  }

  /** `bytes`: for the first hop. False if its flow took nothing, and then it never began. */
  start(bytes: Uint8Array): boolean {
    if (!this.#asking.send(bytes)) return false;
    const leftMs = this.#of.startedMs + TRYING_AFTER_MS - this.#deps.clock.monoMs();
    // After that time the pending table has said it already.
    this.#trying = leftMs <= 0;
    if (this.#invite && leftMs > 0) this.#arm(leftMs, () => this.#sayTrying());
    return true;
  }

  /** Ends it, and tells nobody. */
  stop(): void {
    this.#timer?.cancel();
    this.#asking.end();
    this.#phase = 'refused';
  }

  /** Its request, its CANCEL or its ACK came (again). False if this is none of them. */
  take(request: SipRequest): boolean {
    if (request.method === this.#of.request.method) this.#retransmitted();
    else if (!this.#invite) return false;
    else if (request.method === 'CANCEL') this.#cancel(request);
    else if (request.method === 'ACK') this.#acknowledge(request);
    else return false;
    return true;
  }

  /** False if `branch` is on none of its requests, or the answer is to something else. */
  answer(branch: string, response: SipResponse): boolean {
    const attempt = this.#asking.all.find((one) => one.branch === branch);
    if (attempt === undefined) return false;
    const { method } = response.cseq;
    this.#deps.retransmitter.onResponse(`${branch} ${method}`, response.status);
    // The answer to a CANCEL of ours is for us.
    if (method === 'CANCEL') return true;
    // §16.7 step 3: "If no Via header field values remain in the response, the response was meant for this element and
    // MUST NOT be forwarded."
    if (method !== this.#of.request.method || response.vias.length === 1) return false;
    this.#answered(attempt, response);
    return true;
  }

  get #invite(): boolean {
    return this.#of.request.method === 'INVITE';
  }

  get #finalKey(): string {
    return `${this.transaction} final`;
  }

  #retransmitted(): void {
    const { up, write } = this.#of;
    const { down, attempt, heard } = this.#answerer ?? this.#asking.current;
    if (this.#phase === 'refused') {
      if (this.#final !== undefined) up.send(this.#final);
    } else if (this.#phase === 'answered' || (this.#invite && heard)) down.send(write(down, attempt));
    // Until something is heard the retransmissions are ours to make (§17.2.1, §17.2.2), and the 100 may be lost.
    else if (this.#trying) this.#sayTrying();
  }

  /** §16.10: "the element MUST generate CANCEL requests for all pending client transactions". */
  #cancel({ rows }: SipRequest): void {
    if (this.#phase !== 'open' || this.#cancelled !== undefined) return;
    // RFC 3326 §2: why it was cancelled ("Call completed elsewhere") is for the phone that rings.
    this.#cancelled = rows.filter(({ name }) => name === 'reason');
    this.#asking.stay();
    const { current } = this.#asking;
    if (current.heard) this.#endSoon(current);
  }

  /** To a final answer that was not a 2xx. */
  #acknowledge(ack: SipRequest): void {
    this.#deps.retransmitter.cancel(this.#finalKey);
    const to = this.#answerer;
    if (to === undefined) return;
    this.#ack = this.#of.writeAck(ack, to.down, to.attempt);
    to.down.send(this.#ack);
    this.#deps.onEnd(this);
  }

  #answered(attempt: Attempt, response: SipResponse): void {
    const { status } = response;
    const { current } = this.#asking;
    if (status < 200) attempt.heard = true;
    if (status !== 503) this.#deps.rests.wake(attempt.hop);
    const from = attempt === this.#answerer ? 'answerer' : attempt === current ? 'current' : 'left';
    const cancelled = this.#cancelled !== undefined || attempt.cancelled;
    switch (answerDecision({ invite: this.#invite, status, phase: this.#phase, from, cancelled })) {
      case 'trying':
        if (!this.#trying) this.#sayTrying();
        this.#armTimerC(attempt);
        break;
      case 'pass':
        // §16.7 step 2: "the proxy MUST reset timer C for that client transaction."
        this.#armTimerC(attempt);
        this.#toCaller(attempt, response);
        break;
      case 'finish':
        this.#finish(attempt, response);
        break;
      case 'cancel':
        this.#endSoon(attempt);
        break;
      case 'next':
        this.#acknowledgeOurselves(attempt, response);
        this.#unavailable(attempt, response);
        break;
      case 'acknowledge':
        this.#acknowledgeOurselves(attempt, response);
        break;
      case 'drop':
        break;
    }
  }

  #finish(attempt: Attempt, response: SipResponse): void {
    const again = attempt === this.#answerer;
    if (this.#phase === 'open') {
      this.#answerer = attempt;
      this.#end('answered');
      const others = this.#asking.all.filter((other) => other !== attempt && other.heard);
      if (this.#invite) for (const other of others) this.#sendCancel(other);
    }
    // Over a stream the caller has forgotten a transaction that it acknowledged (§17.1.1.2, timer D): its ACK was lost
    // behind us, and is ours to repeat.
    const refused = again && response.status >= 300;
    if (refused && this.#ack !== undefined && this.#of.up.transport !== 'udp') attempt.down.send(this.#ack);
    else this.#toCaller(attempt, response);
  }

  #toCaller(attempt: Attempt, response: SipResponse): void {
    const { up } = this.#of;
    if (!up.open) {
      // As the request had it: what stands in the answer is the callee's word, who might send us anywhere by it.
      this.#deps.sendBack(response, this.#of.request.vias[0]);
      return;
    }
    const bytes = writeResponse(forwardedResponse(response));
    // Over a stream the callee says no only once (§17.2.1); a datagram of ours may be lost: until the ACK, again.
    const once = this.#invite && response.status >= 300 && attempt.down.transport !== 'udp';
    if (once && up.transport === 'udp') this.#untilAcknowledged(bytes);
    else up.send(bytes);
  }

  #unavailable({ hop }: Attempt, { rows }: SipResponse): void {
    const { rests, clock } = this.#deps;
    // RFC 3261 §21.5.4: it "SHOULD NOT forward any other requests to that server for the duration specified in the
    // Retry-After header field, if present."
    const wanted = retryAfterMs(rows.find(({ name }) => name === 'retry-after')?.value);
    rests.rest(hop, wanted, clock.monoMs());
    this.#asking.unavailable();
  }

  #giveUp(failure: Failure): void {
    if (this.#phase !== 'open') return;
    const turn = failure === 'silent' ? 'timeout' : 'unreachable';
    this.#deps.onTurn(turn, this.#of.request, this.#asking.current.hop);
    if (this.#invite && this.#cancelled !== undefined) this.#refuse({ status: 487 });
    // §16.9 and §16.7 step 6: "If the only response that was received is a 503, the proxy SHOULD generate a 500 response
    // and forward that upstream."
    else if (failure === 'unavailable') this.#refuse({ status: 500, reason: 'Next Hop Unreachable' });
    else if (this.#invite) this.#refuse({ status: 408 });
    // RFC 4320 §4.2: no 408 to anything but an INVITE; its sender has given up at the same time.
    else this.#end('refused');
  }

  /** A final answer of ours. */
  #refuse(reply: Reply): void {
    const { request, up, transaction } = this.#of;
    const bytes = writeReply(request, reply, { toTag: transaction });
    this.#final = bytes;
    this.#end('refused');
    if (this.#invite && up.transport === 'udp') this.#untilAcknowledged(bytes);
    else up.send(bytes);
  }

  #untilAcknowledged(bytes: Uint8Array): void {
    const flow = this.#of.up;
    this.#deps.retransmitter.send({ bytes, flow, key: this.#finalKey, method: 'answer' });
  }

  #end(phase: 'answered' | 'refused'): void {
    this.#timer?.cancel();
    this.#asking.end();
    this.#phase = phase;
    this.#deps.onEnd(this);
  }

  #sayTrying(): void {
    this.#trying = true;
    this.#of.up.send(writeReply(this.#of.request, { status: 100 }));
  }

  #acknowledgeOurselves(attempt: Attempt, response: SipResponse): void {
    if (this.#invite) attempt.down.send(ackOf(this.#sentTo(attempt), response));
  }

  /** CANCEL; where the caller still waits, with an end even if it is never answered. */
  #endSoon(attempt: Attempt): void {
    if (!this.#sendCancel(attempt) || this.#phase !== 'open' || attempt !== this.#asking.current) return;
    this.#asking.stay();
    this.#arm(CANCELLED_MS, () => this.#giveUp('silent'));
  }

  #sendCancel(attempt: Attempt): boolean {
    if (attempt.cancelled) return false;
    attempt.cancelled = true;
    this.#deps.retransmitter.send({
      bytes: cancelOf(this.#sentTo(attempt), this.#cancelled ?? []),
      flow: attempt.down,
      key: `${attempt.branch} CANCEL`,
      method: 'CANCEL',
    });
    return true;
  }

  #sentTo({ down, branch }: Attempt): SentInvite {
    const { request, target } = this.#of;
    return { request, target, via: viaOf(down, branch) };
  }

  #armTimerC(attempt: Attempt): void {
    // §16.8: "If the client transaction has received a provisional response, the proxy MUST generate a CANCEL".
    this.#arm(TIMER_C_MS, () => this.#endSoon(attempt));
  }

  #arm(ms: number, fire: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#deps.clock.setTimer(ms, fire);
  }
}
