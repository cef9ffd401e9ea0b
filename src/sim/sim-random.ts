// Seeded chance: a stream of its own for everyone who asks, so that one more draw here moves nothing there.
import type { Random } from '../runtime/random.ts';

export interface SimRandom extends Random {
  /** An independent stream that depends only on the seed and the labels on the way to it. */
  fork(label: string): SimRandom;
}

// FNV-1a with a final mix: spreads a label over 32 bits; `salt` gives independent values.
const hash32 = (text: string, salt: number): number => {
  let h = (0x811c9dc5 ^ salt) >>> 0;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};

/** sfc32 (C. Doty-Humphrey): small, fast, and passes the usual batteries. Not for secrets. */
export const simRandom = (seed: number | string): SimRandom => {
  const name = String(seed);
  let a = hash32(name, 1);
  let b = hash32(name, 2);
  let c = hash32(name, 3);
  let counter = 1;
  const u32 = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i += 1) u32();
  return {
    float: () => (u32() * 2 ** 21 + (u32() >>> 11)) / 2 ** 53,
    bytes(count) {
      const out = new Uint8Array(count);
      for (let i = 0; i < count; i += 1) out[i] = u32() >>> 24;
      return out;
    },
    fork: (label) => simRandom(`${name}/${label}`),
  };
};
