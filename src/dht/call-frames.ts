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

interface Outgoing {
  readonly transaction: Uint8Array;
  readonly cookie: Uint8Array | undefined;
}

const PLAIN = { kind: 'plain', answer: false, signed: false, bitmap: false } as const;

/** One frame a part; undefined if the message needs more than 16. */
export const requestFrames = (
  deps: CallFramesDeps,
  call: Outgoing & { readonly body: Uint8Array; readonly traits: RequestTraits },
): readonly Uint8Array[] | undefined => {
  const { overlayId, overlayTag, identity } = deps;
  const { body, traits, transaction, cookie } = call;
  const signed = traits.signed && cookie !== undefined && identity !== undefined;
  const message = signed ? signRequest({ overlayId, transaction, cookie, body }, identity) : body;
  const chunks = splitMessage(message);
  if (chunks === undefined) return undefined;
  // Without a cookie a request that needs one would be refused whole: an empty one asks for it.
  const ask = cookie === undefined && (traits.cookie || chunks.length > 1);
  const sent = ask ? [new Uint8Array()] : chunks;
  const padTo = cookie === undefined && !ask ? traits.padTo : 0;
  return sent.map((chunk, part) =>
    writeFrame(
      { ...PLAIN, signed, overlayTag, transaction, cookie, part, partCount: sent.length, chunk },
      padTo,
    ),
  );
};

/** Asks for the parts of an answer that have not arrived. */
export const fetchFrame = (deps: CallFramesDeps, call: Outgoing, answer: PartBuffer): Uint8Array =>
  writeFrame({
    ...PLAIN,
    bitmap: true,
    overlayTag: deps.overlayTag,
    transaction: call.transaction,
    cookie: call.cookie,
    part: 0,
    partCount: answer.partCount,
    chunk: bitmapToBytes(answer.bitmap),
  });
