// The signature of JOIN, NOTIFY, LEAVE and SYNC: by the node's key over the message and the cookie it was asked with (DESIGN §5).
import { SIGNATURE_BYTES, type VerifySignature } from '../record/identity.ts';
import type { Identity } from '../record/types.ts';
import { encodeCbor } from './cbor.ts';

export interface SignedParts {
  readonly overlayId: string;
  readonly transaction: Uint8Array;
  /** Ties the signature to one receiver, one source address and half an hour: a copy is good nowhere else. */
  readonly cookie: Uint8Array;
  readonly body: Uint8Array;
}

const toBeSigned = (parts: SignedParts): Uint8Array =>
  encodeCbor(['lsp-request', parts.overlayId, parts.transaction, parts.cookie, parts.body]);

/** The message as sent: 64 bytes of signature, then the body. */
export const signRequest = (parts: SignedParts, identity: Identity): Uint8Array => {
  const message = new Uint8Array(SIGNATURE_BYTES + parts.body.length);
  message.set(identity.sign(toBeSigned(parts)));
  message.set(parts.body, SIGNATURE_BYTES);
  return message;
};

export const requestSignatureFits = (
  parts: SignedParts & { readonly signature: Uint8Array },
  publicKey: Uint8Array,
  verify: VerifySignature,
): boolean => verify(publicKey, toBeSigned(parts), parts.signature);
