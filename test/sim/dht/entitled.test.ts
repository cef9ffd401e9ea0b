// Cut off or paused: such a member never denies what was written without it, and promises nothing that others don't hold.
import { describe, expect, test } from 'vitest';
import type { Id } from '../../../src/record/id.ts';
import { type SimMember, SimOverlay } from '../../../src/sim/sim-overlay.ts';
import { entryOf, keyOf } from '../../support/overlay-world.ts';

const LEASE_MS = 15_000;

const started = async (seed: string, count: number): Promise<SimOverlay> => {
  const overlay = new SimOverlay({ seed, link: { delayMs: 10, jitterMs: 5 }, traced: false });
  await overlay.bootIdeal(count);
  await overlay.world.runFor(20_000);
  return overlay;
};

const write = async (overlay: SimOverlay, by: SimMember | undefined, key: Id): Promise<string | undefined> =>
  (
    await overlay.world.settle(
      by?.node.publish(key, [entryOf('call', 1)], 4000) ?? Promise.resolve(undefined),
    )
  )?.kind;

/** What a member says of keys written without it, and whether it takes new ones, over and over for `forMs`. */
const said = async (
  overlay: SimOverlay,
  member: SimMember,
  forMs: number,
  keys: readonly Id[],
): Promise<ReadonlySet<string>> => {
  const kinds = new Set<string>();
  const endMs = overlay.world.nowMs + forMs;
  for (let round = 0; overlay.world.nowMs < endMs; round += 1) {
    const reads = keys.map(async (key) => `read ${(await member.node.query(key, 1500)).kind}`);
    const fresh = keyOf(`${member.name} ${overlay.world.nowMs} ${round}`);
    const taken = member.node.publish(fresh, [entryOf('call', 1)], 1500);
    const writes = [taken.then(({ kind }) => `write ${kind}`)];
    for (const kind of await overlay.world.settle(Promise.all([...reads, ...writes]))) kinds.add(kind);
    await overlay.world.runFor(200);
  }
  return kinds;
};

describe.each([3, 4, 5, 6])('of %i members', (count) => {
  test('each cut off in turn: it neither denies nor acknowledges; all is well after the cut', async () => {
    for (let index = 0; index < count; index += 1) {
      const overlay = await started(`cut ${count} ${index}`, count);
      const member = overlay.members[index];
      const other = overlay.members[(index + 1) % count];
      if (member === undefined) throw new Error('no member');
      overlay.network.partition([member.host]);
      await overlay.world.runFor(LEASE_MS);
      const keys = [0, 1, 2, 3, 4].map((n) => keyOf(`without ${n}`));
      for (const key of keys) expect(await write(overlay, other, key)).toBe('stored');
      const kinds = await said(overlay, member, 45_000, keys);
      expect([...kinds].filter((kind) => kind === 'read none' || kind === 'write stored')).toEqual([]);
      overlay.network.heal();
      const healed = await said(overlay, member, 30_000, keys);
      expect([...healed].filter((kind) => kind === 'read none')).toEqual([]);
      expect(healed.has('read entries') && healed.has('write stored')).toBe(true);
    }
  });

  test('each paused in turn: from its first moment on it denies nothing that was written meanwhile', async () => {
    for (let index = 0; index < count; index += 1) {
      const overlay = await started(`pause ${count} ${index}`, count);
      const member = overlay.members[index];
      const other = overlay.members[(index + 1) % count];
      if (member === undefined) throw new Error('no member');
      member.process.pause(25_000);
      await overlay.world.runFor(15_000);
      const keys = [0, 1, 2, 3, 4].map((n) => keyOf(`meanwhile ${n}`));
      for (const key of keys) expect(await write(overlay, other, key)).toBe('stored');
      const kinds = await said(overlay, member, 20_000, keys);
      expect([...kinds].filter((kind) => kind === 'read none')).toEqual([]);
      expect(kinds.has('read entries')).toBe(true);
    }
  });
});

test('two of five cut off together deny nothing that the others write', async () => {
  for (let index = 0; index < 5; index += 1) {
    const overlay = await started(`pair ${index}`, 5);
    const pair = [overlay.members[index], overlay.members[(index + 1) % 5]].flatMap((one) => one ?? []);
    const other = overlay.members[(index + 2) % 5];
    overlay.network.partition(pair.map(({ host }) => host));
    await overlay.world.runFor(LEASE_MS);
    const keys = [0, 1, 2, 3, 4].map((n) => keyOf(`without both ${n}`));
    for (const key of keys) expect(await write(overlay, other, key)).toBe('stored');
    for (const member of pair) {
      const kinds = await said(overlay, member, 20_000, keys);
      expect([...kinds].filter((kind) => kind === 'read none')).toEqual([]);
    }
  }
});
