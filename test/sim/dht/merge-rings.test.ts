// Rings that meet merge with their data: what the merge rule says of both histories is what every member shows, from then on.
import { describe, expect, test } from 'vitest';
import { MergeWorld, type Side } from '../../support/merge-world.ts';

const PHONE = 'sip:phone@192.0.2.1:5060';
const OTHER = 'sip:other@192.0.2.2:5060';
const USERS = [
  'left only',
  'right only',
  'both, two phones',
  'one phone, two calls',
  'removed on the left',
  'all removed on the right',
  'removed, then bound ahead',
  'removed on both',
] as const;

/** Two histories that know nothing of each other. Side 1's clock is ahead by AHEAD_MS. */
const live = async (world: MergeWorld): Promise<void> => {
  const bind = (side: Side, user: string, series: string, seq: number, contact: string): Promise<void> =>
    world.register(side, { user, series, seq, contact });
  const remove = (side: Side, user: string, series: string, seq: number, contact?: string): Promise<void> =>
    world.register(side, { user, series, seq, expiresSec: 0, ...(contact === undefined ? {} : { contact }) });
  const pass = (): Promise<void> => world.overlay.world.runFor(2000);

  await bind(0, 'left only', 'a', 1, PHONE);
  await bind(1, 'right only', 'b', 1, PHONE);
  await bind(0, 'both, two phones', 'a', 1, PHONE);
  await bind(1, 'both, two phones', 'b', 1, OTHER);
  await bind(1, 'one phone, two calls', 'b', 7, PHONE);
  await bind(0, 'one phone, two calls', 'a', 1, PHONE);
  // The same call on both sides before the cut, so to say: only the left hears of its end.
  await bind(0, 'removed on the left', 'a', 1, PHONE);
  await bind(1, 'removed on the left', 'a', 1, PHONE);
  await pass();
  await remove(0, 'removed on the left', 'a', 2, PHONE);
  // A `*` by the clock that is ahead buries what the other side bound, also afterwards by true time.
  await remove(1, 'all removed on the right', 'b', 9);
  await bind(0, 'all removed on the right', 'a', 1, PHONE);
  await bind(0, 'all removed on the right', 'c', 1, OTHER);
  await remove(0, 'removed, then bound ahead', 'a', 3);
  await bind(1, 'removed, then bound ahead', 'b', 1, PHONE);
  await bind(0, 'removed on both', 'a', 1, PHONE);
  await bind(1, 'removed on both', 'b', 1, OTHER);
  await pass();
  await remove(0, 'removed on both', 'a', 2, PHONE);
  await remove(1, 'removed on both', 'b', 2);
};

describe.each([
  [1, 1],
  [1, 5],
  [4, 4],
  [5, 7],
])('%i and %i', (left, right) => {
  test('the winner is shown everywhere, replicas are equal, and what was removed stays so', async () => {
    const world = new MergeWorld(`merge ${left} ${right}`);
    await world.apart(left, right);
    await live(world);
    world.overlay.network.heal();
    expect(await world.overlay.until(() => world.merged, 120_000)).toBe(true);
    await world.overlay.world.runFor(40_000);

    // When it has settled, and again later: in the smallest ring half an hour later.
    for (const waitMs of [0, left + right === 2 ? 1_800_000 : 120_000]) {
      await world.overlay.world.runFor(waitMs);
      for (const user of USERS) {
        const expected = await world.expected(user);
        const shown = await world.shown(user);
        if (expected.length > 0) expect(shown, user).toEqual(shown.map(() => expected));
        // A removal may be shown as nothing or as records that bury.
        else
          expect(
            shown.flat().filter((what) => what !== '(none)'),
            user,
          ).toEqual([]);
        const digests = world.digests(user);
        expect(digests.length, user).toBeGreaterThanOrEqual(Math.min(3, left + right));
        expect(new Set(digests).size, user).toBe(1);
      }
    }
    expect(await world.expected('removed on the left')).toEqual([]);
    expect(await world.expected('all removed on the right')).toEqual([]);
    expect(await world.expected('removed on both')).toEqual([]);
    expect(await world.expected('removed, then bound ahead')).toEqual([PHONE]);
    expect(await world.expected('both, two phones')).toEqual([OTHER, PHONE]);
    expect(world.overlay.faults).toEqual([]);
  });

  test('while they merge, nobody is denied what its own side had acknowledged', async () => {
    const world = new MergeWorld(`meeting ${left} ${right}`);
    await world.apart(left, right);
    await world.register(0, { user: 'left only', series: 'a', seq: 1, contact: PHONE });
    await world.register(1, { user: 'right only', series: 'b', seq: 1, contact: PHONE });
    world.overlay.network.heal();
    const denied: string[] = [];
    for (let round = 0; round < 400 && !world.merged; round += 1) {
      const asked = world.sides.flatMap((members, side) =>
        members.map(async ({ name, node }) => {
          const { kind } = await node.query(world.keyOf(side === 0 ? 'left only' : 'right only'), 3000);
          if (kind === 'none') denied.push(`${name} in round ${round}`);
        }),
      );
      await world.overlay.world.settle(Promise.all(asked));
      await world.overlay.world.runFor(50);
    }
    expect(world.merged).toBe(true);
    expect(denied).toEqual([]);
  });
});
