// Whole members in the simulated world: the same every time, and silent once stopped.
import { expect, test } from 'vitest';
import { entryOf, keyOf, OverlayWorld } from '../../support/overlay-world.ts';

const life = async () => {
  const overlay = new OverlayWorld({ seed: 95, link: { loss: 0.05, delayMs: 5, jitterMs: 10 } });
  await overlay.ring(4);
  await overlay.publishMany(20);
  overlay.crash(overlay.at(1));
  const client = await overlay.client();
  const asked = [
    client.query(keyOf('user1'), 3000),
    overlay.at(0).node.query(keyOf('user2'), 3000),
    overlay.at(0).node.publish(keyOf('late'), [entryOf('late', 1)], 3000),
  ];
  await overlay.world.runFor(3);
  const stops = [client.stop(), ...overlay.machines.map(({ node }) => node.stop())];
  const outcomes = await overlay.world.settle(Promise.all(asked));
  await overlay.world.settle(Promise.all(stops));
  return { overlay, outcomes };
};

test('one seed gives one course of events, to the byte', async () => {
  const [one, two] = [await life(), await life()];
  expect(two.outcomes).toEqual(one.outcomes);
  expect(two.overlay.world.traceHash()).toBe(one.overlay.world.traceHash());
});

test('after stop everybody who waited has an answer, and nothing is sent any more', async () => {
  const { overlay, outcomes } = await life();
  expect(outcomes.length).toBe(3);
  const silence = overlay.world.traceHash();
  await overlay.world.runFor(600_000);
  expect(overlay.world.traceHash()).toBe(silence);
});
