// A client whose members have all but gone to other addresses since it last asked for the ring: a rolling restart, seen from outside.
import { describe, expect, test } from 'vitest';
import type { LspClient } from '../../../src/dht/index.ts';
import { entryOf, keyOf, type Machine, OverlayWorld, PORT, textOf } from '../../support/overlay-world.ts';

const KEYS = 30;

/** A client that has just used the ring of five. */
const setUp = async (seed: number) => {
  const overlay = new OverlayWorld({ seed });
  await overlay.ring(5);
  const ids = await overlay.publishMany(KEYS);
  const client = await overlay.client();
  for (const key of ids.slice(0, 5)) await overlay.world.settle(client.query(key, 3000));
  return { overlay, ids, client };
};

/** SIGTERM and start at another address; the ring is whole again in a second or two. */
const restart = async (overlay: OverlayWorld, machine: Machine, host: string): Promise<void> => {
  await overlay.stop(machine);
  const seeds = overlay.machines.map((one) => ({ host: one.host, port: PORT }));
  await overlay.boot(machine.name, { host, seeds });
  if (!(await overlay.until(() => overlay.settled(), 10_000))) throw new Error(`${machine.name} is not back`);
};

const timed = async (overlay: OverlayWorld, client: LspClient, key: (typeof ids)[number]) => {
  const startMs = overlay.world.nowMs;
  const outcome = await overlay.world.settle(client.query(key, 3000));
  return { outcome, ms: overlay.world.nowMs - startMs };
};
const ids = [keyOf('user0')];

describe('a client that has not asked for the ring since', () => {
  test.each([1, 2, 3, 4])(
    'four of five restarted elsewhere: every name is found, soon (seed %i)',
    async (seed) => {
      const { overlay, ids, client } = await setUp(seed);
      for (const [index, machine] of overlay.machines.slice(0, 4).entries())
        await restart(overlay, machine, `10.0.8.${index + 1}`);
      const kinds: string[] = [];
      for (const key of ids) {
        const { outcome, ms } = await timed(overlay, client, key);
        kinds.push(`${outcome.kind} ${ms < 1000 ? 'soon' : ms.toFixed(0)}`);
      }
      expect([...new Set(kinds)]).toEqual(['entries soon']);
    },
  );

  test.each([1, 2, 3, 4])(
    'two replicas elsewhere, the third missed a write: not what it still holds (seed %i)',
    async (seed) => {
      const { overlay, ids, client } = await setUp(seed);
      const key = ids[7] ?? keyOf('user7');
      const { replicas } = await overlay.world.settle(client.find(key, 3000));
      const [first, second, third] = replicas.map(({ id }) =>
        overlay.machines.find(({ node }) => node.self?.id === id),
      );
      if (first === undefined || second === undefined || third === undefined) throw new Error('no three');
      await restart(overlay, first, '10.0.8.1');
      await restart(overlay, second, '10.0.8.2');
      const writer = overlay.machines.find(
        ({ name }) => ![first, second, third].some((one) => one.name === name),
      );
      if (writer === undefined) throw new Error('nobody else');
      overlay.network.cut(writer.host, third.host);
      expect(await overlay.world.settle(writer.node.publish(key, [entryOf('user7', 2)], 3000))).toMatchObject(
        { kind: 'stored' },
      );
      const { outcome } = await timed(overlay, client, key);
      expect(outcome.kind === 'entries' ? outcome.entries.map(textOf) : outcome.kind).toContain('user7 2 ');
    },
  );

  test.each([1, 2, 3, 4])('what it publishes is stored (seed %i)', async (seed) => {
    const { overlay, ids, client } = await setUp(seed);
    for (const [index, machine] of overlay.machines.slice(0, 4).entries())
      await restart(overlay, machine, `10.0.8.${index + 1}`);
    const kinds: string[] = [];
    for (const [index, key] of ids.entries()) {
      const startMs = overlay.world.nowMs;
      const { kind } = await overlay.world.settle(client.publish(key, [entryOf(`user${index}`, 2)], 5000));
      const ms = overlay.world.nowMs - startMs;
      kinds.push(`${kind} ${ms < 2000 ? 'soon' : ms.toFixed(0)}`);
    }
    expect([...new Set(kinds)]).toEqual(['stored soon']);
  });
});
