// How signatures on the wire are checked: Ed25519, unless a simulation brings something cheaper or shares it among its nodes.
import { type VerifySignature, verifySignature } from '../record/identity.ts';
import { type DecodePeer, peerDecoder } from './descriptor.ts';

export interface LspCrypto {
  /** Signed requests. */
  readonly verify: VerifySignature;
  /** Descriptors, their signature included. */
  readonly decodePeer: DecodePeer;
}

export const ed25519Crypto = (overlayId: string): LspCrypto => ({
  verify: verifySignature,
  decodePeer: peerDecoder(overlayId),
});
