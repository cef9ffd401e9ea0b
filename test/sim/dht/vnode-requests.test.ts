// What a process of several members answers at its one address, and whom it lets in.
import { beforeAll, describe, expect, test } from 'vitest';
import { encodePeer } from '../../../src/dht/descriptor.ts';
import { LspRpc } from '../../../src/dht/rpc.ts';
import type { Answer, Request } from '../../../src/dht/types.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { MetricsRegistry } from '../../../src/runtime/metrics.ts';
import { keyOf, OVERLAY, OverlayWorld, PORT } from '../../support/overlay-world.ts';

/** One with the key of `domain` at another address, answering pings as the life it says it is. */
const pretender = async (overlay: OverlayWorld, domain: string, vnode: number) => {
  const host = `10.9.0.${7 + vnode}`;
  const { clock, random, openDatagram } = overlay.world.boot(host);
  const identity = overlay.crypto.identity(domain);
  const endpoints = [{ host, port: PORT }];
  const bootSequence = Math.floor(clock.wallMs() / 1000) + 5;
  const peer = encodePeer({ domain, selector: 0, vnode, endpoints, bootSequence }, identity, OVERLAY);
  const rpc = new LspRpc(
    {
      clock,
      random,
      openDatagram,
      identity,
      handler: async () => ({ type: 'pong', id: peer.id, bootSequence }),
      sizeEstimate: () => 1,
      log: silentLog,
      metrics: new MetricsRegistry(),
    },
    { bind: { host, port: PORT }, overlayId: OVERLAY },
  );
  await rpc.start();
  return async (to: string): Promise<Answer | undefined> => {
    const join: Request = { type: 'join', peer, replicas: 3, successors: 8 };
    const outcome = await overlay.world.settle(rpc.call({ host: to, port: PORT }, join, { timeoutMs: 3000 }));
    return outcome.ok ? outcome.answer : undefined;
  };
};

describe('two processes with three members each', () => {
  let overlay: OverlayWorld;
  let ask: (request: Request) => Promise<Answer | undefined>;
  beforeAll(async () => {
    overlay = new OverlayWorld({ seed: 6, vnodes: 3 });
    await overlay.boot('m0');
    await overlay.boot('m1');
    expect(await overlay.until(() => overlay.machines.every(({ node }) => node.ready), 60_000)).toBe(true);
    const stranger = await overlay.stranger();
    ask = (request) => overlay.world.settle(stranger(overlay.at(0), request));
  });

  test.each([0, 1, 2])('a request to vnode %i is answered by that one', async (vnode) => {
    const { selves } = overlay.at(0).node;
    expect(await ask({ type: 'ping', vnode })).toMatchObject({ type: 'pong', id: selves[vnode]?.id });
    expect(await ask({ type: 'neighbours', vnode })).toMatchObject({ self: { vnode } });
    expect(await ask({ type: 'status', vnode })).toMatchObject({ status: { self: { vnode }, vnodes: 3 } });
  });

  test('without a number vnode 0 answers for the ring, and for a key the one that holds it', async () => {
    expect(await ask({ type: 'neighbours' })).toMatchObject({ self: { vnode: 0 } });
    for (let n = 0; n < 20; n += 1)
      expect(await ask({ type: 'query', key: keyOf(`nobody ${n}`) })).toMatchObject({
        type: 'entries',
        entries: [],
      });
  });

  test('a number that is not taken: gone, for a ping; no member, for the rest', async () => {
    expect(await ask({ type: 'ping', vnode: 3 })).toEqual({ type: 'pong' });
    expect(await ask({ type: 'neighbours', vnode: 3 })).toMatchObject({ code: 'not-member' });
    expect(await ask({ type: 'query', key: keyOf('x'), vnode: 15 })).toMatchObject({ code: 'not-member' });
  });

  test('the members of one process ask each other without a datagram', async () => {
    const [one] = overlay.machines;
    if (one === undefined) return;
    // Whatever they sent to their own address would be lost.
    overlay.network.cut(one.host, one.host);
    await overlay.until(() => false, 10_000);
    expect(one.node.ready).toBe(true);
    overlay.network.heal();
  });

  test.each([0, 2])(
    'an id of theirs, vnode %i, that is alive elsewhere is not let in by any of them',
    async (vnode) => {
      const join = await pretender(overlay, 'm1.example', vnode);
      for (const { host } of overlay.machines) {
        const answer = await join(host);
        expect(answer).toMatchObject({ code: 'id-alive-elsewhere', peers: [{ vnode }] });
      }
    },
  );
});

test('more members than the overlay has room for in its lists are not let in', async () => {
  const overlay = new OverlayWorld({ seed: 7, replicas: 7 });
  await overlay.boot('m0');
  expect(await overlay.until(() => overlay.at(0).node.ready, 60_000)).toBe(true);
  const many = await overlay.boot('m1', { vnodes: 7 });
  await overlay.until(() => false, 30_000);
  expect(many.node.ready).toBe(false);
  // Five of them came in: ⌊33 / 6⌋.
  expect(overlay.at(0).node.members).toHaveLength(6);
});
