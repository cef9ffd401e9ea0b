// Servers that were silent, or asked for a pause, are tried after the others for a while (RFC 3263 §2, RFC 3261 §21.5.4).
import { BoundedMap } from '../runtime/bounded-map.ts';
import type { NextHop } from '../sip/types.ts';

/** How long a server that let a request go unanswered comes last: every call would wait 3.5 s for it again. */
export const SILENT_REST_MS = 30_000;
/** A Retry-After may ask for days; whoever recovers earlier shall not wait for it. */
const REST_MAX_MS = 300_000;
const RESTING_MAX = 4096;

const keyOf = ({ transport, host, port }: NextHop): string => `${transport} ${host} ${port}`;

export class HopRests {
  // BOUNDED: RESTING_MAX, the oldest leaves; until when (monotonic) a hop rests.
  readonly #untilMs = new BoundedMap<string, number>(RESTING_MAX);

  rest(hop: NextHop, forMs: number, nowMs: number): void {
    this.#untilMs.set(keyOf(hop), nowMs + Math.min(forMs, REST_MAX_MS));
  }

  /** It answered. */
  wake(hop: NextHop): void {
    this.#untilMs.delete(keyOf(hop));
  }

  rests(hop: NextHop, nowMs: number): boolean {
    return (this.#untilMs.get(keyOf(hop)) ?? 0) > nowMs;
  }
}

/** The seconds of a Retry-After value (`120 (in a meeting);duration=60`), in ms; 0 if it has none. */
export const retryAfterMs = (value: string | undefined): number =>
  Number(/^\s*(\d{1,9})/.exec(value ?? '')?.[1] ?? 0) * 1000;
