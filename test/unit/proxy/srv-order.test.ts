import { describe, expect, test } from 'vitest';
import { srvOrder } from '../../../src/proxy/srv-order.ts';

const record = (name: string, priority: number, weight: number) => ({ name, priority, weight, port: 5060 });
const names = (records: ReturnType<typeof record>[], seed = 's') =>
  srvOrder(records, seed).map(({ name }) => name);

describe('SRV records', () => {
  test('are tried from the lowest priority up', () => {
    expect(names([record('c', 30, 5), record('a', 10, 0), record('b', 20, 9)])).toEqual(['a', 'b', 'c']);
  });

  test('stand in one order for one seed, however DNS turned them round', () => {
    const records = [record('a', 1, 10), record('b', 1, 10), record('c', 1, 10)];
    expect(names([...records].reverse(), 'call-1')).toEqual(names(records, 'call-1'));
  });

  test('share the calls of one priority by weight', () => {
    const records = [record('small', 1, 10), record('large', 1, 90)];
    const first = Array.from({ length: 2000 }, (_, n) => names(records, `call-${n}`)[0]);
    const share = first.filter((name) => name === 'large').length / first.length;
    expect(share).toBeGreaterThan(0.86);
    expect(share).toBeLessThan(0.94);
  });

  test('of weight 0 are tried all the same', () => {
    expect(names([record('zero', 1, 0), record('one', 1, 1)]).sort()).toEqual(['one', 'zero']);
  });

  test('with the target "." offer nothing', () => {
    expect(names([record('.', 1, 0), record('', 1, 0)])).toEqual([]);
  });
});
