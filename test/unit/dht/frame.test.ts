import { describe, expect, test } from 'vitest';
import {
  CHUNK_BYTES_MAX,
  DATAGRAM_BYTES_MAX,
  type Frame,
  HEADER_BYTES,
  overlayTag,
  readFrame,
  writeFrame,
} from '../../../src/dht/frame.ts';

const frame: Frame = {
  kind: 'plain',
  answer: false,
  signed: false,
  bitmap: false,
  overlayTag: overlayTag('lsp'),
  transaction: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  part: 0,
  partCount: 1,
  cookie: undefined,
  chunk: Uint8Array.of(0xa1, 0, 1),
};
const cookie = new Uint8Array(16).fill(7);

describe('comes back as it was', () => {
  test.each<[string, Partial<Frame>]>([
    ['a request', {}],
    ['with a cookie', { cookie }],
    ['an answer', { answer: true }],
    ['a challenge', { kind: 'challenge', answer: true, cookie, chunk: new Uint8Array() }],
    ['signed', { signed: true, cookie }],
    ['a bitmap', { bitmap: true, partCount: 16, chunk: Uint8Array.of(0xff, 0xfe) }],
    ['a full part', { part: 14, partCount: 16, chunk: new Uint8Array(CHUNK_BYTES_MAX) }],
    ['the last part', { part: 15, partCount: 16, chunk: Uint8Array.of(1) }],
  ])('%s', (_, more) => {
    const given = { ...frame, ...more };
    expect(readFrame(writeFrame(given))).toEqual({ ok: true, frame: given });
  });
});

test('the largest frame is the largest datagram', () => {
  const bytes = writeFrame({ ...frame, cookie, chunk: new Uint8Array(CHUNK_BYTES_MAX) });
  expect(bytes.length).toBe(DATAGRAM_BYTES_MAX);
});

test('padding is zeros, and whatever follows the body is not looked at', () => {
  const padded = writeFrame(frame, 400);
  expect(padded.length).toBe(400);
  expect(padded.subarray(HEADER_BYTES + 3).every((byte) => byte === 0)).toBe(true);
  padded.fill(9, HEADER_BYTES + 3);
  expect(readFrame(padded)).toEqual({ ok: true, frame });
});

test('whether a challenge carries the answer flag does not matter', () => {
  const bytes = writeFrame({ ...frame, kind: 'challenge', cookie });
  expect(readFrame(bytes)).toMatchObject({ frame: { answer: true } });
});

describe('refused', () => {
  const at = (index: number, value: number) => (bytes: Uint8Array) => {
    bytes[index] = value;
    return bytes;
  };
  test.each<[string, (bytes: Uint8Array) => Uint8Array, string]>([
    ['nothing', () => new Uint8Array(), 'not-lsp'],
    ['SIP', () => Buffer.from('OPTIONS sip:a@b SIP/2.0\r\n\r\n'), 'not-lsp'],
    ['a header cut short', (bytes) => bytes.subarray(0, HEADER_BYTES - 1), 'truncated'],
    ['a body cut short', (bytes) => bytes.subarray(0, -1), 'truncated'],
    ['a length beyond the datagram', at(25, 200), 'truncated'],
    ['a length beyond a part', () => at(24, 0xff)(writeFrame(frame, 1200)), 'truncated'],
    ['a cookie cut short', (bytes) => at(5, 2)(bytes), 'truncated'],
    ['more than 1200 bytes', () => writeFrame(frame, 1201), 'too-large'],
    ['no parts', at(23, 0), 'bad-parts'],
    ['17 parts', at(23, 17), 'bad-parts'],
    ['a part beyond the count', at(22, 1), 'bad-parts'],
    ['a part that is not full', at(23, 2), 'bad-parts'],
    [
      'an empty last part',
      () => writeFrame({ ...frame, part: 1, partCount: 2, chunk: new Uint8Array() }),
      'bad-parts',
    ],
    ['a bitmap of three bytes', at(5, 8), 'bad-bitmap'],
  ])('%s', (_, change, problem) => {
    expect(readFrame(change(writeFrame(frame)))).toEqual({ ok: false, problem });
  });

  test.each([
    ['version 2', 3, 2],
    ['version 0', 3, 0],
    ['a handshake', 4, 2],
    ['a sealed frame', 4, 3],
    ['an unknown kind', 4, 200],
  ])('%s, with what is needed to say so', (_, index, value) => {
    const bytes = at(index, value)(writeFrame({ ...frame, answer: true }));
    expect(readFrame(bytes)).toEqual({
      ok: false,
      problem: 'unsupported',
      answer: true,
      transaction: frame.transaction,
    });
  });
});

test('overlays have different tags', () => {
  expect(Buffer.compare(overlayTag('lsp'), overlayTag('lsp2'))).not.toBe(0);
  expect(overlayTag('lsp').length).toBe(8);
});
