// Processes that are several members each: copies on distinct ones, so that any process may die.
import { describe, expect, test } from 'vitest';
import { hostOf } from '../../../src/dht/hosts.ts';
import { keyOf, OverlayWorld } from '../../support/overlay-world.ts';

const REPAIR_MS = 60_000;

/** Every member of every process is in, with its arc. */
const settled = (overlay: OverlayWorld): boolean => overlay.machines.every(({ node }) => node.ready);

const ring = async (processes: number, vnodes: number, seed: number): Promise<OverlayWorld> => {
  const overlay = new OverlayWorld({ seed, vnodes, crypto: 'fast' });
  for (let n = 0; n < processes; n += 1) await overlay.boot(`m${n}`);
  expect(await overlay.until(() => settled(overlay), 120_000)).toBe(true);
  return overlay;
};

describe.each([
  [5, 4, 1],
  [3, 8, 2],
  [3, 3, 3],
])('%i processes with %i members each', (processes, vnodes, seed) => {
  test('what was acknowledged is there after one process died, and after a second one a repair later', async () => {
    const overlay = await ring(processes, vnodes, seed);
    const keys = await overlay.publishMany(60);
    for (const key of keys.slice(0, 10)) {
      const { replicas } = await overlay.world.settle(overlay.at(0).node.find(key, 3000));
      expect(new Set(replicas.map(hostOf)).size).toBe(3);
    }
    overlay.crash(overlay.at(1));
    expect(await overlay.census(keys)).toEqual({ entries: 60 * (processes - 1) });
    await overlay.until(() => false, REPAIR_MS);
    expect(settled(overlay)).toBe(true);
    overlay.crash(overlay.at(1));
    expect(await overlay.census(keys)).toEqual({ entries: 60 * (processes - 2) });
  });
});

test('one process with sixteen members among three with one: it dies, and then another, and nothing is lost', async () => {
  const overlay = new OverlayWorld({ seed: 8, crypto: 'fast' });
  for (const vnodes of [1, 16, 1, 1]) await overlay.boot(`m${overlay.machines.length}`, { vnodes });
  expect(await overlay.until(() => settled(overlay), 120_000)).toBe(true);
  const keys = await overlay.publishMany(60);
  overlay.crash(overlay.at(1));
  expect(await overlay.census(keys)).toEqual({ entries: 60 * 3 });
  await overlay.until(() => false, REPAIR_MS);
  // Three members are few enough for everybody to know everybody.
  expect(overlay.machines.map(({ node }) => node.mode)).toEqual(['small', 'small', 'small']);
  overlay.crash(overlay.at(0));
  expect(await overlay.census(keys)).toEqual({ entries: 60 * 2 });
});

test('one leaves with all its members and comes back: nothing is lost, and it holds its share again', async () => {
  const overlay = await ring(4, 4, 4);
  const keys = await overlay.publishMany(60);
  const gone = overlay.at(3);
  await overlay.stop(gone);
  expect(await overlay.census(keys)).toEqual({ entries: 60 * 3 });
  const back = await overlay.boot(gone.name, { host: gone.host });
  expect(await overlay.until(() => settled(overlay), 120_000)).toBe(true);
  expect(await overlay.census(keys)).toEqual({ entries: 60 * 4 });
  expect(back.node.counts.keys).toBeGreaterThan(0);
});

test('a process cut off with sixteen members neither denies nor acknowledges, however many of its own vouch for it', async () => {
  const overlay = new OverlayWorld({ seed: 5, crypto: 'fast' });
  for (const vnodes of [1, 1, 16]) await overlay.boot(`m${overlay.machines.length}`, { vnodes });
  expect(await overlay.until(() => settled(overlay), 120_000)).toBe(true);
  const many = overlay.at(2);
  overlay.network.partition(
    [many.host],
    overlay.machines.slice(0, 2).map(({ host }) => host),
  );
  for (const waitMs of [4_000, 20_000, 60_000]) {
    await overlay.until(() => false, waitMs);
    const outcomes = await overlay.world.settle(
      Promise.all(
        Array.from({ length: 20 }, async (_, n) => {
          const key = keyOf(`${waitMs} ${n}`);
          const read = await many.node.query(key, 2000);
          const write = await many.node.publish(key, [new Uint8Array(Buffer.from(`s 1 ${n}`))], 2000);
          return [read.kind, write.kind];
        }),
      ),
    );
    expect(outcomes.flat()).not.toContain('none');
    expect(outcomes.flat()).not.toContain('stored');
  }
  overlay.network.heal();
  expect(await overlay.until(() => settled(overlay), 120_000)).toBe(true);
});
