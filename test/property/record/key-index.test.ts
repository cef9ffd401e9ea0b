import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clockwiseFrom, type Id, inHalfOpen } from '../../../src/record/id.ts';
import { KeyIndex } from '../../../src/record/key-index.ts';

// Few leading digits, so that arcs begin and end in the bucket of keys, and at them.
const id = fc
  .tuple(fc.constantFrom('000', '001', '7ff', 'fff'), fc.integer({ min: 0, max: 3 }))
  .map(([head, tail]) => `${head}${String(tail).padStart(37, '0')}` as Id);

test('an arc gives the keys that are in it, clockwise', () => {
  fc.assert(
    fc.property(fc.uniqueArray(id), fc.uniqueArray(id), id, id, (added, removed, from, to) => {
      const index = new KeyIndex();
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
