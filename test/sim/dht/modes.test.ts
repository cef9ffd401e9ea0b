// Every size from one member to twelve, over the border of the modes and back: the ideal ring once faults have stopped.
import { describe, expect, test } from 'vitest';
import { simRandom } from '../../../src/sim/sim-random.ts';
import { at, hostOf, SimRing } from '../../support/sim-ring.ts';

const SEEDS = [at(hostOf(0)), at(hostOf(1))];

describe.each([
  ['small up to nine, full beyond', 8],
  ['full from six', 4],
])('%s', (_, successors) => {
  test.each(Array.from({ length: 12 }, (__, index) => index + 1))(
    '%i started at once, with loss, a partition, a crash and a pause: ideal afterwards',
    async (count) => {
      const random = simRandom(`sizes ${successors} ${count}`);
      const below = (n: number): number => Math.floor(random.float() * n);
      const ring = new SimRing(`sizes ${successors} ${count}`, {
        successors,
        link: { loss: 0.05, duplicate: 0.02, reorder: 0.05, jitterMs: 20 },
      });
      for (let index = 0; index < count; index += 1) await ring.start(`n${index}`, hostOf(index), SEEDS);
      await ring.world.runFor(10_000);
      const hosts = ring.alive.map(({ host }) => host);
      const cut = below(count);
      ring.world.network.partition(hosts.slice(0, cut), hosts.slice(cut));
      await ring.world.runFor(5000 + below(20_000));
      const victim = below(count);
      ring.kill(`n${victim}`);
      ring.alive[below(count - 1)]?.process.pause(below(20_000));
      await ring.world.runFor(below(10_000));
      ring.world.network.heal();
      ring.world.network.setDefaultLink({ loss: 0, duplicate: 0, reorder: 0 });
      await ring.start(`n${victim}`, hostOf(victim), SEEDS);
      await ring.settled(180_000);
      expect(ring.alive).toHaveLength(count);
      expect(ring.faults).toEqual([]);
    },
  );
});

test('in and out over both borders while others come and go: every mode it has to be in, and never a fault', async () => {
  const successors = 4;
  const ring = new SimRing('borders', { successors });
  const random = simRandom('borders');
  const below = (n: number): number => Math.floor(random.float() * n);
  let next = 0;
  const seeds = () => (next < 2 ? SEEDS : ring.alive.map(({ host }) => at(host)));
  const grow = async (): Promise<void> => {
    await ring.start(`n${next}`, hostOf(next), seeds());
    next += 1;
  };
  const shrink = (): void => {
    const victim = ring.alive[below(ring.alive.length)];
    if (victim !== undefined) ring.kill(victim.name);
  };
  // Two steps on and one back, so that it moves through the border under churn, not in one go.
  const towards = async (count: number): Promise<void> => {
    const up = ring.alive.length < count;
    for (let step = 0; ring.alive.length !== count; step += 1) {
      if (step % 3 < 2 === up) await grow();
      else shrink();
      await ring.world.runFor(below(4000));
    }
    await ring.settled(240_000);
    const modes = new Set(ring.alive.map(({ ring: node }) => node.mode));
    expect([...modes]).toEqual([count > successors + 1 ? 'full' : 'small']);
  };
  for (const count of [4, 9, 3, 7, 2, 8, 4]) await towards(count);
  expect(ring.faults).toEqual([]);
});
