// The sealed part of an entry: a binding's contact and all about it, readable only to who can spell the name.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { hmacSha256, sha256 } from '../runtime/sha256.ts';
import type { Param } from '../uri/types.ts';
import { CborReader } from './cbor-reader.ts';
import { encodeCbor } from './cbor-writer.ts';
import { ENTRY_BYTES_MAX } from './limits.ts';
import type { BoundContact } from './types.ts';

export const SEAL_RANDOM_BYTES = 16;
const TAG_BYTES = 16;
const PARAMS_MAX = 64;
const PATH_MAX = 16;
const USER_AGENT_BYTES_MAX = 64;
const Q_SCALE = 1000;

// A key serves one entry only (16 random bytes make it), so that the nonce may be constant (RFC 8439 §2.8: unique per key).
const NONCE = new Uint8Array(12);
// HKDF-SHA256 (RFC 5869) with the random bytes as salt: "PRK = HMAC-Hash(salt, IKM)", and for a key of one hash's length
// "T(1) = HMAC-Hash(PRK, T(0) | info | 0x01)" with T(0) empty.
const INFO = Buffer.from('lsp-seal\u0001', 'latin1');
const entryKey = (secret: Uint8Array, random: Uint8Array): Uint8Array =>
  hmacSha256(hmacSha256(random, secret), INFO);

/** At most `max` bytes of UTF-8, cut between characters. */
const cutUtf8 = (text: string, max: number): string => {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= max) return text;
  let end = max;
  // 10xxxxxx continues a character: go back to where one begins.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
};

/** A change as everybody will read it once it was sealed: what has no place in an entry, or less of one, is cut here. */
export const asSealed = (change: BoundContact): BoundContact => {
  const { contact, canonicalContact, instance, regId, q, params, path } = change;
  const userAgent = cutUtf8(change.userAgent ?? '', USER_AGENT_BYTES_MAX);
  return {
    contact,
    canonicalContact,
    params,
    path,
    ...(instance === undefined ? {} : { instance }),
    ...(regId === undefined ? {} : { regId }),
    ...(q === undefined ? {} : { q: Math.round(Math.min(1, Math.max(0, q)) * Q_SCALE) / Q_SCALE }),
    ...(userAgent === '' ? {} : { userAgent }),
  };
};

const encodeContact = (binding: BoundContact): Uint8Array => {
  const fields = new Map<number, unknown>([[1, binding.contact]]);
  if (binding.canonicalContact !== binding.contact) fields.set(2, binding.canonicalContact);
  if (binding.instance !== undefined) fields.set(3, binding.instance);
  if (binding.regId !== undefined) fields.set(4, binding.regId);
  if (binding.q !== undefined) fields.set(5, Math.round(binding.q * Q_SCALE));
  if (binding.params.length > 0) {
    fields.set(
      6,
      binding.params.map(({ name, value }) => (value === undefined ? [name] : [name, value])),
    );
  }
  if (binding.path.length > 0) fields.set(7, binding.path);
  if (binding.userAgent !== undefined) fields.set(8, binding.userAgent);
  return encodeCbor(fields);
};

const decodeContact = (bytes: Uint8Array): BoundContact | undefined => {
  const reader = new CborReader(bytes);
  let contact: string | undefined;
  let canonicalContact: string | undefined;
  let instance: string | undefined;
  let regId: number | undefined;
  let q: number | undefined;
  let userAgent: string | undefined;
  const params: Param[] = [];
  const path: string[] = [];
  let key = 0;
  for (let left = reader.map(32); left > 0 && !reader.failed; left -= 1) {
    key = reader.nextKey(key);
    if (key === 1) contact = reader.text(ENTRY_BYTES_MAX);
    else if (key === 2) canonicalContact = reader.text(ENTRY_BYTES_MAX);
    else if (key === 3) instance = reader.text(ENTRY_BYTES_MAX);
    else if (key === 4) regId = reader.uint(0xffff_ffff);
    else if (key === 5) q = reader.uint(Q_SCALE) / Q_SCALE;
    else if (key === 6) {
      for (let n = reader.array(0, PARAMS_MAX); n > 0 && !reader.failed; n -= 1) {
        const parts = reader.array(1, 2);
        const name = reader.text(ENTRY_BYTES_MAX);
        params.push(parts === 1 ? { name } : { name, value: reader.text(ENTRY_BYTES_MAX) });
      }
    } else if (key === 7) {
      for (let n = reader.array(0, PATH_MAX); n > 0 && !reader.failed; n -= 1) {
        path.push(reader.text(ENTRY_BYTES_MAX));
      }
    } else if (key === 8) userAgent = reader.text(USER_AGENT_BYTES_MAX);
    else reader.skip(4);
  }
  if (!reader.complete || contact === undefined || contact === '') return undefined;
  return {
    contact,
    canonicalContact: canonicalContact ?? contact,
    params,
    path,
    ...(instance === undefined ? {} : { instance }),
    ...(regId === undefined ? {} : { regId }),
    ...(q === undefined ? {} : { q }),
    ...(userAgent === undefined ? {} : { userAgent }),
  };
};

/** random(16) ‖ ciphertext ‖ tag(16): AEAD_CHACHA20_POLY1305 (RFC 8439), the entry's core as associated data. */
export const seal = (
  change: BoundContact,
  bound: { readonly secret: Uint8Array; readonly core: Uint8Array; readonly random: Uint8Array },
): Uint8Array => {
  const plain = encodeContact(asSealed(change));
  const cipher = createCipheriv('chacha20-poly1305', entryKey(bound.secret, bound.random), NONCE, {
    authTagLength: TAG_BYTES,
  });
  cipher.setAAD(bound.core, { plaintextLength: plain.length });
  return Buffer.concat([bound.random, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
};

export const sealHashOf = (sealed: Uint8Array): Uint8Array => sha256(sealed);

/** Undefined if it was not sealed for this name and core, or does not hold a contact. */
export const openSealed = (
  sealed: Uint8Array,
  bound: { readonly secret: Uint8Array; readonly core: Uint8Array },
): BoundContact | undefined => {
  if (sealed.length < SEAL_RANDOM_BYTES + TAG_BYTES) return undefined;
  const end = sealed.length - TAG_BYTES;
  const key = entryKey(bound.secret, sealed.subarray(0, SEAL_RANDOM_BYTES));
  const decipher = createDecipheriv('chacha20-poly1305', key, NONCE, { authTagLength: TAG_BYTES });
  decipher.setAAD(bound.core, { plaintextLength: end - SEAL_RANDOM_BYTES });
  decipher.setAuthTag(sealed.subarray(end));
  const plain = decipher.update(sealed.subarray(SEAL_RANDOM_BYTES, end));
  try {
    decipher.final();
  } catch {
    // The tag does not fit: sealed by somebody else for another name, which is an answer, not a fault.
    return undefined;
  }
  return decodeContact(plain);
};
