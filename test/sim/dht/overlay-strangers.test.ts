// What a stranger learns from SYNC, and what it can plant by it: nothing.
import { expect, test } from 'vitest';
import { encodePeer } from '../../../src/dht/descriptor.ts';
import { LspRpc } from '../../../src/dht/rpc.ts';
import type { Answer, Peer, SyncOp } from '../../../src/dht/types.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { MetricsRegistry } from '../../../src/runtime/metrics.ts';
import { entryOf, keyOf, type Machine, OVERLAY, OverlayWorld, PORT } from '../../support/overlay-world.ts';

/** Signs SYNC requests with the key of `signer`, and shows the descriptor of whomever it likes. */
const synchroniser = async (overlay: OverlayWorld, signer: string, host = '10.9.0.3') => {
  const { clock, random, openDatagram } = overlay.world.boot(host);
  const identity = overlay.crypto.identity(`${signer}.example`);
  const rpc = new LspRpc(
    {
      clock,
      random,
      openDatagram,
      identity,
      handler: async () => ({ type: 'pong' }),
      sizeEstimate: () => 1,
      log: silentLog,
      metrics: new MetricsRegistry(),
    },
    { bind: { host, port: 0 }, overlayId: OVERLAY },
  );
  await rpc.start();
  const descriptor = (domain: string): Peer =>
    encodePeer({ domain, selector: 0, vnode: 0, endpoints: [rpc.local], bootSequence: 1 }, identity, OVERLAY);
  const sync = async (to: Machine, peer: Peer, op: SyncOp): Promise<Answer | undefined> => {
    const call = rpc.call({ host: to.host, port: PORT }, { type: 'sync', peer, op });
    const outcome = await overlay.world.settle(call);
    return outcome.ok ? outcome.answer : undefined;
  };
  return { descriptor, sync };
};

test('whole stores are for members: not for a name without a key, a borrowed name, a borrowed descriptor', async () => {
  const overlay = new OverlayWorld({ seed: 61 });
  await overlay.ring(3);
  const [key] = await overlay.publishMany(3);
  const member = overlay.at(1);
  const other = overlay.at(2).node.self;
  if (key === undefined || other === undefined) throw new Error('a ring of three');
  const mallory = await synchroniser(overlay, 'mallory');
  const arc = { from: key, to: key };
  const ops: readonly SyncOp[] = [
    { kind: 'pull', arc, after: undefined },
    { kind: 'digests', arc, buckets: [] },
    { kind: 'keys', arc, bucket: 0, keys: [] },
    { kind: 'push', key: keyOf('planted'), records: [entryOf('planted', 1)] },
  ];
  // mallory.example publishes a key and could be a member, but listens nowhere that it says; m2.example is another's name.
  for (const peer of [mallory.descriptor('m2.example'), other])
    for (const op of ops)
      expect(await mallory.sync(member, peer, op)).toMatchObject({ type: 'error', code: 'refused' });
  expect(member.store.records(keyOf('planted'))).toEqual([]);
});

test('a member is told', async () => {
  const overlay = new OverlayWorld({ seed: 62 });
  await overlay.ring(3);
  const [key] = await overlay.publishMany(3);
  const self = overlay.at(2).node.self;
  if (key === undefined || self === undefined) throw new Error('a ring of three');
  const twin = await synchroniser(overlay, 'm2');
  const answer = await twin.sync(overlay.at(1), self, {
    kind: 'pull',
    arc: { from: key, to: key },
    after: undefined,
  });
  expect(answer?.type === 'synced' && answer.page?.length).toBe(3);
});
