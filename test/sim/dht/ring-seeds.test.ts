// What a node tells its operator while it can't join.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clockwiseFrom } from '../../../src/record/id.ts';
import { at, hostOf, SimRing } from '../../support/sim-ring.ts';

let ring: SimRing;
beforeEach(() => {
  ring = new SimRing('seeds');
});
afterEach(() => {
  expect(ring.faults).toEqual([]);
});

const joined = (name: string) => () => ring.node(name).ring.joined;
const SILENT = 'a: no seed answers {"seeds":[{"seed":"10.0.0.2:7184","why":"timeout"}]}';

test('that no seed answers is said, ever more rarely, until one does', async () => {
  await ring.start('a', hostOf(0), [at(hostOf(1))]);
  await ring.world.runUntil(() => false, { limitMs: 60_000 });
  const { length } = ring.warnings;
  expect(new Set(ring.warnings)).toEqual(new Set([SILENT]));
  expect(length).toBeGreaterThan(2);
  expect(length).toBeLessThan(10);

  await ring.start('b', hostOf(1), []);
  expect(await ring.world.runUntil(joined('a'), { limitMs: 120_000 })).toBe(true);
});

test('a seed without an address is said by name', async () => {
  await ring.start('a', hostOf(0), [{ host: 'lsp.example', port: 7184 }], { resolve: () => [] });
  await ring.world.runFor(1_000);
  expect(ring.warnings[0]).toBe('a: no seed answers {"seeds":[],"unresolved":["lsp.example"]}');
});

test('nothing is said by nodes that found a ring together', async () => {
  const seeds = [at(hostOf(0)), at(hostOf(1))];
  await ring.start('a', hostOf(0), seeds);
  await ring.start('b', hostOf(1), seeds);
  await ring.settled(60_000);
  expect(ring.warnings).toEqual([]);
});

// While one dead member after the other was waited for, the seeds themselves died (schedule 30 of zave-members).
test('a joiner that is sent to one dead member after the other is in within 15 s all the same', async () => {
  for (let index = 0; index < 20; index += 1)
    await ring.start(`n${index}`, hostOf(index), index === 0 ? [] : [at(hostOf(0))]);
  await ring.settled(180_000);
  // Where it will be: it comes in, and leaves again.
  const { id } = (await ring.start('a', hostOf(30), [at(hostOf(0))])).ring.self;
  await ring.settled(60_000);
  await ring.leave('a');
  await ring.settled(60_000);
  const order = clockwiseFrom(id);
  const before = [...ring.alive].sort((one, other) => order(other.ring.self.id, one.ring.self.id));
  const seed = before[12];
  for (const { name } of before.slice(0, 6)) ring.kill(name);
  await ring.start('a', hostOf(30), [at(seed?.host ?? '')]);
  expect(await ring.world.runUntil(joined('a'), { limitMs: 15_000 })).toBe(true);
  await ring.settled(60_000);
});
