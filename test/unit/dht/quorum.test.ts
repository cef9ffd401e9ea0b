// When a write counts as stored and what two reads say, as tables.
import { describe, expect, test } from 'vitest';
import {
  type Ack,
  countedAcks,
  decideRead,
  quorumOf,
  type Reading,
  unionOf,
} from '../../../src/dht/quorum.ts';
import { idAt } from '../../support/fake-peers.ts';

const [a, b, c, d, j] = ['a', 'b', 'c', 'd', 'e'].map(idAt) as [
  ReturnType<typeof idAt>,
  ReturnType<typeof idAt>,
  ReturnType<typeof idAt>,
  ReturnType<typeof idAt>,
  ReturnType<typeof idAt>,
];
const ack = (id: typeof a, view: readonly (typeof a)[]): Ack => ({ id, view, live: [], settled: true });
const ids = (acks: readonly Ack[]) => acks.map(({ id }) => id);

describe('the write quorum', () => {
  test.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [5, 3],
  ])('of %i is %i', (n, quorum) => {
    expect(quorumOf(n)).toBe(quorum);
  });

  test('one of three is not enough, two are', () => {
    expect(countedAcks([ack(a, [a, b, c])], [a, b, c])).toEqual([]);
    expect(ids(countedAcks([ack(a, [a, b, c]), ack(b, [a, b, c])], [a, b, c]))).toEqual([a, b]);
  });

  test('where two views differ it must hold in both', () => {
    // The joiner j pushed c out; a knows, d sees another set altogether.
    expect(ids(countedAcks([ack(a, [j, a, b]), ack(b, [a, b, c])], [a, b, c]))).toEqual([a, b]);
    expect(countedAcks([ack(a, [a, b, c]), ack(d, [d, j, b])], [a, b, c])).toEqual([]);
  });

  test('an acknowledgement that contradicts a quorum does not undo it', () => {
    const acks = [ack(a, [a, b, c]), ack(b, [a, b, c]), ack(c, [c, d, j])];
    expect(ids(countedAcks(acks, [a, b, c]))).toEqual([a, b]);
  });

  test("a node that sees itself alone does not make a quorum of the writer's three", () => {
    expect(countedAcks([ack(a, [a])], [a, b, c])).toEqual([]);
  });

  test("the writer's own view must hold it as well", () => {
    expect(countedAcks([ack(a, [a, d, j]), ack(d, [a, d, j])], [a, b, c])).toEqual([]);
  });
});

describe('reading', () => {
  const entries = [Uint8Array.of(1)];
  const some: Reading = { kind: 'entries', entries, settled: true };
  const part: Reading = { kind: 'entries', entries, settled: false };
  const denial = (by: typeof a, ...view: readonly (typeof a)[]): Reading => ({
    kind: 'none',
    by,
    view,
    entries: [],
  });
  const [none, other] = [denial(a, a, b, c), denial(b, a, b, c)];
  const mute: Reading = { kind: 'mute', entries: [] };
  const lost: Reading = { kind: 'lost' };
  test.each<[string, readonly Reading[], number, string | undefined]>([
    ['two deny', [none, other], 3, 'none'],
    ['two deny, one of whom the other counts out', [none, denial(b, b, c, d)], 3, undefined],
    [
      'two such and one that agrees with one of them',
      [none, denial(b, b, c, d), denial(c, b, c, d)],
      3,
      'none',
    ],
    ['two hold it, of whom one has not fetched all', [some, part], 3, undefined],
    ['two hold it, neither has fetched all', [part, part], 3, undefined],
    ['one has fetched part of it, two deny', [part, none, other], 3, 'entries'],
    ['one denies', [none, lost, mute], 3, undefined],
    ['one of each', [none, some], 3, 'entries'],
    ['one has it, the other may not say', [some, mute], 3, undefined],
    ['a ring of one denies', [denial(a, a)], 1, 'none'],
    ['one of whom nobody knows that it is the only one', [denial(a)], 1, undefined],
    ['a ring of two, one denies', [denial(a, a, b)], 2, undefined],
    ['one that says the ring is small, when it is known not to be', [denial(a, a)], 3, undefined],
    ['one that knows of more than the reader', [none], 1, undefined],
    ['nobody', [], 0, undefined],
  ])('%s', (_, readings, believed, verdict) => {
    expect(decideRead(readings, believed)).toBe(verdict);
  });

  test('the union has every entry once', () => {
    const [x, y, z] = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(1)];
    expect(unionOf([[x, y], [z]])).toEqual([x, y]);
  });
});
