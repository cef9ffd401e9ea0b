// Issue: "Rolling restart of every node of a ring under load: zero failed lookups, zero lost bindings." Five registrars as
// processes; test/net/rolling.ts does the same with fifteen by hand.
import { expect, test } from 'vitest';
import { figuresText, rollingRestart } from '../../net/rolling-restart.ts';

test('five registrars restarted one after the other at new ports: nothing fails, nothing is lost', async () => {
  const figures = await rollingRestart({
    registrars: 5,
    users: 100,
    lanes: 1,
    pauseMs: 20,
    restMs: 500,
    limitMs: 60_000,
  });
  process.stderr.write(`${figuresText(figures)}\n`);
  expect(figures.failed).toEqual([]);
  expect(figures.lost).toEqual([]);
  expect(figures.repeated).toBeLessThan(0.01 * figures.registrations);
  expect(figures.restarts).toBe(5);
  expect(Math.min(figures.calls, figures.registrations, figures.lookups)).toBeGreaterThan(50);
  expect(figures.stopMs).toBeLessThan(10_000);
}, 180_000);
