// The pending table: server transactions while somebody works on them, and for a while after their answer.
import { BoundedMap } from '../runtime/bounded-map.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { T1_MS, T2_MS } from './client-transaction.ts';
import { LastAnswers } from './last-answers.ts';
import { KNOWN_METHODS } from './methods.ts';
import { RecentMap } from './recent-map.ts';
import type { DropReason } from './sip-metrics.ts';
import type { Flow, Reply, ServerTransaction, SipRequest } from './types.ts';
import { mergeKey, transactionKey } from './via.ts';

export interface PendingDeps {
  readonly clock: Clock;
  /** The bytes of an answer, `delaySec` after its request came. */
  readonly encode: (request: SipRequest, reply: Reply, delaySec: number) => Uint8Array;
  /** What a transaction is answered with whose handler let its deadline pass. */
  readonly onDeadline: (request: SipRequest) => Reply;
  /** A final answer went out after so many seconds. */
  readonly onAnswered: (request: SipRequest, status: number, flow: Flow, seconds: number) => void;
  readonly onDropped: (reason: DropReason) => void;
}

export interface PendingOptions {
  readonly max: number;
  /** RFC 3261 §17.2.1: 100 "unless it knows that the TU will generate a provisional or final response within 200 ms". */
  readonly tryingAfterMs: number;
  readonly deadlineMs: (method: string) => number;
}

export type Opened =
  | { readonly kind: 'new'; readonly transaction: ServerTransaction }
  /** RFC 3261 §8.2.2.2: the same request came by another way. */
  | { readonly kind: 'merged' }
  | { readonly kind: 'full' };

interface Running {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** The way back. */
  readonly answer: Flow;
  readonly startedMs: number;
  readonly mergeKey: string | undefined;
  provisional: Uint8Array | undefined;
  cancelled: boolean;
  done: boolean;
  deadlineMs: number;
  timer: Timer | undefined;
}

/** A final answer on its way until its ACK. */
interface Repeating {
  readonly bytes: Uint8Array;
  timer: Timer;
}

/** §9.2: a CANCEL "has no impact on the processing of transactions with any other method". */
const CANCELLED_IN_VAIN = KNOWN_METHODS.filter((method) => !['INVITE', 'ACK', 'CANCEL'].includes(method));

/** Timer H, and how long a late CANCEL still finds its INVITE. */
const ANSWERED_MS = 64 * T1_MS;

export class PendingTable {
  readonly #deps: PendingDeps;
  readonly #options: PendingOptions;
  // BOUNDED: `max`, held in `open`; every entry leaves at its deadline.
  readonly #running = new Map<string, Running>();
  // BOUNDED: as #running: one for each of its entries at most.
  readonly #merge = new Set<string>();
  // BOUNDED: `max`, the oldest leaves; final answers of INVITEs that wait for their ACK.
  readonly #repeating: BoundedMap<string, Repeating>;
  // BOUNDED: twice `max` keys (recent-map.ts); INVITEs that were answered.
  readonly #answered: RecentMap<true>;
  // BOUNDED: last-answers.ts.
  readonly #answers = new LastAnswers();
  // BOUNDED: one for each call of `empty`, which is made when the server drains.
  readonly #whenEmpty: (() => void)[] = [];

  constructor(deps: PendingDeps, options: PendingOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#repeating = new BoundedMap(options.max, (_key, repeating) => repeating.timer.cancel());
    this.#answered = new RecentMap({ max: options.max, keepMs: ANSWERED_MS });
  }

  get size(): number {
    return this.#running.size;
  }

  /**
   * True if this is a retransmission: it waits for the answer under way, or has just got the last one again by
   * `answer`. `key` is the request's transactionKey.
   */
  join(key: string, request: SipRequest, answer: Flow): boolean {
    const running = this.#running.get(key);
    // §17.2.1: on a retransmission "the most recent provisional response that was received from the TU MUST be passed
    // to the transport layer for retransmission"; before one was sent, and for other methods (§17.2.2), it is discarded.
    const repeat = running === undefined ? this.#finalAnswer(key, request, answer) : running.provisional;
    if (repeat !== undefined) answer.send(repeat);
    if (running === undefined && repeat === undefined) return false;
    this.#deps.onDropped('retransmission');
    return true;
  }

