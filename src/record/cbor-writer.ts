// Deterministic CBOR (RFC 8949 §4.2.1) written straight into bytes: every REGISTER and every LSP datagram is made here.
import assert from 'node:assert';

const MAJOR = { uint: 0, negint: 1, bytes: 2, text: 3, array: 4, map: 5 } as const;
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;
/** Most items fit; what doesn't grows it for good, to no more than a message of 16 parts doubled. */
const SCRATCH_BYTES = 4096;

/** One scratch buffer for all that is encoded, as encoding never pauses. */
class CborWriter {
  #bytes = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  #at = 0;

  /** `value` as bytes of its own. */
  encode(value: unknown): Uint8Array {
    this.#at = 0;
    this.#value(value);
    return new Uint8Array(this.#bytes.subarray(0, this.#at));
  }

  #value(value: unknown): void {
    if (typeof value === 'number') this.#integer(value);
    else if (typeof value === 'string') this.#text(value);
    else if (value instanceof Uint8Array) this.#byteString(value);
    else if (Array.isArray(value)) {
      this.#head(MAJOR.array, value.length);
      for (const item of value) this.#value(item);
    } else if (value instanceof Map) this.#map(value);
    else if (typeof value === 'bigint') this.#bigint(value);
    else {
      assert(value === null || typeof value === 'boolean', 'a value to encode that has no form here');
      this.#room(1);
      this.#bytes[this.#at] = value === null ? NULL : value ? TRUE : FALSE;
      this.#at += 1;
    }
  }

  /** In the order of the keys, whatever the order they were set in. Nearly all are integers set in their order. */
  #map(map: ReadonlyMap<unknown, unknown>): void {
    this.#head(MAJOR.map, map.size);
    let last = 0;
    for (const key of map.keys()) {
      if (typeof key !== 'number' || key < last) {
        this.#pairs(sortedPairs(map));
        return;
      }
      last = key;
    }
    this.#pairs(map);
  }

  #pairs(pairs: Iterable<readonly [unknown, unknown]>): void {
    for (const [key, value] of pairs) {
      this.#value(key);
      this.#value(value);
    }
  }

  #text(text: string): void {
    const length = Buffer.byteLength(text, 'utf8');
    this.#head(MAJOR.text, length);
    this.#room(length);
    this.#bytes.write(text, this.#at, length, 'utf8');
    this.#at += length;
  }

  #byteString(bytes: Uint8Array): void {
    this.#head(MAJOR.bytes, bytes.length);
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #integer(value: number): void {
    if (value >= 0) this.#head(MAJOR.uint, value);
    else this.#head(MAJOR.negint, -1 - value);
  }

  #bigint(value: bigint): void {
    if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) {
      this.#integer(Number(value));
      return;
    }
    this.#room(9);
    this.#bytes[this.#at] = ((value < 0n ? MAJOR.negint : MAJOR.uint) << 5) | 27;
    this.#at = this.#bytes.writeBigUInt64BE(value < 0n ? -1n - value : value, this.#at + 1);
  }

  /** "The argument … MUST be as short as possible." */
  #head(major: number, argument: number): void {
    assert(Number.isSafeInteger(argument), 'a number to encode that is no integer');
    this.#room(9);
    const bytes = this.#bytes;
    const initial = major << 5;
    if (argument < 24) {
      bytes[this.#at] = initial | argument;
      this.#at += 1;
    } else if (argument < 0x100) {
      bytes[this.#at] = initial | 24;
      bytes[this.#at + 1] = argument;
      this.#at += 2;
    } else if (argument < 0x1_0000) {
      bytes[this.#at] = initial | 25;
      this.#at = bytes.writeUInt16BE(argument, this.#at + 1);
    } else if (argument < 0x1_0000_0000) {
      bytes[this.#at] = initial | 26;
      this.#at = bytes.writeUInt32BE(argument, this.#at + 1);
    } else {
      bytes[this.#at] = initial | 27;
      this.#at = bytes.writeBigUInt64BE(BigInt(argument), this.#at + 1);
    }
  }

  #room(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#at + count));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }
}

const writer = new CborWriter();
const keyWriter = new CborWriter();

/** "The keys in every map MUST be sorted in the bytewise lexicographic order of their deterministic encodings." */
const sortedPairs = (map: ReadonlyMap<unknown, unknown>): (readonly [unknown, unknown])[] =>
  [...map]
    .map((pair) => ({ pair, key: keyWriter.encode(pair[0]) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ pair }) => pair);

/**
 * Integers of 64 bits, text, byte strings, arrays, maps, booleans and null; anything else is a fault of ours and throws.
 * The result has a buffer of its own.
 */
export const encodeCbor = (value: unknown): Uint8Array => writer.encode(value);
