// Messages longer than a datagram: cut into parts, gathered again, and staged within bounds while they come in.
import { CHUNK_BYTES_MAX, MESSAGE_BYTES_MAX } from './frame.ts';

/** The chunks of a message, at least one; undefined if it needs more than 16. */
export const splitMessage = (message: Uint8Array): readonly Uint8Array[] | undefined => {
  if (message.length > MESSAGE_BYTES_MAX) return undefined;
  const chunks: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < message.length; at += CHUNK_BYTES_MAX) {
    chunks.push(message.subarray(at, at + CHUNK_BYTES_MAX));
  }
  return chunks;
};

/** Bit i stands for part i. */
export const fullBitmap = (partCount: number): number => 2 ** partCount - 1;
export const hasPart = (bitmap: number, part: number): boolean => ((bitmap >> part) & 1) === 1;
export const bitmapToBytes = (bitmap: number): Uint8Array => Uint8Array.of(bitmap >> 8, bitmap & 0xff);
export const bitmapFromBytes = (bytes: Uint8Array): number => ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);

/** The parts of one message that have arrived; chunks are copied, so no datagram is kept for its part. */
export class PartBuffer {
  readonly partCount: number;
  // BOUNDED: partCount ≤ 16 chunks of one datagram (readFrame checked both).
  readonly #chunks: (Uint8Array | undefined)[];
  #bitmap = 0;

  constructor(partCount: number) {
    this.partCount = partCount;
    this.#chunks = new Array<Uint8Array | undefined>(partCount).fill(undefined);
  }

  get bitmap(): number {
    return this.#bitmap;
  }

  /** False if the part was there already (the first one counts) or isn't one of this message's. */
  add(part: number, chunk: Uint8Array): boolean {
    if (part >= this.partCount || hasPart(this.#bitmap, part)) return false;
    this.#chunks[part] = new Uint8Array(chunk);
    this.#bitmap |= 1 << part;
    return true;
  }

  /** The whole message once every part is there. */
  message(): Uint8Array | undefined {
    if (this.#bitmap !== fullBitmap(this.partCount)) return undefined;
    return Buffer.concat(this.#chunks.map((chunk) => chunk ?? new Uint8Array()));
  }
}

export interface StageLimits {
  /** How long the first part waits for the last. */
  readonly keepMs: number;
  /** Room for all sources together, counted as if every announced part were there. */
  readonly bytesMax: number;
  readonly messagesPerSourceMax: number;
}

interface Staged {
  readonly source: string;
  readonly signed: boolean;
  readonly untilMs: number;
  readonly buffer: PartBuffer;
}

export type Staging =
  | { readonly kind: 'staged'; readonly bitmap: number }
  | { readonly kind: 'complete'; readonly bitmap: number; readonly message: Uint8Array }
  /** No room: try again later. */
  | { readonly kind: 'full' }
  /** Parts of one transaction that don't go together. */
  | { readonly kind: 'bad' };

/** Requests in parts from proven sources, until they are whole or too old. Time is passed in; nothing runs by itself. */
export class PartStage {
  readonly #limits: StageLimits;
  // BOUNDED: by limits.bytesMax (each message takes a datagram's room at least); oldest first, as all are kept equally long.
  readonly #staged = new Map<string, Staged>();
  // BOUNDED: by the messages staged; a source without one is deleted.
  readonly #perSource = new Map<string, number>();
  #bytes = 0;

  constructor(limits: StageLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** `key` is source and transaction. */
  add(
    key: string,
    source: string,
    frame: {
      readonly part: number;
      readonly partCount: number;
      readonly signed: boolean;
      readonly chunk: Uint8Array;
    },
    nowMs: number,
  ): Staging {
    this.#expire(nowMs);
    let staged = this.#staged.get(key);
    if (staged === undefined) {
      const fits = this.#bytes + frame.partCount * CHUNK_BYTES_MAX <= this.#limits.bytesMax;
      const held = this.#perSource.get(source) ?? 0;
      if (!fits || held >= this.#limits.messagesPerSourceMax) return { kind: 'full' };
      const untilMs = nowMs + this.#limits.keepMs;
      staged = { source, signed: frame.signed, untilMs, buffer: new PartBuffer(frame.partCount) };
      this.#staged.set(key, staged);
      this.#perSource.set(source, held + 1);
      this.#bytes += frame.partCount * CHUNK_BYTES_MAX;
    }
    if (staged.buffer.partCount !== frame.partCount || staged.signed !== frame.signed) return { kind: 'bad' };
    staged.buffer.add(frame.part, frame.chunk);
    const message = staged.buffer.message();
    if (message === undefined) return { kind: 'staged', bitmap: staged.buffer.bitmap };
    this.#drop(key, staged);
    return { kind: 'complete', bitmap: staged.buffer.bitmap, message };
  }

  clear(): void {
    this.#staged.clear();
    this.#perSource.clear();
    this.#bytes = 0;
  }

  #expire(nowMs: number): void {
    for (const [key, staged] of this.#staged) {
      if (staged.untilMs > nowMs) return;
      this.#drop(key, staged);
    }
  }

  #drop(key: string, staged: Staged): void {
    this.#staged.delete(key);
    this.#bytes -= staged.buffer.partCount * CHUNK_BYTES_MAX;
    const held = (this.#perSource.get(staged.source) ?? 1) - 1;
    if (held > 0) this.#perSource.set(staged.source, held);
    else this.#perSource.delete(staged.source);
  }
}
