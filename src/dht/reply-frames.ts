// The datagrams that go back to an asker: answers, challenges, bitmaps of what arrived.
import { SUPPORTED_VERSIONS, writeFrame } from './frame.ts';
import { bitmapToBytes } from './parts.ts';
import type { Answer, ErrorCode } from './types.ts';

export interface ReplyTo {
  readonly overlayTag: Uint8Array;
  readonly transaction: Uint8Array;
  /** A cookie to use from now on, when the one shown is missing, wrong or in its second window. */
  readonly fresh: Uint8Array | undefined;
}

const REPLY = { kind: 'plain', answer: true, signed: false, bitmap: false, part: 0, partCount: 1 } as const;

const addressed = (to: ReplyTo) =>
  ({ ...REPLY, overlayTag: to.overlayTag, transaction: to.transaction, cookie: to.fresh }) as const;

export const errorAnswer = (code: ErrorCode, detail: string): Answer => ({
  type: 'error',
  code,
  detail,
  peers: [],
  ...(code === 'unsupported-version' ? { versions: [...SUPPORTED_VERSIONS] } : {}),
});

export const answerFrames = (to: ReplyTo, chunks: readonly Uint8Array[]): readonly Uint8Array[] =>
  chunks.map((chunk, part) => writeFrame({ ...addressed(to), part, partCount: chunks.length, chunk }));

/** "Come back with this": sent in place of work, state, or an answer too large for who may not be there. */
export const challengeFrame = (to: ReplyTo): Uint8Array =>
  writeFrame({ ...addressed(to), kind: 'challenge', chunk: new Uint8Array() });

/** Which parts of the request have arrived. */
export const bitmapFrame = (to: ReplyTo, partCount: number, bitmap: number): Uint8Array =>
  writeFrame({ ...addressed(to), bitmap: true, partCount, chunk: bitmapToBytes(bitmap) });
