// What is compared of an arc: one fingerprint a key, of which the exclusive or is taken (docs/lsp.md, "SYNC").

import { sha256 } from '../runtime/sha256.ts';
import type { Id } from './id.ts';

export const FINGERPRINT_BYTES = 8;

/** Eight bytes as two 32-bit integers: the engine keeps these without an object, and there is one for every key held. */
export interface Fingerprint {
  readonly high: number;
  readonly low: number;
}

export const NO_FINGERPRINT: Fingerprint = { high: 0, low: 0 };

/** First 8 bytes of SHA-256(key ‖ digest): keys that hold the same, or swapped what they hold, don't cancel out. */
export const fingerprintOf = (key: Id, digest: Uint8Array): Fingerprint => {
  const hash = sha256(Buffer.concat([Buffer.from(key, 'hex'), digest]));
  return { high: hash.readInt32BE(0), low: hash.readInt32BE(4) };
};

/** As the wire has it. */
export const fingerprintBytes = ({ high, low }: Fingerprint): Uint8Array => {
  const bytes = Buffer.alloc(FINGERPRINT_BYTES);
  bytes.writeInt32BE(high, 0);
  bytes.writeInt32BE(low, 4);
  return new Uint8Array(bytes);
};

/** The exclusive or over `keys` of all that have a digest. */
export const foldFingerprints = (
  keys: readonly Id[],
  digestOf: (key: Id) => Uint8Array | undefined,
): Uint8Array => {
  let high = 0;
  let low = 0;
  for (const key of keys) {
    const digest = digestOf(key);
    if (digest === undefined) continue;
    const one = fingerprintOf(key, digest);
    high ^= one.high;
    low ^= one.low;
  }
  return fingerprintBytes({ high, low });
};
