// Entries on the wire (docs/lsp-entry.md): strict bytes in, a view of them out; the bytes are kept and never re-encoded.
import { CodedError } from '../runtime/errors.ts';
import { fail, ok, type Result } from '../runtime/result.ts';
import { CborReader } from './cbor-reader.ts';
import { encodeCbor } from './cbor-writer.ts';
import { SIGNATURE_BYTES } from './identity.ts';
import { HASH_ID_BYTES } from './keys.ts';
import { ENTRY_BYTES_MAX, SELECTOR_MAX } from './limits.ts';
import type { EntryBytes, Version } from './types.ts';

export const ENTRY_KINDS = ['binding', 'tombstone', 'all'] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** One entry, decoded; not verified. Hash ids are latin-1 strings of 16 characters: comparable and small. */
export interface Entry {
  readonly bytes: EntryBytes;
  readonly domain: string;
  readonly selector: number;
  readonly kind: EntryKind;
  /** Empty for `all`. */
  readonly bindingId: string;
  readonly contactId: string;
  readonly series: string;
  readonly seq: number;
  readonly version: Version;
  readonly lifetimeSec: number;
  /** Positions in `bytes`; views are made when needed, an entry may be held for an hour. */
  readonly at: EntryPositions;
}

interface EntryPositions {
  readonly userHash: number;
  readonly core: number;
  readonly coreEnd: number;
  readonly sealHash: number;
  readonly payload: number;
  readonly payloadEnd: number;
  readonly signature: number;
  /** Where the fifth item begins: what is before it never changes, the item may be dropped. */
  readonly annex: number;
  /** The sealed bytes themselves, or the end of the entry when there are none. */
  readonly sealed: number;
}

export type EntryErrorCode =
  | 'ERR_ENTRY_TOO_LARGE'
  | 'ERR_ENTRY_MALFORMED'
  | 'ERR_ENTRY_ALGORITHM'
  | 'ERR_ENTRY_FIELDS';

const USER_HASH_BYTES = 32;
const SEAL_HASH_BYTES = 32;
/** Unknown fields may nest so deep. */
const DEPTH_MAX = 4;
const FIELDS_MAX = 32;
const DOMAIN = /^[a-z0-9_:](?:[a-z0-9_.:-]{0,251}[a-z0-9_:])?$/;

// RFC 9052 §3: the protected header is a bstr; {1: -8} names EdDSA, the only algorithm of this version.
const PROTECTED = Uint8Array.of(0xa1, 0x01, 0x27);
const ARRAY_OF_5 = 0x85;
const NULL = 0xf6;
/** 85 43 a1 01 27 a0: the array, the protected header, the empty unprotected one. */
const PREFIX = Uint8Array.of(ARRAY_OF_5, 0x43, ...PROTECTED, 0xa0);

const view = (entry: Entry, from: number, to: number): Uint8Array => entry.bytes.subarray(from, to);
export const userHashIn = (entry: Entry): Uint8Array =>
  view(entry, entry.at.userHash, entry.at.userHash + USER_HASH_BYTES);
export const coreIn = (entry: Entry): Uint8Array => view(entry, entry.at.core, entry.at.coreEnd);
export const payloadIn = (entry: Entry): Uint8Array => view(entry, entry.at.payload, entry.at.payloadEnd);
export const signatureIn = (entry: Entry): Uint8Array =>
  view(entry, entry.at.signature, entry.at.signature + SIGNATURE_BYTES);
/** SHA-256 of the sealed part as signed; undefined for removals. */
export const sealHashIn = (entry: Entry): Uint8Array | undefined =>
  entry.kind === 'binding' ? view(entry, entry.at.sealHash, entry.at.sealHash + SEAL_HASH_BYTES) : undefined;
/** Undefined for removals and for records whose payload was dropped. */
export const sealedIn = (entry: Entry): Uint8Array | undefined =>
  entry.at.sealed < entry.bytes.length ? view(entry, entry.at.sealed, entry.bytes.length) : undefined;
/** What makes two entries the same record, with payload or without: everything up to the annex. */
export const signedIn = (entry: Entry): Uint8Array => view(entry, 0, entry.at.annex);

/** Decodes strictly; the entry's bytes are a view of `bytes`. Linear, bounded by ENTRY_BYTES_MAX. */
export const decodeEntry = (bytes: Uint8Array): Result<Entry, EntryErrorCode> => {
  if (bytes.length > ENTRY_BYTES_MAX) return fail('ERR_ENTRY_TOO_LARGE');
  if (bytes.length < PREFIX.length || bytes[0] !== ARRAY_OF_5) return fail('ERR_ENTRY_MALFORMED');
  if (PREFIX.some((byte, index) => bytes[index] !== byte)) return fail('ERR_ENTRY_ALGORITHM');

  const outer = new CborReader(bytes, PREFIX.length);
  const payload = outer.bytesStart(1, ENTRY_BYTES_MAX);
  const payloadEnd = outer.at;
  const signature = outer.bytesStart(SIGNATURE_BYTES, SIGNATURE_BYTES);
  const annex = outer.at;
  const sealed = outer.takeNull() ? bytes.length : outer.bytesStart(1, ENTRY_BYTES_MAX);
  if (!outer.complete) return fail('ERR_ENTRY_MALFORMED');

  const inner = new CborReader(bytes, payload, payloadEnd);
  inner.array(2, 2);
  const core = inner.bytesStart(1, ENTRY_BYTES_MAX);
  const coreEnd = inner.at;
  const sealHash = inner.takeNull() ? -1 : inner.bytesStart(SEAL_HASH_BYTES, SEAL_HASH_BYTES);
  if (!inner.complete) return fail('ERR_ENTRY_MALFORMED');

  const fields = decodeCore(new CborReader(bytes, core, coreEnd));
  if (fields === undefined) return fail('ERR_ENTRY_FIELDS');
  // A binding has a sealed payload, a removal has none: "absent in a tombstone".
  if ((fields.kind === 'binding') !== sealHash >= 0) return fail('ERR_ENTRY_FIELDS');
  if (fields.kind !== 'binding' && sealed < bytes.length) return fail('ERR_ENTRY_FIELDS');
  const { userHash, ...rest } = fields;
  const at = { userHash, core, coreEnd, sealHash, payload, payloadEnd, signature, annex, sealed };
  return ok({ bytes, ...rest, at });
};

