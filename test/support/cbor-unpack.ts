// CBOR to values, independent of the codecs under test: numbers as bigint, strings, bytes, arrays, maps. No bounds: own bytes only.

class Unpacker {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  item(): unknown {
    const initial = this.#bytes[this.at] ?? 0xff;
    this.at += 1;
    if (initial === 0xf4 || initial === 0xf5) return initial === 0xf5;
    if (initial === 0xf6) return null;
    const count = this.#argument(initial & 31);
    switch (initial >> 5) {
      case 0:
        return count;
      case 1:
        return -1n - count;
      case 2:
        return this.#pass(Number(count));
      case 3:
        return new TextDecoder('utf-8', { fatal: true }).decode(this.#pass(Number(count)));
      case 4:
        return Array.from({ length: Number(count) }, () => this.item());
      case 5:
        return new Map(Array.from({ length: Number(count) }, () => [this.item(), this.item()]));
      default:
        throw new Error(`CBOR: 0x${initial.toString(16)} at ${this.at - 1}`);
    }
  }

  #argument(info: number): bigint {
    if (info < 24) return BigInt(info);
    if (info > 27) throw new Error('CBOR: an indefinite length');
    let value = 0n;
    for (const byte of this.#pass(2 ** (info - 24))) value = (value << 8n) | BigInt(byte);
    return value;
  }

  #pass(length: number): Uint8Array {
    if (this.at + length > this.#bytes.length) throw new Error('CBOR: ends too soon');
    this.at += length;
    return this.#bytes.slice(this.at - length, this.at);
  }
}

/** One whole item; throws on anything else. */
export const unpackCbor = (bytes: Uint8Array): unknown => {
  const unpacker = new Unpacker(bytes);
  const value = unpacker.item();
  if (unpacker.at !== bytes.length) throw new Error('CBOR: something behind the item');
  return value;
};
