// Ed25519 (RFC 8032) verification with a raw 32-byte key.
import { createPublicKey, verify } from 'node:crypto';

// RFC 8410: SubjectPublicKeyInfo of an Ed25519 key is this prefix and the key.
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

export const verifyEd25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
  return verify(null, message, key, signature);
};
