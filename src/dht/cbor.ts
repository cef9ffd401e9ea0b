// CBOR (RFC 8949) as LSP speaks it: definite lengths, shortest forms, no tags, no floats, no duplicate keys, bounded depth.
import { decode, encode, type Token, Tokenizer } from 'cborg';
import { fail, ok, type Result } from '../runtime/result.ts';

/** A message is four levels deep; what unknown fields of later versions may add is bounded here. */
const DEPTH_MAX = 8;

const MAP_MAJOR = 5;
const ARRAY_MAJOR = 4;
const TAG_MAJOR = 6;

/** cborg's reader with the bounds checked before anything is built: the claimed size of a container, and its depth. */
class BoundedTokenizer extends Tokenizer {
  // BOUNDED: DEPTH_MAX; the items still to come of each open container.
  readonly #open: number[] = [];

  override next(): Token {
    const from = this.pos();
    const token = super.next();
    if (token.type.name === 'string' && !this.#spelled(String(token.value), from)) {
      throw new Error('text is not UTF-8');
    }
    while (this.#open.length > 0 && this.#open[this.#open.length - 1] === 0) this.#open.pop();
    const last = this.#open.length - 1;
    if (last >= 0) this.#open[last] = (this.#open[last] ?? 0) - 1;
    const { major, name } = token.type;
    if (major === TAG_MAJOR || name === 'float') throw new Error(`${name} is not part of LSP`);
    if (major === ARRAY_MAJOR || major === MAP_MAJOR) {
      const items = major === MAP_MAJOR ? 2 * Number(token.value) : Number(token.value);
      // Every item takes a byte at least: what claims more than there is left is a lie, told before it costs anything.
      if (items > this.data.length - this.pos()) throw new Error('container longer than the message');
      if (items > 0 && this.#open.length >= DEPTH_MAX) throw new Error('nested too deep');
      if (items > 0) this.#open.push(items);
    }
    return token;
  }

  /** cborg puts U+FFFD where text isn't UTF-8 (RFC 8949 §3.1: "invalid"); one that was really sent is what it says. */
  #spelled(text: string, from: number): boolean {
    if (!text.includes('\ufffd')) return true;
    const bytes = Buffer.from(text);
    return bytes.equals(this.data.subarray(Math.max(from, this.pos() - bytes.length), this.pos()));
  }
}

const DECODE_OPTIONS = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  useMaps: true,
  rejectDuplicateMapKeys: true,
} as const;

/** One whole CBOR item; byte strings are copies. The error is for people. */
export const decodeCbor = (bytes: Uint8Array): Result<unknown> => {
  // cborg copies byte strings out of a plain Uint8Array, but would make views of a Buffer.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return ok(decode(plain, { ...DECODE_OPTIONS, tokenizer: new BoundedTokenizer(plain, DECODE_OPTIONS) }));
  } catch (error) {
    return fail(error instanceof Error ? error.message : 'not CBOR');
  }
};

/** Deterministic encoding (RFC 8949 §4.2.1). */
export const encodeCbor = (value: unknown): Uint8Array => {
  const bytes = encode(value);
  // cborg gives a Buffer or a Uint8Array as it sees fit; one kind of bytes everywhere keeps comparisons plain.
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
};
