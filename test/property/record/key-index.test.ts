import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fingerprintBytes, fingerprintOf, foldFingerprints } from '../../../src/record/fingerprint.ts';
import { clockwiseFrom, type Id, inHalfOpen } from '../../../src/record/id.ts';
import { KeyIndex } from '../../../src/record/key-index.ts';

// Few leading digits, so that arcs begin and end in the bucket of keys, and at them.
const id = fc
  .tuple(fc.constantFrom('000', '001', '7ff', 'fff'), fc.integer({ min: 0, max: 3 }))
  .map(([head, tail]) => `${head}${String(tail).padStart(37, '0')}` as Id);

test('an arc gives the keys that are in it, clockwise', () => {
  fc.assert(
    fc.property(fc.uniqueArray(id), fc.uniqueArray(id), id, id, (added, removed, from, to) => {
      const index = new KeyIndex(() => ({ high: 0, low: 0 }));
      for (const key of added) index.add(key);
      for (const key of removed) index.delete(key);
      const expected = added
        .filter((key) => !removed.includes(key) && inHalfOpen(from, key, to))
        .sort(clockwiseFrom(from));
      expect(index.within({ from, to })).toEqual(expected);
    }),
    { numRuns: 2000 },
  );
});

test("an arc's fingerprint is that of the keys in it, whatever was asked and changed before", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), key: id, byte: fc.integer({ min: 0, max: 9 }) }),
    fc.record({ kind: fc.constant('delete' as const), key: id }),
    fc.record({ kind: fc.constant('ask' as const), from: id, to: id }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const held = new Map<Id, Uint8Array>();
      const digestOf = (key: Id) => held.get(key);
      const index = new KeyIndex((key) => fingerprintOf(key, held.get(key) ?? new Uint8Array(0)));
      for (const one of steps) {
        if (one.kind === 'set') {
          const fresh = !held.has(one.key);
          held.set(one.key, Uint8Array.of(one.byte));
          if (fresh) index.add(one.key);
          else index.changed(one.key);
        } else if (one.kind === 'delete') {
          held.delete(one.key);
          index.delete(one.key);
        } else {
          const inside = [...held.keys()].filter((key) => inHalfOpen(one.from, key, one.to));
          expect(index.fingerprint(one)).toEqual(foldFingerprints(inside, digestOf));
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('nothing held has the fingerprint nothing, one key its own', () => {
  const whole = { from: '0'.repeat(40) as Id, to: '0'.repeat(40) as Id };
  const one = { high: -1, low: 7 };
  const index = new KeyIndex(() => one);
  expect(index.fingerprint(whole)).toEqual(new Uint8Array(8));
  index.add('1'.repeat(40) as Id);
  expect(index.fingerprint(whole)).toEqual(fingerprintBytes(one));
  expect(fingerprintBytes(one)).toEqual(Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 7));
});
