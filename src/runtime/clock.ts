// Time as a port: wall time for expiry, monotonic time for timeouts, never mixed.

export interface Timer {
  /** Stops the timer; harmless when it has already fired or been cancelled. */
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since some fixed moment; never jumps, says nothing about the date. */
  monoMs(): number;
  /** Milliseconds since 1970-01-01 UTC; may jump when the machine's clock is set. */
  wallMs(): number;
  /** Calls `fire` once, `delayMs` of monotonic time from now. Does not keep the process alive. */
  setTimer(delayMs: number, fire: () => void): Timer;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  monoMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer(delayMs, fire) {
    const handle = setTimeout(fire, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves after `delayMs` of the clock's monotonic time. */
export const delay = (clock: Clock, delayMs: number): Promise<void> =>
  new Promise((resolve) => {
    clock.setTimer(delayMs, resolve);
  });
