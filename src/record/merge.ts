// What several copies of one name's entries amount to: a join, whatever the order and however often (DESIGN §4, "Merge").
//
// Kept are, per binding and series, the binding entry greatest by (seq, version, signer, bytes); and of removals, per
// (binding, contact, series), the greatest by that order and the greatest by version. Removals get slots of their own and
// two maxima because they act on entries of other bindings and series: with one slot, a re-registration, or a later
// removal stamped by a slower clock, would take the place of a removal and bring back what that one had buried.
// What was buried once by what is kept stays buried. Laws hold for records; whether a superseded record still carries its
// payload is not part of its identity.
import { type Entry, sealedIn, signedIn, withoutPayload } from './entry-codec.ts';
import { versionMs } from './hybrid-clock.ts';
import type { RecordLimits } from './limits.ts';

const compareBytes = (a: Entry, b: Entry): number => Buffer.compare(signedIn(a), signedIn(b));

const compareVersion = (a: Entry, b: Entry): number =>
  a.version < b.version ? -1 : a.version > b.version ? 1 : 0;

/** The order within one series: (seq, version, signer, bytes). Zero only for the same record. */
const bySeq = (a: Entry, b: Entry): number =>
  a.seq - b.seq || compareVersion(a, b) || a.selector - b.selector || compareBytes(a, b);

/** The order between series: (version, signer, bytes). */
const byVersion = (a: Entry, b: Entry): number =>
  compareVersion(a, b) || a.selector - b.selector || compareBytes(a, b);

/** A removal "matches either" the binding or its contact; `all` matches everything. */
export const matches = (removal: Entry, entry: Entry): boolean =>
  removal.kind === 'all' || removal.bindingId === entry.bindingId || removal.contactId === entry.contactId;

/** May one of two entries decide about the other? */
export const related = (a: Entry, b: Entry): boolean =>
  a.kind === 'all' || b.kind === 'all' || a.bindingId === b.bindingId || a.contactId === b.contactId;

/** Does `removal` bury `entry`? Own series: by order of issue; other series: by version. */
const buries = (removal: Entry, entry: Entry): boolean => {
  if (!matches(removal, entry)) return false;
  if (removal.series !== entry.series) return removal.version > entry.version;
  // "A `*` buries an entry of its own series with a lower or equal seq." A single removal shares its seq with the other
  // changes of its REGISTER, so there the version decides.
  if (removal.kind === 'all') return removal.seq >= entry.seq;
  return removal.seq > entry.seq || (removal.seq === entry.seq && removal.version > entry.version);
};

/** The state of each binding that is not buried, expired or not; newest first. */
export const states = (records: readonly Entry[]): Entry[] => {
  const removals = records.filter((record) => record.kind !== 'binding');
  const state = new Map<string, Entry>();
  for (const record of records) {
    if (record.kind !== 'binding' || removals.some((removal) => buries(removal, record))) continue;
    const other = state.get(record.bindingId);
    if (other === undefined || byVersion(record, other) > 0) state.set(record.bindingId, record);
  }
  return [...state.values()].sort((a, b) => byVersion(b, a));
};

export const expiresAtMs = (entry: Entry): number => versionMs(entry.version) + entry.lifetimeSec * 1000;

/** Until then a record is kept for merge; nothing that it beats can still be alive after. */
export const retainedUntilMs = (entry: Entry, limits: RecordLimits): number =>
  versionMs(entry.version) + limits.lifetimeMaxSec * 1000 + 4 * limits.skewMs;

/** What readers are shown: the newest unexpired states. */
export const visible = (records: readonly Entry[], nowMs: number, limits: RecordLimits): Entry[] =>
  states(records)
    .filter((entry) => expiresAtMs(entry) > nowMs)
    .slice(0, limits.visibleMax);

/**
 * Does `by` beat whatever may precede `record` in its series, too? Such an earlier one may have a higher version, stamped by a
 * faster clock: up to SKEW ahead, of a clock that is SKEW ahead of the others. Its contact may be another.
 */
const beatsPredecessors = (by: Entry, record: Entry, limits: RecordLimits): boolean => {
  if (by.kind !== 'all' && by.bindingId !== record.bindingId) return false;
  if (by.series === record.series) return by.kind !== 'binding' && buries(by, record);
  return versionMs(by.version) - versionMs(record.version) > 2 * limits.skewMs;
};

