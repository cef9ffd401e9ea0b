// Membership events and the peer table in whole rings: who comes and goes is known to all, lies are refuted, look-ups take one hop.
import { describe, expect, test } from 'vitest';
import { encodePeer } from '../../../src/dht/descriptor.ts';
import { LspRpc } from '../../../src/dht/rpc.ts';
import type { Answer, Request } from '../../../src/dht/types.ts';
import { hashToId } from '../../../src/record/id.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { MetricsRegistry } from '../../../src/runtime/metrics.ts';
import { SIM_OVERLAY, SIM_PORT, type SimMember, SimOverlay } from '../../../src/sim/sim-overlay.ts';
import { kindOf } from '../../../src/sim/sim-traffic.ts';

const lives = (member: SimMember): string =>
  member.node.members
    .map(({ id, bootSequence }) => `${id} ${bootSequence}`)
    .sort()
    .join();

/** Everybody's table has exactly those that live, in the lives they have. */
const agreed = ({ members }: SimOverlay): boolean => {
  const truth = members
    .flatMap(({ node }) => node.self ?? [])
    .map(({ id, bootSequence }) => `${id} ${bootSequence}`)
    .sort()
    .join();
  return members.every((member) => lives(member) === truth);
};

const ringOf = async (count: number, seed = 1): Promise<SimOverlay> => {
  const overlay = new SimOverlay({ seed, link: { delayMs: 20, jitterMs: 10 }, traced: false });
  await overlay.bootIdeal(count);
  await overlay.world.runFor(20_000);
  return overlay;
};

/** Speaks LSP under a name of its own, without being a member. */
const speaker = async (overlay: SimOverlay, domain: string) => {
  const host = '10.200.0.1';
  const { clock, random, openDatagram } = overlay.world.boot(host);
  const identity = overlay.crypto.identity(domain);
  const rpc = new LspRpc(
    {
      clock,
      random,
      openDatagram,
      identity,
      crypto: overlay.crypto.lsp(SIM_OVERLAY),
      handler: async () => ({ type: 'pong' }),
      sizeEstimate: () => 1,
      log: silentLog,
      metrics: new MetricsRegistry(),
    },
    { bind: { host, port: SIM_PORT }, overlayId: SIM_OVERLAY },
  );
  await rpc.start();
  const peer = encodePeer(
    { domain, selector: 0, vnode: 0, endpoints: [{ host, port: SIM_PORT }], bootSequence: 1 },
    identity,
    SIM_OVERLAY,
  );
  const ask = async (to: SimMember, request: Request): Promise<Answer | undefined> => {
    const outcome = await overlay.world.settle(rpc.call({ host: to.host, port: SIM_PORT }, request));
    return outcome.ok ? outcome.answer : undefined;
  };
  return { peer, ask };
};

const at = (overlay: SimOverlay, index: number): SimMember => {
  const member = overlay.members[index];
  if (member === undefined) throw new Error(`no member ${index}`);
  return member;
};
const selfOf = (member: SimMember) => {
  const { self } = member.node;
  if (self === undefined) throw new Error(`${member.name} has not started`);
  return self;
};

