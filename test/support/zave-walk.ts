// One random way through Zave's model, for rings too large to be explored.
import { simRandom } from '../../src/sim/sim-random.ts';
import { nextOf } from './zave-explore.ts';
import { type Broken, broken } from './zave-invariant.ts';
import { idealRing, type Ring, type Rules } from './zave-model.ts';

/** Rounds of parts within which any of the rings explored or walked is ideal again: measured, 11 and less. */
export const ROUNDS_MAX = 24;

export const walk = (options: {
  readonly ids: number;
  readonly rules: Rules;
  readonly founders: number;
  readonly steps: number;
  readonly seed: number;
}): { readonly violation: Broken | undefined; readonly last: Ring } => {
  const { ids, rules, founders, steps, seed } = options;
  const random = simRandom(seed);
  const members = Array.from({ length: founders }, (_, index) => Math.floor((index * ids) / founders));
  let ring = idealRing(ids, members, rules.r);
  for (let step = 0; step < steps; step += 1) {
    const next = nextOf(ring, rules);
    const [, chosen] = next[Math.floor(random.float() * next.length)] ?? ['', ring];
    ring = chosen;
    const violation = broken(ring, rules.r);
    if (violation !== undefined) return { violation, last: ring };
  }
  return { violation: undefined, last: ring };
};
