// The simulated overlay itself: an ideal ring that stays ideal, one seed one course, and signatures that can be wrong.
import { describe, expect, test } from 'vitest';
import type { LspNode } from '../../src/dht/index.ts';
import { clockwiseFrom, type Id } from '../../src/record/id.ts';
import { entryOf, keyOf } from '../../src/sim/opaque-store.ts';
import { fastCrypto, realCrypto } from '../../src/sim/sim-crypto.ts';
import { SimOverlay } from '../../src/sim/sim-overlay.ts';

const idOf = (node: LspNode): Id => {
  if (node.self === undefined) throw new Error('not started');
  return node.self.id;
};

const ready = (overlay: SimOverlay): boolean => overlay.members.every(({ node }) => node.ready);

test.each([1, 2, 8, 9, 10, 40])('%i members booted as an ideal ring are one, and serve', async (count) => {
  const overlay = new SimOverlay({ seed: count });
  const members = await overlay.bootIdeal(count);
  const ids = members.map(({ node }) => idOf(node)).sort();
  expect(await overlay.until(() => ready(overlay), 20_000)).toBe(true);
  for (const { node } of members) {
    const order = clockwiseFrom(idOf(node));
    const report = await overlay.world.settle(node.status());
    expect(report?.mode).toBe(count > 9 ? 'full' : 'small');
    expect(node.members.map(({ id }) => id).sort()).toEqual(ids);
    // Three replicas: the arc begins at the third predecessor, and is the whole ring where there are no more than three.
    const before = ids.filter((id) => id !== idOf(node)).sort((a, b) => order(b, a))[2];
    expect(report?.arc?.from).toBe(count <= 3 ? node.self?.id : before);
  }
  const [first] = members;
  const last = members.at(-1);
  const key = keyOf('someone');
  const written = await overlay.world.settle(
    first?.node.publish(key, [entryOf('x', 1)], 3000) ?? Promise.reject(),
  );
  expect(written).toMatchObject({ kind: 'stored' });
  expect(await overlay.world.settle(last?.node.query(key, 3000) ?? Promise.reject())).toMatchObject({
    kind: 'entries',
  });
  expect(overlay.faults).toEqual([]);
});

test('one seed gives one course of events, another seed another', async () => {
  const traceOf = async (seed: number): Promise<string> => {
    const overlay = new SimOverlay({ seed, link: { loss: 0.05, jitterMs: 20 } });
    await overlay.bootIdeal(12);
    const [, victim] = overlay.members;
    if (victim !== undefined) overlay.crash(victim);
    await overlay.boot('late');
    await overlay.world.runFor(20_000);
    return overlay.world.traceHash();
  };
  const hash = await traceOf(5);
  expect(await traceOf(5)).toBe(hash);
  expect(await traceOf(6)).not.toBe(hash);
});

describe.each([
  ['fast', fastCrypto()],
  ['real', realCrypto()],
])('%s signatures', (_kind, crypto) => {
  test('fit their key and message, and no other', () => {
    const { publicKey, sign } = crypto.identity('a.example');
    const message = Buffer.from('message');
    const signature = sign(message);
    expect(signature).toHaveLength(64);
    expect(crypto.verify(publicKey, message, signature)).toBe(true);
    expect(crypto.verify(crypto.identity('a.example', 1).publicKey, message, signature)).toBe(false);
    expect(crypto.verify(publicKey, Buffer.from('massage'), signature)).toBe(false);
    expect(
      crypto.verify(
        publicKey,
        message,
        signature.map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
      ),
    ).toBe(false);
  });
});
