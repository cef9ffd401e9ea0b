import { describe, expect, test } from 'vitest';
import { decodeCbor, encodeCbor } from '../../../src/dht/cbor.ts';
import { peerDecoder } from '../../../src/dht/descriptor.ts';
import { messageCodec } from '../../../src/dht/messages.ts';
import type { Request } from '../../../src/dht/types.ts';
import { ANSWERS, atlanta, OVERLAY, REQUESTS } from '../../support/lsp-samples.ts';

const codec = messageCodec(peerDecoder(OVERLAY));

const readRequest = (bytes: Uint8Array): Request | string => {
  const opened = codec.openRequest(bytes);
  if (!opened.ok) return `${opened.error.code}: ${opened.error.detail}`;
  const read = opened.value.read();
  return read.ok ? read.value : read.error;
};

/** The message with one field of its map changed. */
const altered = (bytes: Uint8Array, change: (map: Map<number, unknown>) => void): Uint8Array => {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !(decoded.value instanceof Map)) throw new Error('not a message');
  change(decoded.value);
  return encodeCbor(decoded.value);
};

describe('requests', () => {
  test.each(Object.entries(REQUESTS))('%s comes back as it was', (_, request) => {
    expect(readRequest(codec.encodeRequest(request))).toEqual(request);
  });

  test('a field that this version does not know is ignored', () => {
    const bytes = altered(codec.encodeRequest({ type: 'ping' }), (map) => {
      map.set(200, ['later', new Map([[1, true]]), null, -5]);
    });
    expect(readRequest(bytes)).toEqual({ type: 'ping' });
  });

  test('an unknown request type is unsupported, not malformed', () => {
    const bytes = altered(codec.encodeRequest({ type: 'ping' }), (map) => map.set(0, 99));
    expect(readRequest(bytes)).toBe('unsupported: unknown request type');
  });

  const find = codec.encodeRequest({ type: 'find', key: atlanta.id });
  const publish = codec.encodeRequest({ type: 'publish', key: atlanta.id, entries: [] });
  const join = codec.encodeRequest({ type: 'join', peer: atlanta, replicas: 3, successors: 8 });
  test.each<[string, Uint8Array, RegExp]>([
    ['key missing', altered(find, (map) => map.delete(1)), /^key is missing$/],
    ['key too short', altered(find, (map) => map.set(1, new Uint8Array(19))), /^key: not an id/],
    ['key as text', altered(find, (map) => map.set(1, 'a')), /^key: not an id/],
    [
      'entry too long',
      altered(publish, (map) => map.set(2, [new Uint8Array(801)])),
      /^entries: not up to 800/,
    ],
    [
      'too many entries',
      altered(publish, (map) => map.set(2, new Array(33).fill(new Uint8Array()))),
      /^entries: not a list/,
    ],
    ['count negative', altered(join, (map) => map.set(6, -1)), /^replicas: not a number/],
    ['count too large', altered(join, (map) => map.set(6, 256)), /^replicas: not a number/],
    ['descriptor of garbage', altered(join, (map) => map.set(3, new Uint8Array(9))), /^peer: descriptor:/],
    ['not a map', encodeCbor([1, 2]), /^malformed: message is not a map/],
    ['empty', new Uint8Array(), /^malformed:/],
    ['trailing byte', Buffer.concat([find, Buffer.of(0)]), /^malformed:/],
  ])('refused: %s', (_, bytes, problem) => {
    expect(readRequest(bytes)).toMatch(problem);
  });
});

describe('answers', () => {
  test.each(Object.entries(ANSWERS))('%s comes back as it was, with the size estimate', (_, answer) => {
    const read = codec.decodeAnswer(codec.encodeAnswer(answer, 41.6));
    expect(read).toEqual({ ok: true, value: { answer, sizeEstimate: 42 } });
  });

  test('an error code of a later version still means no', () => {
    const bytes = altered(
      codec.encodeAnswer({ type: 'error', code: 'retry', detail: '', peers: [] }, 1),
      (map) => map.set(21, 77),
    );
    const read = codec.decodeAnswer(bytes);
    expect(read.ok && read.value.answer.type === 'error' && read.value.answer.code).toBe('refused');
  });

  test.each([Number.NaN, -3, 2 ** 50, Number.POSITIVE_INFINITY])(
    'a size estimate of %d is sent within its bounds',
    (estimate) => {
      const read = codec.decodeAnswer(codec.encodeAnswer({ type: 'ok' }, estimate));
      const sent = read.ok ? read.value.sizeEstimate : -1;
      expect(sent).toBeGreaterThanOrEqual(0);
      expect(sent).toBeLessThanOrEqual(0xffffffff);
    },
  );

  test('an answer without the size estimate is no answer', () => {
    const bytes = altered(codec.encodeAnswer({ type: 'ok' }, 1), (map) => map.delete(1));
    expect(codec.decodeAnswer(bytes).ok).toBe(false);
  });
});