describe('in a ring of 40', () => {
  test('a death is known to everybody within 30 s', async () => {
    const overlay = await ringOf(40);
    overlay.crash(at(overlay, 7));
    expect(await overlay.until(() => agreed(overlay), 30_000, 1000)).toBe(true);
  });

  test('a joiner has the whole table, and everybody has it, within 30 s', async () => {
    const overlay = await ringOf(40, 2);
    await overlay.boot('late', { seeds: [{ host: at(overlay, 3).host, port: SIM_PORT }] });
    expect(await overlay.until(() => agreed(overlay), 30_000, 1000)).toBe(true);
  });

  test('five deaths and five joins at once settle into one table', async () => {
    const overlay = await ringOf(40, 3);
    for (let n = 0; n < 5; n += 1) {
      overlay.crash(at(overlay, 6 * n));
      await overlay.boot(`late${n}`, { seeds: [{ host: at(overlay, 1).host, port: SIM_PORT }] });
    }
    expect(await overlay.until(() => agreed(overlay), 90_000, 1000)).toBe(true);
    expect(overlay.faults).toEqual([]);
  });

  test('a false leave event is refuted: its subject comes back with a new life that everybody learns', async () => {
    const overlay = await ringOf(40, 4);
    const victim = at(overlay, 11);
    const before = selfOf(victim);
    const { peer, ask } = await speaker(overlay, 'liar.example');
    const leave = { kind: 'leave', id: before.id, bootSequence: before.bootSequence } as const;
    const request: Request = { type: 'events', peer, batches: [{ until: before.id, events: [leave] }] };
    expect(await ask(at(overlay, 20), request)).toMatchObject({ type: 'ok' });
    expect(await overlay.until(() => selfOf(victim).bootSequence > before.bootSequence, 30_000)).toBe(true);
    const known = (): boolean =>
      overlay.members.every(({ node }) =>
        node.members.some(
          ({ id, bootSequence }) => id === before.id && bootSequence === selfOf(victim).bootSequence,
        ),
      );
    expect(await overlay.until(known, 60_000, 1000)).toBe(true);
  });

  test('a join event whose key no domain vouches for changes no table', async () => {
    const overlay = await ringOf(40, 5);
    const { peer, ask } = await speaker(overlay, 'teller.example');
    const forged = encodePeer(
      { domain: 'victim.example', selector: 0, vnode: 0, endpoints: peer.endpoints, bootSequence: 9 },
      { ...overlay.crypto.identity('mallory.example'), domain: 'victim.example', selector: 0 },
      SIM_OVERLAY,
    );
    const request: Request = {
      type: 'events',
      peer,
      batches: [{ until: forged.id, events: [{ kind: 'join', peer: forged }] }],
    };
    expect(await ask(at(overlay, 5), request)).toMatchObject({ type: 'ok' });
    await overlay.world.runFor(20_000);
    const holders = overlay.members.filter(({ node }) => node.members.some(({ id }) => id === forged.id));
    expect(holders).toEqual([]);
  });

  test('whoever is vouched for by nobody may tell no events', async () => {
    const overlay = await ringOf(40, 6);
    const { peer, ask } = await speaker(overlay, 'teller.example');
    const stranger = { ...overlay.crypto.identity('teller.example'), domain: 'nobody.example', selector: 0 };
    const unvouched = encodePeer(
      { domain: 'nobody.example', selector: 0, vnode: 0, endpoints: peer.endpoints, bootSequence: 1 },
      stranger,
      SIM_OVERLAY,
    );
    const answer = await ask(at(overlay, 5), { type: 'events', peer: unvouched, batches: [] });
    expect(answer).toMatchObject({ type: 'error', code: 'refused' });
  });

  test('the table is read page by page, by anybody', async () => {
    const overlay = await ringOf(40, 7);
    const { ask } = await speaker(overlay, 'reader.example');
    const to = at(overlay, 9);
    const { id } = selfOf(to);
    const first = await ask(to, { type: 'table', arc: { from: id, to: id } });
    if (first?.type !== 'table' || first.next === undefined) throw new Error('no page');
    const second = await ask(to, { type: 'table', arc: { from: first.next, to: id } });
    if (second?.type !== 'table') throw new Error('no second page');
    const ids = [...first.peers, ...second.peers].map((peer) => peer.id);
    expect(new Set(ids).size).toBe(40);
    expect([first.peers.length, second.next]).toEqual([34, undefined]);
  });
});

test('in a ring of 128 every look-up of the steady state takes one round trip', async () => {
  const overlay = await ringOf(128, 8);
  let trips = 0;
  for (let n = 0; n < 60; n += 1) {
    const key = hashToId(Buffer.from(`key ${n}`));
    const found = await overlay.world.settle(at(overlay, (7 * n) % 128).node.find(key, 3000));
    expect(found.replicas).toHaveLength(3);
    trips = Math.max(trips, found.roundTrips);
  }
  expect(trips).toBe(1);
});

test('members that take the ring for larger than it is ask for its table again, and are sent nothing that they have', async () => {
  const overlay = new SimOverlay({ seed: 1, link: { delayMs: 20, jitterMs: 10 }, traced: false });
  const pages: number[] = [];
  overlay.network.setTap(({ bytes }) => void (kindOf(bytes) === 'page' && pages.push(bytes.length)));
  await overlay.bootIdeal(200);
  await overlay.world.runFor(15_000);
  // By the gaps around them some expect more than 1.4 times as many, and look for the rest.
  expect(pages.length).toBeGreaterThan(200);
  // A page without a descriptor; with one it has 140 bytes more.
  expect(Math.max(...pages)).toBeLessThan(100);
});

test('two large rings, of which one has a seed in the other, become one', async () => {
  const overlay = await ringOf(12, 9);
  const seeds = [{ host: at(overlay, 4).host, port: SIM_PORT }];
  await overlay.bootSettled(Array.from({ length: 12 }, (_, n) => ({ name: `other${n}`, seeds })));
  await overlay.world.runFor(120_000);
  const ids = overlay.members.map((member) => selfOf(member).id).sort();
  const successors = await Promise.all(
    overlay.members.map(async ({ node }) => [node.self?.id, (await node.status())?.successor] as const),
  );
  expect(new Map(successors)).toEqual(new Map(ids.map((id, n) => [id, ids[(n + 1) % ids.length]])));
});
