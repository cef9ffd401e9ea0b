// Which way a request went, kept until its transaction is over: CANCEL, ACK, retransmissions and answers go the same way.
import { BoundedMap } from '../runtime/bounded-map.ts';
import type { Flow } from '../sip/types.ts';
import type { ForwardPlan } from './forwarded-message.ts';

/** A request that was forwarded. Request-URI and Route are those it was sent with: its CANCEL and ACK have to bear the same. */
export interface Forwarded extends ForwardPlan {
  /** What names the transaction (branch.ts). */
  readonly transaction: string;
  readonly method: string;
  /** Our branch on it, whole. */
  readonly branch: string;
  /** The message as sent. */
  readonly bytes: Uint8Array;
  readonly up: Flow;
  readonly down: Flow;
  /** The ACK to a final answer that was not a 2xx, as sent. */
  readonly ack?: Uint8Array;
}

/** 64·T1: how long after its final answer (or, for anything but an INVITE, its start) a transaction can still speak. */
const LINGER_MS = 32_000;
/** Nobody lets a phone ring for longer; after it, a CANCEL finds nothing and gets 481. */
const RINGING_MS = 3_600_000;

interface Kept {
  readonly forwarded: Forwarded;
  readonly untilMs: number;
}

/** Two tables, each with one lifetime, so that the oldest entry is always the first to expire. */
export class ForwardMemory {
  // BOUNDED: by `max` each; what falls out is forwarded as a stateless proxy without memory does.
  readonly #ringing: BoundedMap<string, Kept>;
  readonly #brief: BoundedMap<string, Kept>;

  constructor(max: number) {
    this.#ringing = new BoundedMap(max);
    this.#brief = new BoundedMap(max);
  }

  get size(): number {
    return this.#ringing.size + this.#brief.size;
  }

  get(transaction: string, nowMs: number): Forwarded | undefined {
    const kept = this.#ringing.get(transaction) ?? this.#brief.get(transaction);
    return kept !== undefined && kept.untilMs > nowMs ? kept.forwarded : undefined;
  }

  /** Keeps a request that goes out now. */
  add(forwarded: Forwarded, nowMs: number): void {
    this.#sweep(nowMs);
    if (forwarded.method === 'INVITE')
      this.#ringing.set(forwarded.transaction, { forwarded, untilMs: nowMs + RINGING_MS });
    else this.#brief.set(forwarded.transaction, { forwarded, untilMs: nowMs + LINGER_MS });
  }

  /** The final answer came (or its ACK): from now on it is kept for 32 s more. */
  end(forwarded: Forwarded, nowMs: number): void {
    this.#sweep(nowMs);
    this.#ringing.delete(forwarded.transaction);
    this.#brief.set(forwarded.transaction, { forwarded, untilMs: nowMs + LINGER_MS });
  }

  delete(transaction: string): void {
    this.#ringing.delete(transaction);
    this.#brief.delete(transaction);
  }

  #sweep(nowMs: number): void {
    for (const table of [this.#ringing, this.#brief])
      for (const [transaction, { untilMs }] of table.entries()) {
        if (untilMs > nowMs) break;
        table.delete(transaction);
      }
  }
}
