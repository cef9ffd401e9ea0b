// The seeds that every run of the tests goes through, in files of their own so that they share the cores.
import { expect, test } from 'vitest';
import { runScenario } from './run-scenario.ts';

/** Half a minute of trouble; with booting, healing and what is asked then, one and a half in all. */
const MINUTES = 0.5;
const SEEDS_PER_TEST = 5;

export const testSeeds = (first: number, count: number): void => {
  const starts = Array.from({ length: count / SEEDS_PER_TEST }, (_, n) => first + n * SEEDS_PER_TEST);
  test.each(starts)('seeds %i and the four after it', { timeout: 120_000 }, async (start) => {
    const failed: Record<string, readonly string[]> = {};
    let answers = 0;
    for (let seed = start; seed < start + SEEDS_PER_TEST; seed += 1) {
      const { violations, said } = await runScenario(seed, { minutes: MINUTES });
      if (violations.length > 0) failed[`npm run sim -- --seed ${seed} --minutes ${MINUTES}`] = violations;
      answers += (said['query found'] ?? 0) + (said['publish stored'] ?? 0);
    }
    expect(failed).toEqual({});
    // A world in which nothing works breaks no promise either.
    expect(answers).toBeGreaterThan(100 * SEEDS_PER_TEST);
  });
};