type CoreFields = Omit<Entry, 'bytes' | 'at'> & { readonly userHash: number };

const hashId = (reader: CborReader): string => {
  const id = reader.bytes(HASH_ID_BYTES, HASH_ID_BYTES);
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1');
};

const decodeCore = (reader: CborReader): CoreFields | undefined => {
  const pairs = reader.map(FIELDS_MAX);
  let domain = '';
  let userHash = -1;
  let selector = -1;
  let kind: EntryKind | undefined;
  let bindingId = '';
  let contactId = '';
  let series = '';
  let seq = -1;
  let version = -1n;
  let lifetimeSec = -1;
  let key = 0;
  for (let pair = 0; pair < pairs && !reader.failed; pair += 1) {
    key = reader.nextKey(key);
    if (key === 1) domain = reader.text(253);
    else if (key === 2) userHash = reader.bytesStart(USER_HASH_BYTES, USER_HASH_BYTES);
    else if (key === 3) selector = reader.uint(SELECTOR_MAX);
    else if (key === 4) kind = ENTRY_KINDS[reader.uint(ENTRY_KINDS.length - 1)];
    else if (key === 5) bindingId = hashId(reader);
    else if (key === 6) contactId = hashId(reader);
    else if (key === 7) series = hashId(reader);
    else if (key === 8) seq = reader.uint(0xffff_ffff);
    else if (key === 9) version = reader.uint64();
    else if (key === 10) lifetimeSec = reader.uint(0xffff_ffff);
    else reader.skip(DEPTH_MAX);
  }
  if (!reader.complete || !DOMAIN.test(domain) || kind === undefined) return undefined;
  if (userHash < 0 || selector < 0 || series === '' || seq < 0 || version < 0n) return undefined;
  // One contact has both ids, "everything" has neither; what removes has no life to sign.
  if ((kind === 'all') !== (bindingId === '') || (kind === 'all') !== (contactId === '')) return undefined;
  if ((kind === 'binding') !== lifetimeSec > 0 || lifetimeSec < 0) return undefined;
  return { domain, userHash, selector, kind, bindingId, contactId, series, seq, version, lifetimeSec };
};

/** The same record without its payload: still verifies, no longer tells anything. */
export const withoutPayload = (entry: Entry): Entry => {
  if (sealedIn(entry) === undefined) return entry;
  const bytes = new Uint8Array(entry.at.annex + 1);
  bytes.set(signedIn(entry));
  bytes[entry.at.annex] = NULL;
  return { ...entry, bytes, at: { ...entry.at, sealed: bytes.length } };
};

/** The entry on bytes of its own: a view would keep a whole datagram alive. */
export const detached = (entry: Entry): Entry =>
  entry.bytes.byteLength === entry.bytes.buffer.byteLength
    ? entry
    : { ...entry, bytes: new Uint8Array(entry.bytes) };

export interface CoreParts {
  readonly domain: string;
  readonly userHash: Uint8Array;
  readonly selector: number;
  readonly kind: EntryKind;
  readonly bindingId?: Uint8Array;
  readonly contactId?: Uint8Array;
  readonly series: Uint8Array;
  readonly seq: number;
  readonly version: Version;
  readonly lifetimeSec: number;
}

export const encodeCore = (parts: CoreParts): Uint8Array => {
  const fields = new Map<number, unknown>([
    [1, parts.domain],
    [2, parts.userHash],
    [3, parts.selector],
    [4, ENTRY_KINDS.indexOf(parts.kind)],
  ]);
  if (parts.bindingId !== undefined) fields.set(5, parts.bindingId);
  if (parts.contactId !== undefined) fields.set(6, parts.contactId);
  fields.set(7, parts.series).set(8, parts.seq).set(9, parts.version).set(10, parts.lifetimeSec);
  return encodeCbor(fields);
};

export const encodePayload = (core: Uint8Array, sealHash: Uint8Array | null): Uint8Array =>
  encodeCbor([core, sealHash]);

/** RFC 9052 §4.4: what is signed is `["Signature1", body_protected, external_aad, payload]`. */
export const signatureInput = (overlayId: string, payload: Uint8Array): Uint8Array =>
  encodeCbor(['Signature1', PROTECTED, Buffer.from(overlayId, 'utf8'), payload]);

export const encodeEntry = (
  payload: Uint8Array,
  signature: Uint8Array,
  sealed: Uint8Array | null,
): EntryBytes => encodeCbor([PROTECTED, new Map(), payload, signature, sealed]);

/** For those who must throw where the bytes are their own: entries that this process has just written. */
export const decodeOwnEntry = (bytes: EntryBytes): Entry => {
  const decoded = decodeEntry(bytes);
  if (!decoded.ok) throw new CodedError(decoded.error, 'an entry of our own does not decode');
  return decoded.value;
};
