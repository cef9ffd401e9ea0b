// The bounds of the data model (docs/lsp-entry.md, "Constants"): how long, how many, how large.

/** Constants of the overlay: all nodes of a ring must hold the same. `local` mode may raise `lifetimeMaxSec`. */
export interface RecordLimits {
  /** LMAX: the longest lifetime an entry may ask for. */
  readonly lifetimeMaxSec: number;
  /** SKEW: how far two honest clocks may be apart. */
  readonly skewMs: number;
  readonly seriesPerBinding: number;
  readonly recordsPerName: number;
  /** Readers show the newest so many. */
  readonly visibleMax: number;
}

export const RECORD_LIMITS: RecordLimits = {
  lifetimeMaxSec: 3600,
  skewMs: 60_000,
  seriesPerBinding: 4,
  recordsPerName: 24,
  visibleMax: 10,
};

/** One datagram carries an entry beside its framing; docs/lsp.md has the sum. */
export const ENTRY_BYTES_MAX = 800;
/** Selectors 0 to 15 name the registrars of a domain. */
export const SELECTOR_MAX = 15;
