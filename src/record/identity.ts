// Ed25519 keys (RFC 8032) of registrars: made, read from PKCS#8 PEM, and used; synchronous, for deterministic simulation.
import {
  createPrivateKey,
  createPublicKey,
  sign as cryptoSign,
  verify as cryptoVerify,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { BoundedMap } from '../runtime/bounded-map.ts';
import { messageOf } from '../runtime/errors.ts';
import { fail, ok, type Result } from '../runtime/result.ts';
import type { Identity } from './types.ts';

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** The raw 32 bytes of an Ed25519 key's public half. */
const rawPublicKey = (key: KeyObject): Uint8Array =>
  // A JWK of an OKP key always has x (RFC 8037 §2); the type says it of all JWKs.
  Buffer.from(String(key.export({ format: 'jwk' })['x']), 'base64url');

/** A new private key as PKCS#8 PEM text, and its raw public key. */
export const generateKeyPem = (): { readonly pem: string; readonly publicKey: Uint8Array } => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: rawPublicKey(publicKey),
  };
};

const fromPrivateKey = (
  privateKey: KeyObject,
  whose: { readonly domain: string; readonly selector: number },
): Identity => ({
  domain: whose.domain,
  selector: whose.selector,
  publicKey: rawPublicKey(createPublicKey(privateKey)),
  sign: (message) => cryptoSign(null, message, privateKey),
});

/** The identity a key file gives; the error says in words what is wrong with the file. */
export const identityFromPem = (
  pem: string,
  whose: { readonly domain: string; readonly selector: number },
): Result<Identity> => {
  try {
    const privateKey = createPrivateKey(pem);
    if (privateKey.asymmetricKeyType !== 'ed25519') {
      return fail(`the key is ${privateKey.asymmetricKeyType ?? 'of an unknown kind'}, not Ed25519`);
    }
    return ok(fromPrivateKey(privateKey, whose));
  } catch (error) {
    return fail(`not a PKCS#8 private key in PEM form (${messageOf(error)})`);
  }
};

// PKCS#8 of an Ed25519 seed is this prefix and the 32 bytes (RFC 8410 §7).
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The identity of a 32-byte RFC 8032 seed: for the simulator, whose keys come from its own randomness. */
export const identityFromSeed = (
  seed: Uint8Array,
  whose: { readonly domain: string; readonly selector: number },
): Identity =>
  fromPrivateKey(
    createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' }),
    whose,
  );

// BOUNDED: 4096 keys; making a KeyObject costs about as much as half a verification.
const keyObjects = new BoundedMap<string, KeyObject>(4096);

/** Does the signature of the message fit the raw public key? A port, so that a simulation can bring a cheaper scheme. */
export type VerifySignature = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** Ed25519 verification by a raw public key; false for a key or signature of the wrong length. */
export const verifySignature: VerifySignature = (publicKey, message, signature) => {
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  const x = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKey.length).toString('base64url');
  let key = keyObjects.get(x);
  if (key === undefined) {
    key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    keyObjects.set(x, key);
  }
  return cryptoVerify(null, message, key, signature);
};
