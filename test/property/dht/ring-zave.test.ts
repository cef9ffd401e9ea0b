// Our list functions against Zave's model: the same schedule on both, step by step; and her invariant on ours alone.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CodeRing } from '../../support/zave-code.ts';
import { broken, isIdeal, withoutPads } from '../../support/zave-invariant.ts';
import {
  fail,
  idealRing,
  isIdle,
  join,
  joinPoints,
  mayFail,
  type Place,
  placesOf,
  type Ring,
  type Rules,
  stabilize,
  ZAVE,
} from '../../support/zave-model.ts';

const IDS = 12;

type Step = readonly ['join' | 'fail' | 'stabilize', number, number];
const schedules: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.tuple(
    fc.constantFrom('join' as const, 'fail' as const, 'stabilize' as const, 'stabilize' as const),
    fc.nat(IDS - 1),
    fc.nat(IDS - 1),
  ),
  { maxLength: 120 },
);

/** One schedule on her model and on our functions. A place is used once: a second life is another peer to us. */
class Pair {
  readonly code: CodeRing;
  readonly #rules: Rules;
  readonly #used: Set<Place>;
  model: Ring;

  constructor(rules: Rules, options: { readonly buries: boolean }) {
    const founders = Array.from({ length: rules.r + 2 }, (_, index) => index * 2);
    this.#rules = rules;
    this.#used = new Set(founders);
    this.model = idealRing(IDS, founders, rules.r);
    this.code = new CodeRing(founders, rules.r, options);
  }

  step([kind, place, choice]: Step): void {
    if (kind === 'join') {
      const points = this.#used.has(place) ? [] : joinPoints(this.model, place);
      const at = points[choice % Math.max(1, points.length)];
      if (at === undefined) return;
      expect(this.code.takesIn(at, place)).toBe(true);
      this.#used.add(place);
      this.model = join(this.model, place, at, this.#rules);
      this.code.join(place, at);
    } else if (kind === 'fail') {
      if (!mayFail(this.model, place, this.#rules)) return;
      this.model = fail(this.model, place);
      this.code.fail(place);
    } else this.stabilize(place);
  }

  stabilize(place: Place): void {
    const doing = this.model[place]?.doing;
    if (doing === undefined) return;
    if (doing.what === 'nothing') this.code.first(place);
    else if (doing.what === 'stabilizing') this.code.second(place);
    else this.code.notify(place, doing.saved);
    this.model = stabilize(this.model, place, this.#rules);
  }

  /** Where the two differ otherwise than for the two reasons that we know of. */
  difference(): string | undefined {
    for (const place of placesOf(this.model)) {
      const member = this.model[place];
      if (member === undefined) continue;
      // Ours has no artificial entries: it shortens the list and fills it at the next round.
      const hers = withoutPads(member.succ).join();
      const ours = this.code.successorsOf(place).join();
      if (hers !== ours) return `successors of ${place}: hers ${hers}, ours ${ours}`;
      // A dead one leaves both lists at once; she leaves a dead predecessor in its place until somebody notifies.
      const live = (at: Place | undefined): Place | undefined =>
        at === undefined || this.model[at] === undefined ? undefined : at;
      if (live(member.prdc) !== live(this.code.predecessorOf(place)))
        return `predecessor of ${place}: hers ${member.prdc}, ours ${this.code.predecessorOf(place)}`;
      const saved = member.doing.what === 'stabilizing' ? live(member.doing.saved) : undefined;
      if (saved !== live(this.code.savedOf(place))) return `candidate of ${place}`;
    }
    return undefined;
  }
}

describe.each([2, 3])('lists of %i', (r) => {
  const rules = { ...ZAVE, r };

  test('our functions do what her operations do, step by step', () => {
    fc.assert(
      fc.property(schedules, (schedule) => {
        const pair = new Pair(rules, { buries: false });
        for (const step of schedule) {
          pair.step(step);
          expect(pair.difference()).toBeUndefined();
          expect(broken(pair.model, r)).toBeUndefined();
        }
      }),
      { numRuns: 300 },
    );
  });

  test('her invariant holds on our lists, and the ring becomes ideal', () => {
    fc.assert(
      fc.property(schedules, (schedule) => {
        // As RingCore has it: whoever is found dead leaves every list at once.
        const pair = new Pair(rules, { buries: true });
        for (const step of schedule) {
          pair.step(step);
          expect(broken(pair.code.asRing(IDS), r)).toBeUndefined();
        }
        for (let round = 0; round < 60; round += 1)
          for (const place of placesOf(pair.model)) pair.stabilize(place);
        expect(isIdle(pair.model) || isIdeal(pair.model)).toBe(true);
        expect(isIdeal(pair.code.asRing(IDS))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
