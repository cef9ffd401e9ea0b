// Answers kept a short while: a copy of a request that was executed gets the same answer, and lost parts are fetched here.

interface Kept {
  readonly untilMs: number;
  /** Undefined while the request is still being worked on. */
  readonly frames: readonly Uint8Array[] | undefined;
  readonly bytes: number;
}

/** What an entry costs beside its frames. */
const OVERHEAD_BYTES = 200;

const sizeOf = (frames: readonly Uint8Array[] | undefined): number =>
  (frames ?? []).reduce((sum, frame) => sum + frame.length, OVERHEAD_BYTES);

/** By source and transaction, for proven sources only. Time is passed in. */
export class AnswerCache {
  readonly #bytesMax: number;
  readonly #keepMs: number;
  // BOUNDED: bytesMax with OVERHEAD_BYTES an entry; oldest first, as all are kept equally long.
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(options: { readonly bytesMax: number; readonly keepMs: number }) {
    this.#bytesMax = options.bytesMax;
    this.#keepMs = options.keepMs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string, nowMs: number): 'running' | readonly Uint8Array[] | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined || kept.untilMs <= nowMs) return undefined;
    return kept.frames ?? 'running';
  }

  /** `frames` undefined: the request has just been taken up. */
  set(key: string, frames: readonly Uint8Array[] | undefined, nowMs: number): void {
    this.delete(key);
    const kept = { untilMs: nowMs + this.#keepMs, frames, bytes: sizeOf(frames) };
    this.#kept.set(key, kept);
    this.#bytes += kept.bytes;
    for (const [oldest, { untilMs }] of this.#kept) {
      if (this.#bytes <= this.#bytesMax && untilMs > nowMs) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    this.#bytes -= kept.bytes;
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }
}
