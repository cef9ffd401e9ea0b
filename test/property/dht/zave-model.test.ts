// Zave's model explored to the end for small rings: her invariant, progress and the ideal ring; and what breaks without her rules.
import { describe, expect, test } from 'vitest';
import { explore, makesProgress, roundsToIdeal } from '../../support/zave-explore.ts';
import { type Broken, broken, brokenRing } from '../../support/zave-invariant.ts';
import { type Ring, type Rules, ZAVE } from '../../support/zave-model.ts';
import { ROUNDS_MAX, walk } from '../../support/zave-walk.ts';

// By hand, six members as far as a number of states: ZAVE_IDS=6 ZAVE_STATES=2000000 NODE_OPTIONS=--max-old-space-size=8000 …
const IDS = Number(process.env['ZAVE_IDS'] ?? 5);
const STATES_MAX = Number(process.env['ZAVE_STATES'] ?? Infinity);
const STATES: Readonly<Record<number, number>> = { 4: 524, 5: 161_241 };

describe(`all rings of up to ${IDS} members with lists of 2`, () => {
  test('her invariant holds, something is always left to be done until the ring is ideal, and then it is', () => {
    const wrong: string[] = [];
    let rounds = 0;
    const visit = (ring: Ring): void => {
      if (!makesProgress(ring, ZAVE)) wrong.push(`no progress: ${JSON.stringify(ring)}`);
      const took = roundsToIdeal(ring, ZAVE);
      if (took === undefined) wrong.push(`never ideal: ${JSON.stringify(ring)}`);
      rounds = Math.max(rounds, took ?? 0);
    };
    const explored = explore({ ids: IDS, rules: ZAVE, founders: ZAVE.r + 1, visit, statesMax: STATES_MAX });
    expect(explored).toMatchObject({ violation: undefined, complete: STATES_MAX === Infinity });
    expect(wrong).toEqual([]);
    // Fewer would mean that something isn't explored any more.
    expect(explored.states).toBe(STATES[IDS] ?? explored.states);
    expect(rounds).toBeLessThanOrEqual(ROUNDS_MAX);
  });
});

describe('lists of 3, sampled', () => {
  test.each([
    [7, 1],
    [8, 2],
    [10, 3],
  ])('her invariant in random walks among %i places, seed %i', (ids, seed) => {
    const rules = { ...ZAVE, r: 3 };
    for (let run = 0; run < 15; run += 1) {
      const { violation, last } = walk({ ids, rules, founders: 5, steps: 300, seed: seed * 1000 + run });
      expect(violation).toBeUndefined();
      expect(roundsToIdeal(last, rules)).toBeLessThanOrEqual(ROUNDS_MAX);
    }
  });
});

describe('without her rules the search finds', () => {
  const whole = (ring: Ring): Broken | undefined => broken(ring, ZAVE.r);

  test.each<[string, Partial<Rules>, number, (ring: Ring) => Broken | undefined, Broken]>([
    ['a candidate adopted although it did not answer', { asksCandidate: false }, 3, whole, 'I1'],
    ['the same, as the ring sees it', { asksCandidate: false }, 3, brokenRing, 'ConnectedAppendages'],
    ['a joiner that takes the successor alone', { joinsWhole: false }, 3, brokenRing, 'ConnectedAppendages'],
    ["original Chord's operations", { original: true }, 3, brokenRing, 'ConnectedAppendages'],
    // CCR 2012: the ring shrinks to two, lists come round, and one that holds itself goes its own way.
    [
      'principals that fail although no more than r + 1 are left',
      { sparesPrincipals: false },
      3,
      brokenRing,
      'AtMostOneRing',
    ],
    ['a ring of one, with lists of 3', { r: 3, sparesPrincipals: false }, 1, brokenRing, 'AtMostOneRing'],
    ['a ring of two, with lists of 2', {}, 2, (ring) => broken(ring, 0), 'self in a list'],
  ])('%s', (_, rules, founders, check, what) => {
    const explored = explore({
      ids: rules.sparesPrincipals === false ? 4 : 5,
      rules: { ...ZAVE, ...rules },
      founders,
      statesMax: 50_000,
      check,
    });
    expect(explored.violation?.what).toBe(what);
  });
});
