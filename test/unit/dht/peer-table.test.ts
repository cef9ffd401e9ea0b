import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Known, PeerTable } from '../../../src/dht/peer-table.ts';
import { clockwiseFrom, type Id, idFromBytes } from '../../../src/record/id.ts';
import { atlanta } from '../../support/lsp-samples.ts';

const idOf = (first: number, last = 0): Id => {
  const bytes = new Uint8Array(20);
  bytes[0] = first;
  bytes[19] = last;
  return idFromBytes(bytes);
};
const known = (id: Id, heardMs = 0): Known => ({
  peer: { ...atlanta, id },
  heardMs,
  rttMs: undefined,
  sizeEstimate: undefined,
  recognisedMs: undefined,
});
const self = idOf(100);
const NONE: ReadonlySet<Id> = new Set();
const tableOf = (...firsts: readonly number[]): PeerTable => {
  const table = new PeerTable(self, { max: 64, heardMax: 64 });
  for (const first of firsts) table.set(known(idOf(first)), NONE);
  return table;
};
const firsts = (peers: readonly { readonly id: Id }[]): readonly number[] =>
  peers.map(({ id }) => Number.parseInt(id.slice(0, 2), 16));

describe('the peer table', () => {
  test.each([
    [100, 3, [120, 200, 10]],
    [120, 2, [200, 10]],
    [200, 9, [10, 50, 120]],
    [255, 1, [10]],
    [0, 0, []],
  ])('after %i, %i of them: clockwise, without itself', (from, count, expected) => {
    expect(firsts(tableOf(200, 10, 120, 50).after(idOf(from), count))).toEqual(expected);
  });

  test.each([
    [100, 3, [50, 10, 200]],
    [50, 2, [10, 200]],
    [5, 1, [200]],
  ])('before %i, %i of them: counter-clockwise', (from, count, expected) => {
    expect(firsts(tableOf(200, 10, 120, 50).before(idOf(from), count))).toEqual(expected);
  });

  test('never holds ourselves', () => {
    const table = tableOf(100, 5);
    expect([table.size, table.get(self)]).toEqual([1, undefined]);
  });

  test('agrees with a sorted list, whatever is set and deleted', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(40))), fc.nat(255), (steps, from) => {
        const table = new PeerTable(self, { max: 64, heardMax: 64 });
        const model = new Map<Id, number>();
        for (const [set, first] of steps) {
          if (first === 100) continue;
          if (set) {
            table.set(known(idOf(first)), NONE);
            model.set(idOf(first), first);
          } else expect(table.delete(idOf(first))).toBe(model.delete(idOf(first)));
        }
        const origin = idOf(from);
        const ids = [...model.keys()].filter((id) => id !== origin).sort(clockwiseFrom(origin));
        expect(table.after(origin, 99).map(({ id }) => id)).toEqual(ids);
        expect(table.before(origin, 99).map(({ id }) => id)).toEqual([...ids].reverse());
        expect(table.all().map(({ peer }) => peer.id)).toEqual([...model.keys()].sort());
      }),
    );
  });

  test('full, it lets go of the stalest in the most crowded distance, never of whom it must keep', () => {
    const table = new PeerTable(self, { max: 64, heardMax: 4 });
    // 101 alone is near; 230, 235, 240 are far, and interchangeable as fingers.
    table.set(known(idOf(101), 1), NONE);
    table.set(known(idOf(230), 5), NONE);
    table.set(known(idOf(235), 2), NONE);
    table.set(known(idOf(240), 9), NONE);
    table.set(known(idOf(102), 10), new Set([idOf(235)]));
    expect(firsts(table.all().map(({ peer }) => peer))).toEqual([101, 102, 235, 240]);
  });
});
