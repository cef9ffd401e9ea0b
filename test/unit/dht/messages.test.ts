import { describe, expect, test } from 'vitest';
import { decodeCbor, encodeCbor } from '../../../src/dht/cbor.ts';
import { peerDecoder } from '../../../src/dht/descriptor.ts';
import { messageCodec } from '../../../src/dht/messages.ts';
import { REQUEST_TRAITS } from '../../../src/dht/request-traits.ts';
import type { Request } from '../../../src/dht/types.ts';
import { idToBytes } from '../../../src/record/id.ts';
import { ANSWERS, atlanta, biloxi, OVERLAY, REQUESTS } from '../../support/lsp-samples.ts';

const codec = messageCodec(peerDecoder(OVERLAY));
const acquainted = messageCodec(peerDecoder(OVERLAY), (id, bootSequence) =>
  id === atlanta.id && bootSequence === atlanta.bootSequence ? atlanta : undefined,
);

const readRequest = (bytes: Uint8Array, reader = codec): Request | string => {
  const opened = reader.openRequest(bytes);
  if (!opened.ok) return `${opened.error.code}: ${opened.error.detail}`;
  const read = opened.value.read();
  return read.ok ? read.value : `${read.error.code}: ${read.error.detail}`;
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
    ['key missing', altered(find, (map) => map.delete(1)), /^malformed: key is missing$/],
    ['key too short', altered(find, (map) => map.set(1, new Uint8Array(19))), /^malformed: key: not an id/],
    ['key as text', altered(find, (map) => map.set(1, 'a')), /^malformed: key: not an id/],
    [
      'entry too long',
      altered(publish, (map) => map.set(2, [new Uint8Array(801)])),
      /^malformed: entries: not up to 800/,
    ],
    [
      'too many entries',
      altered(publish, (map) => map.set(2, new Array(33).fill(new Uint8Array()))),
      /^malformed: entries: not a list/,
    ],
    ['count negative', altered(join, (map) => map.set(6, -1)), /^malformed: replicas: not a number/],
    ['count too large', altered(join, (map) => map.set(6, 256)), /^malformed: replicas: not a number/],
    [
      'descriptor of garbage',
      altered(join, (map) => map.set(3, new Uint8Array(9))),
      /^malformed: peer: descriptor:/,
    ],
    ['not a map', encodeCbor([1, 2]), /^malformed: message is not a map/],
    ['empty', new Uint8Array(), /^malformed:/],
    ['trailing byte', Buffer.concat([find, Buffer.of(0)]), /^malformed:/],
  ])('refused: %s', (_, bytes, problem) => {
    expect(readRequest(bytes)).toMatch(problem);
  });
});

describe('requests by name', () => {
  const named = Object.entries(REQUESTS).filter(([, { type }]) => REQUEST_TRAITS[type].byName);

  test.each(named)('%s is read with the descriptor that is held', (_, request) => {
    const bytes = codec.encodeRequest(request, true);
    expect(bytes.length).toBeLessThan(codec.encodeRequest(request).length - 100);
    expect(readRequest(bytes, acquainted)).toEqual(request);
  });

  test.each(named)('%s of somebody who is not held has to come with its descriptor', (_, request) => {
    expect(readRequest(codec.encodeRequest(request, true))).toMatch(/^unknown-speaker: /);
  });

  const leave = codec.encodeRequest({ type: 'leave', peer: atlanta }, true);
  test.each<[string, Uint8Array, string]>([
    ['of another life', altered(leave, (map) => map.set(18, [idToBytes(atlanta.id), 9])), 'unknown-speaker'],
    ['without a life', altered(leave, (map) => map.set(18, [idToBytes(atlanta.id)])), 'malformed'],
    ['of no length', altered(leave, (map) => map.set(18, [new Uint8Array(), 1])), 'malformed'],
    ['missing', altered(leave, (map) => map.delete(18)), 'malformed'],
  ])('a name %s', (_, bytes, code) => {
    expect(readRequest(bytes, acquainted)).toMatch(new RegExp(`^${code}: `));
  });

  test('a descriptor beside the name is what counts', () => {
    const bytes = altered(leave, (map) => map.set(3, biloxi.encoded));
    expect(readRequest(bytes, acquainted)).toEqual({ type: 'leave', peer: biloxi });
  });

  test('a joiner always brings its descriptor', () => {
    const join = codec.encodeRequest({ type: 'join', peer: atlanta, replicas: 3, successors: 8 }, true);
    expect(readRequest(join, acquainted)).toBe('malformed: peer is missing');
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
