import { describe, expect, test } from 'vitest';
import { decodeCbor, encodeCbor } from '../../../src/dht/cbor.ts';

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('refused', () => {
  test.each([
    ['nothing', ''],
    ['a tag', 'c1 00'],
    ['a float', 'f9 3c00'],
    ['undefined', 'f7'],
    ['another simple value', 'e0'],
    ['an indefinite array', '9f ff'],
    ['an indefinite string', '5f 41 00 ff'],
    ['a break alone', 'ff'],
    ['a duplicate key', 'a2 01 02 01 03'],
    ['a long form of 1', '18 01'],
    ['a long form of a length', '58 01 00'],
    ['a second item', '01 02'],
    ['bytes that are not there', '5a ffffffff 00'],
    ['text that is not there', '7b 00000000ffffffff 61'],
    ['an array of 2^32 items', '9a ffffffff 00'],
    ['an array of 2^53 items', '9b 0020000000000000 00'],
    ['a map with more pairs than bytes', 'a2 01 02 03'],
    ['a reserved length', '1c'],
    ['text that is not UTF-8', '62 c3 28'],
    ['text of half a character', '62 e2 82'],
    ['nine levels', '81 81 81 81 81 81 81 81 81 00'],
  ])('%s', (_, bytes) => {
    expect(decodeCbor(hex(bytes)).ok).toBe(false);
  });
});

test('eight levels are read', () => {
  expect(decodeCbor(hex('81 81 81 81 81 81 81 81 00')).ok).toBe(true);
});

test('a replacement character that was really sent is read', () => {
  expect(decodeCbor(hex('63 efbfbd'))).toEqual({ ok: true, value: '\ufffd' });
});

test('neighbours do not add to the depth', () => {
  const wide = new Array(100).fill([[], [1], new Map([[1, [2]]])]);
  expect(decodeCbor(encodeCbor(wide))).toEqual({ ok: true, value: wide });
});

test('byte strings are copies: the datagram is not kept for them', () => {
  const datagram = Buffer.from([0x42, 1, 2]);
  const decoded = decodeCbor(datagram);
  datagram.fill(9);
  expect(decoded).toEqual({ ok: true, value: Uint8Array.of(1, 2) });
});

// 17 kB is the most that parts carry; each of these is built to cost a naive reader time, stack or memory.
test.each([
  ['nested arrays', new Uint8Array(17_000).fill(0x81)],
  ['nested maps', Uint8Array.from({ length: 17_000 }, (_, at) => (at % 2 === 0 ? 0xa1 : 0))],
  ['arrays that each claim all the rest', new Uint8Array(17_000).fill(0x99)],
  ['nested tags', new Uint8Array(17_000).fill(0xc1)],
])('%s of 17 kB are refused', (_, bytes) => {
  expect(decodeCbor(bytes).ok).toBe(false);
});
