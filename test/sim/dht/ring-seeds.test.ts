// What a node tells its operator while it can't join.
import { afterEach, beforeEach, expect, test } from 'vitest';
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