  /** A transaction for a request that joined none. `answer` is the way back to its source. */
  open(key: string, request: SipRequest, flow: Flow, answer: Flow): Opened {
    const merge = mergeKey(request);
    if (merge !== undefined && this.#merge.has(merge)) return { kind: 'merged' };
    if (this.#running.size >= this.#options.max) return { kind: 'full' };
    const entry: Running = {
      request,
      flow,
      answer,
      startedMs: this.#deps.clock.monoMs(),
      mergeKey: merge,
      provisional: undefined,
      cancelled: false,
      done: false,
      deadlineMs: 0,
      timer: undefined,
    };
    this.#running.set(key, entry);
    if (merge !== undefined) this.#merge.add(merge);
    this.#armTimers(key, entry);
    return { kind: 'new', transaction: this.#transactionOf(key, entry) };
  }

  /**
   * What a CANCEL that came by `answer` is about: an INVITE under way; what it has no effect on, for we answered it or it
   * is no INVITE; or none of ours.
   */
  find(cancel: SipRequest, answer: Flow): 'pending' | 'no-effect' | 'none' {
    const key = transactionKey(cancel, 'INVITE');
    if (this.#running.has(key)) return 'pending';
    if (this.#answered.get(key, this.#deps.clock.monoMs())) return 'no-effect';
    // §9.2: "assuming that the request method is anything but CANCEL or ACK and applying the transaction matching
    // procedures".
    const exists = (method: string): boolean => {
      const other = transactionKey(cancel, method);
      return this.#running.has(other) || this.#finalAnswer(other, cancel, answer) !== undefined;
    };
    return CANCELLED_IN_VAIN.some(exists) ? 'no-effect' : 'none';
  }

  /** RFC 3261 §9.2: the INVITE of this CANCEL is answered with 487. */
  cancel(cancel: SipRequest): void {
    const key = transactionKey(cancel, 'INVITE');
    const entry = this.#running.get(key);
    if (entry === undefined) return;
    entry.cancelled = true;
    this.#reply(key, entry, { status: 487 });
  }

  /** The ACK of a final answer of ours ends its repetition; false if it belongs to none. */
  acknowledge(ack: SipRequest, ours: boolean): boolean {
    // In RFC 2543 terms the ACK bears the To tag of our answer, which the INVITE did not have.
    const key = transactionKey(ack, 'INVITE', ours ? '' : undefined);
    this.#repeating.get(key)?.timer.cancel();
    return this.#repeating.delete(key) || this.#answered.get(key, this.#deps.clock.monoMs()) === true;
  }

  /** Resolves once nothing is under way. */
  empty(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#running.size === 0) resolve();
      else this.#whenEmpty.push(resolve);
    });
  }

  /** Forgets everything, unanswered. */
  stop(): void {
    for (const entry of this.#running.values()) {
      entry.done = true;
      entry.timer?.cancel();
    }
    this.#running.clear();
    this.#merge.clear();
    for (const [, repeating] of this.#repeating.entries()) repeating.timer.cancel();
    this.#repeating.clear();
    this.#answered.clear();
    this.#answers.clear();
    this.#tellEmpty();
  }

  #armTimers(key: string, entry: Running): void {
    const { clock } = this.#deps;
    const { tryingAfterMs, deadlineMs } = this.#options;
    const wholeMs = deadlineMs(entry.request.method);
    entry.deadlineMs = entry.startedMs + wholeMs;
    const giveUp = (): void => {
      // It may have been prolonged since the timer was set.
      const leftMs = entry.deadlineMs - clock.monoMs();
      if (leftMs > 0) entry.timer = clock.setTimer(leftMs, giveUp);
      else this.#reply(key, entry, this.#deps.onDeadline(entry.request));
    };
    if (entry.request.method !== 'INVITE' || tryingAfterMs >= wholeMs) {
      entry.timer = clock.setTimer(wholeMs, giveUp);
      return;
    }
    entry.timer = clock.setTimer(tryingAfterMs, () => {
      entry.timer = clock.setTimer(wholeMs - tryingAfterMs, giveUp);
      if (entry.provisional === undefined) this.#reply(key, entry, { status: 100 });
    });
  }

  #transactionOf(key: string, entry: Running): ServerTransaction {
    return {
      request: entry.request,
      flow: entry.flow,
      get done() {
        return entry.done;
      },
      reply: (reply) => this.#reply(key, entry, reply),
      release: () => this.#end(key, entry),
      prolong: (ms) => {
        entry.deadlineMs = this.#deps.clock.monoMs() + ms;
      },
    };
  }

  #reply(key: string, entry: Running, reply: Reply): void {
    if (entry.done) return;
    const { encode, onAnswered, onDropped, clock } = this.#deps;
    const delaySec = (clock.monoMs() - entry.startedMs) / 1000;
    const bytes = encode(entry.request, reply, delaySec);
    const sent = entry.answer.send(bytes);
    if (!sent) onDropped('answer-undeliverable');
    if (reply.status < 200) {
      entry.provisional = bytes;
      return;
    }
    this.#end(key, entry);
    if (entry.request.method === 'INVITE') this.#remember(key, entry, reply.status, bytes);
    this.#answers.keep({ key, request: entry.request, to: entry.answer }, bytes, clock.monoMs());
    onAnswered(entry.request, reply.status, entry.flow, delaySec);
  }

  /** The answer that went out already. */
  #finalAnswer(key: string, request: SipRequest, answer: Flow): Uint8Array | undefined {
    return (
      this.#repeating.get(key)?.bytes ??
      this.#answers.get({ key, request, to: answer }, this.#deps.clock.monoMs())
    );
  }

  #end(key: string, entry: Running): void {
    if (entry.done) return;
    entry.done = true;
    entry.timer?.cancel();
    this.#running.delete(key);
    if (entry.mergeKey !== undefined) this.#merge.delete(entry.mergeKey);
    if (this.#running.size === 0) this.#tellEmpty();
  }

  #tellEmpty(): void {
    for (const tell of this.#whenEmpty.splice(0)) tell();
  }

  /**
   * An INVITE whose caller may have stopped repeating it, for it had a provisional answer or was cancelled, gets its
   * final answer again until the ACK comes (§17.2.1 timers G and H). Otherwise the caller repeats its INVITE, and that
   * brings the answer: timer G besides would send eleven datagrams to whoever stands in a forged source address.
   */
  #remember(key: string, entry: Running, status: number, bytes: Uint8Array): void {
    const { clock } = this.#deps;
    const nowMs = clock.monoMs();
    this.#answered.set(key, true, nowMs);
    const mayBeLost = entry.answer.transport === 'udp' && status >= 300;
    if (!mayBeLost || (entry.provisional === undefined && !entry.cancelled)) return;
    const untilMs = nowMs + ANSWERED_MS;
    const after = (intervalMs: number): Timer =>
      clock.setTimer(intervalMs, () => {
        if (clock.monoMs() >= untilMs) {
          this.#repeating.delete(key);
          return;
        }
        entry.answer.send(bytes);
        repeating.timer = after(Math.min(2 * intervalMs, T2_MS));
      });
    const repeating: Repeating = { bytes, timer: after(T1_MS) };
    this.#repeating.set(key, repeating);
  }
}
