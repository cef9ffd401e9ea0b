// Whatever was acknowledged is readable after any one death at once, and after any two a repair interval apart (DESIGN §1, promise 4).
import { describe, expect, test } from 'vitest';
import type { Id } from '../../../src/record/id.ts';
import { SimOverlay } from '../../../src/sim/sim-overlay.ts';
import { entryOf, keyOf } from '../../support/overlay-world.ts';

const REPAIR_MS = 60_000;
const KEYS = 24;

/** An ideal ring of `count` with `KEYS` acknowledged publications; the last are acknowledged at this very moment. */
const written = async (count: number, label: string) => {
  const overlay = new SimOverlay({
    seed: `deaths ${count} ${label}`,
    link: { delayMs: 10, jitterMs: 5 },
    traced: false,
  });
  await overlay.bootIdeal(count);
  await overlay.world.runFor(20_000);
  const keys = Array.from({ length: KEYS }, (_, index) => keyOf(`name ${index}`));
  const stored = keys.map((key, index) => {
    const { node } = overlay.members[index % count] ?? {};
    return node?.publish(key, [entryOf('call', 1)], 5000);
  });
  for (const outcome of await overlay.world.settle(Promise.all(stored))) expect(outcome?.kind).toBe('stored');
  return { overlay, keys };
};

const unreadable = async (overlay: SimOverlay, keys: readonly Id[]): Promise<readonly string[]> => {
  const asked = overlay.members.flatMap(({ name, node }) =>
    keys.map(async (key, index) => ({ name, index, kind: (await node.query(key, 5000)).kind })),
  );
  const outcomes = await overlay.world.settle(Promise.all(asked));
  return outcomes.flatMap(({ name, index, kind }) =>
    kind === 'entries' ? [] : [`${name}: name ${index} is ${kind}`],
  );
};

const kill = (overlay: SimOverlay, name: string): void => {
  const victim = overlay.members.find((member) => member.name === name);
  if (victim !== undefined) overlay.crash(victim);
};

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

describe.each([3, 4, 5, 6])('in a ring of %i', (count) => {
  test('after the death of each in turn everything is readable at once, by all others', async () => {
    for (const victim of numbers(count)) {
      const { overlay, keys } = await written(count, `${victim}`);
      kill(overlay, `m${victim}`);
      expect(await unreadable(overlay, keys), `m${victim} died`).toEqual([]);
    }
  });

  test('after every two deaths a repair interval apart, too', async () => {
    for (const first of numbers(count))
      for (const second of numbers(count)) {
        if (first === second) continue;
        const { overlay, keys } = await written(count, `${first} ${second}`);
        kill(overlay, `m${first}`);
        await overlay.world.runFor(REPAIR_MS);
        kill(overlay, `m${second}`);
        expect(await unreadable(overlay, keys), `m${first}, then m${second} died`).toEqual([]);
      }
  });
});
