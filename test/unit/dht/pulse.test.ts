import { expect, test } from 'vitest';
import { Pulse } from '../../../src/dht/pulse.ts';
import { Tasks } from '../../../src/dht/tasks.ts';
import { SimWorld } from '../../../src/sim/sim-world.ts';

const setUp = (workMs = 0) => {
  const world = new SimWorld(1);
  const { clock } = world.boot('10.0.0.1');
  const errors: string[] = [];
  const tasks = new Tasks({ clock, onError: (name, error) => errors.push(`${name} ${error}`) }, { max: 8 });
  const runs: number[] = [];
  let running = 0;
  let most = 0;
  let failing = false;
  const pulse = new Pulse(
    { clock, tasks },
    'beat',
    async () => {
      runs.push(world.nowMs);
      running += 1;
      most = Math.max(most, running);
      if (workMs > 0) await tasks.sleep(workMs);
      running -= 1;
      if (failing) throw new Error('broken');
    },
    () => 1000,
  );
  return { world, tasks, pulse, runs, errors, most: () => most, fail: () => (failing = true) };
};

test('runs after its delay, again and again', async () => {
  const { world, pulse, runs } = setUp();
  pulse.start();
  await world.run(3500);
  expect(runs).toEqual([1000, 2000, 3000]);
});

test('a kick brings the next run forward, never puts it off', async () => {
  const { world, pulse, runs } = setUp();
  pulse.start();
  pulse.kick(5000);
  pulse.kick(200);
  pulse.kick(300);
  await world.run(1250);
  expect(runs).toEqual([200, 1200]);
});

test('kicked while it runs it runs once more afterwards, never twice at once', async () => {
  const { world, pulse, runs, most } = setUp(100);
  pulse.start(0);
  await world.run(50);
  pulse.kick();
  pulse.kick();
  await world.run(300);
  expect(runs).toEqual([0, 100]);
  expect(most()).toBe(1);
});

test('stopped it stays stopped; not started it is not kicked', async () => {
  const { world, pulse, runs } = setUp();
  pulse.kick();
  pulse.start();
  pulse.stop();
  pulse.kick();
  await world.run(5000);
  expect(runs).toEqual([]);
});

test('a run that fails is told and does not end the beat', async () => {
  const { world, pulse, runs, errors, fail } = setUp();
  fail();
  pulse.start();
  await world.run(2500);
  expect(runs).toHaveLength(2);
  expect(errors).toEqual(['beat Error: broken', 'beat Error: broken']);
});
