// Half of a ring dies at once: what each of the others sends meanwhile stays bounded, in every second and open at a time.
import { expect, test } from 'vitest';
import { SimOverlay } from '../../../src/sim/sim-overlay.ts';
import { LspTraffic } from '../../support/lsp-traffic.ts';
import { memberDefect } from '../../support/overlay-ideal.ts';

// By hand: STORM_NODES=160 npx vitest run test/sim/dht/storm.test.ts
const COUNT = Number(process.env['STORM_NODES'] ?? 40);
/** Of one node: checks, introductions and the rest of the background work under way at once (RingLiveness, RingMember). */
const OPEN_MAX = 256;

test(`${COUNT / 2} of ${COUNT} die at once: no storm, and all others find each other soon`, async () => {
  const overlay = new SimOverlay({ seed: 'storm', link: { delayMs: 20, jitterMs: 10 } });
  await overlay.bootIdeal(COUNT);
  await overlay.world.runFor(60_000);
  const traffic = new LspTraffic(overlay.world);
  await overlay.world.runFor(60_000);
  const calm = { perSecond: traffic.peakPerSecond, open: traffic.peakOpen };
  traffic.reset();
  const doomed = overlay.members.filter((_, index) => index % 2 === 1);
  for (const member of doomed) overlay.crash(member);
  const startMs = overlay.world.nowMs;
  const settled = (): boolean => memberDefect(overlay) === undefined;
  expect(await overlay.until(settled, 60_000, 500)).toBe(true);
  const idealMs = overlay.world.nowMs - startMs;
  await overlay.world.runFor(60_000 - idealMs);
  const mean = Math.round((traffic.sent / 60 / overlay.members.length) * 10) / 10;
  const storm = { perSecond: traffic.peakPerSecond, open: traffic.peakOpen, mean, idealMs };
  expect(settled()).toBe(true);
  traffic.reset();
  await overlay.world.runFor(120_000);
  const after = { perSecond: traffic.peakPerSecond, open: traffic.peakOpen };
  const seen = JSON.stringify({ calm, storm, after });
  expect(storm.open, seen).toBeLessThan(OPEN_MAX);
  // Three tries for each in the worst second, and what others ask.
  expect(storm.perSecond, seen).toBeLessThan(3 * OPEN_MAX);
  expect(storm.mean, seen).toBeLessThan(60);
  expect(after.perSecond, seen).toBeLessThan(60);
  if (process.env['STORM_NODES'] !== undefined) console.log(seen);
  expect(overlay.faults).toEqual([]);
});
