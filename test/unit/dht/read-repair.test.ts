// Read repair: who lacked it is given it, once a minute, never more than so much at once, and nobody waits for it.
import { expect, test } from 'vitest';
import type { Ask } from '../../../src/dht/courier.ts';
import { createReadRepair } from '../../../src/dht/read-repair.ts';
import { Tasks } from '../../../src/dht/tasks.ts';
import { MetricsRegistry } from '../../../src/runtime/metrics.ts';
import { SimWorld } from '../../../src/sim/sim-world.ts';
import { peerNamed } from '../../support/fake-peers.ts';
import { entryOf, keyOf, OpaqueStore } from '../../support/overlay-world.ts';

const us = peerNamed('us');
const other = peerNamed('other');
const entries = [entryOf('x', 1)];

const setUp = (answers = true) => {
  const world = new SimWorld(1);
  const { clock } = world.boot('10.0.0.1');
  const tasks = new Tasks({ clock, onError: () => undefined }, { max: 1000 });
  const store = new OpaqueStore();
  const metrics = new MetricsRegistry();
  const asked: string[] = [];
  const ask: Ask = async (peer, request) => {
    asked.push(peer.domain);
    await tasks.sleep(10);
    if (!answers || request.type !== 'sync' || request.op.kind !== 'push')
      return { ok: false, code: 'timeout' };
    const answer = { type: 'synced' as const, have: [request.op.key] };
    return { ok: true, answer, meta: { from: { host: '', port: 1 }, rttMs: 1, sizeEstimate: 2 } };
  };
  const repair = createReadRepair({ ask, self: () => us, store, clock, tasks, metrics });
  const repairs = () =>
    metrics
      .text()
      .split('\n')
      .filter((line) => line.startsWith('chordial_read_repairs'));
  return { world, store, asked, repair, repairs };
};

test('others are given it, we ourselves take it', async () => {
  const { world, store, asked, repair, repairs } = setUp();
  repair({ key: keyOf('k'), entries, lacking: [us, other] });
  await world.runFor(100);
  expect(asked).toEqual([other.domain]);
  expect(store.records(keyOf('k'))).toEqual(entries);
  expect(repairs()).toEqual(['chordial_read_repairs_total{result="given"} 2']);
});

test('one key once a minute, also when it failed', async () => {
  const { world, asked, repair, repairs } = setUp(false);
  for (let second = 0; second < 90; second += 1) {
    repair({ key: keyOf('k'), entries, lacking: [other] });
    await world.runFor(1000);
  }
  expect(asked).toHaveLength(2);
  expect(repairs()).toEqual(['chordial_read_repairs_total{result="failed"} 2']);
});

test('a thousand keys at once: sixteen are repaired, the rest is left to the digests', async () => {
  const { world, asked, repair } = setUp();
  for (let index = 0; index < 1000; index += 1)
    repair({ key: keyOf(`k${index}`), entries, lacking: [other] });
  await world.runFor(100);
  expect(asked).toHaveLength(16);
});
