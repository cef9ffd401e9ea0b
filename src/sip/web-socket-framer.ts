// SIP messages in a WebSocket (RFC 7118), server side: one message in one WebSocket message, however the bytes arrive.
import { isUtf8 } from 'node:buffer';
import { ByteStore } from './byte-store.ts';
import type { FrameItem, Framing } from './framing.ts';
import { readMessage } from './reader.ts';
import type { Work } from './scanner.ts';
import {
  CLOSE,
  type CloseCode,
  type FrameHeader,
  isCloseCode,
  OPCODE,
  readFrameHeader,
  unmask,
  writeClose,
  writeFrame,
} from './web-socket-frame.ts';
import { answerHandshake } from './web-socket-handshake.ts';

export interface WebSocketFramerOptions {
  readonly messageBytesMax: number;
  /** Where pages may come from; none for all. */
  readonly origins: readonly string[];
  /** Does somebody want the bytes of whole messages (`raw`), besides what they say? */
  readonly wantsRaw?: () => boolean;
  readonly work?: Work;
}

const HANDSHAKE_BYTES_MAX = 8192;
const EMPTY_LINE = '\r\n\r\n';
const NOTHING = new Uint8Array();
const KEEP_ALIVE_BYTES_MAX = 4;
const NOTHING_TO_DO: FrameItem = { kind: 'nothing' };

export class WebSocketFramer implements Framing {
  readonly probe = writeFrame(OPCODE.ping, NOTHING);
  readonly farewell = writeClose(CLOSE.goingAway);
  readonly #options: WebSocketFramerOptions;
  // BOUNDED: an unfinished handshake (HANDSHAKE_BYTES_MAX) or frame (messageBytesMax), and the last push.
  readonly #bytes = new ByteStore();
  // BOUNDED: messageBytesMax; the parts of a message whose last one has not come.
  readonly #parts = new ByteStore();
  /** The first frame's opcode while more are to follow. */
  #fragmented: number | undefined;
  /** No empty line of the handshake begins before this place. */
  #searched = 0;
  #state: 'handshake' | 'frames' | 'ended' = 'handshake';

  constructor(options: WebSocketFramerOptions) {
    this.#options = options;
  }

  get partial(): boolean {
    return this.#bytes.length > 0 || this.#fragmented !== undefined;
  }

  get established(): boolean {
    return this.#state === 'frames';
  }

