// A request of ours or of somebody we forward for, sent until it is answered (RFC 3261 §17.1.1, §17.1.2); silence is told.
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Flow } from './types.ts';

/** RFC 3261 §17.1.1.1: an estimate of the round-trip time. */
export const T1_MS = 500;
/** The longest interval between retransmissions of anything but an INVITE, and of final answers. */
export const T2_MS = 4000;
/** Timers B, F and H: when a transaction is given up. */
export const GIVE_UP_MS = 64 * T1_MS;
/**
 * When the fourth transmission is due: those at 0, 0.5 and 1.5 s brought nothing, and timer E reaches T2. Whoever has
 * another server left tries it now, as a caller gives up before timer B or F would say so (docs/adr/0015-failover.md).
 */
const QUIET_MS = 7 * T1_MS;

export interface RetransmitState {
  readonly invite: boolean;
  readonly proceeding: boolean;
  /** Over a stream nothing is sent twice; the timers only watch (§17.1.1.2: "timer A MUST NOT be started"). */
  readonly reliable: boolean;
  readonly intervalMs: number;
  readonly elapsedMs: number;
  readonly giveUpMs: number;
}

export type RetransmitStep =
  /** Send (again) if `send`, and come back after `waitMs`. */
  | {
      readonly kind: 'wait';
      readonly send: boolean;
      /** Nothing at all was heard for QUIET_MS; said once. */
      readonly quiet: boolean;
      readonly waitMs: number;
      readonly state: RetransmitState;
    }
  /** Timer B or F: nobody answered. */
  | { readonly kind: 'timeout' }
  | { readonly kind: 'done' };

export interface FirstStepOptions {
  readonly method: string;
  readonly reliable?: boolean;
  /** Timer B or F, where less than 64·T1 is left. */
  readonly giveUpMs?: number;
}

/** The first transmission is `send`. */
export const firstStep = ({ method, reliable = false, giveUpMs = GIVE_UP_MS }: FirstStepOptions) =>
  ({
    kind: 'wait',
    send: true,
    quiet: false,
    waitMs: Math.min(T1_MS, giveUpMs),
    state: {
      invite: method === 'INVITE',
      proceeding: false,
      reliable,
      intervalMs: Math.min(T1_MS, giveUpMs),
      elapsedMs: 0,
      giveUpMs,
    },
  }) satisfies RetransmitStep;

/** Timer A or E fired: `state.intervalMs` have gone by since the last step. */
export const timerStep = (state: RetransmitState): RetransmitStep => {
  const elapsedMs = state.elapsedMs + state.intervalMs;
  if (elapsedMs >= state.giveUpMs) return { kind: 'timeout' };
  // §17.1.1.2: timer A "doubles" without a cap; §17.1.2.2: timer E is "MIN(2*T1, T2)" and so on, and T2 once a
  // provisional answer came.
  const doubled = state.intervalMs * 2;
  const wanted = state.invite ? doubled : state.proceeding ? T2_MS : Math.min(doubled, T2_MS);
  const intervalMs = Math.min(wanted, state.giveUpMs - elapsedMs);
  return {
    kind: 'wait',
    send: !state.reliable,
    quiet: !state.proceeding && state.elapsedMs < QUIET_MS && elapsedMs >= QUIET_MS,
    waitMs: intervalMs,
    state: { ...state, intervalMs, elapsedMs },
  };
};

/** An answer with `status` came; undefined: nothing changes, the running timer stands. */
export const answerStep = (state: RetransmitState, status: number): RetransmitStep | undefined => {
  if (status >= 200) return { kind: 'done' };
  // §17.1.1.2: "In the "Proceeding" state, the client transaction SHOULD NOT retransmit the request any longer." What
  // follows is for the caller of the INVITE to wait for.
  if (state.invite) return { kind: 'done' };
  return state.proceeding
    ? undefined
    : { kind: 'wait', send: false, quiet: false, waitMs: 0, state: { ...state, proceeding: true } };
};

/**
 * `quiet`: nothing was heard for 3.5 s, and the request goes on being sent. `timeout`: timer B or F, it is given up.
 * `lost`: the connection it went out by is gone, without an answer.
 */
export type Silence = 'quiet' | 'timeout' | 'lost';

interface Running {
  readonly bytes: Uint8Array;
  readonly flow: Flow;
  readonly onSilence: ((what: Silence) => void) | undefined;
  state: RetransmitState;
  timer: Timer;
}

export interface RetransmitRequest {
  readonly bytes: Uint8Array;
  readonly flow: Flow;
  /** What the answers are matched by: the branch of our Via and the CSeq method. */
  readonly key: string;
  readonly method: string;
  /** Timer B or F, where less than 64·T1 is left. */
  readonly giveUpMs?: number;
  /** With it a stream is watched too. */
  readonly onSilence?: (what: Silence) => void;
}

/**
 * The running client transactions. Over a full table a request is sent once, unless somebody waits to be told of silence:
 * he holds a request of his own until then, and would hold it for ever.
 */
export class Retransmitter {
  readonly #clock: Clock;
  readonly #max: number;
  // BOUNDED: `max`, held in `send`, and those who wait (relay-table.ts); each entry leaves after 32 s at the latest.
  readonly #running = new Map<string, Running>();

  constructor(deps: { readonly clock: Clock }, options: { readonly max: number }) {
    this.#clock = deps.clock;
    this.#max = options.max;
  }

  get size(): number {
    return this.#running.size;
  }

  /** Sends, and goes on sending on an unreliable transport. ACK is never repeated: the answer is. */
  send(request: RetransmitRequest): boolean {
    const { bytes, flow, key, method, giveUpMs, onSilence } = request;
    const sent = flow.send(bytes);
    const reliable = flow.transport !== 'udp';
    if (!sent || method === 'ACK' || (reliable && onSilence === undefined)) return sent;
    if (this.#running.has(key) || (onSilence === undefined && this.#running.size >= this.#max)) return sent;
    const first = firstStep({ method, reliable, ...(giveUpMs === undefined ? {} : { giveUpMs }) });
    this.#running.set(key, {
      bytes,
      flow,
      onSilence,
      state: first.state,
      timer: this.#clock.setTimer(first.waitMs, () => this.#fire(key)),
    });
    return sent;
  }

  /** To be told of every answer; one for an unknown key does nothing. */
  onResponse(key: string, status: number): void {
    const running = this.#running.get(key);
    if (running === undefined) return;
    const step = answerStep(running.state, status);
    if (step === undefined) return;
    if (step.kind === 'wait') running.state = step.state;
    else this.cancel(key);
  }

  cancel(key: string): void {
    this.#running.get(key)?.timer.cancel();
    this.#running.delete(key);
  }

  /** Gives all up, without telling. */
  stop(): void {
    for (const { timer } of this.#running.values()) timer.cancel();
    this.#running.clear();
  }

  #fire(key: string): void {
    const running = this.#running.get(key);
    if (running === undefined) return;
    const step = running.flow.open ? timerStep(running.state) : undefined;
    if (step?.kind === 'wait') {
      if (step.send) running.flow.send(running.bytes);
      running.state = step.state;
      running.timer = this.#clock.setTimer(step.waitMs, () => this.#fire(key));
      if (step.quiet) running.onSilence?.('quiet');
      return;
    }
    this.#running.delete(key);
    running.onSilence?.(step === undefined ? 'lost' : 'timeout');
  }
}
