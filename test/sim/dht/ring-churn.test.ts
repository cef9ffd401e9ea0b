// Random faults on rings around the border of the modes: whatever happened, in the end one ideal ring, and never a fault of ours.
import { expect, test } from 'vitest';
import { simRandom } from '../../../src/sim/sim-random.ts';
import { at, hostOf, SimRing } from '../../support/sim-ring.ts';

const STEPS = 12;

/** Kills, restarts, leaves, partitions, one-way cuts and pauses, all from one seed. */
const churned = async (seed: number, nodesMax: number): Promise<{ ring: SimRing; story: string }> => {
  const random = simRandom(`churn ${seed}`);
  const below = (n: number): number => Math.floor(random.float() * n);
  const ring = new SimRing(seed, {
    successors: [2, 4, 8][below(3)] ?? 8,
    link: {
      loss: [0, 0.02, 0.1][below(3)] ?? 0,
      jitterMs: [3, 60][below(2)] ?? 3,
      duplicate: 0.02,
      reorder: 0.05,
    },
  });
  const { world } = ring;
  const seeds = [at(hostOf(0)), at(hostOf(1))];
  const count = 2 + below(nodesMax - 1);
  const hosts = Array.from({ length: count }, (_, index) => hostOf(index));
  const down = new Set<number>();
  const story: string[] = [];
  const boot = (index: number) => ring.start(`n${index}`, hostOf(index), seeds);
  for (let index = 0; index < count; index += 1) {
    await boot(index);
    await world.runFor(below(2000));
  }
  for (let step = 0; step < STEPS; step += 1) {
    const index = below(count);
    const up = !down.has(index);
    const spare = up && down.size < count - 1;
    const faults: Record<string, () => Promise<void> | void> = {
      kill: () => {
        if (!spare) return;
        ring.kill(`n${index}`);
        down.add(index);
      },
      leave: async () => {
        if (!spare) return;
        await ring.leave(`n${index}`);
        down.add(index);
      },
      start: async () => {
        const [first] = down;
        if (first === undefined) return;
        down.delete(first);
        await boot(first);
      },
      partition: async () => {
        world.network.partition(hosts.slice(0, index), hosts.slice(index));
        await world.runFor(below(60_000));
        world.network.heal();
      },
      cut: async () => {
        world.network.cut(hostOf(index), hostOf(below(count)));
        await world.runFor(below(30_000));
        world.network.heal();
      },
      pause: () => {
        if (up) ring.node(`n${index}`).process.pause(below(40_000));
      },
    };
    const names = Object.keys(faults);
    const name = names[below(names.length)] ?? 'kill';
    story.push(`${world.nowMs} ${name} ${index}`);
    await faults[name]?.();
    await world.runFor(below(20_000));
  }
  return { ring, story: story.join(', ') };
};

// 80 seeds of each kind were run when this was written; these few keep watch.
test.each([
  [1, 9],
  [2, 9],
  [3, 9],
  [4, 9],
  [5, 9],
  [6, 14],
  [7, 14],
  [8, 14],
])('seed %i, up to %i nodes: one ideal ring afterwards', async (seed, nodesMax) => {
  const { ring, story } = await churned(seed, nodesMax);
  await ring.settled(120_000).catch((error: unknown) => {
    throw new Error(story, { cause: error });
  });
  expect(ring.faults).toEqual([]);
  expect(ring.alive.flatMap(({ fatal }) => fatal)).toEqual([]);
});
