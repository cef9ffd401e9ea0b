// How long to wait for a peer's answer: RFC 6298 with the overlay's bounds, as a pure function of what was measured.

/** The first wait, and the bounds of every later one (docs/lsp.md, "Constants"). */
export const RTO_INITIAL_MS = 1000;
export const RTO_MIN_MS = 100;
export const RTO_MAX_MS = 3000;

export interface RttState {
  readonly srttMs: number;
  readonly rttvarMs: number;
}

export interface RtoState extends RttState {
  readonly rtoMs: number;
}

const clamp = (ms: number): number => Math.min(RTO_MAX_MS, Math.max(RTO_MIN_MS, ms));

/** A round trip was measured. `firstVarMs`: what to think of its spread as long as it is the only one. */
export const rttSample = (
  state: RttState | undefined,
  rttMs: number,
  firstVarMs: number = rttMs / 2,
): RttState => {
  // RFC 6298 2.2: "SRTT <- R, RTTVAR <- R/2"; a state without SRTT only backed off.
  if (state === undefined || state.srttMs === 0) return { srttMs: rttMs, rttvarMs: firstVarMs };
  // RFC 6298 2.3: "RTTVAR <- (1 - beta) * RTTVAR + beta * |SRTT - R'|" before "SRTT <- (1 - alpha) * SRTT + alpha * R'".
  return {
    srttMs: 0.875 * state.srttMs + 0.125 * rttMs,
    rttvarMs: 0.75 * state.rttvarMs + 0.25 * Math.abs(state.srttMs - rttMs),
  };
};

/** Only of a request sent once (Karn: with two copies nobody knows which was answered). */
export const rtoSample = (state: RtoState | undefined, rttMs: number): RtoState => {
  const { srttMs, rttvarMs } = rttSample(state, rttMs);
  // RFC 6298 2.3: "RTO <- SRTT + max (G, K*RTTVAR)" with K = 4; G is far below the minimum.
  return { srttMs, rttvarMs, rtoMs: clamp(srttMs + 4 * rttvarMs) };
};

/**
 * RFC 6298 5.5: "RTO <- RTO * 2 ("back off the timer")". What a call had to wait is kept until the next sample: else a
 * peer slower than its RTO would be answered by copies for ever and never be measured.
 */
export const rtoBackedOff = (state: RtoState | undefined, waitedMs: number): RtoState => ({
  srttMs: state?.srttMs ?? 0,
  rttvarMs: state?.rttvarMs ?? 0,
  rtoMs: clamp(Math.max(waitedMs, state?.rtoMs ?? RTO_INITIAL_MS)),
});
