// What a store takes at PUBLISH, apart from merge: not stale, not from the future, not for too long, not from the past.
import type { Entry } from './entry-codec.ts';
import { versionMs } from './hybrid-clock.ts';
import type { RecordLimits } from './limits.ts';
import { related, retainedUntilMs } from './merge.ts';

export type Admission =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'refused'; readonly detail: string };

/**
 * RFC 3261 §10.3 step 7: "the registrar compares the CSeq value. If the value is higher than that of the existing
 * binding, it MUST update or remove the binding as above. If not, the update MUST be aborted". An equal one is a
 * retransmission (no transaction state absorbs it here) and passes: it merges into what is there.
 */
const isStale = (entry: Entry, held: readonly Entry[]): boolean =>
  held.some((record) => record.series === entry.series && record.seq > entry.seq && related(record, entry));

/** Judges all entries of one publication against what is held: all or none. */
export const admit = (
  entries: readonly Entry[],
  held: readonly Entry[],
  now: { readonly wallMs: number; readonly limits: RecordLimits },
): Admission => {
  const { wallMs, limits } = now;
  for (const entry of entries) {
    if (versionMs(entry.version) > wallMs + limits.skewMs) {
      return { kind: 'refused', detail: 'version too far ahead of the clock here' };
    }
    if (entry.lifetimeSec > limits.lifetimeMaxSec) {
      return { kind: 'refused', detail: `lifetime above ${limits.lifetimeMaxSec} s` };
    }
    if (retainedUntilMs(entry, limits) <= wallMs) {
      return { kind: 'refused', detail: 'version past retention' };
    }
  }
  return entries.some((entry) => isStale(entry, held)) ? { kind: 'stale' } : { kind: 'admitted' };
};
