import { describe, expect, test } from 'vitest';
import { sealedIn } from '../../../src/record/entry-codec.ts';
import { RECORD_LIMITS } from '../../../src/record/limits.ts';
import { liveRecords, merge, settle, states, visible } from '../../../src/record/merge.ts';
import { contact, entryOf, NOW_MS } from '../../support/record-world.ts';

const A = 'sip:bob@192.0.2.1:5060';
const B = 'sip:bob@192.0.2.2:5060';
const phone = (uri: string, expiresSec = 3600) =>
  contact(uri, { expiresSec, instance: 'urn:uuid:1', regId: 1 });
const shown = (...entries: ReturnType<typeof entryOf>[]) =>
  visible(settle(entries, RECORD_LIMITS), NOW_MS, RECORD_LIMITS);

describe('within one series the order of issue decides', () => {
  test('a refresh replaces what it refreshes, whichever arrives first', () => {
    const first = entryOf({ changes: [contact(A)], seq: 1, atMs: 0 });
    const second = entryOf({ changes: [contact(A)], seq: 2, atMs: 10 });
    expect(settle([first, second], RECORD_LIMITS)).toEqual([second]);
    expect(settle([second, first], RECORD_LIMITS)).toEqual([second]);
  });

  test('a higher seq counts although its registrar has the slower clock', () => {
    const first = entryOf({ changes: [contact(A)], seq: 1, atMs: 40_000 });
    const second = entryOf({ changes: [contact(A)], seq: 2, atMs: 0 });
    expect(shown(first, second)).toEqual([second]);
  });

  test('a removal with a higher seq buries the binding, and the next registration is visible beside it', () => {
    const first = entryOf({ changes: [contact(A)], seq: 1 });
    const removal = entryOf({ changes: [contact(A, { expiresSec: 0 })], seq: 2, atMs: 1 });
    const again = entryOf({ changes: [contact(A)], seq: 3, atMs: 2 });
    expect(shown(first, removal)).toEqual([]);
    expect(shown(again, removal, first)).toEqual([again]);
  });

  test('`*` buries lower and equal seqs of its own series, whatever their version', () => {
    const star = entryOf({ changes: 'all', seq: 2, atMs: 0 });
    const before = entryOf({ changes: [contact(A)], seq: 1, atMs: 50_000 });
    const same = entryOf({ changes: [contact(B)], seq: 2, atMs: 50_000 });
    const after = entryOf({ changes: [contact(B)], seq: 3, atMs: -1 });
    expect(shown(star, before, same)).toEqual([]);
    expect(shown(star, before, same, after)).toEqual([after]);
  });
});

describe('between series the version decides', () => {
  test('the newest series is the binding, the other stays as a record without payload', () => {
    const old = entryOf({ changes: [contact(A)], series: 'old', seq: 9, atMs: 0 });
    const young = entryOf({ changes: [contact(A)], series: 'young', seq: 1, atMs: 1 });
    const records = settle([old, young], RECORD_LIMITS);
    expect(records.map((record) => sealedIn(record) !== undefined)).toEqual([true, false]);
    expect(states(records)).toEqual([young]);
  });

  test('`*` buries what is older and not what is newer', () => {
    const star = entryOf({ changes: 'all', series: 'star', atMs: 5 });
    const older = entryOf({ changes: [contact(A)], series: 'x', seq: 100, atMs: 4 });
    const newer = entryOf({ changes: [contact(B)], series: 'y', seq: 1, atMs: 6 });
    expect(shown(star, older, newer)).toEqual([newer]);
  });

  test('a greater version of a lower seq does not outrank its own series (no cycle)', () => {
    const x5 = entryOf({ changes: [contact(A)], series: 'x', seq: 5, atMs: 10 });
    const y1 = entryOf({ changes: [contact(A)], series: 'y', seq: 1, atMs: 11 });
    const x4 = entryOf({ changes: [contact(A)], series: 'x', seq: 4, atMs: 12 });
    for (const order of [
      [x5, y1, x4],
      [x4, y1, x5],
      [y1, x4, x5],
    ]) {
      expect(shown(...order)).toEqual([y1]);
    }
  });
});

