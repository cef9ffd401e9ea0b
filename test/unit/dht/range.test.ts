// Arcs, buckets and neighbours: the arithmetic that decides what is fetched, compared and given away.
import { describe, expect, test } from 'vitest';
import {
  BUCKETS,
  bucketArc,
  bucketDigests,
  differing,
  hostsFrom,
  inArc,
  membersFrom,
  narrower,
  only,
  segmentsOf,
  within,
} from '../../../src/dht/range.ts';
import { type Arc, hashToId, type Id } from '../../../src/record/id.ts';
import { idAt, peerNamed } from '../../support/fake-peers.ts';

const arc = (from: string, to: string): Arc => ({ from: idAt(from), to: idAt(to) });
const many = (count: number): readonly Id[] =>
  Array.from({ length: count }, (_, index) => hashToId(Buffer.from(`key ${index}`)));

const holding = (keys: readonly Id[], digest: (key: Id) => Uint8Array) => ({
  digest,
  keysIn: (part: Arc) => keys.filter((key) => inArc(part, key)),
});

describe('arcs', () => {
  test.each([
    ['a part', arc('2', 'a'), arc('3', '9'), true],
    ['itself', arc('2', 'a'), arc('2', 'a'), true],
    ['over the start', arc('2', 'a'), arc('1', '9'), false],
    ['over the end', arc('2', 'a'), arc('3', 'b'), false],
    ['around zero', arc('e', '3'), arc('f', '1'), true],
    ['the other side', arc('e', '3'), arc('4', '5'), false],
    ['anything in the whole ring', arc('7', '7'), arc('1', 'f'), true],
    ['the whole ring in a part', arc('2', 'a'), arc('a', 'a'), false],
  ])('within: %s', (_, outer, inner, expected) => {
    expect(within(outer, inner)).toBe(expected);
  });

  test('of two arcs with one end the shorter is the narrower', () => {
    expect(narrower(arc('2', 'a'), arc('8', 'a'))).toEqual(arc('8', 'a'));
    expect(narrower(arc('a', 'a'), arc('b', 'a'))).toEqual(arc('b', 'a'));
  });

  test('an arc of one key holds that key and no other', () => {
    const [key, other] = many(2) as [Id, Id];
    expect([inArc(only(key), key), inArc(only(key), other)]).toEqual([true, false]);
    expect(inArc(only(idAt('0')), idAt('0'))).toBe(true);
  });
});

describe('buckets', () => {
  test.each([arc('2', 'a'), arc('e', '3'), arc('5', '5'), only(idAt('7'))])(
    'every key of an arc is in exactly one bucket, the one its digest is in (%o)',
    (whole) => {
      const keys = [...many(300), whole.to].filter((key) => inArc(whole, key));
      for (const key of keys) {
        const inside = Array.from({ length: BUCKETS }, (_, index) => index).filter((index) => {
          const part = bucketArc(whole, index);
          return part.from !== part.to && inArc(part, key);
        });
        const digests = bucketDigests(
          holding([key], () => Uint8Array.of(1, 2, 3)),
          whole,
        );
        const filled = digests.flatMap((digest, index) => (digest.some((byte) => byte !== 0) ? [index] : []));
        expect(filled).toEqual(inside);
        expect(filled).toHaveLength(1);
      }
    },
  );

  test('two nodes differ in the bucket of the key that differs, and nowhere else', () => {
    const whole = arc('4', '4');
    const keys = many(200);
    const digestOf = (key: Id) => new Uint8Array(Buffer.from(key.slice(0, 16), 'hex'));
    const changed = keys[77] as Id;
    const ours = bucketDigests(holding(keys, digestOf), whole);
    const other = (key: Id) => (key === changed ? new Uint8Array(8) : digestOf(key));
    const theirs = bucketDigests(holding(keys, other), whole);
    expect(
      differing(
        bucketDigests(holding(keys, digestOf), whole, 1),
        bucketDigests(holding(keys, other), whole, 1),
      ),
    ).toEqual([0]);
    expect(differing(ours, ours)).toEqual([]);
    const [bucket, ...rest] = differing(ours, theirs);
    expect(rest).toEqual([]);
    expect(inArc(bucketArc(whole, bucket ?? -1), changed)).toBe(true);
  });
});

describe('members', () => {
  const peers = ['1', '5', '9', 'd'].map((hex) => peerNamed(hex, idAt(hex)));
  const names = (list: readonly { domain: string }[]) => list.map(({ domain }) => domain[0]).join('');

  test.each([
    ['0', '159d'],
    ['6', '9d15'],
    ['e', '159d'],
    ['5', '59d1'],
  ])('seen from %s: its owner first', (from, expected) => {
    expect(names(membersFrom(idAt(from), peers))).toBe(expected);
    for (const count of [1, 2, 3, 4])
      expect(names(hostsFrom(idAt(from), [...peers].reverse(), count))).toBe(expected.slice(0, count));
  });

  test('an arc is cut at the members in it, nearest to its end first', () => {
    expect(segmentsOf(arc('1', 'd'), idAt('d'), peers)).toEqual([
      arc('9', 'd'),
      arc('5', '9'),
      arc('1', '5'),
    ]);
    expect(segmentsOf(arc('d', 'd'), idAt('d'), peers)).toEqual([
      arc('9', 'd'),
      arc('5', '9'),
      arc('1', '5'),
      arc('d', '1'),
    ]);
    expect(segmentsOf(arc('d', 'd'), idAt('d'), [])).toEqual([arc('d', 'd')]);
  });
});
