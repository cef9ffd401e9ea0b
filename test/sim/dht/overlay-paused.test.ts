// A member that stood still (a long collection, SIGSTOP, a suspended machine) and goes on as if nothing had happened.
import { describe, expect, test } from 'vitest';
import { replicasOf } from '../../support/overlay-replicas.ts';
import { entryOf, keyOf, OverlayWorld } from '../../support/overlay-world.ts';

describe.each([4000, 9000, 14_000, 30_000])('a member of five paused for %i ms', (pauseMs) => {
  // The constants of the default, not the short ones of the tests: what is looked at is how they fit together.
  const world = async (seed: number): Promise<OverlayWorld> => {
    const overlay = new OverlayWorld({
      seed,
      timing: { stabiliseMs: 5000, heartbeatMs: 2000 },
      replication: { holdDownSmallMs: 2000 },
    });
    for (let index = 0; index < 5; index += 1) await overlay.boot(`m${index}`);
    expect(await overlay.until(() => overlay.settled(), 90_000)).toBe(true);
    return overlay;
  };

  // With its timers behind what its socket got, nothing but the question itself tells that it stood still.
  test.each(['in-order', 'datagrams-first'] as const)(
    'denies nothing that was written while it stood, from the first question after it on, %s',
    async (awakening) => {
      const overlay = await world(70 + pauseMs);
      const [paused, ...others] = overlay.machines;
      if (paused === undefined) throw new Error('five members');
      const theirs = Array.from({ length: 200 }, (_, index) => keyOf(`while ${index}`)).filter((key) =>
        replicasOf(overlay, key).includes(paused.name),
      );
      const ask = await overlay.stranger();
      paused.process.pause(pauseMs, awakening);
      // Written by the others, as late as it goes, with a quorum that does not need it.
      await overlay.world.runFor(pauseMs - 2500);
      const stored = await overlay.world.settle(
        Promise.all(theirs.map((key, at) => others[at % 4]?.node.publish(key, [entryOf('x', 1)], 2000))),
      );
      const written = theirs.filter((_, index) => stored[index]?.kind === 'stored');
      expect(written.length).toBe(theirs.length);
      // Asked while it stands: the questions wait in its socket and are the first that it sees.
      const said = written.map((key) => ask(paused, { type: 'query', key }));
      const answers = await overlay.world.settle(Promise.all(said));
      const denied = answers.filter((answer) => answer?.type === 'entries' && answer.entries.length === 0);
      expect(denied.length).toBe(0);
      // And it is one of them again, with everything.
      expect(await overlay.until(() => overlay.settled(), 60_000)).toBe(true);
      expect(await overlay.census(written)).toEqual({ entries: 5 * written.length });
    },
  );

  test('what was sent to it meanwhile is not acknowledged by it alone', async () => {
    const overlay = await world(80 + pauseMs);
    const [paused] = overlay.machines;
    if (paused === undefined) throw new Error('five members');
    const client = await overlay.client();
    await overlay.world.runFor(1000);
    paused.process.pause(pauseMs);
    const keys = Array.from({ length: 60 }, (_, index) => keyOf(`to it ${index}`));
    await overlay.world.runFor(pauseMs - 1000);
    const outcomes = await overlay.world.settle(
      Promise.all(keys.map((key) => client.publish(key, [entryOf('x', 1)], 4000))),
    );
    const stored = keys.filter((_, index) => outcomes[index]?.kind === 'stored');
    expect(stored.length).toBeGreaterThan(0);
    // A death at once after it: nothing acknowledged is lost.
    overlay.crash(paused);
    const others = await overlay.census(stored);
    expect(others['none']).toBeUndefined();
    await overlay.world.runFor(15_000);
    expect(await overlay.census(stored)).toEqual({ entries: 4 * stored.length });
  });
});
