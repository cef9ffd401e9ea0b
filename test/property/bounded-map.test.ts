import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BoundedMap } from '../../src/runtime/bounded-map.ts';

/** The same thing said plainly: a list of entries, oldest first. */
class Twin {
  entries: [number, number][] = [];
  readonly evicted: number[] = [];
  readonly max: number;
  constructor(max: number) {
    this.max = max;
  }
  set(key: number, value: number): void {
    this.delete(key);
    const oldest = this.entries.length >= this.max ? this.entries.shift() : undefined;
    if (oldest !== undefined) this.evicted.push(oldest[0]);
    this.entries.push([key, value]);
  }
  delete(key: number): void {
    this.entries = this.entries.filter(([held]) => held !== key);
  }
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('set' as const), key: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), key: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const), key: fc.constant(0) }) },
);

describe('BoundedMap', () => {
  test('holds, orders and evicts exactly what its plain twin does', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 400 }), (max, steps) => {
        const evicted: number[] = [];
        const map = new BoundedMap<number, number>(max, (key) => evicted.push(key));
        const twin = new Twin(max);
        steps.forEach(({ kind, key }, value) => {
          if (kind === 'set') {
            map.set(key, value);
            twin.set(key, value);
          } else if (kind === 'delete') {
            map.delete(key);
            twin.delete(key);
          } else {
            map.clear();
            twin.entries = [];
          }
          expect(map.size).toBeLessThanOrEqual(max);
        });
        expect([...map.entries()]).toEqual(twin.entries);
        expect(evicted).toEqual(twin.evicted);
      }),
      { numRuns: 300 },
    );
  });

  test('stays exact over long stretches without an eviction', () => {
    const map = new BoundedMap<number, number>(1000);
    for (let key = 0; key < 1500; key += 1) map.set(key, key);
    for (let round = 0; round < 600; round += 1) {
      map.delete(1499);
      map.set(1499, round);
    }
    map.set(5000, 0);
    expect([...map.entries()][0]).toEqual([501, 501]);
  });
});
