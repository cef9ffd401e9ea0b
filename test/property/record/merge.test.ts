import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Entry, sealedIn, signedIn } from '../../../src/record/entry-codec.ts';
import { RECORD_LIMITS, type RecordLimits } from '../../../src/record/limits.ts';
import { expiresAtMs, liveRecords, merge, settle, states, visible } from '../../../src/record/merge.ts';
import { contact, entryOf, NOW_MS } from '../../support/record-world.ts';

interface Wish {
  readonly kind: 'binding' | 'tombstone' | 'all';
  readonly contact: number;
  readonly instance: boolean;
  readonly series: number;
  readonly seq: number;
  readonly atMs: number;
  readonly selector: number;
  readonly expiresSec: number;
}

// Signing is the slow part; the same wish is the same entry.
const made = new Map<string, Entry>();
const make = (wish: Wish): Entry => {
  const id = JSON.stringify(wish);
  const known = made.get(id);
  if (known !== undefined) return known;
  const change = contact(`sip:bob@192.0.2.${wish.contact}`, {
    expiresSec: wish.kind === 'tombstone' ? 0 : wish.expiresSec,
    ...(wish.instance ? { instance: 'urn:uuid:1', regId: 1 } : {}),
  });
  const entry = entryOf({
    changes: wish.kind === 'all' ? 'all' : [change],
    series: `s${wish.series}`,
    seq: wish.seq,
    atMs: wish.atMs,
    selector: wish.selector,
  });
  made.set(id, entry);
  return entry;
};

const small: fc.Arbitrary<Wish> = fc.record({
  kind: fc.constantFrom('binding', 'binding', 'tombstone', 'all'),
  contact: fc.integer({ min: 0, max: 2 }),
  instance: fc.boolean(),
  series: fc.integer({ min: 0, max: 2 }),
  seq: fc.integer({ min: 1, max: 4 }),
  atMs: fc.integer({ min: 0, max: 5 }),
  selector: fc.integer({ min: 0, max: 1 }),
  expiresSec: fc.constantFrom(60, 3600),
});
const wishes = fc.array(small, { maxLength: 14 });
const entries = wishes.map((list) => list.map(make));

/** No caps, so that the laws can hold without exception. */
const WIDE: RecordLimits = { ...RECORD_LIMITS, seriesPerBinding: 1000, recordsPerName: 1000 };
const settled = entries.map((list) => settle(list, WIDE));

const print = (entry: Entry): string => Buffer.from(signedIn(entry)).toString('hex');
const prints = (records: readonly Entry[]): string[] => records.map(print);

/** The rules read out over everything that was ever issued, with no slots, maxima or caps. */
const dumbStates = (all: readonly Entry[]): string[] => {
  const key = (e: Entry) =>
    [String(e.seq).padStart(9, '0'), e.version.toString().padStart(20, '0'), e.selector, print(e)].join();
  const age = (e: Entry) => [e.version.toString().padStart(20, '0'), e.selector, print(e)].join();
  const buried = (e: Entry) =>
    all.some((r) => {
      if (r.kind === 'binding') return false;
      if (r.kind === 'tombstone' && r.bindingId !== e.bindingId && r.contactId !== e.contactId) return false;
      if (r.series !== e.series) return r.version > e.version;
      if (r.kind === 'all') return r.seq >= e.seq;
      return r.seq > e.seq || (r.seq === e.seq && r.version > e.version);
    });
  const bindings = all.filter((e) => e.kind === 'binding');
  const newestOfSeries = bindings.filter(
    (e) => !bindings.some((o) => o.bindingId === e.bindingId && o.series === e.series && key(o) > key(e)),
  );
  const alive = newestOfSeries.filter((e) => !buried(e));
  const state = alive.filter((e) => !alive.some((o) => o.bindingId === e.bindingId && age(o) > age(e)));
  return [...new Set(state.map(print))].sort();
};

