// The outer framing of every LSP datagram: fixed offsets, read before anything inside is looked at (docs/lsp.md, "Frame").
import { createHash } from 'node:crypto';
import { encodeCbor } from './cbor.ts';

const PROTOCOL_VERSION = 1;
export const SUPPORTED_VERSIONS = [PROTOCOL_VERSION] as const;
/** UDP payload, each way: no path worth having fragments it (IPv6 minimum MTU 1280 less headers). */
export const DATAGRAM_BYTES_MAX = 1200;
export const HEADER_BYTES = 26;
export const COOKIE_BYTES = 16;
export const PARTS_MAX = 16;
/** What one part carries: the same with and without a cookie, so that a message's parts don't depend on it. */
export const CHUNK_BYTES_MAX = DATAGRAM_BYTES_MAX - HEADER_BYTES - COOKIE_BYTES;
/** The longest message, signature included. */
export const MESSAGE_BYTES_MAX = PARTS_MAX * CHUNK_BYTES_MAX;
const OVERLAY_TAG_BYTES = 8;
export const TRANSACTION_BYTES = 8;

// "LSP": a protocol analyser's help, and what keeps stray SIP, DNS or STUN out at once.
const MAGIC = [0x4c, 0x53, 0x50] as const;

const VERSION_AT = 3;
const KIND_AT = 4;
const FLAGS_AT = 5;
const OVERLAY_AT = 6;
const TRANSACTION_AT = 14;
const PART_AT = 22;
const COUNT_AT = 23;
const LENGTH_AT = 24;

const FLAG_ANSWER = 1;
const FLAG_COOKIE = 2;
const FLAG_SIGNED = 4;
const FLAG_BITMAP = 8;

/** `handshake` and `sealed` are kept for sessions: no message changes when they come. */
export const FRAME_KINDS = ['plain', 'challenge', 'handshake', 'sealed'] as const;
type FrameKind = (typeof FRAME_KINDS)[number];

export interface Frame {
  readonly kind: FrameKind;
  /** Answers and challenges go from the asked to the asker; nothing is ever sent in response to one. */
  readonly answer: boolean;
  /** The message starts with 64 bytes of signature (JOIN, NOTIFY, LEAVE, SYNC). */
  readonly signed: boolean;
  /** The body is a bitmap of parts: of the request's that arrived (in an answer), of the answer's that did (in a request). */
  readonly bitmap: boolean;
  readonly overlayTag: Uint8Array;
  readonly transaction: Uint8Array;
  readonly part: number;
  readonly partCount: number;
  /** In a request: what a challenge or an answer gave; in an answer or challenge: one to use from now on. */
  readonly cookie: Uint8Array | undefined;
  readonly chunk: Uint8Array;
}

type FrameProblem = 'not-lsp' | 'too-large' | 'truncated' | 'bad-parts' | 'bad-bitmap';

export type FrameReading =
  | { readonly ok: true; readonly frame: Frame }
  | { readonly ok: false; readonly problem: FrameProblem }
  /** Of another version, or of a kind not spoken: enough is known to name the versions that are. */
  | {
      readonly ok: false;
      readonly problem: 'unsupported';
      readonly answer: boolean;
      readonly transaction: Uint8Array;
    };

/** What tells overlays apart in every datagram; the id itself may be a closed overlay's secret name. */
export const overlayTag = (overlayId: string): Uint8Array => {
  const digest = createHash('sha256')
    .update(encodeCbor(['lsp-overlay', overlayId]))
    .digest();
  return new Uint8Array(digest.subarray(0, OVERLAY_TAG_BYTES));
};

/** Reads a frame; the parts of the result are views of `bytes`. What follows the chunk is padding and not looked at. */
export const readFrame = (bytes: Uint8Array): FrameReading => {
  if (MAGIC.some((byte, at) => bytes[at] !== byte)) return { ok: false, problem: 'not-lsp' };
  if (bytes.length > DATAGRAM_BYTES_MAX) return { ok: false, problem: 'too-large' };
  if (bytes.length < HEADER_BYTES) return { ok: false, problem: 'truncated' };
  const at = (index: number): number => bytes[index] ?? 0;
  const flags = at(FLAGS_AT);
  const transaction = bytes.subarray(TRANSACTION_AT, TRANSACTION_AT + TRANSACTION_BYTES);
  const answer = (flags & FLAG_ANSWER) !== 0;
  const kind = FRAME_KINDS[at(KIND_AT)];
  if (at(VERSION_AT) !== PROTOCOL_VERSION || (kind !== 'plain' && kind !== 'challenge')) {
    return { ok: false, problem: 'unsupported', answer, transaction };
  }
  const part = at(PART_AT);
  const partCount = at(COUNT_AT);
  if (partCount < 1 || partCount > PARTS_MAX || part >= partCount) return { ok: false, problem: 'bad-parts' };
  const withCookie = (flags & FLAG_COOKIE) !== 0;
  const bodyAt = HEADER_BYTES + (withCookie ? COOKIE_BYTES : 0);
  const length = (at(LENGTH_AT) << 8) | at(LENGTH_AT + 1);
  if (length > CHUNK_BYTES_MAX || bodyAt + length > bytes.length) return { ok: false, problem: 'truncated' };
  const bitmap = (flags & FLAG_BITMAP) !== 0;
  if (bitmap && length !== 2) return { ok: false, problem: 'bad-bitmap' };
  // All parts but the last are full: sixteen datagrams can't be made to carry sixteen bytes.
  const full = bitmap || part === partCount - 1 ? length > 0 || partCount === 1 : length === CHUNK_BYTES_MAX;
  if (!full) return { ok: false, problem: 'bad-parts' };
  return {
    ok: true,
    frame: {
      kind,
      answer: answer || kind === 'challenge',
      signed: (flags & FLAG_SIGNED) !== 0,
      bitmap,
      overlayTag: bytes.subarray(OVERLAY_AT, OVERLAY_AT + OVERLAY_TAG_BYTES),
      transaction,
      part,
      partCount,
      cookie: withCookie ? bytes.subarray(HEADER_BYTES, bodyAt) : undefined,
      chunk: bytes.subarray(bodyAt, bodyAt + length),
    },
  };
};

/** Writes a frame, padded with zeros to `padTo` bytes if it is shorter. */
export const writeFrame = (frame: Frame, padTo = 0): Uint8Array => {
  const bodyAt = HEADER_BYTES + (frame.cookie === undefined ? 0 : COOKIE_BYTES);
  const bytes = new Uint8Array(Math.max(bodyAt + frame.chunk.length, padTo));
  bytes.set(MAGIC);
  bytes[VERSION_AT] = PROTOCOL_VERSION;
  bytes[KIND_AT] = FRAME_KINDS.indexOf(frame.kind);
  bytes[FLAGS_AT] =
    (frame.answer ? FLAG_ANSWER : 0) |
    (frame.cookie === undefined ? 0 : FLAG_COOKIE) |
    (frame.signed ? FLAG_SIGNED : 0) |
    (frame.bitmap ? FLAG_BITMAP : 0);
  bytes.set(frame.overlayTag, OVERLAY_AT);
  bytes.set(frame.transaction, TRANSACTION_AT);
  bytes[PART_AT] = frame.part;
  bytes[COUNT_AT] = frame.partCount;
  bytes[LENGTH_AT] = frame.chunk.length >> 8;
  bytes[LENGTH_AT + 1] = frame.chunk.length & 0xff;
  if (frame.cookie !== undefined) bytes.set(frame.cookie, HEADER_BYTES);
  bytes.set(frame.chunk, bodyAt);
  return bytes;
};