describe('a removal matches the binding or its contact', () => {
  test('a removal that names the contact alone removes the binding that its instance names', () => {
    const binding = entryOf({ changes: [phone(A)], seq: 1 });
    const removal = entryOf({ changes: [contact(A, { expiresSec: 0 })], seq: 2, atMs: 1 });
    expect(removal.bindingId).not.toBe(binding.bindingId);
    expect(shown(binding, removal)).toEqual([]);
  });

  test('and it stays removed when the contact is registered without the instance', () => {
    const binding = entryOf({ changes: [phone(A)], seq: 1 });
    const removal = entryOf({ changes: [contact(A, { expiresSec: 0 })], seq: 2, atMs: 1 });
    const plain = entryOf({ changes: [contact(A)], seq: 3, atMs: 2 });
    const records = merge(settle([removal, plain], RECORD_LIMITS), [binding], RECORD_LIMITS);
    expect(states(records)).toEqual([plain]);
  });

  test('a removal by instance reaches the binding at whatever contact it was', () => {
    const binding = entryOf({ changes: [phone(A)], seq: 1 });
    const removal = entryOf({ changes: [phone(B, 0)], seq: 2, atMs: 1 });
    expect(shown(binding, removal)).toEqual([]);
  });

  test('a removal and a registration in one publication do not hit each other', () => {
    const removal = entryOf({ changes: [contact(A, { expiresSec: 0 })], seq: 1 });
    const binding = entryOf({ changes: [phone(A)], seq: 1 });
    expect(shown(removal, binding)).toEqual([binding]);
  });

  test('a later removal stamped by a slower clock does not unbury what the earlier one buried', () => {
    const first = entryOf({ changes: 'all', series: 's', seq: 1, atMs: 50_000 });
    const buried = entryOf({ changes: [contact(A)], series: 'other', atMs: 30_000 });
    const second = entryOf({ changes: 'all', series: 's', seq: 2, atMs: 0 });
    expect(shown(first, second, buried)).toEqual([]);
  });
});

