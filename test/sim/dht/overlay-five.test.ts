// Five members and their bindings: deaths, restarts, joins and leaves lose nothing and never deny what exists.
import { describe, expect, test } from 'vitest';
import type { Id } from '../../../src/record/id.ts';
import { entryOf, keyOf, type Machine, OverlayWorld, PORT, textOf } from '../../support/overlay-world.ts';

const REPAIR_MS = 15_000;

/** Who holds each key now, by name, against the replica sets that the members believe in. */
const misplaced = (overlay: OverlayWorld, ids: readonly Id[]): readonly string[] =>
  ids.flatMap((key) => {
    const holders = overlay.machines.filter(({ store }) => store.digest(key) !== undefined);
    const ordered = [...overlay.machines].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
    const owner = Math.max(
      0,
      ordered.findIndex((machine) => idOf(machine) >= key),
    );
    const set = [0, 1, 2].map((step) => ordered[(owner + step) % ordered.length]?.name);
    const held = holders.map(({ name }) => name);
    return set.length === held.length && set.every((name) => held.includes(name ?? ''))
      ? []
      : [`${key}: ${held.join()} instead of ${set.join()}`];
  });

const idOf = (machine: Machine): string => machine.node.self?.id ?? '';

/** Reads random names through random members, over and over, until told to stop; counts what was said. */
const keepReading = (overlay: OverlayWorld, ids: readonly Id[]) => {
  const said: Record<string, number> = {};
  let reading = true;
  const random = overlay.world.random.fork('reader');
  const loop = async (): Promise<void> => {
    while (reading) {
      const key = ids[Math.floor(random.float() * ids.length)];
      const machine = overlay.machines[Math.floor(random.float() * overlay.machines.length)];
      if (key === undefined || machine === undefined) return;
      const { kind } = await machine.node.query(key, 3000);
      said[kind] = (said[kind] ?? 0) + 1;
      await new Promise<void>((resolve) => overlay.world.at(overlay.world.nowMs + 10, resolve));
    }
  };
  const done = loop();
  return {
    said,
    stop: async () => {
      reading = false;
      await overlay.world.settle(done);
    },
  };
};

describe('a ring of five', () => {
  test('every member finds every binding, and a name nobody published is denied', async () => {
    const overlay = new OverlayWorld();
    await overlay.ring(5);
    const ids = await overlay.publishMany(300);
    expect(await overlay.census(ids)).toEqual({ entries: 1500 });
    expect(await overlay.census([keyOf('nobody')])).toEqual({ none: 5 });
  });

  test('kill one: at once all is found from every other; after repair kill a second: still', async () => {
    const overlay = new OverlayWorld({ seed: 2 });
    await overlay.ring(5);
    const ids = await overlay.publishMany(300);
    overlay.crash(overlay.at(1));
    const startMs = overlay.world.nowMs;
    expect(await overlay.census(ids)).toEqual({ entries: 1200 });
    // 300 reads at once per member, none of which waits for a dead one's whole timeout.
    expect(overlay.world.nowMs - startMs).toBeLessThan(4 * 1000);
    await overlay.world.runFor(REPAIR_MS);
    overlay.crash(overlay.at(2));
    expect(await overlay.census(ids)).toEqual({ entries: 900 });
    await overlay.world.runFor(REPAIR_MS);
    expect(misplaced(overlay, ids)).toEqual([]);
  });

  test('a member killed and started elsewhere with nothing but its name: everything as before', async () => {
    const overlay = new OverlayWorld({ seed: 3 });
    await overlay.ring(5);
    const ids = await overlay.publishMany(100);
    const victim = overlay.at(2);
    overlay.crash(victim);
    await overlay.world.runFor(300);
    await overlay.boot(victim.name, { host: '10.0.1.1' });
    expect(await overlay.until(() => overlay.settled(), 60_000)).toBe(true);
    expect(await overlay.census(ids)).toEqual({ entries: 500 });
    await overlay.world.runFor(REPAIR_MS);
    expect(misplaced(overlay, ids)).toEqual([]);
    expect(overlay.machines.flatMap(({ fatal }) => fatal)).toEqual([]);
  });

  test('a sixth joins: no existing name is ever denied, and afterwards each key is where it belongs and only there', async () => {
    const overlay = new OverlayWorld({ seed: 4 });
    await overlay.ring(5);
    const ids = await overlay.publishMany(100);
    const reader = keepReading(overlay, ids);
    await overlay.boot('newcomer');
    expect(await overlay.until(() => overlay.settled(), 30_000)).toBe(true);
    await overlay.world.runFor(REPAIR_MS);
    await reader.stop();
    // Asked itself before it was in the ring, the newcomer could not say.
    expect(Object.keys(reader.said).filter((kind) => kind !== 'unavailable')).toEqual(['entries']);
    expect(reader.said['entries']).toBeGreaterThan(500);
    expect(await overlay.census(ids)).toEqual({ entries: 600 });
    expect(misplaced(overlay, ids)).toEqual([]);
  });

  test('one leaves gracefully: no existing name is ever denied, and the others hold everything', async () => {
    const overlay = new OverlayWorld({ seed: 5 });
    await overlay.ring(5);
    const ids = await overlay.publishMany(100);
    const leaver = overlay.at(0);
    overlay.machines.splice(0, 1);
    const reader = keepReading(overlay, ids);
    await overlay.world.settle(leaver.node.stop(), 10_000);
    await overlay.world.runFor(REPAIR_MS);
    await reader.stop();
    expect(Object.keys(reader.said)).toEqual(['entries']);
    expect(await overlay.census(ids)).toEqual({ entries: 400 });
    expect(misplaced(overlay, ids)).toEqual([]);
  });

  test('all stop and all start again, in another order and seeds down at first: one ring', async () => {
    const overlay = new OverlayWorld({ seed: 6 });
    await overlay.ring(5);
    const old = [...overlay.machines];
    for (const machine of old) overlay.crash(machine);
    const seeds = old.map(({ host }) => ({ host, port: PORT }));
    for (const { name, host } of [...old].reverse()) {
      await overlay.boot(name, { host, seeds });
      await overlay.world.runFor(700);
    }
    expect(await overlay.until(() => overlay.settled(), 60_000)).toBe(true);
    const ids = await overlay.publishMany(100);
    expect(await overlay.census(ids)).toEqual({ entries: 500 });
    expect(await overlay.census([keyOf('nobody')])).toEqual({ none: 5 });
  });
});

