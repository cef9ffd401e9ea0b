// Issue: "Repair after the death of a node holding 10,000 entries finishes in seconds without hurting lookups." In simulated
// time, with production's constants; test/net/repair.ts measures it with processes.
import { expect, test } from 'vitest';
import { membersFrom } from '../../../src/dht/range.ts';
import type { Peer } from '../../../src/dht/types.ts';
import { SimOverlay } from '../../../src/sim/sim-overlay.ts';
import { entryOf, keyOf } from '../../support/overlay-world.ts';

const NODES = 8;
const KEYS = 24_000;
const REPLICAS = 3;
const LOOKUPS_A_SECOND = 50;

test('eight members, one of about ten thousand names dies: all copies are back within half a minute, no lookup fails', async () => {
  const overlay = new SimOverlay({ seed: 261, link: { delayMs: 5, jitterMs: 3 }, traced: false });
  await overlay.bootIdeal(NODES);
  const { members, world } = overlay;
  expect(await overlay.until(() => members.every(({ node }) => node.ready), 60_000)).toBe(true);
  const peers = members.flatMap(({ node }): Peer[] => (node.self === undefined ? [] : [node.self]));
  const keys = Array.from({ length: KEYS }, (_, index) => keyOf(`name ${index}`));
  for (const [index, key] of keys.entries())
    for (const { id } of membersFrom(key, peers).slice(0, REPLICAS)) {
      const holder = members.find(({ node }) => node.self?.id === id);
      await holder?.store.absorb(key, [entryOf(`name ${index}`, 1)]);
    }
  const bySize = [...members].sort((a, b) => b.store.counts.keys - a.store.counts.keys);
  const victim = bySize.find(({ store }) => store.counts.keys <= 12_000) ?? bySize[0];
  if (victim === undefined) throw new Error('no members');
  const dead = victim.store.counts.keys;
  expect(dead).toBeGreaterThan(8000);

  const tookMs: number[] = [];
  const kinds = new Map<string, number>();
  let turn = 0;
  const second = async (): Promise<void> => {
    const asked = Array.from({ length: LOOKUPS_A_SECOND }, async () => {
      turn += 1;
      const key = keys[(turn * 7919) % KEYS];
      const asker = overlay.members[turn % overlay.members.length];
      if (key === undefined || asker === undefined) return;
      const startMs = world.nowMs;
      const { kind } = await asker.node.query(key, 5000);
      tookMs.push(world.nowMs - startMs);
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    });
    await world.runFor(1000);
    await world.settle(Promise.all(asked));
  };
  const figures = (): { p50: number; p99: number } => {
    const sorted = tookMs.splice(0).sort((a, b) => a - b);
    return {
      p50: sorted[Math.floor(sorted.length / 2)] ?? 0,
      p99: sorted[Math.floor(0.99 * sorted.length)] ?? 0,
    };
  };
  for (let n = 0; n < 10; n += 1) await second();
  const before = figures();

  const copies = (): number => overlay.members.reduce((sum, { store }) => sum + store.counts.keys, 0);
  overlay.crash(victim);
  const startMs = world.nowMs;
  while (copies() < REPLICAS * KEYS && world.nowMs - startMs < 60_000) await second();
  const seconds = (world.nowMs - startMs) / 1000;
  const during = figures();
  for (let n = 0; n < 10; n += 1) await second();
  const after = figures();
  process.stderr.write(
    `${dead} copies back ${seconds.toFixed(0)} s after the death; lookups ms, p50/p99: ` +
      `${[before, during, after].map(({ p50, p99 }) => `${p50.toFixed(0)}/${p99.toFixed(0)}`).join(', ')}\n`,
  );
  expect(copies()).toBe(REPLICAS * KEYS);
  expect(seconds).toBeLessThan(30);
  expect([...kinds.keys()]).toEqual(['entries']);
  expect(during.p50).toBeLessThan(2 * before.p50);
  expect(during.p99).toBeLessThan(1000);
  expect(overlay.faults).toEqual([]);
}, 120_000);
