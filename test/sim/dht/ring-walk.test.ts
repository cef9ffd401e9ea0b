// The walk behind `chordial ring` over a large ring: everybody is found, nothing is broken, and a death shows.
import { expect, test } from 'vitest';
import { SimOverlay } from '../../../src/sim/sim-overlay.ts';

test('a ring of 100 is walked whole and in order; one that died is named until all have noticed', async () => {
  const overlay = new SimOverlay({ seed: 'walk', sharedMetrics: true, traced: false });
  await overlay.bootIdeal(100);
  await overlay.world.runFor(10_000);
  const [first, victim] = [overlay.members[0], overlay.members[70]];
  if (first === undefined || victim === undefined) throw new Error('no members');

  const whole = await overlay.world.settle(first.node.walk());
  const ids = whole.members.map(({ peer }) => peer.id);
  expect(ids).toHaveLength(100);
  expect(ids).toEqual([...ids].sort());
  expect(whole.problems).toEqual([]);

  overlay.crash(victim);
  const broken = await overlay.world.settle(first.node.walk());
  expect(broken.silent.map(({ id }) => id)).toEqual([victim.node.self?.id]);
  expect(broken.problems[0]).toMatch(/^m70\.example\/0 \(\w{8}\) is listed by .* and does not answer$/);

  await overlay.world.runFor(30_000);
  const mended = await overlay.world.settle(first.node.walk());
  expect([mended.members.length, mended.problems]).toEqual([99, []]);
  expect(overlay.faults).toEqual([]);
});
