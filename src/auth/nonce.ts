// Nonces that need no memory: any registrar with the secret can tell when, for which realm and to whom one was given.
import { timingSafeEqual } from 'node:crypto';
import type { Random } from '../runtime/random.ts';
import { hmacSha256 } from '../runtime/sha256.ts';

/**
 * `good`: ours, for this realm and address, in time. `expired`: the same, too old (or from a clock far ahead).
 * `foreign`: given to another address or realm, under another secret, or made up: we can't tell which.
 */
export type NonceVerdict = 'good' | 'expired' | 'foreign';

export interface NonceScope {
  readonly realm: string;
  /** The IP literal that the request came from. No port: NATs and reconnecting phones change it within a minute. */
  readonly source: string;
}

const TIME_BYTES = 6;
const SALT_BYTES = 6;
/** 144 bits: a nonce can't be guessed, and all of it is 40 base64url characters without padding. */
const MAC_BYTES = 18;
const NONCE_BYTES = TIME_BYTES + SALT_BYTES + MAC_BYTES;
const NONCE_CHARS = (NONCE_BYTES * 4) / 3;
/** Registrars of a domain share nonces; their clocks may differ by this much (the overlay's SKEW). */
const SKEW_MS = 60_000;

export class Nonces {
  readonly #secret: Uint8Array;
  readonly #lifetimeMs: number;
  readonly #random: Random;

  constructor(options: {
    readonly secret: Uint8Array;
    readonly lifetimeSec: number;
    readonly random: Random;
  }) {
    this.#secret = options.secret;
    this.#lifetimeMs = options.lifetimeSec * 1000;
    this.#random = options.random;
  }

  /** A nonce nobody else has: two requests in one millisecond differ by the salt, so no challenge is ever shared. */
  issue(scope: NonceScope, wallMs: number): string {
    const bytes = Buffer.alloc(NONCE_BYTES);
    bytes.writeUIntBE(wallMs, 0, TIME_BYTES);
    bytes.set(this.#random.bytes(SALT_BYTES), TIME_BYTES);
    bytes.set(this.#mac(bytes, scope), TIME_BYTES + SALT_BYTES);
    return bytes.toString('base64url');
  }

  judge(nonce: string, scope: NonceScope, wallMs: number): NonceVerdict {
    if (nonce.length !== NONCE_CHARS) return 'foreign';
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== NONCE_BYTES) return 'foreign';
    if (!timingSafeEqual(this.#mac(bytes, scope), bytes.subarray(TIME_BYTES + SALT_BYTES))) return 'foreign';
    const ageMs = wallMs - bytes.readUIntBE(0, TIME_BYTES);
    return ageMs <= this.#lifetimeMs && ageMs >= -SKEW_MS ? 'good' : 'expired';
  }

  #mac(bytes: Buffer, { realm, source }: NonceScope): Buffer {
    // The length in front keeps ("ab", "c") and ("a", "bc") apart.
    const text = Buffer.from(`nonce:${realm.length}:${realm}:${source}`);
    return hmacSha256(
      this.#secret,
      Buffer.concat([bytes.subarray(0, TIME_BYTES + SALT_BYTES), text]),
    ).subarray(0, MAC_BYTES);
  }
}
