// Which hop a request is at: one after the other is asked until one is heard of (RFC 3263 §4.3, docs/adr/0015-failover.md).
import type { Clock } from '../runtime/clock.ts';
import type { Background } from '../runtime/lifecycle.ts';
import { GIVE_UP_MS, type Retransmitter, type Silence } from '../sip/client-transaction.ts';
import type { NextHop } from '../sip/types.ts';
import { type HopRests, SILENT_REST_MS } from './hop-rests.ts';
import type { Attempt, RelayedRequest } from './relayed-request.ts';
import type { Reached } from './way.ts';

export interface AskingDeps {
  readonly clock: Clock;
  readonly retransmitter: Pick<Retransmitter, 'send' | 'onResponse' | 'cancel'>;
  readonly rests: HopRests;
  readonly background: Background;
}

/** `silent`: timer B or F. `unavailable`: it said 503, or could not be reached. */
export type Failure = 'silent' | 'unavailable';

export interface AskingEvents {
  /** The current hop has let 3.5 s go by. */
  onQuiet(): void;
  /** It goes to another hop than `from`. */
  onNextHop(from: NextHop): void;
  /** Nobody is left to ask, or no time. */
  onFailure(failure: Failure): void;
}

export class Asking {
  readonly #deps: AskingDeps;
  readonly #of: RelayedRequest;
  readonly #events: AskingEvents;
  #current: Attempt;
  // BOUNDED: the hops of one way (resolve.ts).
  readonly #left: Attempt[] = [];
  /** A hop that was found when it was not needed any more. */
  #spare: Reached | undefined;
  #going = true;
  #moving = false;
  /** Why the current hop is given up, once it is. */
  #failure: Failure | undefined;

  constructor(deps: AskingDeps, of: RelayedRequest, events: AskingEvents, first: Reached) {
    this.#deps = deps;
    this.#of = of;
    this.#events = events;
    this.#current = this.#attemptAt(first);
  }

  /** The hop that is asked now, or was asked last. */
  get current(): Attempt {
    return this.#current;
  }

  /** All hops it was sent to. */
  get all(): readonly Attempt[] {
    return [this.#current, ...this.#left];
  }

  /** Sends to the current hop; false if its flow takes nothing. */
  send(bytes: Uint8Array): boolean {
    const attempt = this.#current;
    const { method } = this.#of.request;
    return this.#deps.retransmitter.send({
      bytes,
      flow: attempt.down,
      key: `${attempt.branch} ${method}`,
      method,
      giveUpMs: Math.max(1, this.#leftMs),
      onSilence: (what) => this.#onSilence(attempt, what),
    });
  }

  /** The current hop said 503. */
  unavailable(): void {
    this.#failure = 'unavailable';
    this.#move();
  }

  /** From now on no other hop is asked: it was cancelled. */
  stay(): void {
    this.#going = false;
  }

  /** Nothing is asked any more. */
  end(): void {
    this.#going = false;
    this.#failure = undefined;
    const { method } = this.#of.request;
    for (const { branch } of this.all) this.#deps.retransmitter.cancel(`${branch} ${method}`);
  }

  get #leftMs(): number {
    return this.#of.startedMs + GIVE_UP_MS - this.#deps.clock.monoMs();
  }

  #attemptAt({ hop, down, attempt }: Reached): Attempt {
    return { hop, down, attempt, branch: this.#of.branchOf(attempt), heard: false, cancelled: false };
  }

  #onSilence(attempt: Attempt, what: Silence): void {
    if (attempt !== this.#current) return;
    if (what === 'quiet') this.#events.onQuiet();
    else this.#failure = what === 'timeout' ? 'silent' : 'unavailable';
    this.#move();
  }

  #move(): void {
    if (!this.#going || this.#leftMs <= 0) {
      if (this.#failure !== undefined) this.#events.onFailure(this.#failure);
      return;
    }
    if (this.#moving) return;
    this.#moving = true;
    this.#deps.background.background('the next hop of a request', this.#moveOn());
  }

  async #moveOn(): Promise<void> {
    try {
      while (await this.#tryNext());
    } finally {
      this.#moving = false;
    }
  }

  /** True if the next hop took nothing, and the one after it is to be tried. */
  async #tryNext(): Promise<boolean> {
    const found = await this.#nextHop();
    // Meanwhile the current one may have spoken, or it may all be over.
    const wanted = this.#going && this.#leftMs > 0 && (this.#failure !== undefined || !this.#current.heard);
    if (found === undefined || !wanted) {
      this.#spare = found;
      if (this.#failure !== undefined) this.#events.onFailure(this.#failure);
      return false;
    }
    const left = this.#current;
    this.#leave(left);
    this.#current = this.#attemptAt(found);
    this.#events.onNextHop(left.hop);
    if (this.send(found.bytes)) return false;
    this.#failure = 'unavailable';
    return true;
  }

  async #nextHop(): Promise<Reached | undefined> {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare ?? (await this.#of.way.next());
  }

  /** Whatever it says from now on comes too late, but a call that it begins has to be ended. */
  #leave(attempt: Attempt): void {
    const { retransmitter, rests, clock } = this.#deps;
    retransmitter.cancel(`${attempt.branch} ${this.#of.request.method}`);
    if (this.#failure === undefined) rests.rest(attempt.hop, SILENT_REST_MS, clock.monoMs());
    this.#left.push(attempt);
    this.#failure = undefined;
  }
}
