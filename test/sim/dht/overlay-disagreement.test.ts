// Replicas that hold different things: seen by reads and by comparisons, counted, and brought level (DESIGN §5, Replication).
import { expect, test } from 'vitest';
import { entryOf, keyOf, type Machine, OverlayWorld } from '../../support/overlay-world.ts';

const count = (machines: readonly Machine[], series: string): number =>
  machines.reduce((sum, { metrics }) => {
    const line = metrics
      .text()
      .split('\n')
      .find((one) => one.startsWith(`${series} `));
    return sum + Number(line?.split(' ').at(-1) ?? 0);
  }, 0);
const DISAGREEMENT = 'chordial_replica_disagreement_total';

const world = async (seed: number, digestMs: number) => {
  const overlay = new OverlayWorld({ seed, replication: { digestMs } });
  await overlay.ring(6);
  const keys = await overlay.publishMany(40);
  const [key = keyOf('user0')] = keys;
  const holders = overlay.machines.filter(({ store }) => store.records(key).length > 0);
  expect(holders).toHaveLength(3);
  return { overlay, keys, key, holders };
};

test('a read that sees a copy missing has it put back at once, without waiting for the digests', async () => {
  const { overlay, key, holders } = await world(211, 3_600_000);
  const [one, two, three] = holders as [Machine, Machine, Machine];
  one.store.drop(key);
  await two.store.absorb(key, [entryOf('user0', 2)]);
  // Whoever holds it asks itself first: these three reads see all of them.
  for (const machine of [one, two, three]) {
    const read = await overlay.world.settle(machine.node.query(key, 3000));
    expect(read.kind).toBe('entries');
  }
  const level = () =>
    holders.every(({ store }) => Buffer.from(store.records(key)[0] ?? []).toString() === 'user0 2 ');
  expect(await overlay.until(level, 2000)).toBe(true);
  expect(count(overlay.machines, `${DISAGREEMENT}{found="read"}`)).toBeGreaterThan(0);
  expect(count(overlay.machines, 'chordial_read_repairs_total{result="given"}')).toBeGreaterThan(0);
  expect(count(overlay.machines, 'chordial_read_repairs_total{result="failed"}')).toBe(0);
  // Once level, reads agree.
  const before = count(overlay.machines, `${DISAGREEMENT}{found="read"}`);
  await overlay.census([key]);
  expect(count(overlay.machines, `${DISAGREEMENT}{found="read"}`)).toBe(before);
});

test('copies that nobody reads are brought level by the digests, each counted', async () => {
  const { overlay, keys, holders } = await world(212, 5000);
  await overlay.world.runFor(12_000);
  expect(count(overlay.machines, `${DISAGREEMENT}{found="comparison"}`)).toBe(0);
  const [one] = holders as [Machine];
  const lost = keys.filter((key) => one.store.records(key).length > 0).slice(0, 5);
  for (const key of lost) one.store.drop(key);
  expect(await overlay.until(() => lost.every((key) => one.store.records(key).length > 0), 15_000)).toBe(
    true,
  );
  // Each differed for at least one pair of replicas; two pairs may have looked at the same time.
  const counted = count(overlay.machines, `${DISAGREEMENT}{found="comparison"}`);
  expect(counted).toBeGreaterThanOrEqual(lost.length);
  expect(counted).toBeLessThanOrEqual(2 * lost.length);
});

test('replicas that agree compare with one small question each', async () => {
  const { overlay } = await world(213, 5000);
  let largest = 0;
  let digests = 0;
  overlay.network.setFilter(({ bytes }) => {
    // SYNC is the only signed request of a settled ring beside NOTIFY, and longer by its operation.
    if (((bytes[5] ?? 0) & 4) !== 0) {
      largest = Math.max(largest, bytes.length);
      digests += 1;
    }
    return true;
  });
  await overlay.world.runFor(12_000);
  expect(digests).toBeGreaterThan(10);
  expect(largest).toBeLessThan(500);
});
