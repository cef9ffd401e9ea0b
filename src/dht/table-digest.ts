// What two members compare of their tables: a fingerprint of each entry, and one of each sixty-fourth of the ring. Pure.
import { createHash } from 'node:crypto';
import type { Peer } from './types.ts';

export const TABLE_BUCKETS = 64;
export const FINGERPRINT_BYTES = 4;
const HEX_DIGITS_OF_BUCKET = 2;

// BOUNDED: by the descriptors alive; each is hashed once however many tables share it.
const fingerprints = new WeakMap<Peer, number>();

/** First 4 bytes of SHA-256(id ‖ boot sequence as 8 bytes): the same for two who hold the same life of a member. */
export const fingerprint = (peer: Peer): number => {
  const known = fingerprints.get(peer);
  if (known !== undefined) return known;
  const life = Buffer.alloc(8);
  life.writeBigUInt64BE(BigInt(peer.bootSequence));
  const made = createHash('sha256').update(peer.id, 'hex').update(life).digest().readUInt32BE(0);
  fingerprints.set(peer, made);
  return made;
};

export const packed = (values: readonly number[]): Uint8Array => {
  const bytes = Buffer.alloc(FINGERPRINT_BYTES * values.length);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value, FINGERPRINT_BYTES * index);
  });
  return new Uint8Array(bytes);
};

export const unpacked = (bytes: Uint8Array): readonly number[] => {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Math.floor(bytes.length / FINGERPRINT_BYTES);
  return Array.from({ length: count }, (_, index) => view.readUInt32BE(FINGERPRINT_BYTES * index));
};

/** Bucket i is the ids whose first six bits are i; its digest is the exclusive or of the fingerprints in it. */
export const tableDigests = (peers: readonly Peer[]): readonly number[] => {
  const digests = new Array<number>(TABLE_BUCKETS).fill(0);
  for (const peer of peers) {
    const bucket = Number.parseInt(peer.id.slice(0, HEX_DIGITS_OF_BUCKET), 16) >> 2;
    digests[bucket] = ((digests[bucket] ?? 0) ^ fingerprint(peer)) >>> 0;
  }
  return digests;
};

/** Buckets in which two tables differ. */
export const differingBuckets = (ours: readonly number[], theirs: readonly number[]): readonly number[] =>
  ours.flatMap((digest, index) => (digest === theirs[index] ? [] : [index]));
