// Chance as a port: cryptographic in production, seeded in the simulator and the tests.
import { randomBytes } from 'node:crypto';

export interface Random {
  bytes(count: number): Uint8Array;
  /** Uniform in [0, 1). */
  float(): number;
}

/** The machine's cryptographic randomness. */
export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  float: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
};

/** Uniform integer in [0, below). */
export const randomBelow = (random: Random, below: number): number => Math.floor(random.float() * below);

/** `baseMs` spread by ±`share` (0.5: from half to one and a half), so that nodes do not fall into step. */
export const jittered = (random: Random, baseMs: number, share = 0.5): number =>
  baseMs * (1 - share + 2 * share * random.float());
