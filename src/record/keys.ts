// From a name to what is derived from it: the ring's key, the user hash, and the secret that seals and hides.
import { hmacSha256, sha256 } from '../runtime/sha256.ts';
import type { LocationName } from '../uri/types.ts';
import { encodeCbor } from './cbor-writer.ts';
import { hashToId, type Id } from './id.ts';

/** Length of bindingId, contactId and series: half a SHA-256, no collisions to be had by chance or by search. */
export const HASH_ID_BYTES = 16;

const hashOf = (parts: readonly unknown[]): Uint8Array => sha256(encodeCbor(parts));

/** Says whose bindings these are only to who can name the user: SHA-256 of ["lsp-user", scheme, user, domain]. */
export const userHashOf = (name: LocationName): Uint8Array =>
  hashOf(['lsp-user', name.scheme, name.user, name.domain]);

/** Where a name's entries live: a storing node checks it from domain and userHash without learning the user. */
export const keyFromHash = (domain: string, userHash: Uint8Array): Id =>
  hashToId(encodeCbor(['lsp-key', domain, userHash]));

/** What everybody who can spell the URI shares, and nobody else: the root of seals and keyed hashes. */
export const nameSecretOf = (name: LocationName): Uint8Array =>
  hashOf(['lsp-secret', name.scheme, name.user, name.domain]);

/** All that is derived from one name; computed once per request and passed on. */
export interface NameKeys {
  readonly key: Id;
  readonly userHash: Uint8Array;
  readonly secret: Uint8Array;
}

export const nameKeys = (name: LocationName): NameKeys => {
  const userHash = userHashOf(name);
  return { key: keyFromHash(name.domain, userHash), userHash, secret: nameSecretOf(name) };
};

/** The ring's key of a name. */
export const keyOf = (name: LocationName): Id => keyFromHash(name.domain, userHashOf(name));

const keyedHash = (secret: Uint8Array, parts: readonly unknown[]): Uint8Array =>
  hmacSha256(secret, encodeCbor(parts)).subarray(0, HASH_ID_BYTES);

export const contactIdOf = (secret: Uint8Array, canonicalContact: string): Uint8Array =>
  keyedHash(secret, ['lsp-contact', canonicalContact]);

/** RFC 5626 §6: instance and reg-id name the binding where both are present, "regardless of the Contact URI". */
export const instanceIdOf = (secret: Uint8Array, instance: string, regId: number): Uint8Array =>
  keyedHash(secret, ['lsp-instance', instance, regId]);

export const seriesOf = (secret: Uint8Array, series: string): Uint8Array =>
  keyedHash(secret, ['lsp-series', series]);
