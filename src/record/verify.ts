// May this entry stand: is it well-formed, is it this key's, did the domain's own key sign it? Identical bytes cost once.
import { createHash } from 'node:crypto';
import { BoundedMap } from '../runtime/bounded-map.ts';
import { fail, ok, type Result } from '../runtime/result.ts';
import {
  decodeEntry,
  type Entry,
  type EntryErrorCode,
  payloadIn,
  sealedIn,
  sealHashIn,
  signatureIn,
  signatureInput,
  userHashIn,
} from './entry-codec.ts';
import type { Id } from './id.ts';
import { verifySignature } from './identity.ts';
import { keyFromHash } from './keys.ts';
import { sealHashOf } from './seal.ts';
import type { DomainKeyResolver, KeyAnswer } from './types.ts';

export type VerifyErrorCode =
  | EntryErrorCode
  /** Its domain and user hash do not give the key it was sent under. */
  | 'ERR_ENTRY_WRONG_KEY'
  /** The sealed part is not the one that was signed. */
  | 'ERR_ENTRY_SEAL'
  /** Nobody vouches for a key under this domain and selector. */
  | 'ERR_ENTRY_SIGNER_UNKNOWN'
  /** Who might vouch can't be asked now. */
  | 'ERR_ENTRY_SIGNER_UNAVAILABLE'
  | 'ERR_ENTRY_SIGNATURE';

const VERIFIED_MAX = 20_000;

export class EntryVerifier {
  readonly #keys: DomainKeyResolver;
  readonly #overlayId: string;
  // BOUNDED: `verifiedMax` hashes of (key, signed bytes) that did verify, about 100 bytes each.
  readonly #verified: BoundedMap<string, true>;

  constructor(
    deps: { readonly keys: DomainKeyResolver; readonly overlayId: string },
    options: { readonly verifiedMax?: number } = {},
  ) {
    this.#keys = deps.keys;
    this.#overlayId = deps.overlayId;
    this.#verified = new BoundedMap(options.verifiedMax ?? VERIFIED_MAX);
  }

  /** `first`: accepted here for the first time, for which a stale key is not good enough (DESIGN §6). */
  async verify(
    bytes: Uint8Array,
    expected: { readonly key: Id; readonly first?: boolean },
  ): Promise<Result<Entry, VerifyErrorCode>> {
    const decoded = decodeEntry(bytes);
    if (!decoded.ok) return decoded;
    const entry = decoded.value;
    if (keyFromHash(entry.domain, userHashIn(entry)) !== expected.key) return fail('ERR_ENTRY_WRONG_KEY');
    const sealed = sealedIn(entry);
    const hash = sealHashIn(entry);
    if (sealed !== undefined && (hash === undefined || Buffer.compare(sealHashOf(sealed), hash) !== 0)) {
      return fail('ERR_ENTRY_SEAL');
    }
    const answer = await this.#keys.resolve(entry.domain, entry.selector);
    if (answer.kind === 'unknown') return fail('ERR_ENTRY_SIGNER_UNKNOWN');
    if (answer.kind === 'unavailable') return fail('ERR_ENTRY_SIGNER_UNAVAILABLE');
    if (answer.stale === true && expected.first === true) return fail('ERR_ENTRY_SIGNER_UNAVAILABLE');
    return this.#signedBy(entry, answer) ? ok(entry) : fail('ERR_ENTRY_SIGNATURE');
  }

  /** Notes an entry that this process has just signed itself, so that its own store need not check it. */
  vouch(entry: Entry, publicKey: Uint8Array): void {
    this.#verified.set(fingerprint(entry, publicKey), true);
  }

  #signedBy(entry: Entry, answer: Extract<KeyAnswer, { readonly kind: 'key' }>): boolean {
    const publicKeys = [answer.publicKey, ...(answer.alternates ?? [])];
    const prints = publicKeys.map((publicKey) => fingerprint(entry, publicKey));
    if (prints.some((print) => this.#verified.has(print))) return true;
    const input = signatureInput(this.#overlayId, payloadIn(entry));
    const signature = signatureIn(entry);
    for (const [index, publicKey] of publicKeys.entries()) {
      if (!verifySignature(publicKey, input, signature)) continue;
      this.#verified.set(prints[index] ?? '', true);
      return true;
    }
    return false;
  }
}

// The key is part of it: an entry verified by a key that was revoked since is checked again, and fails.
const fingerprint = (entry: Entry, publicKey: Uint8Array): string =>
  createHash('sha256').update(publicKey).update(signatureIn(entry)).update(payloadIn(entry)).digest('base64');
