// A member killed and started again elsewhere, with the timing of a real overlay: back in seconds, noticed before or not.
import { expect, test } from 'vitest';
import { REPLICATION_TIMINGS } from '../../../src/dht/replication-options.ts';
import { RING_TIMING } from '../../../src/dht/ring-options.ts';
import { OverlayWorld, PORT } from '../../support/overlay-world.ts';

const READY_LIMIT_MS = 5_000;
const KEYS = 200;

test.each([
  { when: 'at once', gapMs: 0, seed: 1 },
  { when: 'at once', gapMs: 0, seed: 2 },
  { when: 'after it was missed', gapMs: 20_000, seed: 3 },
  { when: 'after it was missed', gapMs: 20_000, seed: 4 },
])('killed and started elsewhere $when, a member is ready within seconds (seed $seed)', async (options) => {
  const { gapMs, seed } = options;
  const overlay = new OverlayWorld({ seed, timing: RING_TIMING, replication: REPLICATION_TIMINGS });
  await overlay.ring(5);
  const ids = await overlay.publishMany(KEYS);
  const seeds = overlay.machines.slice(0, 3).map(({ host }) => ({ host, port: PORT }));
  const lost = overlay.at(seed % 5);
  overlay.crash(lost);
  await overlay.until(() => false, gapMs);
  const back = await overlay.boot(lost.name, { host: '10.0.1.1', seeds });
  expect(await overlay.until(() => back.node.ready, READY_LIMIT_MS)).toBe(true);
  expect(await overlay.census(ids)).toEqual({ entries: KEYS * 5 });
});
