// Signatures for simulated nodes: real Ed25519, or a keyed hash that costs a hundredth, behind the same port.

import type { LspCrypto } from '../dht/crypto.ts';
import { peerDecoder } from '../dht/descriptor.ts';
import {
  identityFromSeed,
  SIGNATURE_BYTES,
  type VerifySignature,
  verifySignature,
} from '../record/identity.ts';
import type { Identity } from '../record/types.ts';
import { sha256 } from '../runtime/sha256.ts';

export interface SimCrypto {
  readonly verify: VerifySignature;
  /** The same key in every run for one domain and selector. */
  identity(domain: string, selector?: number): Identity;
  /** With one decoder for all nodes: each descriptor is checked once and held once, whoever hears of it. */
  lsp(overlayId: string): LspCrypto;
}

/** Descriptors of all lives of all members of the largest simulated ring. */
const DECODED_MAX = 1 << 18;

const seedOf = (domain: string, selector: number): Uint8Array => sha256(`key of ${domain}/${selector}`);

const simCrypto = (
  verify: VerifySignature,
  identityOf: (seed: Uint8Array, whose: { readonly domain: string; readonly selector: number }) => Identity,
): SimCrypto => {
  // BOUNDED: by the names of the simulation. Making a key costs more than using it.
  const identities = new Map<string, Identity>();
  return {
    verify,
    identity(domain, selector = 0) {
      const name = `${domain}/${selector}`;
      const known = identities.get(name);
      if (known !== undefined) return known;
      const identity = identityOf(seedOf(domain, selector), { domain, selector });
      identities.set(name, identity);
      return identity;
    },
    lsp: (overlayId) => ({ verify, decodePeer: peerDecoder(overlayId, { decodedMax: DECODED_MAX, verify }) }),
  };
};

const signatureOf = (publicKey: Uint8Array, message: Uint8Array): Uint8Array => {
  const half = sha256(Buffer.concat([publicKey, message]));
  const signature = new Uint8Array(SIGNATURE_BYTES);
  signature.set(half);
  signature.set(half, half.length);
  return signature;
};

/** Fits only its key and message, but anybody can make it: for worlds in which nobody forges. */
export const fastCrypto = (): SimCrypto =>
  simCrypto(
    (publicKey, message, signature) => Buffer.compare(signatureOf(publicKey, message), signature) === 0,
    (seed, whose) => {
      const publicKey = new Uint8Array(sha256(seed));
      return { ...whose, publicKey, sign: (message) => signatureOf(publicKey, message) };
    },
  );

export const realCrypto = (): SimCrypto => simCrypto(verifySignature, identityFromSeed);
