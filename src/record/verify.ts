// May this entry stand: is it well-formed, is it this key's, did the domain's own key sign it? Identical bytes cost once.
import { BoundedMap } from '../runtime/bounded-map.ts';
import { fail, ok, type Result } from '../runtime/result.ts';
import { sha256Hex } from '../runtime/sha256.ts';
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
import { type VerifySignature, verifySignature } from './identity.ts';
import { keyFromHash } from './keys.ts';
import { sealHashOf } from './seal.ts';
import type { DomainKeyResolver } from './types.ts';

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

/** What verifying found: the same bytes under the same key need no second look while the signer's key stands. */
interface Known {
  readonly entry: Entry;
  readonly key: Id;
  readonly publicKey: Uint8Array;
}

const VERIFIED_MAX = 20_000;

export class EntryVerifier {
  readonly #keys: DomainKeyResolver;
  readonly #overlayId: string;
  readonly #verify: VerifySignature;
  // BOUNDED: `verifiedMax` hashes of (key, signed bytes) that did verify, about 100 bytes each.
  readonly #verified: BoundedMap<string, true>;
  // BOUNDED: by the bytes that somebody else holds, the store above all; forgotten with them.
  readonly #known = new WeakMap<Uint8Array, Known>();

  constructor(
    deps: {
      readonly keys: DomainKeyResolver;
      readonly overlayId: string;
      /** Ed25519 if absent. */
      readonly verify?: VerifySignature | undefined;
    },
    options: { readonly verifiedMax?: number } = {},
  ) {
    this.#keys = deps.keys;
    this.#overlayId = deps.overlayId;
    this.#verify = deps.verify ?? verifySignature;
    this.#verified = new BoundedMap(options.verifiedMax ?? VERIFIED_MAX);
  }

  /** `first`: accepted here for the first time, for which a stale key is not good enough (DESIGN §6). */
  async verify(
    bytes: Uint8Array,
    expected: { readonly key: Id; readonly first?: boolean },
  ): Promise<Result<Entry, VerifyErrorCode>> {
    const known = this.#known.get(bytes);
    const sound = known?.key === expected.key ? ok(known.entry) : soundEntry(bytes, expected.key);
    if (!sound.ok) return sound;
    const entry = sound.value;
    const answer = await this.#keys.resolve(entry.domain, entry.selector);
    if (answer.kind === 'unknown') return fail('ERR_ENTRY_SIGNER_UNKNOWN');
    if (answer.kind === 'unavailable') return fail('ERR_ENTRY_SIGNER_UNAVAILABLE');
    if (answer.stale === true && expected.first === true) return fail('ERR_ENTRY_SIGNER_UNAVAILABLE');
    // A key that was revoked since is not among those of the answer: its entries are checked again, and fail.
    const publicKeys = [answer.publicKey, ...(answer.alternates ?? [])];
    if (known !== undefined && publicKeys.some((publicKey) => same(publicKey, known.publicKey))) return sound;
    const signer = this.#signerOf(entry, publicKeys);
    if (signer === undefined) return fail('ERR_ENTRY_SIGNATURE');
    this.#known.set(bytes, { entry, key: expected.key, publicKey: signer });
    return sound;
  }

  /** Notes an entry that this process has just signed itself, so that its own store need not check it. */
  vouch(entry: Entry, by: { readonly key: Id; readonly publicKey: Uint8Array }): void {
    this.#known.set(entry.bytes, { entry, ...by });
  }

  /** The key among these that signed the entry. */
  #signerOf(entry: Entry, publicKeys: readonly Uint8Array[]): Uint8Array | undefined {
    const prints = publicKeys.map((publicKey) => fingerprint(entry, publicKey));
    const seen = prints.findIndex((print) => this.#verified.has(print));
    if (seen >= 0) return publicKeys[seen];
    const input = signatureInput(this.#overlayId, payloadIn(entry));
    const signature = signatureIn(entry);
    const index = publicKeys.findIndex((publicKey) => this.#verify(publicKey, input, signature));
    if (index >= 0) this.#verified.set(prints[index] ?? '', true);
    return publicKeys[index];
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a === b || Buffer.compare(a, b) === 0;

/** What can be said of an entry without its signer: it is well-formed, of this key, and its sealed part is the signed one. */
const soundEntry = (bytes: Uint8Array, key: Id): Result<Entry, VerifyErrorCode> => {
  const decoded = decodeEntry(bytes);
  if (!decoded.ok) return decoded;
  const entry = decoded.value;
  if (keyFromHash(entry.domain, userHashIn(entry)) !== key) return fail('ERR_ENTRY_WRONG_KEY');
  const sealed = sealedIn(entry);
  const hash = sealHashIn(entry);
  if (sealed !== undefined && (hash === undefined || Buffer.compare(sealHashOf(sealed), hash) !== 0)) {
    return fail('ERR_ENTRY_SEAL');
  }
  return decoded;
};

// The key is part of it: an entry verified by a key that was revoked since is checked again, and fails.
const fingerprint = (entry: Entry, publicKey: Uint8Array): string =>
  sha256Hex(Buffer.concat([publicKey, signatureIn(entry), payloadIn(entry)]));
