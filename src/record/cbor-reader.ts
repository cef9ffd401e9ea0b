// A strict cursor over deterministic CBOR (RFC 8949 §4.2.1): one pass, no exceptions, nothing read before it is bounded.
// Our own, because entries are kept and signed as bytes: the reader gives positions, refuses every second spelling of a
// value (long heads, unsorted or repeated keys, indefinite lengths), and bounds the depth.

const MAJOR = { uint: 0, negint: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;
const NULL = 0xf6;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** After the first thing that is wrong `failed` is true, and every read gives a harmless value. */
export class CborReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  #failed = false;

  constructor(bytes: Uint8Array, from = 0, to: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = to;
  }

  get at(): number {
    return this.#at;
  }

  get failed(): boolean {
    return this.#failed;
  }

  /** Nothing was wrong and nothing is left. */
  get complete(): boolean {
    return !this.#failed && this.#at === this.#end;
  }

  fail(): void {
    this.#failed = true;
    this.#at = this.#end;
  }

  /** The head of the next item must be of `major`; its argument, at most 2^53-1. */
  #head(major: number): number {
    const first = this.#at < this.#end ? (this.#bytes[this.#at] ?? 0) : -1;
    if (first >> 5 !== major) {
      this.fail();
      return 0;
    }
    return this.#argument(first & 31);
  }

  #argument(info: number): number {
    this.#at += 1;
    if (info < 24) return info;
    const size = info === 24 ? 1 : info === 25 ? 2 : info === 26 ? 4 : info === 27 ? 8 : 0;
    if (size === 0 || this.#at + size > this.#end) {
      this.fail();
      return 0;
    }
    let value = 0;
    for (let i = 0; i < size; i += 1) value = value * 256 + (this.#bytes[this.#at + i] ?? 0);
    this.#at += size;
    // RFC 8949 §4.2.1: "The argument … MUST be as short as possible."
    const least = size === 1 ? 24 : 2 ** (size * 4);
    if (value < least || value > Number.MAX_SAFE_INTEGER) this.fail();
    return value;
  }

  uint(max: number): number {
    const value = this.#head(MAJOR.uint);
    if (value > max) this.fail();
    return this.#failed ? 0 : value;
  }

  /** An unsigned integer of up to 64 bits. */
  uint64(): bigint {
    if (this.#at + 9 <= this.#end && this.#bytes[this.#at] === 0x1b) {
      let value = 0n;
      for (let i = 1; i <= 8; i += 1) value = (value << 8n) | BigInt(this.#bytes[this.#at + i] ?? 0);
      this.#at += 9;
      if (value < 1n << 32n) this.fail();
      return this.#failed ? 0n : value;
    }
    return BigInt(this.uint(Number.MAX_SAFE_INTEGER));
  }

  /** Skips a byte string of `min` to `max` bytes and returns where it starts; `at` is then its end. */
  bytesStart(min: number, max: number): number {
    const length = this.#head(MAJOR.bytes);
    if (length < min || length > max || this.#at + length > this.#end) this.fail();
    if (this.#failed) return this.#end;
    this.#at += length;
    return this.#at - length;
  }

  bytes(min: number, max: number): Uint8Array {
    const start = this.bytesStart(min, max);
    return this.#bytes.subarray(start, this.#at);
  }

  /** Valid UTF-8 of at most `max` bytes. */
  text(max: number): string {
    const length = this.#head(MAJOR.text);
    if (length > max || this.#at + length > this.#end) this.fail();
    if (this.#failed) return '';
    this.#at += length;
    try {
      return utf8.decode(this.#bytes.subarray(this.#at - length, this.#at));
    } catch {
      this.fail();
      return '';
    }
  }

  /** The number of items of an array. Each item takes a byte at least, so a count beyond the input is refused here. */
  array(min: number, max: number): number {
    return this.#count(this.#head(MAJOR.array), min, max);
  }

  /** The number of pairs of a map; the caller reads keys with `nextKey`. */
  map(max: number): number {
    return this.#count(this.#head(MAJOR.map), 0, max);
  }

  #count(count: number, min: number, max: number): number {
    if (count < min || count > max || this.#at + count > this.#end) this.fail();
    return this.#failed ? 0 : count;
  }

  /** The next key of an integer-keyed map: greater than the one before, hence never twice the same. */
  nextKey(previous: number): number {
    const key = this.uint(0xffff);
    if (key <= previous) this.fail();
    return key;
  }

  /** True, and past it, if the next item is null. */
  takeNull(): boolean {
    if (this.#at >= this.#end || this.#bytes[this.#at] !== NULL) return false;
    this.#at += 1;
    return true;
  }

  /** Passes over any one item of at most `depth` levels; its inner order is not looked at. */
  skip(depth: number): void {
    if (!this.#skip(depth)) this.fail();
  }

  #skip(depth: number): boolean {
    const first = this.#at < this.#end ? (this.#bytes[this.#at] ?? 0) : -1;
    if (first < 0 || depth <= 0) return false;
    const major = first >> 5;
    const info = first & 31;
    if (major === MAJOR.simple) {
      // false, true, null, and floats of 2, 4, 8 bytes; no other simple values, no break.
      const size = info >= 20 && info <= 22 ? 0 : info >= 25 && info <= 27 ? 2 ** (info - 24) : -1;
      return size >= 0 && this.#pass(1 + size);
    }
    // 64-bit integers may exceed what a count may be.
    if ((major === MAJOR.uint || major === MAJOR.negint) && info === 27) return this.#pass(9);
    const argument = this.#argument(info);
    if (this.#failed) return false;
    if (major === MAJOR.bytes || major === MAJOR.text) return this.#pass(argument);
    if (major < MAJOR.array) return true;
    const items = major === MAJOR.map ? 2 * argument : major === MAJOR.tag ? 1 : argument;
    for (let i = 0; i < items; i += 1) if (!this.#skip(depth - 1)) return false;
    return true;
  }

  #pass(count: number): boolean {
    if (this.#at + count > this.#end) return false;
    this.#at += count;
    return true;
  }
}
