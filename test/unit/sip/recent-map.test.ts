import { expect, test } from 'vitest';
import { RecentMap } from '../../../src/sip/recent-map.ts';

test('an entry is remembered for the time it was promised, and forgotten before twice of it', () => {
  const map = new RecentMap({ max: 10, keepMs: 100 });
  map.set('early', 1, 0);
  map.set('late', 2, 99);

  expect([map.get('early', 100), map.get('late', 198)]).toEqual([1, 2]);
  expect([map.get('early', 200), map.get('late', 200)]).toEqual([undefined, undefined]);
});

test('after a long silence nothing is remembered', () => {
  const map = new RecentMap({ max: 10, keepMs: 100 });
  map.set('a', 1, 0);
  expect(map.get('a', 1000)).toBeUndefined();
});

test('more entries than it holds push out the oldest, never the youngest', () => {
  const map = new RecentMap({ max: 2, keepMs: 100 });
  for (const key of ['a', 'b', 'c', 'd', 'e']) map.set(key, key, 0);

  expect(['a', 'b', 'c', 'd', 'e'].map((key) => map.get(key, 0))).toEqual([
    undefined,
    undefined,
    'c',
    'd',
    'e',
  ]);
});

test('clear forgets all', () => {
  const map = new RecentMap({ max: 2, keepMs: 100 });
  map.set('a', 1, 0);
  map.clear();
  expect(map.get('a', 0)).toBeUndefined();
});
