// Whole members with the real record store: signed entries through PUBLISH, QUERY and SYNC, their removal and expiry.
import { expect, test } from 'vitest';
import { buildEntries } from '../../../src/record/build.ts';
import { versionFromMs } from '../../../src/record/hybrid-clock.ts';
import { nameKeys } from '../../../src/record/keys.ts';
import { RecordStore } from '../../../src/record/store.ts';
import type { Publication } from '../../../src/record/types.ts';
import { EntryVerifier } from '../../../src/record/verify.ts';
import { type Machine, OVERLAY, OverlayWorld } from '../../support/overlay-world.ts';

const hex = (entries: readonly Uint8Array[]): readonly string[] =>
  entries.map((entry) => Buffer.from(entry).toString('hex'));

const build = (overlay: OverlayWorld, machine: Machine, user: string, seq: number, expiresSec: number) => {
  const identity = overlay.crypto.identity(`${machine.name}.example`);
  const name = { scheme: 'sip', user, domain: identity.domain };
  const contact = `sip:${user}@192.0.2.7:5060`;
  const publication: Publication = {
    name,
    series: `call-${user}`,
    seq,
    changes: [{ contact, canonicalContact: contact, params: [], path: [], expiresSec }],
  };
  const { clock, random } = machine.process;
  const wallMs = clock.wallMs();
  const signing = { identity, overlayId: OVERLAY, version: versionFromMs(wallMs), wallMs, random };
  const entries = buildEntries(publication, nameKeys(name), signing);
  if (!entries.ok) throw new Error(entries.error);
  return { key: nameKeys(name).key, entries: entries.value };
};

test('bindings, their removals and what was lost with a member go through the whole of it', async () => {
  const overlay = new OverlayWorld({
    seed: 41,
    store: ({ clock }, { keys }) =>
      new RecordStore({
        verifier: new EntryVerifier({ keys, overlayId: OVERLAY }),
        wallMs: () => clock.wallMs(),
      }),
  });
  await overlay.ring(5);
  const made = Array.from({ length: 40 }, (_, index) =>
    build(overlay, overlay.at(index % 5), `user${index}`, 1, 3600),
  );
  for (const [index, { key, entries }] of made.entries()) {
    const outcome = await overlay.world.settle(overlay.at((index + 1) % 5).node.publish(key, entries, 3000));
    expect(outcome.kind === 'stored' && hex(outcome.live)).toEqual(hex(entries));
  }
  // A removal replaces the binding wherever it is read.
  const removal = build(overlay, overlay.at(0), 'user0', 2, 0);
  await overlay.world.settle(overlay.at(3).node.publish(removal.key, removal.entries, 3000));
  overlay.crash(overlay.at(4));
  await overlay.world.runFor(15_000);
  overlay.crash(overlay.at(3));
  for (const { node } of overlay.machines)
    for (const { key, entries } of made) {
      const expected = key === removal.key ? removal.entries : entries;
      const outcome = await overlay.world.settle(node.query(key, 3000));
      expect(outcome.kind === 'entries' && hex(outcome.entries)).toEqual(hex(expected));
    }
  // An older publication of the series is stale, a forged one is refused.
  const late = build(overlay, overlay.at(0), 'user0', 1, 3600);
  expect(await overlay.world.settle(overlay.at(1).node.publish(late.key, late.entries, 3000))).toEqual({
    kind: 'stale',
  });
  const forged = build(overlay, { ...overlay.at(1), name: 'm0' }, 'mallory', 1, 3600);
  const broken = forged.entries.map((entry) => entry.map((byte, at) => (at === 60 ? byte ^ 1 : byte)));
  expect(await overlay.world.settle(overlay.at(1).node.publish(forged.key, broken, 3000))).toMatchObject({
    kind: 'refused',
  });
  await overlay.world.runFor(15_000);
  const counts = overlay.machines.map(({ store }) => store.counts.keys);
  expect(counts).toEqual([40, 40, 40]);
});