/** What a reader needs to come to the same result with other copies: the visible, and what buries or outranks. */
export const liveRecords = (records: readonly Entry[], nowMs: number, limits: RecordLimits): Entry[] => {
  const shown = visible(records, nowMs, limits);
  const current = states(records);
  const removals = records.filter((record) => record.kind !== 'binding');
  const expired = current.filter((entry) => expiresAtMs(entry) <= nowMs);
  // The last word of a series, buried or of an older one, is not shown, but outranks what a copy that missed it may hold.
  const deciding = [...current, ...removals];
  const outranking = records.filter(
    (record) =>
      record.kind === 'binding' &&
      !current.includes(record) &&
      !deciding.some((by) => beatsPredecessors(by, record, limits)),
  );
  return [...shown, ...removals, ...[...expired, ...outranking].map((entry) => withoutPayload(entry))];
};

const put = (slots: Map<string, Entry>, slot: string, entry: Entry, order: typeof bySeq): void => {
  const held = slots.get(slot);
  const compared = held === undefined ? 1 : order(entry, held);
  // The same record with its payload and without: keep the one that can be read.
  if (compared > 0 || (compared === 0 && held !== undefined && sealedIn(held) === undefined)) {
    slots.set(slot, entry);
  }
};

/** One record per slot (see above); the result has no order yet. */
const greatest = (entries: Iterable<Entry>): Entry[] => {
  const slots = new Map<string, Entry>();
  for (const entry of entries) {
    if (entry.kind === 'binding') {
      put(slots, `b${entry.bindingId}${entry.series}`, entry, bySeq);
    } else {
      const slot = `${entry.bindingId}${entry.contactId}${entry.series}`;
      put(slots, `s${slot}`, entry, bySeq);
      put(slots, `v${slot}`, entry, byVersion);
    }
  }
  const kept = new Set(slots.values());
  // Both maxima may be one record that came in two copies.
  for (const [slot, entry] of slots) {
    const twin = slot.startsWith('v') ? slots.get(`s${slot.slice(1)}`) : undefined;
    if (twin !== undefined && twin !== entry && compareBytes(twin, entry) === 0) kept.delete(entry);
  }
  // A binding removed in its own series by a later seq has no say left: the removal answers for it.
  return [...kept].filter(
    (entry) =>
      entry.kind !== 'binding' ||
      ![...kept].some(
        (removal) =>
          removal.kind === 'tombstone' &&
          removal.bindingId === entry.bindingId &&
          removal.series === entry.series &&
          buries(removal, entry),
      ),
  );
};

/** The newest `seriesPerBinding` series of each binding, then the newest `recordsPerName` of all. */
const newest = (records: readonly Entry[], limits: RecordLimits): Entry[] => {
  // BOUNDED: lives for this call.
  const seriesSeen = new Map<string, Set<string>>();
  const kept: Entry[] = [];
  for (const record of records) {
    const seen = seriesSeen.get(record.bindingId) ?? new Set();
    seriesSeen.set(record.bindingId, seen);
    if (!seen.has(record.series) && seen.size >= limits.seriesPerBinding) continue;
    seen.add(record.series);
    if (kept.length < limits.recordsPerName) kept.push(record);
  }
  return kept;
};

/** The caps: "the oldest by version fall off first", and with a removal all that only it kept buried. */
const capped = (records: readonly Entry[], limits: RecordLimits): readonly Entry[] => {
  let kept = newest(records, limits);
  if (kept.length === records.length) return records;
  const before = new Set(states(records));
  for (;;) {
    const resurrected = new Set(states(kept).filter((entry) => !before.has(entry)));
    if (resurrected.size === 0) return kept;
    kept = kept.filter((entry) => !resurrected.has(entry));
  }
};

/** The records that `entries`, in whatever order and number, amount to: newest first, superseded ones without payload. */
export const settle = (entries: Iterable<Entry>, limits: RecordLimits): Entry[] => {
  const kept = capped(
    greatest(entries).sort((a, b) => byVersion(b, a)),
    limits,
  );
  const shown = new Set(states(kept));
  return kept.map((entry) => (shown.has(entry) ? entry : withoutPayload(entry)));
};

/** The join of two sets of records of one name. */
export const merge = (a: readonly Entry[], b: readonly Entry[], limits: RecordLimits): Entry[] =>
  settle([...a, ...b], limits);
