import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coreIn, decodeEntry, sealedIn } from '../../../src/record/entry-codec.ts';
import { openSealed } from '../../../src/record/seal.ts';
import type { BindingChange } from '../../../src/record/types.ts';
import { BOB_KEYS, contact, entriesOf, entryOf } from '../../support/record-world.ts';

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const change: fc.Arbitrary<BindingChange> = fc
  .record(
    {
      contact: text,
      canonicalContact: text,
      instance: text,
      regId: fc.integer({ min: 1, max: 2 ** 31 }),
      q: fc.integer({ min: 0, max: 1000 }).map((n) => n / 1000),
      params: fc.array(fc.oneof(fc.record({ name: text }), fc.record({ name: text, value: text })), {
        maxLength: 3,
      }),
      path: fc.array(text, { maxLength: 2 }),
      expiresSec: fc.integer({ min: 1, max: 3600 }),
      userAgent: text,
    },
    { requiredKeys: ['contact', 'canonicalContact', 'params', 'path', 'expiresSec'] },
  )
  .filter(
    (one) => Buffer.byteLength(one.userAgent ?? '') <= 64 && Buffer.byteLength(JSON.stringify(one)) < 500,
  );

describe('entries', () => {
  test('what is sealed comes out as it went in', () => {
    fc.assert(
      fc.property(change, (one) => {
        const entry = entryOf({ changes: [one] });
        const sealed = sealedIn(entry) ?? new Uint8Array();
        const { expiresSec, ...expected } = one;
        expect(entry.lifetimeSec).toBe(expiresSec);
        expect(openSealed(sealed, { secret: BOB_KEYS.secret, core: coreIn(entry) })).toEqual(expected);
      }),
    );
  });

  const [valid = new Uint8Array()] = entriesOf({ changes: [contact('sip:bob@192.0.2.1')] });

  test('random bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 900 }), (bytes) => void decodeEntry(bytes)),
      {
        numRuns: 2000,
      },
    );
  });

  test('a changed byte is an error or an entry whose bytes say so', () => {
    fc.assert(
      fc.property(fc.nat(valid.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const mutated = Uint8Array.from(valid);
        mutated[at] = (mutated[at] ?? 0) ^ flip;
        const result = decodeEntry(mutated);
        if (result.ok) expect(Buffer.compare(result.value.bytes, valid)).not.toBe(0);
      }),
      { numRuns: 2000 },
    );
  });
});
