// Corpus messages with something done to them, for property tests.
import fc from 'fast-check';
import { SPICE } from '../fuzz/spice.ts';
import { corpusFolder } from './corpus.ts';

/** One message of the whole corpus. */
export const corpusBytes: fc.Arbitrary<Uint8Array> = fc
  .constantFrom(...(['rfc4475', 'rfc5118', 'rfc3665', 'real'] as const).flatMap(corpusFolder))
  .map(({ bytes }) => bytes);

const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.integer({ min: 0, max: 30 }),
  put: fc.array(fc.constantFrom(...SPICE), { maxLength: 3 }).map((parts) => parts.join('')),
});

/** A corpus message with a few bytes cut out and a few put in. */
export const mutatedBytes: fc.Arbitrary<Uint8Array> = fc
  .tuple(corpusBytes, fc.array(edit, { minLength: 1, maxLength: 5 }))
  .map(([bytes, edits]) => {
    let text = Buffer.from(bytes).toString('latin1');
    for (const { at, cut, put } of edits) {
      const place = Math.floor(at * text.length);
      text = text.slice(0, place) + put + text.slice(place + cut);
    }
    return Buffer.from(text, 'latin1');
  });
