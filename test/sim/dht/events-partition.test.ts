// Who was called gone, and lives on: after a partition everybody's table is right again, and soon.
import { describe, expect, test } from 'vitest';
import { type SimMember, SimOverlay } from '../../../src/sim/sim-overlay.ts';

const MEMBERS = 40;

const lives = (members: readonly SimMember[]): readonly string[] =>
  members.flatMap(({ node }) => node.self ?? []).map(({ id, bootSequence }) => `${id} ${bootSequence}`);

/** Those whose table isn't exactly the ring. */
const behind = ({ members }: SimOverlay): number => {
  const truth = lives(members).toSorted().join();
  return members.filter(
    ({ node }) =>
      node.members
        .map(({ id, bootSequence }) => `${id} ${bootSequence}`)
        .sort()
        .join() !== truth,
  ).length;
};

/** `count` of the ring, far apart, are cut off from all others for half a minute. */
const cutOff = async (count: number, seed: number) => {
  const overlay = new SimOverlay({ seed, link: { delayMs: 10, jitterMs: 5, loss: 0.01 }, traced: false });
  await overlay.bootIdeal(MEMBERS);
  await overlay.world.runFor(10_000);
  const before = lives(overlay.members);
  const ring = overlay.members.toSorted((a, b) =>
    (a.node.self?.id ?? '') < (b.node.self?.id ?? '') ? -1 : 1,
  );
  const minority = ring.filter((_, place) => place % 5 === 0).slice(0, count);
  const majority = ring.filter((one) => !minority.includes(one));
  overlay.network.partition(
    minority.map(({ host }) => host),
    majority.map(({ host }) => host),
  );
  await overlay.world.runFor(30_000);
  overlay.network.heal();
  return { overlay, before };
};

describe('in a ring of 40', () => {
  test('eight cut off for half a minute: two minutes later all tables are right', async () => {
    const { overlay } = await cutOff(8, 1);
    expect(await overlay.until(() => behind(overlay) === 0, 120_000, 1000)).toBe(true);
    expect(overlay.faults).toEqual([]);
  }, 120_000);

  test('one cut off for half a minute called others dead, but nobody heard it: few need a new life', async () => {
    const { overlay, before } = await cutOff(1, 3);
    expect(await overlay.until(() => behind(overlay) === 0, 120_000, 1000)).toBe(true);
    const after = lives(overlay.members);
    // Itself, and a neighbour whose end it told of before it found that nobody listens.
    expect(before.filter((one) => !after.includes(one)).length).toBeLessThan(4);
  });
});
