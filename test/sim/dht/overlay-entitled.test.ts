// What single members say when asked alone, while the ring around them changes: nobody denies what it should have.
import { expect, test } from 'vitest';
import type { Id } from '../../../src/record/id.ts';
import { entryOf, type Machine, OverlayWorld, PORT } from '../../support/overlay-world.ts';

/** Asks `machines()` for every key in turn, every few milliseconds, until told to stop. */
const interrogate = async (overlay: OverlayWorld, ids: readonly Id[], machines: () => readonly Machine[]) => {
  const ask = await overlay.stranger();
  const said: Record<string, number> = {};
  const denied: string[] = [];
  let asking = true;
  const one = async (machine: Machine, key: Id): Promise<void> => {
    const answer = await ask(machine, { type: 'query', key });
    const kind =
      answer?.type === 'entries'
        ? answer.entries.length > 0
          ? 'holds'
          : 'denies'
        : answer?.type === 'error'
          ? answer.code
          : 'silent';
    said[kind] = (said[kind] ?? 0) + 1;
    if (kind === 'denies') denied.push(`${overlay.world.nowMs} ${machine.name} ${key}`);
  };
  const loop = async (): Promise<void> => {
    for (let index = 0; asking; index += 7) {
      const keys = Array.from({ length: 7 }, (_, step) => ids[(index + step) % ids.length]);
      await Promise.all(
        machines().flatMap((machine) =>
          keys.map((key) => (key === undefined ? undefined : one(machine, key))),
        ),
      );
      await new Promise<void>((resolve) => overlay.world.at(overlay.world.nowMs + 3, resolve));
    }
  };
  const done = loop();
  const stop = async (): Promise<void> => {
    asking = false;
    await overlay.world.settle(done);
  };
  return { said, denied, stop };
};

test('a joiner denies nothing before it has fetched its arc, and holds it afterwards', async () => {
  const overlay = new OverlayWorld({ seed: 51, link: { delayMs: 20, jitterMs: 10 } });
  await overlay.ring(5);
  const ids = await overlay.publishMany(150);
  const newcomer = await overlay.boot('newcomer');
  const asked = await interrogate(overlay, ids, () => [newcomer]);
  expect(await overlay.until(() => overlay.settled(), 60_000)).toBe(true);
  await overlay.world.runFor(2000);
  await asked.stop();
  expect(asked.denied).toEqual([]);
  expect(asked.said['retry']).toBeGreaterThan(0);
  expect(asked.said['holds']).toBeGreaterThan(0);
});

test('two joiners at once, next to each other or not: nobody denies anything that exists', async () => {
  for (const seed of [52, 53, 54]) {
    const overlay = new OverlayWorld({ seed, link: { delayMs: 20, jitterMs: 10 } });
    await overlay.ring(4);
    const ids = await overlay.publishMany(60);
    const seeds = overlay.machines.map(({ host }) => ({ host, port: PORT }));
    await overlay.boot(`x${seed}`, { seeds });
    await overlay.boot(`y${seed}`, { seeds });
    const asked = await interrogate(overlay, ids, () => overlay.machines);
    expect(await overlay.until(() => overlay.settled(), 60_000)).toBe(true);
    await overlay.world.runFor(10_000);
    await asked.stop();
    expect(asked.denied).toEqual([]);
  }
});

test('whoever takes over from a dead member denies nothing before it has fetched what that one held', async () => {
  const overlay = new OverlayWorld({ seed: 55 });
  await overlay.ring(6);
  const ids = await overlay.publishMany(100);
  overlay.crash(overlay.at(3));
  const asked = await interrogate(overlay, ids, () => overlay.machines);
  await overlay.world.runFor(10_000);
  await asked.stop();
  expect(asked.denied).toEqual([]);
});

test('two rings that meet: from the moment a member knows of the other ring it denies nothing that one held', async () => {
  const overlay = new OverlayWorld({ seed: 56, link: { delayMs: 20, jitterMs: 10 } });
  const hosts = [1, 2, 3, 4, 5, 6].map((n) => `10.0.0.${n}`);
  const seeds = hosts.map((host) => ({ host, port: PORT }));
  overlay.network.partition(hosts.slice(0, 3), hosts.slice(3));
  for (const [index, host] of hosts.entries()) await overlay.boot(`m${index}`, { host, seeds });
  const formed = (): boolean => overlay.machines.every(({ node }) => node.ready && node.members.length === 3);
  expect(await overlay.until(formed, 60_000)).toBe(true);
  const ids: Id[] = [];
  for (let index = 0; index < 60; index += 1) {
    const key = (index * 1_000_003).toString(16).padStart(6, '0').padEnd(40, '7') as Id;
    ids.push(key);
    const { node } = overlay.at(index % 2 === 0 ? 0 : 3);
    const outcome = await overlay.world.settle(node.publish(key, [entryOf('x', 1)], 3000));
    expect(outcome.kind).toBe('stored');
  }
  overlay.network.heal();
  // Only those who know of all others are asked: before that, the other ring does not exist for them.
  const asked = await interrogate(overlay, ids, () =>
    overlay.machines.filter(({ node }) => node.members.length === 6),
  );
  expect(await overlay.until(() => overlay.settled(), 60_000)).toBe(true);
  await overlay.world.runFor(3000);
  await asked.stop();
  expect(asked.denied).toEqual([]);
});