describe('stopping', () => {
  test('callers under way are answered, later ones at once, twice is once', async () => {
    const overlay = new OverlayWorld({ seed: 11 });
    await overlay.ring(3);
    const [node, other] = [overlay.at(0).node, overlay.at(1)];
    overlay.crash(other);
    overlay.crash(overlay.at(1));
    const written = node.publish(keyOf('late'), [entryOf('x', 1)], 60_000);
    const read = node.query(keyOf('other'), 60_000);
    const stopped = Promise.all([node.stop(), node.stop()]);
    await overlay.world.settle(stopped, 9000);
    expect(await overlay.world.settle(written, 10)).toMatchObject({ kind: 'unavailable' });
    expect(['unavailable', 'timeout']).toContain((await overlay.world.settle(read, 10)).kind);
    expect(await overlay.world.settle(node.query(keyOf('x'), 1000), 10)).toMatchObject({
      kind: 'unavailable',
    });
    const sent = overlay.network.counts.sent;
    await overlay.world.runFor(60_000);
    expect(overlay.network.counts.sent).toBe(sent);
  });
});

describe('writes', () => {
  test('a lower seq is stale through every member, an equal one is stored again', async () => {
    const overlay = new OverlayWorld({ seed: 7 });
    await overlay.ring(5);
    const key = keyOf('bob');
    await overlay.world.settle(overlay.at(0).node.publish(key, [entryOf('bob', 5)], 3000));
    for (const { node } of overlay.machines) {
      expect(await overlay.world.settle(node.publish(key, [entryOf('bob', 4)], 3000))).toEqual({
        kind: 'stale',
      });
      expect(await overlay.world.settle(node.publish(key, [entryOf('bob', 5)], 3000))).toMatchObject({
        kind: 'stored',
      });
    }
  });

  test('what the replicas refuse is refused, not unavailable', async () => {
    const overlay = new OverlayWorld({ seed: 8 });
    await overlay.ring(3);
    const outcome = overlay.at(0).node.publish(keyOf('x'), [entryOf('refused', 1)], 3000);
    expect(await overlay.world.settle(outcome)).toEqual({ kind: 'refused', detail: 'refused: as asked' });
  });

  test('one in ten datagrams lost: everything is stored and found', async () => {
    const overlay = new OverlayWorld({ seed: 9, link: { loss: 0.1 } });
    await overlay.ring(5);
    const ids = await overlay.publishMany(100);
    expect(await overlay.census(ids, 5000)).toEqual({ entries: 500 });
  });

  test('the registrar is killed after each of its datagrams in turn: the retransmission elsewhere is right, nothing acknowledged is lost', async () => {
    const overlay = new OverlayWorld({ seed: 10 });
    await overlay.ring(5);
    for (let step = 1; step <= 8; step += 1) {
      const victim = overlay.at(0);
      const key = keyOf(`step${step}`);
      let sent = 0;
      let killed = false;
      overlay.network.setFilter(({ from }) => {
        if (from.host !== victim.host || killed) return true;
        sent += 1;
        // The kill comes after this datagram has left.
        if (sent === step) {
          killed = true;
          overlay.world.at(overlay.world.nowMs, () => overlay.crash(victim));
        }
        return true;
      });
      let acknowledged = false;
      victim.node.publish(key, [entryOf('phone', 1, 'a')], 3000).then(({ kind }) => {
        acknowledged = kind === 'stored';
      }, undefined);
      await overlay.until(() => killed && !overlay.machines.includes(victim), 5000);
      overlay.network.setFilter(undefined);
      if (acknowledged) expect(await overlay.census([key])).toEqual({ entries: 4 });
      const again = overlay.at(1).node.publish(key, [entryOf('phone', 1, 'a')], 5000);
      const outcome = await overlay.world.settle(again);
      expect(outcome.kind).toBe('stored');
      if (outcome.kind === 'stored') expect(outcome.live.map(textOf)).toEqual(['phone 1 a']);
      expect(await overlay.census([key])).toEqual({ entries: 4 });
      await overlay.boot(victim.name, { host: victim.host });
      expect(await overlay.until(() => overlay.settled(), 60_000)).toBe(true);
    }
  });
});
