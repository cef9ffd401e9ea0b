// A byte stream cut into messages (RFC 3261 §18.3) and keep-alives (RFC 5626 §3.5.1), however the bytes arrive.
import type { FrameItem, Framing } from './framing.ts';
import { type MessageHead, readHead } from './message-head.ts';
import { faultOf } from './read-error.ts';
import type { Work } from './scanner.ts';

/** What a plain stream may hold. */
export type StreamItem = Extract<FrameItem, { kind: 'message' | 'ping' | 'broken' }>;

export interface FramerOptions {
  readonly messageBytesMax: number;
  /** Does somebody want the bytes of whole messages (`raw`), besides what they say? */
  readonly wantsRaw?: () => boolean;
  readonly work?: Work;
}

const CR = 13;
const LF = 10;
const EMPTY_LINE = '\r\n\r\n';
const EMPTY = Buffer.alloc(0);
const KEPT_BYTES_MIN = 2048;

/** Bytes in by `push`, items out by `next`; in between it keeps at most one message and what was pushed last. */
export class StreamFramer implements Framing {
  readonly established = true;
  readonly probe = undefined;
  readonly farewell = undefined;
  readonly #options: FramerOptions;
  // BOUNDED: an incomplete message (messageBytesMax) and the last push; grows by doubling, so each byte is copied O(1) times.
  #bytes: Buffer = EMPTY;
  #start = 0;
  #end = 0;
  /** No empty line begins before this place. */
  #searched = 0;
  /** The head that waits for the rest of its body. */
  #head: { readonly read: MessageHead; readonly bodyStart: number; readonly end: number } | undefined;
  #broken = false;
  /** Read ahead of `next`, so that a caller may see that there is something and still leave it. */
  #item: StreamItem | undefined;

  constructor(options: FramerOptions) {
    this.#options = options;
  }

  /** Bytes of an unfinished message are here (a CR LF between messages is none). */
  get partial(): boolean {
    return this.#start < this.#end && this.#bytes[this.#start] !== CR;
  }

  wrap(message: Uint8Array): Uint8Array {
    return message;
  }

  /** True if `next` has an item to give. */
  get ready(): boolean {
    this.#item ??= this.#read();
    return this.#item !== undefined;
  }

