// A node that finds nobody: ever fewer questions, up to one round in five minutes, and in the ring soon after there is one.
import { expect, test } from 'vitest';
import { SIM_PORT, SimOverlay } from '../../../src/sim/sim-overlay.ts';

const HOUR_MS = 3_600_000;
const seeds = ['10.1.0.1', '10.1.0.2'].map((host) => ({ host, port: SIM_PORT }));

test('with silent seeds it backs off from a second to five minutes, and keeps trying', async () => {
  const overlay = new SimOverlay({ seed: 'lone' });
  // Times at which a round of questions began: nothing was sent in the five seconds before.
  const rounds: number[] = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  let sent = 0;
  overlay.network.setFilter(() => {
    const nowMs = overlay.world.nowMs;
    if (nowMs - lastMs > 5000) rounds.push(nowMs);
    lastMs = nowMs;
    sent += 1;
    return true;
  });
  const lone = await overlay.boot('lone', { seeds });
  await overlay.world.runFor(4 * HOUR_MS);
  const gaps = rounds.slice(1).map((atMs, index) => atMs - (rounds[index] ?? 0));
  expect(lone.node.ready).toBe(false);
  // Jitter is ± 50 %, and a round itself takes some seconds.
  expect(Math.max(...gaps)).toBeLessThan(1.5 * 300_000 + 10_000);
  const late = gaps.slice(10);
  expect(late.reduce((sum, gap) => sum + gap, 0) / late.length).toBeGreaterThan(200_000);
  expect(sent).toBeLessThan((4 * HOUR_MS) / 10_000);

  await overlay.boot('first', { host: '10.1.0.1', seeds: [] });
  expect(await overlay.until(() => lone.node.ready, 460_000, 1000)).toBe(true);
  expect(overlay.faults).toEqual([]);
});

test('a member that has lost all others asks on, and no more than once in a few seconds each', async () => {
  const overlay = new SimOverlay({ seed: 'left' });
  const [left, ...others] = await overlay.bootIdeal(12);
  await overlay.world.runFor(10_000);
  for (const member of others) overlay.crash(member);
  await overlay.world.runFor(60_000);
  const { sent } = overlay.network.counts;
  await overlay.world.runFor(600_000);
  expect((overlay.network.counts.sent - sent) / 600).toBeLessThan(15);
  expect(left?.node.ready).toBe(false);
});
