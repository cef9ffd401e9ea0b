// What was forwarded, by transaction, until 32 s after its final answer: CANCEL, ACK, retransmissions and answers go the same way.
import { BoundedMap } from '../runtime/bounded-map.ts';
import { GIVE_UP_MS } from '../sip/client-transaction.ts';

/** A request that is held (relay.ts). */
interface Held {
  readonly transaction: string;
  stop(): void;
}

export interface RelayTableOptions {
  /** Requests without a final answer, and as many with one. */
  readonly max: number;
  /** What all of them may hold of messages. */
  readonly bytesMax: number;
}

interface Ended<T> {
  readonly relay: T;
  readonly bytes: number;
  readonly untilMs: number;
}

export class RelayTable<T extends Held> {
  readonly #options: RelayTableOptions;
  // BOUNDED: `max`, held in `hasRoom`; each ends by a timer of its own (relay.ts).
  readonly #open = new Map<string, { readonly relay: T; readonly bytes: number }>();
  // BOUNDED: `max`, the oldest leaves; all have one lifetime, so the oldest is the first to expire.
  readonly #ended: BoundedMap<string, Ended<T>>;
  #bytes = 0;

  constructor(options: RelayTableOptions) {
    this.#options = options;
    this.#ended = new BoundedMap(options.max, (_, { bytes }) => {
      this.#bytes -= bytes;
    });
  }

  get size(): number {
    return this.#open.size + this.#ended.size;
  }

  /** Bytes of messages held. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Whether one more request of this size may be held; if not it is forwarded without state. A MESSAGE with the branch,
   * Call-ID and CSeq number of an INVITE must not take its place: CANCEL and ACK are for the one that was first.
   */
  hasRoom(transaction: string, bytes: number, nowMs: number): boolean {
    this.#sweep(nowMs);
    const { max, bytesMax } = this.#options;
    const known = this.#open.has(transaction) || this.#ended.has(transaction);
    return !known && this.#open.size < max && this.#bytes + bytes <= bytesMax;
  }

  get(transaction: string, nowMs: number): T | undefined {
    const open = this.#open.get(transaction);
    if (open !== undefined) return open.relay;
    const ended = this.#ended.get(transaction);
    return ended !== undefined && ended.untilMs > nowMs ? ended.relay : undefined;
  }

  /** `hasRoom` was asked before. */
  add(relay: T, bytes: number): void {
    this.#open.set(relay.transaction, { relay, bytes });
    this.#bytes += bytes;
  }

  /** The final answer went out, or its ACK: from now on it is kept for 32 s more. */
  end(relay: T, nowMs: number): void {
    this.#sweep(nowMs);
    const { transaction } = relay;
    const held = this.#open.get(transaction) ?? this.#ended.get(transaction);
    if (held === undefined) return;
    this.#open.delete(transaction);
    // What is held already changes tables; its bytes are counted.
    this.#ended.set(transaction, { relay, bytes: held.bytes, untilMs: nowMs + GIVE_UP_MS });
  }

  /** Stops every timer; nobody is told. */
  stop(): void {
    for (const { relay } of this.#open.values()) relay.stop();
    this.#open.clear();
    this.#ended.clear();
    this.#bytes = 0;
  }

  #sweep(nowMs: number): void {
    for (const [transaction, { bytes, untilMs }] of this.#ended.entries()) {
      if (untilMs > nowMs) break;
      this.#ended.delete(transaction);
      this.#bytes -= bytes;
    }
  }
}
