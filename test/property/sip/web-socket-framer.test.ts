import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FrameItem } from '../../../src/sip/framing.ts';
import { WebSocketFramer } from '../../../src/sip/web-socket-framer.ts';
import { requestText } from '../../support/sip-request.ts';
import { clientFrame, handshake } from '../../support/web-socket-frames.ts';

const MESSAGE_BYTES_MAX = 5000;

/** What an item comes to, without what differs by object identity. */
const told = (item: FrameItem): string => {
  switch (item.kind) {
    case 'message':
      return `message ${item.read.ok ? item.read.value.callId : item.read.error.reason}`;
    case 'control':
      return `control ${Buffer.from(item.bytes).toString('hex')}`;
    case 'end':
      return `end ${Buffer.from(item.bytes).toString('hex')} ${item.fault}`;
    default:
      return item.kind;
  }
};

/** What came of the chunks, and the steps it took. */
const read = (chunks: readonly Uint8Array[]) => {
  const work = { steps: 0 };
  const framer = new WebSocketFramer({ messageBytesMax: MESSAGE_BYTES_MAX, origins: [], work });
  const items: string[] = [];
  for (const chunk of chunks) {
    // A socket's buffer belongs to the framer.
    framer.push(Buffer.from(chunk));
    for (let item = framer.next(); item !== undefined; item = framer.next()) items.push(told(item));
  }
  return { items, steps: work.steps };
};

const cut = (bytes: Buffer, places: readonly number[]): Buffer[] => {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
};

const message = fc
  .tuple(fc.stringMatching(/^[a-z]{1,8}$/), fc.nat(600))
  .map(([callId, bodyBytes]) => requestText({ callId, body: 'x'.repeat(bodyBytes) }));
/** A message in one frame or several, with control frames between. */
const frames = fc.tuple(message, fc.array(fc.nat(1500), { maxLength: 4 })).map(([text, places]) => {
  const parts = cut(Buffer.from(text, 'latin1'), places);
  return Buffer.concat(
    parts.flatMap((part, index) => [
      clientFrame(index === 0 ? 1 : 0, part, { final: index === parts.length - 1 }),
      ...(index % 2 === 1 ? [clientFrame(9, 'ping')] : []),
    ]),
  );
});
const odd = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom(clientFrame(8, Buffer.from([3, 232])), clientFrame(1, '\r\n\r\n'), clientFrame(3, 'x')),
);
const conversation = fc
  .array(fc.oneof({ weight: 5, arbitrary: frames }, { weight: 1, arbitrary: odd }), { maxLength: 6 })
  .map((parts) => Buffer.concat([Buffer.from(handshake(), 'latin1'), ...parts]));

describe('a WebSocket', () => {
  test('is read the same however its bytes arrive', () => {
    fc.assert(
      fc.property(conversation, fc.array(fc.nat(20_000), { maxLength: 12 }), (bytes, places) => {
        expect(read(cut(bytes, places)).items).toEqual(read([bytes]).items);
      }),
    );
  });

  test('gives every message that was sent, and says nothing behind its end', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), fc.uint8Array({ maxLength: 50 }), (texts, rest) => {
        const sent = texts.map((text) => clientFrame(2, Buffer.from(text, 'latin1')));
        const close = clientFrame(8, Buffer.from([3, 232]));
        const { items } = read([Buffer.concat([Buffer.from(handshake()), ...sent, close, rest])]);
        expect(items.filter((item) => item.startsWith('message'))).toEqual(
          texts.map((text) => `message ${/Call-ID: (\S+)/.exec(text)?.[1]}`),
        );
        expect(items.at(-1)).toBe('end 880203e8 false');
      }),
    );
  });

  test('whatever comes, nothing is thrown and it ends at most once', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, opened) => {
        const { items } = read([...(opened ? [Buffer.from(handshake())] : []), bytes]);
        expect(items.filter((item) => item.startsWith('end')).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 1000 },
    );
  });

  const single = (bytes: Buffer): Buffer[] => [...bytes].map((byte) => Buffer.from([byte]));
  const opened = Buffer.from(handshake());
  test.each<[string, (size: number) => Buffer[]]>([
    [
      'a handshake in single bytes',
      (size) => single(Buffer.from(`GET / HTTP/1.1\r\nX: ${'x'.repeat(size)}`)),
    ],
    ['a message in single bytes', (size) => single(clientFrame(1, 'x'.repeat(size)))],
    [
      'a message in frames of one byte',
      (size) =>
        Array.from({ length: size }, (_, index) => clientFrame(index === 0 ? 1 : 0, 'x', { final: false })),
    ],
    ['empty frames', (size) => Array.from({ length: size }, () => clientFrame(0, '', { final: false }))],
    ['pings', (size) => [Buffer.concat(Array.from({ length: size }, () => clientFrame(9, '')))]],
  ])('costs a few steps a byte: %s', (what, make) => {
    for (const size of [500, 4000]) {
      const chunks = [...(what.startsWith('a handshake') ? [] : [opened]), ...make(size)];
      const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      expect(read(chunks).steps).toBeLessThan(8 * bytes + 1000);
    }
  });
});
