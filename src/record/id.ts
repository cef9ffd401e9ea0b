// The 160-bit identifiers of keys and nodes, and arithmetic on their ring (Chord, SIGCOMM 2001 §4). An id is 40
// lower-case hex digits: comparable, hashable, and ordered as its number.
import { sha256Hex } from '../runtime/sha256.ts';

export type Id = string & { readonly ringId: unique symbol };

/** A half-open arc (from, to] of the ring; from = to is the whole ring. */
export interface Arc {
  readonly from: Id;
  readonly to: Id;
}

export const ID_BYTES = 20;
const RING = 1n << 160n;

// The brand's one door for bytes: the caller has checked the length.
export const idFromBytes = (bytes: Uint8Array): Id =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex') as Id;

export const idToBytes = (id: Id): Uint8Array => Buffer.from(id, 'hex');

/** The id of arbitrary bytes: the first 20 bytes of their SHA-256. */
export const hashToId = (bytes: Uint8Array): Id => sha256Hex(bytes).slice(0, 2 * ID_BYTES) as Id;

/** a < x < b going clockwise; with a = b every x but a is between (Zave's `between`, research B.2). */
export const between = (a: Id, x: Id, b: Id): boolean => (a < b ? a < x && x < b : a < x || x < b);

/** x in (a, b]; (a, a] is the whole ring. */
export const inHalfOpen = (a: Id, x: Id, b: Id): boolean => x === b || (a === b ? true : between(a, x, b));

/** The way from a clockwise to b as a share of the ring, in [0, 1). Good to about 2^-52. */
export const distance = (a: Id, b: Id): number => {
  const gap = (BigInt(`0x${b}`) - BigInt(`0x${a}`) + RING) % RING;
  return Number(gap >> 108n) / 2 ** 52;
};

/** id + 2^power, modulo the ring. */
export const addPower = (id: Id, power: number): Id =>
  ((BigInt(`0x${id}`) + (1n << BigInt(power))) % RING).toString(16).padStart(2 * ID_BYTES, '0') as Id;

/** Ascending clockwise order as seen from `origin` (the first is the one closest after it; origin itself is last). */
export const clockwiseFrom =
  (origin: Id) =>
  (a: Id, b: Id): number => {
    const aWrapped = a <= origin;
    const bWrapped = b <= origin;
    if (aWrapped !== bWrapped) return aWrapped ? 1 : -1;
    return a < b ? -1 : a > b ? 1 : 0;
  };
