import { expect, test } from 'vitest';
import { RecentKeys } from '../../../src/sip/recent-keys.ts';

test('a key is remembered for the time it was promised, and forgotten before twice of it', () => {
  const keys = new RecentKeys({ max: 10, keepMs: 100 });
  keys.add('early', 0);
  keys.add('late', 99);

  expect([keys.has('early', 100), keys.has('late', 198)]).toEqual([true, true]);
  expect([keys.has('early', 200), keys.has('late', 200)]).toEqual([false, false]);
});

test('after a long silence nothing is remembered', () => {
  const keys = new RecentKeys({ max: 10, keepMs: 100 });
  keys.add('a', 0);
  expect(keys.has('a', 1000)).toBe(false);
});

test('more keys than it holds push out the oldest, never the youngest', () => {
  const keys = new RecentKeys({ max: 2, keepMs: 100 });
  for (const key of ['a', 'b', 'c', 'd', 'e']) keys.add(key, 0);

  expect(['a', 'b', 'c', 'd', 'e'].map((key) => keys.has(key, 0))).toEqual([false, false, true, true, true]);
});

test('clear forgets all', () => {
  const keys = new RecentKeys({ max: 2, keepMs: 100 });
  keys.add('a', 0);
  keys.clear();
  expect(keys.has('a', 0)).toBe(false);
});
