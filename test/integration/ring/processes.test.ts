// Issue: "Real sockets too: processes on loopback, join, churn, SIGKILL, partition, heal: lookups checked throughout."
// Eight members; test/net/fifty.ts does the same with fifty by hand, also in network namespaces with delay and loss.
import { afterAll, expect, test } from 'vitest';
import { simRandom } from '../../../src/sim/sim-random.ts';
import { Fleet } from '../../net/fleet.ts';
import { headerRow, type Phase, phaseRow, runScenario } from '../../net/scenario.ts';

const fleet = new Fleet({ line: { delayMs: 2, jitterMs: 3, loss: 0.005 } });
afterAll(() => fleet.end());

test('through all of it no acknowledged binding is denied and no contact is wrong', async () => {
  let table = headerRow();
  const random = simRandom(71);
  const { phases, wrong, outdated } = await runScenario(
    fleet,
    {
      atOnce: 10,
      nodes: 8,
      users: 150,
      churn: 1,
      killed: 1,
      cutOff: 2,
      cutMs: 8000,
      lanes: 4,
      pauseMs: 20,
      hostOf: (index) => `127.79.0.${index + 1}`,
      observer: '127.0.0.1',
      random: () => random.float(),
      limitMs: 60_000,
    },
    (phase) => {
      table += phaseRow(phase);
    },
  );
  process.stderr.write(table);
  expect(wrong).toEqual([]);
  expect(outdated.length).toBeLessThan(5);
  const sum = (of: (phase: Phase) => number): number => phases.reduce((all, one) => all + of(one), 0);
  expect(sum(({ found }) => found)).toBeGreaterThan(500);
  // Only those who are cut off have no answer to give.
  const calm = phases.filter(({ name }) => name !== 'while it lasts');
  const unanswered = calm.reduce((all, one) => all + one.unanswered, 0);
  expect(unanswered).toBeLessThan(0.02 * sum(({ lookups }) => lookups));
}, 180_000);
