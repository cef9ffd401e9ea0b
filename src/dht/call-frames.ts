// The datagrams of a request, as far as the cookie known for its receiver allows.
import type { Identity } from '../record/types.ts';
import { writeFrame } from './frame.ts';
import { bitmapToBytes, type PartBuffer, splitMessage } from './parts.ts';
import { signRequest } from './request-signature.ts';
import type { RequestTraits } from './request-traits.ts';

export interface CallFramesDeps {
  readonly overlayId: string;
  readonly overlayTag: Uint8Array;
  /** Absent in a client that only reads and publishes. */
  readonly identity: Identity | undefined;
}

/** What the frames of a call are made of. */
interface Outgoing {
  readonly transaction: Uint8Array;
  readonly body: Uint8Array;
  readonly traits: RequestTraits;
}

/** One frame a part; undefined if the message needs more than 16. */
export const requestFrames = (
  deps: CallFramesDeps,
  { transaction, body, traits }: Outgoing,
  cookie: Uint8Array | undefined,
): readonly Uint8Array[] | undefined => {
  const { overlayId, overlayTag, identity } = deps;
  const signed = traits.signed && cookie !== undefined && identity !== undefined;
  const message = signed ? signRequest({ overlayId, transaction, cookie, body }, identity) : body;
  const chunks = splitMessage(message);
  if (chunks === undefined) return undefined;
  // Without a cookie a request that needs one would be refused whole: an empty one asks for it.
  const ask = cookie === undefined && (traits.cookie || chunks.length > 1);
  const sent = ask ? [new Uint8Array()] : chunks;
  const padTo = cookie === undefined && !ask ? traits.padTo : 0;
  const partCount = sent.length;
  // Written out, here and in reply-frames.ts: what follows a spread is added property by property.
  return sent.map((chunk, part) =>
    writeFrame(
      {
        kind: 'plain',
        answer: false,
        signed,
        bitmap: false,
        overlayTag,
        transaction,
        part,
        partCount,
        cookie,
        chunk,
      },
      padTo,
    ),
  );
};

/** Asks for the parts of an answer that have not arrived. */
export const fetchFrame = (
  deps: CallFramesDeps,
  call: { readonly transaction: Uint8Array; readonly cookie: Uint8Array | undefined },
  answer: PartBuffer,
): Uint8Array =>
  writeFrame({
    kind: 'plain',
    answer: false,
    signed: false,
    bitmap: true,
    overlayTag: deps.overlayTag,
    transaction: call.transaction,
    cookie: call.cookie,
    part: 0,
    partCount: answer.partCount,
    chunk: bitmapToBytes(answer.bitmap),
  });
