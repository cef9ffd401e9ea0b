// The datagrams that go back to an asker: answers, challenges, bitmaps of what arrived.
import { type Frame, SUPPORTED_VERSIONS, writeFrame } from './frame.ts';
import { bitmapToBytes } from './parts.ts';
import type { Answer, ErrorCode } from './types.ts';

export interface ReplyTo {
  readonly overlayTag: Uint8Array;
  readonly transaction: Uint8Array;
  /** A cookie to use from now on, when the one shown is missing, wrong or in its second window. */
  readonly fresh: Uint8Array | undefined;
}

type Varying = Pick<Frame, 'kind' | 'bitmap' | 'part' | 'partCount' | 'chunk'>;

const replyFrame = (to: ReplyTo, { kind, bitmap, part, partCount, chunk }: Varying): Uint8Array =>
  writeFrame({
    kind,
    answer: true,
    signed: false,
    bitmap,
    overlayTag: to.overlayTag,
    transaction: to.transaction,
    part,
    partCount,
    cookie: to.fresh,
    chunk,
  });

export const errorAnswer = (code: ErrorCode, detail: string): Answer => ({
  type: 'error',
  code,
  detail,
  peers: [],
  ...(code === 'unsupported-version' ? { versions: [...SUPPORTED_VERSIONS] } : {}),
});

export const answerFrames = (to: ReplyTo, chunks: readonly Uint8Array[]): readonly Uint8Array[] =>
  chunks.map((chunk, part) =>
    replyFrame(to, { kind: 'plain', bitmap: false, part, partCount: chunks.length, chunk }),
  );

/** "Come back with this": sent in place of work, state, or an answer too large for who may not be there. */
export const challengeFrame = (to: ReplyTo): Uint8Array =>
  replyFrame(to, { kind: 'challenge', bitmap: false, part: 0, partCount: 1, chunk: new Uint8Array() });

/** Which parts of the request have arrived. */
export const bitmapFrame = (to: ReplyTo, partCount: number, bitmap: number): Uint8Array =>
  replyFrame(to, { kind: 'plain', bitmap: true, part: 0, partCount, chunk: bitmapToBytes(bitmap) });
