import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StreamFramer, type StreamItem } from '../../../src/sip/framer.ts';
import { requestText } from '../../support/sip-request.ts';
import { latin1 } from '../../support/sip-verdict.ts';

/** Everything that comes out when the bytes are pushed in pieces of the given sizes, over and over. */
const itemsOf = (
  bytes: Uint8Array,
  sizes: readonly number[],
  messageBytesMax: number,
): readonly StreamItem[] => {
  const framer = new StreamFramer({ messageBytesMax });
  const items: StreamItem[] = [];
  let at = 0;
  for (let round = 0; at < bytes.length; round += 1) {
    const end = at + (sizes[round % sizes.length] ?? 1);
    // A copy, as a socket gives it: what the framer keeps must not hang on our buffer.
    framer.push(bytes.slice(at, end));
    at = end;
    for (let item = framer.next(); item !== undefined; item = framer.next()) items.push(item);
  }
  return items;
};

const piece = fc.oneof(
  fc
    .tuple(fc.nat(99), fc.string({ maxLength: 40 }))
    .map(([cseq, body]) => requestText({ cseq, body: Buffer.from(body).toString('latin1') })),
  fc.nat(99).map((cseq) => requestText({ cseq }).replace('From', 'Broken')),
  fc.nat(99).map((cseq) => requestText({ cseq, headers: ['X: a', ' folded'], body: '\r\n\r\n' })),
  fc.constantFrom('\r\n', '\r\n\r\n', '\r\n\r\n\r\n'),
);
const odd = fc.constantFrom(
  requestText({}).replace(/Content-Length: \d+\r\n/, ''),
  requestText({ body: 'x'.repeat(3000) }),
  requestText({ headers: [`X: ${'y'.repeat(3000)}`] }),
  '\rx',
  'garbage\r\n\r\n',
  'x'.repeat(3000),
);

test('a stream gives the same items however its bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 6 }),
      fc.option(odd),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 6 }),
      (pieces, last, sizes) => {
        const bytes = latin1(pieces.join('') + (last ?? ''));
        const whole = itemsOf(bytes, [bytes.length + 1], 2000);
        expect(itemsOf(bytes, sizes, 2000)).toEqual(whole);
      },
    ),
    { numRuns: 200 },
  );
});

test('and also one byte at a time', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 4 }), fc.option(odd), (pieces, last) => {
      const bytes = latin1(pieces.join('') + (last ?? ''));
      expect(itemsOf(bytes, [1], 2000)).toEqual(itemsOf(bytes, [bytes.length + 1], 2000));
    }),
    { numRuns: 40 },
  );
});
