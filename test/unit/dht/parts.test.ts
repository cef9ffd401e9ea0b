import { describe, expect, test } from 'vitest';
import { CHUNK_BYTES_MAX, MESSAGE_BYTES_MAX } from '../../../src/dht/frame.ts';
import {
  bitmapFromBytes,
  bitmapToBytes,
  PartBuffer,
  PartStage,
  splitMessage,
} from '../../../src/dht/parts.ts';

const message = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => (at * 7) & 0xff);

describe('cutting and gathering', () => {
  test.each([
    [0, 1],
    [1, 1],
    [CHUNK_BYTES_MAX, 1],
    [CHUNK_BYTES_MAX + 1, 2],
    [MESSAGE_BYTES_MAX, 16],
  ])('%d bytes are %d parts, in any order', (length, parts) => {
    const chunks = splitMessage(message(length)) ?? [];
    expect(chunks.length).toBe(parts);
    const buffer = new PartBuffer(parts);
    for (const [back, chunk] of chunks.toReversed().entries()) {
      expect(buffer.message()).toBeUndefined();
      expect(buffer.add(parts - 1 - back, chunk)).toBe(true);
    }
    expect(buffer.message()).toEqual(Buffer.from(message(length)));
  });

  test('one byte more than 16 parts carry is too long', () => {
    expect(splitMessage(message(MESSAGE_BYTES_MAX + 1))).toBeUndefined();
  });

  test('the first copy of a part counts, and no datagram is kept for it', () => {
    const buffer = new PartBuffer(1);
    const datagram = Uint8Array.of(1);
    buffer.add(0, datagram);
    datagram[0] = 9;
    expect(buffer.add(0, Uint8Array.of(2))).toBe(false);
    expect(buffer.message()).toEqual(Buffer.of(1));
  });

  test('a part that the message does not have is no part', () => {
    expect(new PartBuffer(2).add(2, message(1))).toBe(false);
  });

  test.each([0, 1, 0x8000, 0xffff])('bitmap %d comes back from its bytes', (bitmap) => {
    expect(bitmapFromBytes(bitmapToBytes(bitmap))).toBe(bitmap);
  });
});

describe('staging', () => {
  const part = (index: number, partCount = 2, signed = false) => ({
    part: index,
    partCount,
    signed,
    chunk: message(5),
  });
  const stage = (more: { bytesMax?: number; messagesPerSourceMax?: number } = {}): PartStage =>
    new PartStage({ keepMs: 2000, bytesMax: 1 << 20, messagesPerSourceMax: 2, ...more });

  test('tells after each part which have arrived, then gives the whole and forgets it', () => {
    const staged = stage();
    expect(staged.add('k', 's', part(1), 0)).toEqual({ kind: 'staged', bitmap: 2 });
    expect(staged.add('k', 's', part(1), 0)).toEqual({ kind: 'staged', bitmap: 2 });
    expect(staged.add('k', 's', part(0), 1999)).toMatchObject({ kind: 'complete', bitmap: 3 });
    expect(staged.bytes).toBe(0);
  });

  test('what waits longer than 2 s is gone: the next part begins anew', () => {
    const staged = stage();
    staged.add('k', 's', part(0), 0);
    expect(staged.add('k', 's', part(1), 2000)).toEqual({ kind: 'staged', bitmap: 2 });
  });

  test('a source has room for so many messages, then again when one is done', () => {
    const staged = stage();
    staged.add('a', 's', part(0), 0);
    staged.add('b', 's', part(0), 0);
    expect(staged.add('c', 's', part(0), 0)).toEqual({ kind: 'full' });
    expect(staged.add('c', 'other', part(0), 0).kind).toBe('staged');
    staged.add('a', 's', part(1), 0);
    expect(staged.add('c2', 's', part(0), 0).kind).toBe('staged');
  });

  test('all sources together have room for so many bytes, counted as announced', () => {
    const staged = stage({ bytesMax: 17 * CHUNK_BYTES_MAX });
    staged.add('a', 's1', part(0, 16), 0);
    expect(staged.add('b', 's2', part(0, 2), 0)).toEqual({ kind: 'full' });
    expect(staged.bytes).toBe(16 * CHUNK_BYTES_MAX);
    expect(staged.add('b', 's2', part(0, 2), 2001).kind).toBe('staged');
  });

  test.each([
    ['another count', part(1, 3)],
    ['signed and not', part(1, 2, true)],
  ])('parts of one transaction with %s do not go together', (_, second) => {
    const staged = stage();
    staged.add('k', 's', part(0), 0);
    expect(staged.add('k', 's', second, 0)).toEqual({ kind: 'bad' });
  });
});