  push(chunk: Uint8Array): void {
    if (this.#broken || chunk.length === 0) return;
    if (this.#start === this.#end) {
      // Nothing is kept: the chunk is read where it lies. It belongs to us until it is read.
      this.#bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      this.#move(0, chunk.length);
      return;
    }
    if (this.#end + chunk.length > this.#bytes.length) this.#grow(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Room for `more` bytes behind those kept, which move to the front. */
  #grow(more: number): void {
    const shift = this.#start;
    const kept = this.#end - shift;
    const grown = Buffer.allocUnsafeSlow(Math.max(KEPT_BYTES_MIN, 2 * (kept + more)));
    this.#bytes.copy(grown, 0, shift, this.#end);
    this.#count(kept);
    this.#bytes = grown;
    this.#start = 0;
    this.#end = kept;
    this.#searched -= shift;
    const head = this.#head;
    if (head !== undefined)
      this.#head = { read: head.read, bodyStart: head.bodyStart - shift, end: head.end - shift };
  }

  /** The next whole item, or undefined until more bytes come. */
  next(): StreamItem | undefined {
    const item = this.#item ?? this.#read();
    this.#item = undefined;
    return item;
  }

  #read(): StreamItem | undefined {
    if (this.#broken) return undefined;
    if (this.#head === undefined) {
      const before = this.#skipBlankLines();
      if (before !== undefined) return before;
      if (this.#start === this.#end) return undefined;
      const found = this.#findHead();
      if (found !== undefined) return found;
    }
    const head = this.#head;
    if (head === undefined || this.#end < head.end) return undefined;
    // A view would keep the whole buffer alive for as long as somebody holds the message.
    const body = new Uint8Array(this.#bytes.subarray(head.bodyStart, head.end));
    this.#count(body.length);
    const raw =
      this.#options.wantsRaw?.() === true
        ? new Uint8Array(this.#bytes.subarray(this.#start, head.end))
        : undefined;
    this.#head = undefined;
    this.#move(head.end, this.#end);
    return { kind: 'message', read: head.read.complete(body), raw };
  }

  /** Before a start line: CR LF alone is nothing (an answer to a ping of ours), CR LF CR LF asks for an answer. */
  #skipBlankLines(): StreamItem | undefined {
    while (this.#bytes[this.#start] === CR && this.#end - this.#start >= 2) {
      if (this.#bytes[this.#start + 1] !== LF) return this.#break('a CR that ends no line');
      const third = this.#end - this.#start > 2 ? this.#bytes[this.#start + 2] : undefined;
      if (third === undefined) return undefined;
      if (third !== CR) {
        this.#move(this.#start + 2, this.#end);
        return undefined;
      }
      if (this.#end - this.#start < 4) return undefined;
      if (this.#bytes[this.#start + 3] !== LF) return this.#break('a CR that ends no line');
      this.#move(this.#start + 4, this.#end);
      return { kind: 'ping' };
    }
    return undefined;
  }

  /** Looks for the end of the head from where the last look ended. */
  #findHead(): StreamItem | undefined {
    // Only a CR LF pair, or a part of one, can stand here still.
    if (this.#bytes[this.#start] === CR) return undefined;
    const { messageBytesMax, work } = this.#options;
    const from = Math.max(this.#start, this.#searched);
    const found = this.#bytes.subarray(0, this.#end).indexOf(EMPTY_LINE, from, 'latin1');
    this.#count((found < 0 ? this.#end : found) - from + EMPTY_LINE.length);
    const headEnd = found < 0 ? this.#end : found;
    if (headEnd - this.#start > messageBytesMax) {
      const head = readHead(this.#bytes.toString('latin1', this.#start, this.#start + messageBytesMax), work);
      return this.#tooLarge(head);
    }
    if (found < 0) {
      this.#searched = Math.max(this.#start, this.#end - EMPTY_LINE.length + 1);
      return undefined;
    }
    const read = readHead(this.#bytes.toString('latin1', this.#start, headEnd), work);
    const bodyStart = headEnd + EMPTY_LINE.length;
    const { contentLength } = read;
    // RFC 3261 §20.14: "If a stream-based protocol (such as TCP) is used as transport, then the header field MUST be
    // used." Without a number that can be trusted the stream has lost its frames (RFC 4475 §3.1.2.3, §3.3.9).
    if (contentLength === 'absent' || contentLength === 'bad') {
      const late = faultOf('ERR_SIP_CONTENT_LENGTH', 'no Content-Length on a stream');
      return this.#fail(read, late);
    }
    if (bodyStart - this.#start + contentLength > messageBytesMax) return this.#tooLarge(read);
    this.#head = { read, bodyStart, end: bodyStart + contentLength };
    return undefined;
  }

  #tooLarge(head: MessageHead): StreamItem {
    return this.#fail(head, faultOf('ERR_SIP_TOO_LARGE', 'Message Too Large', 513));
  }

  /** The stream ends with `fault`, or with what was wrong with the head before. */
  #fail(head: MessageHead, fault: ReturnType<typeof faultOf>): StreamItem {
    const read = head.complete(EMPTY, fault);
    this.#drop();
    return { kind: 'broken', error: read.ok ? fault : read.error };
  }

  #break(reason: string): StreamItem {
    this.#drop();
    return { kind: 'broken', error: faultOf('ERR_SIP_NOT_SIP', reason) };
  }

  #drop(): void {
    this.#broken = true;
    this.#bytes = EMPTY;
    this.#move(0, 0);
  }

  #move(start: number, end: number): void {
    this.#start = start;
    this.#end = end;
    this.#searched = start;
    if (start === end) this.#bytes = EMPTY;
  }

  #count(steps: number): void {
    if (this.#options.work !== undefined) this.#options.work.steps += steps;
  }
}
