// What a write missed is made good within a repair interval, also when the first try at it fails.
import { expect, test } from 'vitest';
import { entryOf, keyOf, type Machine, OverlayWorld } from '../../support/overlay-world.ts';

/** JOIN, NOTIFY, LEAVE and SYNC (docs/lsp.md, "Frame": flag 4). */
const isSigned = (bytes: Uint8Array): boolean => ((bytes[5] ?? 0) & 4) !== 0;
const failed = ({ metrics }: Machine): boolean => metrics.text().includes('event="compare-failed"');

test('the copy that a dead writer no longer sees to, although a comparison broke off on the way', async () => {
  const overlay = new OverlayWorld({ seed: 91, replication: { digestMs: 45_000 } });
  await overlay.ring(3);
  const [writer, holder, missing] = [overlay.at(0), overlay.at(1), overlay.at(2)];
  // The third copy is lost with the one who would have sent it again.
  overlay.network.setFilter(({ from, to }) => !(from.host === writer.host && to.host === missing.host));
  const key = keyOf('missed');
  const outcome = await overlay.world.settle(writer.node.publish(key, [entryOf('x', 1)], 3000));
  expect(outcome).toMatchObject({ kind: 'stored', acks: 2 });
  overlay.crash(writer);
  overlay.network.setFilter(({ bytes }) => !isSigned(bytes));
  expect(await overlay.until(() => failed(holder) || failed(missing), 60_000)).toBe(true);
  expect(missing.store.records(key)).toEqual([]);
  overlay.network.setFilter(() => true);
  expect(await overlay.until(() => missing.store.records(key).length > 0, 10_000)).toBe(true);
});
