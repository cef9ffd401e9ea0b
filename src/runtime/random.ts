// Chance as a port: cryptographic in production, seeded in the simulator and the tests.
import { randomBytes } from 'node:crypto';

export interface Random {
  bytes(count: number): Uint8Array;
  /** Uniform in [0, 1). */
  float(): number;
}

const POOL_BYTES = 4096;
let pool = Buffer.alloc(0);
let used = 0;

/** Asking the system costs more than the bytes: they are fetched by the page, and each is given out once. */
function fromPool(count: number): Buffer {
  if (count > POOL_BYTES / 8) return randomBytes(count);
  if (used + count > pool.length) {
    pool = randomBytes(POOL_BYTES);
    used = 0;
  }
  used += count;
  return pool.subarray(used - count, used);
}

/** The machine's cryptographic randomness. */
export const systemRandom: Random = {
  bytes: fromPool,
  float: () => fromPool(6).readUIntBE(0, 6) / 2 ** 48,
};

/** Uniform integer in [0, below). */
export const randomBelow = (random: Random, below: number): number => Math.floor(random.float() * below);

/** `baseMs` spread by ±`share` (0.5: from half to one and a half), so that nodes do not fall into step. */
export const jittered = (random: Random, baseMs: number, share = 0.5): number =>
  baseMs * (1 - share + 2 * share * random.float());

/** All of them, in an order of its own (Fisher and Yates). */
export const shuffled = <T>(random: Random, list: readonly T[]): readonly T[] => {
  const rest = [...list];
  return list.flatMap(() => rest.splice(randomBelow(random, rest.length), 1));
};
