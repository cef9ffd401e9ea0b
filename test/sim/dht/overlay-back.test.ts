// A member that was cut off alone, with the timing of a real overlay: how soon it knows, and how soon it is back.
import { expect, test } from 'vitest';
import { REPLICATION_TIMINGS } from '../../../src/dht/replication-options.ts';
import { RING_TIMING } from '../../../src/dht/ring-options.ts';
import { keyOf, OverlayWorld } from '../../support/overlay-world.ts';

const ALONE_LIMIT_MS = 12_000;
const BACK_LIMIT_MS = 7_500;

test.each([1, 2, 3, 4])('a member cut off says so, and is back within seconds (seed %i)', async (seed) => {
  const overlay = new OverlayWorld({ seed, timing: RING_TIMING, replication: REPLICATION_TIMINGS });
  await overlay.ring(5);
  await overlay.until(() => false, 7_000 + seed * 370);
  const lost = overlay.at(seed % 5);
  const others = overlay.machines.filter((machine) => machine !== lost);
  overlay.network.partition(
    [lost.host],
    others.map(({ host }) => host),
  );
  expect(await overlay.until(() => lost.node.members.length === 1, ALONE_LIMIT_MS)).toBe(true);
  // Known to be alone, it does not keep anybody waiting for a deadline.
  const askedMs = overlay.world.nowMs;
  const outcomes = await overlay.world.settle(
    Promise.all([
      lost.node.query(keyOf('nobody'), 3_000),
      lost.node.publish(keyOf('nobody'), [Uint8Array.of(1)], 5_000),
    ]),
  );
  expect(outcomes.map(({ kind }) => kind)).toEqual(['unavailable', 'unavailable']);
  expect(overlay.world.nowMs - askedMs).toBeLessThan(100);

  overlay.network.heal();
  expect(await overlay.until(() => overlay.settled(), BACK_LIMIT_MS)).toBe(true);
});
