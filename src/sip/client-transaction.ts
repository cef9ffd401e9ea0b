// A request forwarded onto UDP for a peer that came over TCP is sent again until it is answered (RFC 3261 §17.1.1, §17.1.2).
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Flow } from './types.ts';

/** RFC 3261 §17.1.1.1: an estimate of the round-trip time. */
export const T1_MS = 500;
/** The longest interval between retransmissions of anything but an INVITE, and of final answers. */
export const T2_MS = 4000;
/** Timers B, F and H: when a transaction is given up. */
const GIVE_UP_MS = 64 * T1_MS;

export interface RetransmitState {
  readonly invite: boolean;
  readonly proceeding: boolean;
  readonly intervalMs: number;
  readonly elapsedMs: number;
}

export type RetransmitStep =
  /** Send (again) if `send`, and come back after `waitMs`. */
  | {
      readonly kind: 'wait';
      readonly send: boolean;
      readonly waitMs: number;
      readonly state: RetransmitState;
    }
  /** Timer B or F: nobody answered. */
  | { readonly kind: 'timeout' }
  | { readonly kind: 'done' };

/** The first transmission is `send`. */
export const firstStep = (method: string): RetransmitStep => ({
  kind: 'wait',
  send: true,
  waitMs: T1_MS,
  state: { invite: method === 'INVITE', proceeding: false, intervalMs: T1_MS, elapsedMs: 0 },
});

/** Timer A or E fired: `state.intervalMs` have gone by since the last step. */
export const timerStep = (state: RetransmitState): RetransmitStep => {
  const elapsedMs = state.elapsedMs + state.intervalMs;
  if (elapsedMs >= GIVE_UP_MS) return { kind: 'timeout' };
  // §17.1.1.2: timer A "doubles" without a cap; §17.1.2.2: timer E is "MIN(2*T1, T2)" and so on, and T2 once a
  // provisional answer came.
  const doubled = state.intervalMs * 2;
  const wanted = state.invite ? doubled : state.proceeding ? T2_MS : Math.min(doubled, T2_MS);
  const intervalMs = Math.min(wanted, GIVE_UP_MS - elapsedMs);
  return { kind: 'wait', send: true, waitMs: intervalMs, state: { ...state, intervalMs, elapsedMs } };
};

/** An answer with `status` came; undefined: nothing changes, the running timer stands. */
export const answerStep = (state: RetransmitState, status: number): RetransmitStep | undefined => {
  if (status >= 200) return { kind: 'done' };
  // §17.1.1.2: "In the "Proceeding" state, the client transaction SHOULD NOT retransmit the request any longer." What
  // follows is for the caller of the INVITE to wait for.
  if (state.invite) return { kind: 'done' };
  return state.proceeding
    ? undefined
    : { kind: 'wait', send: false, waitMs: 0, state: { ...state, proceeding: true } };
};

interface Running {
  readonly bytes: Uint8Array;
  readonly flow: Flow;
  readonly onTimeout: (() => void) | undefined;
  state: RetransmitState;
  timer: Timer;
}

export interface RetransmitRequest {
  readonly bytes: Uint8Array;
  readonly flow: Flow;
  /** What the answers are matched by: the branch of our Via and the CSeq method. */
  readonly key: string;
  readonly method: string;
  /** Called once if nobody answers within 32 s. */
  readonly onTimeout?: () => void;
}

/** The running client transactions; over a full table a request is sent once, as over TCP. */
export class Retransmitter {
  readonly #clock: Clock;
  readonly #max: number;
  // BOUNDED: `max`, held in `send`; each entry leaves after 32 s at the latest.
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
    const { bytes, flow, key, method, onTimeout } = request;
    const sent = flow.send(bytes);
    const first = firstStep(method);
    if (flow.transport !== 'udp' || method === 'ACK' || first.kind !== 'wait') return sent;
    if (this.#running.has(key) || this.#running.size >= this.#max) return sent;
    this.#running.set(key, {
      bytes,
      flow,
      onTimeout,
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
    const step = timerStep(running.state);
    if (step.kind === 'wait') {
      running.flow.send(running.bytes);
      running.state = step.state;
      running.timer = this.#clock.setTimer(step.waitMs, () => this.#fire(key));
      return;
    }
    this.#running.delete(key);
    if (step.kind === 'timeout') running.onTimeout?.();
  }
}
