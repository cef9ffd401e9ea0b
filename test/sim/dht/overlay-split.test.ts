// Rings that are cut in two and come together again, as the data sees it: no false denial, no false acknowledgement.
import { describe, expect, test } from 'vitest';
import { entryOf, keyOf, OverlayWorld, PORT } from '../../support/overlay-world.ts';

describe('a partition', () => {
  test('two of five cut off: they neither deny nor acknowledge, the others go on; healed, all is one', async () => {
    const overlay = new OverlayWorld({ seed: 21, minMembers: 3 });
    for (let i = 0; i < 5; i += 1) await overlay.boot(`m${i}`);
    expect(await overlay.until(() => overlay.settled(), 60_000)).toBe(true);
    const before = await overlay.publishMany(60, 'before');
    const [a, b, ...rest] = overlay.machines;
    if (a === undefined || b === undefined) throw new Error('five machines');
    overlay.network.partition(
      [a.host, b.host],
      rest.map(({ host }) => host),
    );
    // When leases have run out, and when both sides have noticed and repaired.
    for (const waitMs of [5000, 15_000]) {
      await overlay.world.runFor(waitMs);
      const written = [a, b].map(({ node }, index) =>
        node.publish(keyOf(`cut${waitMs} ${index}`), [entryOf('x', 1)], 2000),
      );
      const read = [a, b].flatMap(({ node }) =>
        [...before, keyOf('nobody')].map((key) => node.query(key, 2000)),
      );
      const reads = await overlay.world.settle(Promise.all(read));
      expect(reads.filter(({ kind }) => kind === 'none')).toEqual([]);
      for (const { kind } of await overlay.world.settle(Promise.all(written)))
        expect(kind).toBe('unavailable');
    }
    const during = [];
    for (let i = 0; i < 30; i += 1) {
      const key = keyOf(`during${i}`);
      during.push(key);
      const machine = rest[i % rest.length];
      const outcome = await overlay.world.settle(
        machine?.node.publish(key, [entryOf('x', 1)], 5000) ?? Promise.reject(new Error('no machine')),
      );
      expect(outcome.kind).toBe('stored');
    }
    overlay.network.heal();
    expect(await overlay.until(() => overlay.settled(), 60_000)).toBe(true);
    expect(await overlay.census([...before, ...during])).toEqual({ entries: 5 * 90 });
    expect(await overlay.census([keyOf('nobody')])).toEqual({ none: 5 });
  });

  test('one alone is ready again within seconds of the end of the cut', async () => {
    const overlay = new OverlayWorld({ seed: 22 });
    await overlay.ring(4);
    const [alone, ...rest] = overlay.machines;
    if (alone === undefined) throw new Error('four machines');
    overlay.network.partition(
      [alone.host],
      rest.map(({ host }) => host),
    );
    await overlay.world.runFor(30_000);
    expect(alone.node.ready).toBe(false);
    overlay.network.heal();
    expect(await overlay.until(() => overlay.settled(), 10_000)).toBe(true);
  });
});

describe('two rings that meet', () => {
  test("what either held is never denied by its own members, and in the end everybody's to find", async () => {
    const overlay = new OverlayWorld({ seed: 23 });
    const hosts = [1, 2, 3, 4, 5, 6].map((n) => `10.0.0.${n}`);
    const seeds = hosts.map((host) => ({ host, port: PORT }));
    overlay.network.partition(hosts.slice(0, 3), hosts.slice(3));
    for (const [index, host] of hosts.entries()) await overlay.boot(`m${index}`, { host, seeds });
    const halves = [overlay.machines.slice(0, 3), overlay.machines.slice(3)];
    const both = (): boolean => overlay.machines.every(({ node }) => node.ready && node.members.length === 3);
    expect(await overlay.until(both, 60_000)).toBe(true);
    const names = halves.map((half, side) =>
      Array.from({ length: 60 }, (_, index) => {
        const key = keyOf(`side${side} ${index}`);
        return { key, stored: half[index % 3]?.node.publish(key, [entryOf('x', 1)], 5000) };
      }),
    );
    for (const half of names)
      for (const outcome of await overlay.world.settle(Promise.all(half.map(({ stored }) => stored))))
        expect(outcome?.kind).toBe('stored');
    overlay.network.heal();
    // All the while they merge, each side asks for its own.
    const denied: string[] = [];
    const settled = (): boolean => overlay.settled();
    for (let round = 0; round < 400 && !settled(); round += 1) {
      const asked = halves.flatMap((half, side) =>
        half.map(async ({ node, name }, index) => {
          const key = names[side]?.[(round * 3 + index) % 60]?.key;
          if (key === undefined) return;
          const outcome = await node.query(key, 3000);
          if (outcome.kind === 'none') denied.push(`${name} ${key} round ${round}`);
        }),
      );
      await overlay.world.settle(Promise.all(asked));
      await overlay.world.runFor(50);
    }
    expect(settled()).toBe(true);
    expect(denied).toEqual([]);
    expect(await overlay.census(names.flat().map(({ key }) => key))).toEqual({ entries: 6 * 120 });
  });
});
