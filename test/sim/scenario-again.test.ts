// Scenarios that failed once, and scenarios run twice: one seed gives one course of events.
import { expect, test } from 'vitest';
import { REGRESSIONS } from './regressions.ts';
import { runScenario } from './scenario/run-scenario.ts';

test.each(REGRESSIONS)('seed $seed for $minutes minutes: $found', { timeout: 120_000 }, async (one) => {
  const { violations } = await runScenario(one.seed, one);
  expect(violations).toEqual([]);
});

test.each([3, 5, 8])(
  'seed %i twice is the same course of events, to the byte',
  { timeout: 120_000 },
  async (seed) => {
    const first = await runScenario(seed, { minutes: 0.3 });
    expect((await runScenario(seed, { minutes: 0.3 })).hash).toBe(first.hash);
  },
);
