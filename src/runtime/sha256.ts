// SHA-256 and HMAC (RFC 2104) over it in one call each: Node's hash objects cost more to make and collect than the hashing.
import { hash } from 'node:crypto';

const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/** Text is hashed as UTF-8. */
export const sha256 = (data: Uint8Array | string): Buffer => hash('sha256', data, 'buffer');

export const sha256Hex = (data: Uint8Array | string): string => hash('sha256', data, 'hex');

const xorInto = (block: Uint8Array, key: Uint8Array, pad: number): void => {
  for (let at = 0; at < BLOCK_BYTES; at += 1) block[at] = (at < key.length ? (key[at] ?? 0) : 0) ^ pad;
};

/** "H(K XOR opad, H(K XOR ipad, text))": text is taken as UTF-8. */
export const hmacSha256 = (key: Uint8Array, data: Uint8Array | string): Buffer => {
  // "Applications that use keys longer than B bytes will first hash the key using H".
  const short = key.length > BLOCK_BYTES ? sha256(key) : key;
  const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
  const inner = Buffer.allocUnsafe(BLOCK_BYTES + length);
  xorInto(inner, short, INNER_PAD);
  if (typeof data === 'string') inner.write(data, BLOCK_BYTES);
  else inner.set(data, BLOCK_BYTES);
  const outer = Buffer.allocUnsafe(BLOCK_BYTES + HASH_BYTES);
  xorInto(outer, short, OUTER_PAD);
  outer.set(sha256(inner), BLOCK_BYTES);
  return sha256(outer);
};
