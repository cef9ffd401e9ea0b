// The authority lease: who was recognised by both neighbours lately, and whose clocks did not jump, may deny and acknowledge.

/** Wall minus monotonic time, and the moment before which no recognition counts. */
export interface LeaseClock {
  readonly offsetMs: number;
  readonly voidBeforeMs: number;
}

export const leaseClockAt = (monoMs: number, wallMs: number): LeaseClock => ({
  offsetMs: wallMs - monoMs,
  voidBeforeMs: Number.NEGATIVE_INFINITY,
});

/**
 * "a jump of more than 5 s between wall and monotonic time voids it": the machine was suspended (Linux' monotonic clock
 * stands still then), or its date was set. Slow drift is followed, as long as somebody looks now and then.
 */
export const observeClocks = (
  lease: LeaseClock,
  monoMs: number,
  wallMs: number,
  jumpMs: number,
): LeaseClock => {
  const offsetMs = wallMs - monoMs;
  if (Math.abs(offsetMs - lease.offsetMs) > jumpMs) return { offsetMs, voidBeforeMs: monoMs };
  return { ...lease, offsetMs };
};

/** `recognisedMs`: of predecessor and successor; empty in a ring of one. */
export const leaseHolds = (
  lease: LeaseClock,
  recognisedMs: readonly (number | undefined)[],
  times: { readonly nowMs: number; readonly leaseMs: number },
): boolean =>
  recognisedMs.every(
    (atMs) => atMs !== undefined && atMs >= lease.voidBeforeMs && times.nowMs - atMs <= times.leaseMs,
  );
