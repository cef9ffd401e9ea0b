// Our CBOR against an implementation of its own making: the same bytes out, the same values in, the same refusals.
import { decode, encode, rfc8949EncodeOptions } from 'cborg';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeCbor } from '../../../src/dht/cbor.ts';
import { encodeCbor } from '../../../src/record/cbor-writer.ts';

const ORACLE = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  useMaps: true,
  rejectDuplicateMapKeys: true,
} as const;

const integer = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, -1, -24, -25),
);
// Beyond what a number holds exactly: entries have such versions, messages of LSP nothing of the kind (docs/lsp.md).
const large = fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n });
const leaf = fc.oneof(
  integer,
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.uint8Array({ maxLength: 300 }),
  fc.boolean(),
  fc.constant(null),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true, maxDepth: 5 },
    leaf,
    fc.array(tie('value'), { maxLength: 6 }),
    fc
      .uniqueArray(fc.tuple(fc.oneof(integer, fc.string({ maxLength: 5 })), tie('value')), {
        selector: ([key]) => key,
        maxLength: 6,
      })
      .map((pairs) => new Map(pairs)),
  ),
}));

test('writes what another implementation writes', () => {
  fc.assert(
    fc.property(fc.oneof({ weight: 5, arbitrary: value }, large), (given) => {
      expect(Buffer.from(encodeCbor(given)).toString('hex')).toBe(
        Buffer.from(encode(given, rfc8949EncodeOptions)).toString('hex'),
      );
    }),
    { numRuns: 500 },
  );
});

test('reads back what it wrote', () => {
  fc.assert(
    fc.property(value, (given) => {
      expect(decodeCbor(encodeCbor(given))).toEqual({ ok: true, value: given });
    }),
    { numRuns: 500 },
  );
});

/** Bytes near the grammar: containers and heads rather than noise. */
const bytesNear = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.tuple(value, fc.nat(), fc.nat(255)).map(([given, at, to]) => {
    const bytes = encodeCbor(given);
    bytes[at % bytes.length] = to;
    return bytes;
  }),
);

test('accepts nothing that the other refuses, and reads it as the other does', () => {
  fc.assert(
    fc.property(bytesNear, (bytes) => {
      const ours = decodeCbor(bytes);
      if (!ours.ok) return;
      expect(ours.value).toEqual(decode(new Uint8Array(bytes), ORACLE));
    }),
    { numRuns: 2000 },
  );
});

test('an integer beyond 2^53-1 is refused', () => {
  fc.assert(
    fc.property(large, (given) => {
      expect(decodeCbor(encodeCbor([given])).ok).toBe(false);
    }),
  );
  expect(decodeCbor(encodeCbor(2n ** 53n - 1n))).toEqual({ ok: true, value: Number.MAX_SAFE_INTEGER });
});

test.each([
  ['a fraction', 1.5],
  ['a number beyond what is exact', 2 ** 53],
  ['undefined', undefined],
  ['an object', {}],
])('%s is no value of ours', (_, given) => {
  expect(() => encodeCbor(given)).toThrow();
});

test('what was encoded is not touched by what is encoded next', () => {
  const first = encodeCbor([1, 'abc']);
  const copy = Uint8Array.from(first);
  encodeCbor(new Array(5_000).fill(7));
  encodeCbor('something else');
  expect(first).toEqual(copy);
  expect(first.byteLength).toBe(first.buffer.byteLength);
});
