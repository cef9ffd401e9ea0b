// Did what we published take effect? A store may accept an entry that a faster clock's entry outranks.
import type { Entry } from './entry-codec.ts';
import { expiresAtMs, matches, related, states } from './merge.ts';
import type { Version } from './types.ts';

const sameSource = (a: Entry, b: Entry): boolean => a.series === b.series;

/** The same source has issued something later for the same binding: ours is rightly history. */
const succeeded = (entry: Entry, records: readonly Entry[]): boolean =>
  records.some((record) => sameSource(record, entry) && record.seq > entry.seq && related(record, entry));

const isEffective = (entry: Entry, records: readonly Entry[], nowMs: number): boolean => {
  if (succeeded(entry, records)) return true;
  if (entry.kind === 'binding') {
    // A retransmission of ours through another registrar is as good: the same source and seq, only stamped later.
    return states(records).some(
      (state) => state.bindingId === entry.bindingId && sameSource(state, entry) && state.seq === entry.seq,
    );
  }
  return !states(records).some(
    (state) =>
      matches(entry, state) &&
      expiresAtMs(state) > nowMs &&
      !(sameSource(state, entry) && state.seq >= entry.seq),
  );
};

/** The greatest version among `records` if one of `published` did not take effect; undefined if all did. */
export const outrankedBy = (
  published: readonly Entry[],
  records: readonly Entry[],
  nowMs: number,
): Version | undefined => {
  if (published.every((entry) => isEffective(entry, records, nowMs))) return undefined;
  let greatest = 0n;
  for (const { version } of records) if (version > greatest) greatest = version;
  return greatest;
};