  push(chunk: Uint8Array): void {
    if (this.#state !== 'ended' && chunk.length > 0) this.#bytes.push(chunk);
  }

  next(): FrameItem | undefined {
    if (this.#state !== 'frames') return this.#state === 'handshake' ? this.#handshake() : undefined;
    const frame = this.#takeFrame();
    if (frame === undefined) return undefined;
    return typeof frame === 'number' ? this.#end(frame) : this.#read(frame);
  }

  wrap(message: Uint8Array): Uint8Array {
    // RFC 7118 §4.2: "If there is at least one non-UTF-8 symbol in the whole SIP message …, then the whole message MUST
    // be sent within a WebSocket binary message." Browsers hand text to the page as a string, binary as a blob.
    return writeFrame(isUtf8(message) ? OPCODE.text : OPCODE.binary, message);
  }

  #handshake(): FrameItem | undefined {
    const seen = this.#bytes.view();
    const head = seen.subarray(0, HANDSHAKE_BYTES_MAX);
    const end = head.indexOf(EMPTY_LINE, this.#searched, 'latin1');
    this.#count(head.length - this.#searched);
    if (end < 0 && seen.length < HANDSHAKE_BYTES_MAX) {
      this.#searched = Math.max(0, head.length - EMPTY_LINE.length + 1);
      return undefined;
    }
    const text = head.toString('latin1', 0, Math.max(0, end));
    this.#count(text.length);
    const { ok, answer } = answerHandshake(text, this.#options.origins);
    const bytes = Buffer.from(answer, 'latin1');
    if (!ok) return this.#stop(bytes, true);
    this.#bytes.take(end + EMPTY_LINE.length);
    this.#state = 'frames';
    return { kind: 'control', bytes };
  }

  /** The next whole frame, or the code to close with. */
  #takeFrame(): { readonly header: FrameHeader; readonly payload: Buffer } | CloseCode | undefined {
    const view = this.#bytes.view();
    const header = readFrameHeader(view, this.#options.messageBytesMax);
    if (header === undefined || typeof header === 'number') return header;
    const frameBytes = header.headerBytes + header.payloadBytes;
    if (view.length < frameBytes) return undefined;
    this.#count(frameBytes);
    return { header, payload: unmask(this.#bytes.take(frameBytes), header) };
  }

  #read({ header, payload }: { readonly header: FrameHeader; readonly payload: Buffer }): FrameItem {
    const { opcode, final } = header;
    switch (opcode) {
      case OPCODE.ping:
        // RFC 6455 §5.5.3: "must have identical "Application data" as found in the message body of the Ping frame".
        return { kind: 'control', bytes: writeFrame(OPCODE.pong, payload) };
      case OPCODE.pong:
        return NOTHING_TO_DO;
      case OPCODE.close:
        return this.#closed(payload);
      case OPCODE.more:
        if (this.#fragmented === undefined) return this.#end(CLOSE.protocol);
        break;
      default:
        // §5.4: "The fragments of one message MUST NOT be interleaved between the fragments of another message".
        if (this.#fragmented !== undefined) return this.#end(CLOSE.protocol);
        if (final) return this.#message(opcode, payload);
        this.#fragmented = opcode;
    }
    if (this.#parts.length + payload.length > this.#options.messageBytesMax) return this.#end(CLOSE.tooBig);
    if (payload.length > 0) this.#parts.push(payload);
    if (!final) return NOTHING_TO_DO;
    const whole = Buffer.from(this.#parts.take(this.#parts.length));
    const first = this.#fragmented ?? OPCODE.binary;
    this.#fragmented = undefined;
    return this.#message(first, whole);
  }

  #message(opcode: number, bytes: Buffer): FrameItem {
    // §8.1: a text that is no UTF-8 ends the connection.
    if (opcode === OPCODE.text && !isUtf8(bytes)) return this.#end(CLOSE.text);
    if (bytes.length > KEEP_ALIVE_BYTES_MAX) {
      const raw = this.#options.wantsRaw?.() === true ? bytes : undefined;
      return { kind: 'message', read: readMessage(bytes, this.#options.work), raw };
    }
    // RFC 7118 §6: "The indication and use of the CRLF NAT keep-alive mechanism … are, of course, usable". No SIP message
    // is as short.
    return bytes.toString('latin1') === EMPTY_LINE ? { kind: 'ping' } : NOTHING_TO_DO;
  }

  /** RFC 6455 §5.5.1: "the endpoint typically echos the status code it received", and the server closes (§7.1.1). */
  #closed(payload: Buffer): FrameItem {
    if (payload.length === 0) return this.#stop(writeFrame(OPCODE.close, NOTHING), false);
    const code = payload.length < 2 ? 0 : payload.readUInt16BE(0);
    if (!isCloseCode(code)) return this.#end(CLOSE.protocol);
    if (!isUtf8(payload.subarray(2))) return this.#end(CLOSE.text);
    return this.#stop(writeFrame(OPCODE.close, payload.subarray(0, 2)), false);
  }

  #end(code: CloseCode): FrameItem {
    return this.#stop(writeClose(code), true);
  }

  #stop(bytes: Uint8Array, fault: boolean): FrameItem {
    this.#state = 'ended';
    this.#bytes.take(this.#bytes.length);
    this.#fragmented = undefined;
    return { kind: 'end', bytes, fault };
  }

  #count(steps: number): void {
    if (this.#options.work !== undefined) this.#options.work.steps += steps;
  }
}
