// Bytes that came and are not read yet: pushed in pieces, taken in pieces, each copied O(1) times.
const EMPTY = Buffer.alloc(0);
const ROOM_BYTES_MIN = 2048;

export class ByteStore {
  // BOUNDED: by its owner, who takes what is whole before more is pushed.
  #bytes: Buffer = EMPTY;
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** `chunk` belongs to the store until it is read. */
  push(chunk: Uint8Array): void {
    if (this.length === 0) {
      this.#bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      this.#start = 0;
      this.#end = chunk.length;
      return;
    }
    if (this.#end + chunk.length > this.#bytes.length) this.#grow(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  #grow(more: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(ROOM_BYTES_MIN, 2 * (this.length + more)));
    this.#bytes.copy(grown, 0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    this.#bytes = grown;
  }

  /** All of it, to look at until the next call. */
  view(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** The first `count` bytes, to be used before the next call; there must be as many. */
  take(count: number): Buffer {
    const taken = this.#bytes.subarray(this.#start, this.#start + count);
    this.#start += count;
    if (this.#start === this.#end) {
      this.#bytes = EMPTY;
      this.#start = 0;
      this.#end = 0;
    }
    return taken;
  }
}
