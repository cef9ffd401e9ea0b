// Issue: "Joining and leaving moves only the arcs concerned." Counted in keys, in a ring of twelve with two thousand.
import { beforeAll, expect, test } from 'vitest';
import { type Machine, OverlayWorld } from '../../support/overlay-world.ts';

const NODES = 12;
const KEYS = 2000;
const REPLICAS = 3;
/** Of the keys concerned: most of a bucket is fetched in whole pages, and up to a quarter of what was there comes along. */
const AT_MOST = 1.25;

const sumOf = (machines: readonly Machine[], name: string): number =>
  machines.reduce((sum, { metrics }) => {
    const rows = metrics
      .text()
      .split('\n')
      .filter((row) => row.startsWith(name));
    return sum + rows.reduce((all, row) => all + Number(row.split(' ').at(-1)), 0);
  }, 0);
const movedBy = (machines: readonly Machine[]): number => sumOf(machines, 'chordial_sync_keys_total');
const copies = (machines: readonly Machine[]): number =>
  machines.reduce((sum, { store }) => sum + store.counts.keys, 0);

const overlay = new OverlayWorld({ seed: 251, crypto: 'fast' });

beforeAll(async () => {
  await overlay.ring(NODES);
  await overlay.publishMany(KEYS);
  await overlay.world.runFor(30_000);
  expect(copies(overlay.machines)).toBe(KEYS * REPLICAS);
}, 120_000);

test('a calm ring moves nothing', async () => {
  const before = movedBy(overlay.machines);
  await overlay.world.runFor(60_000);
  expect(movedBy(overlay.machines)).toBe(before);
});

test('what a joiner is to hold comes to it once', async () => {
  const others = [...overlay.machines];
  const before = movedBy(others);
  const joiner = await overlay.boot('joiner');
  await overlay.until(() => overlay.settled() && copies(overlay.machines) === KEYS * REPLICAS, 120_000);
  // Whoever lost a piece of its arc has dropped it: there are three copies again.
  expect(copies(overlay.machines)).toBe(KEYS * REPLICAS);
  const concerned = joiner.store.counts.keys;
  expect(concerned).toBeGreaterThan(0);
  // It fetches; whoever has lost a piece to it may be quicker, and give it.
  const moved = movedBy([joiner]) + movedBy(others) - before;
  expect(moved).toBeGreaterThanOrEqual(concerned);
  expect(moved).toBeLessThanOrEqual(AT_MOST * concerned);
});

test('what a leaver held goes to one other each, once', async () => {
  const leaver = overlay.at(4);
  const concerned = leaver.store.counts.keys;
  const all = [...overlay.machines];
  const before = movedBy(all);
  await overlay.world.settle(leaver.node.stop());
  expect(movedBy(all) - before).toBeGreaterThanOrEqual(concerned);
  overlay.crash(leaver);
  await overlay.world.runFor(30_000);
  expect(copies(overlay.machines)).toBe(KEYS * REPLICAS);
  // Nothing is fetched a second time by those to whom it was handed.
  expect(movedBy(all) - before).toBeLessThanOrEqual(AT_MOST * concerned);
});

test('what a dead member held is fetched by one other each, from one', async () => {
  const dead = overlay.at(7);
  const concerned = dead.store.counts.keys;
  const others = overlay.machines.filter((one) => one !== dead);
  const before = movedBy(others);
  overlay.crash(dead);
  await overlay.until(() => copies(overlay.machines) >= KEYS * REPLICAS, 60_000);
  await overlay.world.runFor(20_000);
  expect(copies(overlay.machines)).toBe(KEYS * REPLICAS);
  const moved = movedBy(others) - before;
  expect(moved).toBeGreaterThanOrEqual(concerned);
  expect(moved).toBeLessThanOrEqual(AT_MOST * concerned);
});