describe('expiry and what readers get', () => {
  test('an expired state does not bring back what it superseded', () => {
    const long = entryOf({ changes: [contact(A)], series: 'old', atMs: 0 });
    const short = entryOf({ changes: [contact(A, { expiresSec: 60 })], series: 'young', atMs: 1 });
    const records = settle([long, short], RECORD_LIMITS);
    expect(visible(records, NOW_MS + 120_000, RECORD_LIMITS)).toEqual([]);
  });

  test('two live answers merge to the right state: removals and expired states travel along', () => {
    const long = entryOf({ changes: [contact(A)], series: 'old', atMs: 0 });
    const short = entryOf({ changes: [contact(A, { expiresSec: 60 })], series: 'young', atMs: 1 });
    const gone = entryOf({ changes: [contact(B)], series: 'b', seq: 1, atMs: 0 });
    const removal = entryOf({ changes: [contact(B, { expiresSec: 0 })], series: 'b', seq: 2, atMs: 1 });
    const later = NOW_MS + 120_000;
    const behind = liveRecords(settle([long, gone], RECORD_LIMITS), later, RECORD_LIMITS);
    const ahead = liveRecords(settle([long, gone, short, removal], RECORD_LIMITS), later, RECORD_LIMITS);
    expect(visible(behind, later, RECORD_LIMITS)).toHaveLength(2);
    expect(visible(settle([...behind, ...ahead], RECORD_LIMITS), later, RECORD_LIMITS)).toEqual([]);
  });

  test('the last word of an older series travels along: a copy that missed it holds an earlier, faster one', () => {
    const fast = entryOf({ changes: [contact(A)], series: 'old', seq: 1, atMs: 12_000 });
    const last = entryOf({ changes: [contact(A)], series: 'old', seq: 2, atMs: 3000 });
    const anew = entryOf({ changes: [contact(A)], series: 'new', seq: 1, atMs: 10_000 });
    const behind = liveRecords(settle([fast], RECORD_LIMITS), NOW_MS, RECORD_LIMITS);
    const ahead = liveRecords(settle([fast, last, anew], RECORD_LIMITS), NOW_MS, RECORD_LIMITS);
    expect(visible(settle([...behind, ...ahead], RECORD_LIMITS), NOW_MS, RECORD_LIMITS)).toEqual([anew]);
    // So long ago that no clock can be in question: not carried about any more.
    const long = entryOf({ changes: [contact(A)], series: 'new', seq: 1, atMs: 200_000 });
    expect(liveRecords(settle([last, long], RECORD_LIMITS), NOW_MS, RECORD_LIMITS)).toEqual([long]);
  });

  test('what a `*` of another series buried travels along: it outranks an earlier one that the `*` does not reach', () => {
    const fast = entryOf({ changes: [contact(A)], series: 'call', seq: 5, atMs: 20_000 });
    const last = entryOf({ changes: [contact(A)], series: 'call', seq: 6, atMs: 0 });
    const star = entryOf({ changes: 'all', series: 'star', atMs: 2000 });
    const behind = liveRecords(settle([fast, star], RECORD_LIMITS), NOW_MS, RECORD_LIMITS);
    const ahead = liveRecords(settle([fast, last, star], RECORD_LIMITS), NOW_MS, RECORD_LIMITS);
    expect(ahead.map((record) => sealedIn(record))).toEqual([undefined, undefined]);
    expect(visible(settle([...behind, ...ahead], RECORD_LIMITS), NOW_MS, RECORD_LIMITS)).toEqual([]);
    // No clock can be so fast, or the `*` reaches all that came before in its own series.
    const late = entryOf({ changes: 'all', series: 'star', atMs: 200_000 });
    expect(liveRecords(settle([last, late], RECORD_LIMITS), NOW_MS, RECORD_LIMITS)).toEqual([late]);
    const own = entryOf({ changes: 'all', series: 'call', seq: 7, atMs: 1 });
    expect(liveRecords(settle([last, own], RECORD_LIMITS), NOW_MS, RECORD_LIMITS)).toEqual([own]);
  });

  test('so does, however long ago, what a removal buried by its contact alone: the phone may have had another', () => {
    const before = entryOf({ changes: [phone(B)], series: 'call', seq: 1, atMs: 1 });
    const last = entryOf({ changes: [phone(A)], series: 'call', seq: 2, atMs: 2 });
    const removal = entryOf({ changes: [contact(A, { expiresSec: 0 })], series: 'other', atMs: 200_000 });
    const behind = liveRecords(settle([before], RECORD_LIMITS), NOW_MS, RECORD_LIMITS);
    const ahead = liveRecords(settle([last, removal], RECORD_LIMITS), NOW_MS, RECORD_LIMITS);
    expect(visible(settle([...behind, ...ahead], RECORD_LIMITS), NOW_MS, RECORD_LIMITS)).toEqual([]);
  });

  test('readers are shown the newest ten', () => {
    const many = Array.from({ length: 12 }, (_, n) =>
      entryOf({ changes: [contact(`sip:bob@192.0.2.${n}`)], series: `s${n}`, atMs: n }),
    );
    expect(shown(...many)).toEqual(many.slice(2).reverse());
  });
});

describe('caps', () => {
  test('of five series of a binding the oldest falls off', () => {
    const many = Array.from({ length: 5 }, (_, n) =>
      entryOf({ changes: [contact(A)], series: `s${n}`, atMs: n }),
    );
    const records = settle(many, RECORD_LIMITS);
    expect(records.map((record) => record.version)).toEqual(
      many
        .slice(1)
        .reverse()
        .map((e) => e.version),
    );
  });

  test('a phone with a new port and Call-ID at every refresh is never locked out', () => {
    let records = settle([], RECORD_LIMITS);
    for (let n = 0; n < 100; n += 1) {
      const fresh = entryOf({
        changes: [contact(`sip:bob@192.0.2.1:${5000 + n}`)],
        series: `s${n}`,
        atMs: n,
      });
      records = merge(records, [fresh], RECORD_LIMITS);
      expect(visible(records, NOW_MS, RECORD_LIMITS)[0]).toEqual(fresh);
    }
    expect(records).toHaveLength(RECORD_LIMITS.recordsPerName);
  });

  test('a removal that falls off takes along what only it kept buried', () => {
    const buried = entryOf({ changes: [contact(A)], series: 's', seq: 1, atMs: 1_000 });
    const star = entryOf({ changes: 'all', series: 's', seq: 2, atMs: 0 });
    const others = Array.from({ length: 23 }, (_, n) =>
      entryOf({ changes: [contact(`sip:bob@198.51.100.${n}`)], series: `o${n}`, atMs: 2_000 + n }),
    );
    expect(states(settle([buried, star, ...others], RECORD_LIMITS))).not.toContainEqual(buried);
  });
});
