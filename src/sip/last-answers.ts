// Final answers over UDP, kept for a while: a repeated request is answered with the same bytes.
import { T1_MS } from './client-transaction.ts';
import { RecentMap } from './recent-map.ts';
import type { Flow, SipRequest } from './types.ts';

/**
 * A generation: 16 MiB in two at the very most, and as much in practice, for short ones keep alive what lies beside them
 * in the buffer pool. Where more are given within timer J, the oldest go first, and their requests are served anew if
 * they come again.
 */
const ANSWERS_MAX = 4096;
const ANSWER_BYTES_MAX = 2048;
/** Timers J and H, RFC 3261 §17.2.2: "it MUST set Timer J to fire in 64*T1 seconds for unreliable transports". */
const KEPT_MS = 64 * T1_MS;

/** A request by its transactionKey, and the way its answer goes. */
export interface Asked {
  readonly key: string;
  readonly request: SipRequest;
  readonly to: Flow;
}

/**
 * An answer is repeated to whom it was for, as others may guess the branch, and for the request that it was for, as some
 * phones use one branch for all their REGISTERs.
 */
const answerKey = ({ key, request: { callId, cseq }, to: { remote } }: Asked): string =>
  `${key}\0${callId}\0${cseq.seq}\0${remote.host}`;

/**
 * §17.2.2: "the final response to the request MUST be passed to the transport layer for retransmission whenever a
 * retransmission of the request is received": a busy server that checked, signed and published each REGISTER again would
 * never catch up, and simple phones take a second challenge for a refusal.
 */
export class LastAnswers {
  // BOUNDED: twice ANSWERS_MAX of ANSWER_BYTES_MAX (recent-map.ts).
  readonly #answers = new RecentMap<Uint8Array>({ max: ANSWERS_MAX, keepMs: KEPT_MS });

  /** Nothing over a stream, which loses nothing. */
  keep(asked: Asked, bytes: Uint8Array, nowMs: number): void {
    if (asked.to.transport !== 'udp' || bytes.length > ANSWER_BYTES_MAX) return;
    this.#answers.set(answerKey(asked), bytes, nowMs);
  }

  get(asked: Asked, nowMs: number): Uint8Array | undefined {
    return asked.to.transport === 'udp' ? this.#answers.get(answerKey(asked), nowMs) : undefined;
  }

  clear(): void {
    this.#answers.clear();
  }
}
