// CBOR (RFC 8949) as LSP speaks it: definite lengths, shortest forms, no tags, no floats, no duplicate keys, bounded depth.
import { fail, ok, type Result } from '../runtime/result.ts';

export { encodeCbor } from '../record/cbor-writer.ts';

/** A message is four levels deep; what unknown fields of later versions may add is bounded here. */
const DEPTH_MAX = 8;

const MAJOR = { uint: 0, negint: 1, bytes: 2, text: 3, array: 4, map: 5 } as const;
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Thrown by the reader, caught in `decodeCbor` and nowhere else. */
class CborError extends Error {}

/** One pass over the bytes; sizes are checked before anything is built, and each item is looked at once. */
class CborItems {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  item(depth: number): unknown {
    const initial = this.#byte();
    const major = initial >> 5;
    switch (major) {
      case MAJOR.uint:
        return this.#argument(initial);
      case MAJOR.negint:
        return -1 - this.#argument(initial);
      case MAJOR.bytes: {
        // A copy: the datagram is not kept for it.
        const start = this.#pass(this.#count(initial, 1));
        return this.#bytes.slice(start, this.#at);
      }
      case MAJOR.text:
        return this.#text(this.#count(initial, 1));
      case MAJOR.array:
        return this.#array(this.#count(initial, 1), depth);
      case MAJOR.map:
        return this.#map(this.#count(initial, 2), depth);
      default:
        if (initial === FALSE || initial === TRUE) return initial === TRUE;
        if (initial === NULL) return null;
        throw new CborError('a tag, a float or a simple value that is not part of LSP');
    }
  }

  #array(count: number, depth: number): unknown[] {
    const inner = deeper(count, depth);
    const items: unknown[] = [];
    for (let left = count; left > 0; left -= 1) items.push(this.item(inner));
    return items;
  }

  #map(count: number, depth: number): Map<unknown, unknown> {
    const inner = deeper(count, depth);
    const map = new Map<unknown, unknown>();
    for (let left = count; left > 0; left -= 1) {
      const key = this.item(inner);
      if (typeof key !== 'number' && typeof key !== 'string')
        throw new CborError('a map key that is neither number nor text');
      if (map.has(key)) throw new CborError('a map key that comes twice');
      map.set(key, this.item(inner));
    }
    return map;
  }

  #text(length: number): string {
    const start = this.#pass(length);
    try {
      return utf8.decode(this.#bytes.subarray(start, this.#at));
    } catch {
      throw new CborError('text is not UTF-8');
    }
  }

  /** How many bytes, items or pairs follow. Each takes a byte at least: what claims more than is left is a lie. */
  #count(initial: number, bytesEach: number): number {
    const argument = this.#argument(initial);
    if (argument > (this.#bytes.length - this.#at) / bytesEach)
      throw new CborError('longer than the message');
    return argument;
  }

  #argument(initial: number): number {
    const info = initial & 31;
    if (info < 24) return info;
    if (info > 27) throw new CborError('an indefinite or reserved length');
    const size = 2 ** (info - 24);
    const start = this.#pass(size);
    let value = 0;
    for (let at = start; at < start + size; at += 1) value = value * 256 + (this.#bytes[at] ?? 0);
    // Rounding can't bring it back below the bound: 2^53 is a number, and all that is larger rounds to no less.
    if (value > Number.MAX_SAFE_INTEGER) throw new CborError('an integer beyond the safe integers (2^53-1)');
    // RFC 8949 §4.2.1: "The argument … MUST be as short as possible."
    if (value < (size === 1 ? 24 : 2 ** (4 * size)))
      throw new CborError('a number longer than it needs to be');
    return value;
  }

  #byte(): number {
    return this.#bytes[this.#pass(1)] ?? 0;
  }

  /** Goes over `count` bytes and returns where they begin. */
  #pass(count: number): number {
    const start = this.#at;
    if (count > this.#bytes.length - start) throw new CborError('longer than the message');
    this.#at = start + count;
    return start;
  }
}

const deeper = (items: number, depth: number): number => {
  if (items > 0 && depth >= DEPTH_MAX) throw new CborError('nested too deep');
  return depth + 1;
};

/** One whole CBOR item; byte strings are copies. The error is for people. */
export const decodeCbor = (bytes: Uint8Array): Result<unknown> => {
  // A Buffer's slices would be views: byte strings are cut from a plain Uint8Array.
  const items = new CborItems(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  try {
    const value = items.item(0);
    return items.done ? ok(value) : fail('something behind the message');
  } catch (error) {
    if (error instanceof CborError) return fail(error.message);
    throw error;
  }
};