describe('below the caps merge is a join', () => {
  test('commutative', () => {
    fc.assert(
      fc.property(settled, settled, (a, b) => {
        expect(prints(merge(a, b, WIDE))).toEqual(prints(merge(b, a, WIDE)));
      }),
    );
  });

  test('associative', () => {
    fc.assert(
      fc.property(settled, settled, settled, (a, b, c) => {
        expect(prints(merge(merge(a, b, WIDE), c, WIDE))).toEqual(prints(merge(a, merge(b, c, WIDE), WIDE)));
      }),
    );
  });

  test('idempotent, byte for byte', () => {
    fc.assert(
      fc.property(settled, (a) => {
        expect(merge(a, a, WIDE)).toEqual(a);
      }),
    );
  });

  test('what is merged piece by piece is what is merged at once', () => {
    fc.assert(
      fc.property(entries, fc.nat(), (list, cut) => {
        const at = list.length === 0 ? 0 : cut % list.length;
        const parts = merge(settle(list.slice(0, at), WIDE), settle(list.slice(at), WIDE), WIDE);
        expect(prints(parts)).toEqual(prints(settle(list, WIDE)));
      }),
    );
  });

  test('the states are what the rules say, read out over everything ever issued', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const step = list.reduce<Entry[]>((records, entry) => merge(records, [entry], WIDE), []);
        expect(prints(states(step)).sort()).toEqual(dumbStates(list));
      }),
      { numRuns: 500 },
    );
  });

  test('two answers to a query merge to what the two copies would show', () => {
    fc.assert(
      fc.property(settled, settled, fc.constantFrom(0, 60_003), (a, b, later) => {
        const nowMs = NOW_MS + later;
        const answers = [...liveRecords(a, nowMs, WIDE), ...liveRecords(b, nowMs, WIDE)];
        expect(prints(visible(settle(answers, WIDE), nowMs, WIDE))).toEqual(
          prints(visible(merge(a, b, WIDE), nowMs, WIDE)),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('what a removal buried is never a state again, whatever comes after', () => {
    fc.assert(
      fc.property(entries, small.map(make), entries, (before, victim, after) => {
        const all = [...before, victim];
        const isBuried = !dumbStates([...all.filter((e) => e.kind !== 'binding'), victim]).includes(
          print(victim),
        );
        fc.pre(victim.kind === 'binding' && isBuried);
        const records = merge(settle(all, WIDE), after, WIDE);
        expect(prints(states(merge(records, [victim], WIDE)))).not.toContain(print(victim));
      }),
    );
  });

  test('only states carry a payload', () => {
    fc.assert(
      fc.property(settled, (records) => {
        const shown = new Set(states(records));
        for (const record of records) {
          if (!shown.has(record)) expect(sealedIn(record)).toBeUndefined();
        }
      }),
    );
  });

  test('nothing is visible after its own expiry', () => {
    fc.assert(
      fc.property(settled, fc.constantFrom(0, 60_000, 60_003, 3_600_000, 3_600_010), (records, later) => {
        for (const entry of visible(records, NOW_MS + later, WIDE)) {
          expect(expiresAtMs(entry)).toBeGreaterThan(NOW_MS + later);
        }
      }),
    );
  });
});

describe('above the caps', () => {
  const TIGHT: RecordLimits = { ...RECORD_LIMITS, seriesPerBinding: 2, recordsPerName: 5 };

  test('records stay bounded, per binding and per name', () => {
    fc.assert(
      fc.property(entries, entries, (a, b) => {
        const records = merge(settle(a, TIGHT), settle(b, TIGHT), TIGHT);
        expect(records.length).toBeLessThanOrEqual(TIGHT.recordsPerName);
        const series = new Map<string, Set<string>>();
        for (const { bindingId, series: one } of records) {
          series.set(bindingId, (series.get(bindingId) ?? new Set()).add(one));
        }
        for (const one of series.values()) expect(one.size).toBeLessThanOrEqual(TIGHT.seriesPerBinding);
      }),
    );
  });

  test('the caps never make visible what was not', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const uncapped = new Set(prints(states(settle(list, WIDE))));
        for (const shown of prints(states(settle(list, TIGHT)))) expect(uncapped).toContain(shown);
      }),
      { numRuns: 500 },
    );
  });

  test('idempotent', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const records = settle(list, TIGHT);
        expect(merge(records, records, TIGHT)).toEqual(records);
      }),
    );
  });
});
