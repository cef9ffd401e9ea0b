// What one who may speak in the ring can do to others with lies about who is gone: bounded, and over soon after the last lie.
import { describe, expect, test } from 'vitest';
import { encodePeer } from '../../../src/dht/descriptor.ts';
import { LspRpc } from '../../../src/dht/rpc.ts';
import type { Answer, Peer, Request } from '../../../src/dht/types.ts';
import { distance, type Id } from '../../../src/record/id.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { MetricsRegistry } from '../../../src/runtime/metrics.ts';
import { SIM_OVERLAY, SIM_PORT, type SimMember, SimOverlay } from '../../../src/sim/sim-overlay.ts';

const ringOf = async (count: number, seed: number): Promise<SimOverlay> => {
  const overlay = new SimOverlay({ seed, link: { delayMs: 20, jitterMs: 10 }, traced: false });
  await overlay.bootIdeal(count);
  await overlay.world.runFor(20_000);
  return overlay;
};

const at = (overlay: SimOverlay, index: number): SimMember => {
  const member = overlay.members[index];
  if (member === undefined) throw new Error(`no member ${index}`);
  return member;
};
const selfOf = (member: SimMember): Peer => {
  const { self } = member.node;
  if (self === undefined) throw new Error(`${member.name} has not started`);
  return self;
};

/** Vouched for by its domain, answers pings as itself, and says what the test wants. */
const liarIn = async (overlay: SimOverlay) => {
  const host = '10.200.0.1';
  const domain = 'liar.example';
  const { clock, random, openDatagram } = overlay.world.boot(host);
  const identity = overlay.crypto.identity(domain);
  const endpoints = [{ host, port: SIM_PORT }];
  const life = (bootSequence: number): Peer =>
    encodePeer({ domain, selector: 0, vnode: 0, endpoints, bootSequence }, identity, SIM_OVERLAY);
  const peer = life(1);
  const rpc = new LspRpc(
    {
      clock,
      random,
      openDatagram,
      identity,
      crypto: overlay.crypto.lsp(SIM_OVERLAY),
      handler: async () => ({ type: 'pong', id: peer.id, bootSequence: 1 }),
      sizeEstimate: () => 1,
      log: silentLog,
      metrics: new MetricsRegistry(),
    },
    { bind: { host, port: SIM_PORT }, overlayId: SIM_OVERLAY },
  );
  await rpc.start();
  const ask = async (to: SimMember, request: Request): Promise<Answer | undefined> => {
    const outcome = await overlay.world.settle(rpc.call({ host: to.host, port: SIM_PORT }, request));
    return outcome.ok ? outcome.answer : undefined;
  };
  const leave = (to: SimMember, id: Id, bootSequence: number) =>
    ask(to, {
      type: 'events',
      peer,
      batches: [{ until: id, events: [{ kind: 'leave', id, bootSequence }] }],
    });
  return { peer, life, ask, leave };
};

const knowers = (overlay: SimOverlay, victim: SimMember): number => {
  const { id, bootSequence } = selfOf(victim);
  return overlay.members.filter(({ node }) =>
    node.members.some((peer) => peer.id === id && peer.bootSequence === bootSequence),
  ).length;
};

describe('a liar in a ring of 40', () => {
  test.each([Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1])(
    'names a life that can not be outlived (%d), and takes nobody out of the ring',
    async (life) => {
      const overlay = await ringOf(40, 11);
      const victim = at(overlay, 11);
      const { leave } = await liarIn(overlay);
      for (const to of [victim, at(overlay, 20), at(overlay, 10)]) await leave(to, selfOf(victim).id, life);
      await overlay.world.runFor(60_000);
      expect(overlay.faults).toEqual([]);
      expect(selfOf(victim).bootSequence).toBeLessThan(Number.MAX_SAFE_INTEGER - 1);
      expect(knowers(overlay, victim)).toBe(40);
    },
  );

  test('calls somebody gone again and again: it comes back, but not so often', async () => {
    const overlay = await ringOf(40, 12);
    const victim = at(overlay, 11);
    const { leave } = await liarIn(overlay);
    const lives = new Set<number>();
    for (let n = 0; n < 300; n += 1) {
      const { id, bootSequence } = selfOf(victim);
      lives.add(bootSequence);
      await leave(victim, id, bootSequence);
      await overlay.world.runFor(1000);
    }
    expect(lives.size).toBeLessThan(9);
    expect(lives.size).toBeGreaterThan(1);
  });

  test('tells one far from it that it was held for dead, and does not take its authority away', async () => {
    const overlay = await ringOf(40, 13);
    const { peer, ask } = await liarIn(overlay);
    const far = overlay.members.toSorted(
      (a, b) =>
        Math.abs(distance(peer.id, selfOf(a).id) - 0.5) - Math.abs(distance(peer.id, selfOf(b).id) - 0.5),
    )[0];
    if (far === undefined) throw new Error('nobody');
    const { id, bootSequence } = selfOf(far);
    let held = 0;
    for (let n = 0; n < 100; n += 1) {
      await ask(far, { type: 'notify', peer, members: [], gone: [{ id, bootSequence }] });
      const answer = await ask(far, { type: 'status' });
      if (answer?.type === 'status' && answer.status.lease === true) held += 1;
    }
    expect(held).toBe(100);
  });

  test('is born again a thousand times, and the ring hears of half of that', async () => {
    const overlay = await ringOf(40, 15);
    const { ask, peer, life } = await liarIn(overlay);
    for (let n = 0; n < 40; n += 1) {
      const events = Array.from({ length: 30 }, (_, index) => ({
        kind: 'join' as const,
        peer: life(30 * n + index + 2),
      }));
      expect(
        await ask(at(overlay, 20), { type: 'events', peer, batches: [{ until: peer.id, events }] }),
      ).toEqual({
        type: 'ok',
      });
      await overlay.world.runFor(1100);
    }
    await overlay.world.runFor(10_000);
    const learned = overlay.members.map(({ metrics }) =>
      Number(/membership_events_total\{event="learned"\} (\d+)/.exec(metrics.text())?.[1] ?? 0),
    );
    expect(Math.max(...learned)).toBeGreaterThan(500);
    expect(Math.max(...learned)).toBeLessThan(600);
  });
});
