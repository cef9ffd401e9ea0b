// The read path against replicas whose answers the test writes.
import { describe, expect, test } from 'vitest';
import { PeerHealth } from '../../../src/dht/peer-health.ts';
import { read } from '../../../src/dht/read.ts';
import { Tasks } from '../../../src/dht/tasks.ts';
import type { Answer, Peer } from '../../../src/dht/types.ts';
import { SimWorld } from '../../../src/sim/sim-world.ts';
import { type Behaviour, fakePeers, idAt, peerNamed, problem } from '../../support/fake-peers.ts';

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => peerNamed(name)) as [Peer, Peer, Peer, Peer];
const KEY = idAt('7');
const [X, Y] = [Uint8Array.of(1), Uint8Array.of(2)];

const holds =
  (...entries: readonly Uint8Array[]): Behaviour =>
  () => ({ type: 'entries', entries, replicas: [] });
const denies: Behaviour = (): Answer => ({ type: 'entries', entries: [], replicas: [a, b, c] });
const silent: Behaviour = () => 'silent';
const mute: Behaviour = () => problem('retry');

const setUp = (
  believed: readonly Peer[],
  relocated: readonly Peer[] = believed,
  rechecked: readonly Peer[] = believed,
) => {
  const world = new SimWorld(1);
  const process = world.boot('10.0.0.1');
  const { clock, random } = process;
  const errors: unknown[] = [];
  const tasks = new Tasks({ clock, onError: (_, error) => errors.push(error) }, { max: 100 });
  const peers = fakePeers(clock);
  const health = new PeerHealth(clock);
  let disagreements = 0;
  const roundTrips: number[] = [];
  let hedges = 0;
  const run = (deadlineMs = 3000) =>
    read(
      {
        ask: peers.ask,
        locator: {
          believed: () => believed,
          recheck: async () => rechecked,
          relocate: async () => ({ replicas: relocated, steps: [], roundTrips: 1 }),
        },
        clock,
        random,
        tasks,
        health,
        isSelf: () => false,
        onDisagreement: () => {
          disagreements += 1;
        },
        onAnswered: (count) => roundTrips.push(count),
        onHedge: () => {
          hedges += 1;
        },
      },
      KEY,
      deadlineMs,
    );
  const timed = async (deadlineMs?: number) => {
    const startMs = world.nowMs;
    const outcome = await world.settle(run(deadlineMs));
    return { outcome, ms: world.nowMs - startMs };
  };
  return {
    world,
    process,
    peers,
    tasks,
    errors,
    health,
    timed,
    run,
    roundTrips,
    disagreements: () => disagreements,
    hedges: () => hedges,
  };
};

describe('read', () => {
  test('two are asked, and their answers merged, in one round trip', async () => {
    const { peers, timed, disagreements } = setUp([a, b, c]);
    peers.behave(a, holds(X));
    peers.behave(b, holds(X, Y));
    peers.behave(c, holds(Y));
    const { outcome, ms } = await timed();
    expect(outcome).toEqual({ kind: 'entries', entries: [X, Y], answers: 2 });
    expect(ms).toBeLessThan(20);
    expect(peers.asked).toEqual(['a', 'b']);
    expect(disagreements()).toBe(1);
  });

  test('round trips: one where the replicas are believed, those of the search on top where they are not', async () => {
    const known = setUp([a, b, c]);
    for (const peer of [a, b, c]) known.peers.behave(peer, holds(X));
    await known.timed();
    const unknown = setUp([], [a, b, c]);
    for (const peer of [a, b, c]) unknown.peers.behave(peer, denies);
    await unknown.timed();
    const silence = setUp([a, b, c]);
    for (const peer of [a, b, c]) silence.peers.behave(peer, silent);
    await silence.timed();
    expect([known.roundTrips, unknown.roundTrips, silence.roundTrips]).toEqual([[1], [2], []]);
  });

  test('the third is asked as soon as one is late, not when it has timed out', async () => {
    const { peers, timed } = setUp([a, b, c]);
    peers.behave(a, silent);
    for (const peer of [b, c]) peers.behave(peer, holds(X));
    const { outcome, ms } = await timed();
    expect(outcome).toEqual({ kind: 'entries', entries: [X], answers: 2 });
    expect(ms).toBeLessThan(400);
  });

  test('with one dead and what takes how long known, the third is asked after hardly more than a round trip', async () => {
    const { peers, health, timed, hedges } = setUp([a, b, c]);
    for (let n = 0; n < 40; n += 1) health.answered(b.id, 10);
    peers.behave(a, silent);
    for (const peer of [b, c]) peers.behave(peer, holds(X));
    const { outcome, ms } = await timed();
    expect(outcome).toMatchObject({ kind: 'entries', answers: 2 });
    expect(ms).toBeLessThan(45);
    expect(hedges()).toBe(1);
  });

  test('with two dead, the one answer is used as soon as both have missed their time', async () => {
    const { peers, health, timed } = setUp([a, b, c]);
    for (let n = 0; n < 40; n += 1) health.answered(b.id, 100);
    peers.behave(a, holds(X));
    for (const peer of [b, c]) peers.behave(peer, silent);
    const { outcome, ms } = await timed();
    expect(outcome).toEqual({ kind: 'entries', entries: [X], answers: 1, settled: false });
    expect(ms).toBeLessThan(240);
  });

  test('who missed its time lately is asked beside two others, not instead of one', async () => {
    const { peers, health, timed, hedges } = setUp([a, b, c]);
    for (const peer of [a, b]) health.missed(peer.id);
    for (const peer of [a, b, c]) peers.behave(peer, holds(X));
    expect((await timed()).ms).toBeLessThan(20);
    expect(peers.asked).toEqual(['c', 'a', 'b']);
    expect(hedges()).toBe(0);
  });

  test('who was late is asked last the next time', async () => {
    const { peers, timed } = setUp([a, b, c]);
    peers.behave(a, silent);
    for (const peer of [b, c]) peers.behave(peer, holds(X));
    await timed();
    const { ms } = await timed();
    expect(ms).toBeLessThan(20);
  });

  test('one denial beside one that holds it: it is found', async () => {
    const { peers, timed, disagreements } = setUp([a, b, c]);
    peers.behave(a, denies);
    peers.behave(b, holds(X));
    expect((await timed()).outcome).toEqual({ kind: 'entries', entries: [X], answers: 2 });
    expect(disagreements()).toBe(1);
  });

  test('none needs two who may say so; who may not is no denier', async () => {
    const { peers, timed } = setUp([a, b, c]);
    peers.behave(a, denies);
    peers.behave(b, mute);
    peers.behave(c, denies);
    expect((await timed()).outcome).toEqual({ kind: 'none' });
  });

  test('one denier alone is unavailable, nobody at all a timeout', async () => {
    const one = setUp([a, b, c]);
    one.peers.behave(a, denies);
    one.peers.behave(b, mute);
    one.peers.behave(c, silent);
    expect((await one.timed(2000)).outcome).toMatchObject({ kind: 'unavailable' });
    const nobody = setUp([a, b, c]);
    const { outcome, ms } = await nobody.timed(2500);
    expect(outcome).toEqual({ kind: 'timeout' });
    expect(ms).toBeLessThan(2600);
  });

  test('whoever may not say, round after round, makes it unavailable and no timeout', async () => {
    const { peers, timed } = setUp([a]);
    peers.behave(a, mute);
    for (let deadlineMs = 200; deadlineMs < 400; deadlineMs += 20)
      expect((await timed(deadlineMs)).outcome).toMatchObject({ kind: 'unavailable' });
  });

  test('a single answer is used when the others do not come, within a second', async () => {
    const { peers, timed } = setUp([a, b, c]);
    peers.behave(a, holds(X));
    peers.behave(b, silent);
    peers.behave(c, silent);
    const { outcome, ms } = await timed();
    expect(outcome).toEqual({ kind: 'entries', entries: [X], answers: 1, settled: false });
    expect(ms).toBeLessThan(1000);
  });

  test('however short round trips are, a single answer waits for others that a busy machine keeps for 60 ms', async () => {
    const { peers, health, timed } = setUp([a, b, c]);
    for (const peer of [a, b, c]) for (let n = 0; n < 40; n += 1) health.answered(peer.id, 1);
    peers.behave(a, holds(X));
    for (const peer of [b, c]) peers.behave(peer, holds(X, Y), { afterMs: 60 });
    const { outcome, ms } = await timed();
    expect(outcome).toEqual({ kind: 'entries', entries: [X, Y], answers: 2 });
    expect(ms).toBeLessThan(100);
  });

  test('after it stood still, what came meanwhile is read before a single answer is used', async () => {
    const { world, process, peers, health, run } = setUp([a, b, c]);
    for (const peer of [a, b, c]) for (let n = 0; n < 40; n += 1) health.answered(peer.id, 1);
    peers.behave(a, holds(X));
    for (const peer of [b, c]) peers.behave(peer, holds(X, Y), { afterMs: 150 });
    const outcome = run();
    await world.runFor(20);
    process.pause(200);
    expect(await world.settle(outcome)).toMatchObject({ kind: 'entries', entries: [X, Y] });
  });

  test('late ones may have come back in another life: asked there, before one answer is used alone', async () => {
    const [a2, b2] = [a, b].map((peer) => ({ ...peer, bootSequence: 2 })) as [Peer, Peer];
    const { peers, timed } = setUp([a, b, c], [a, b, c], [a2, b2, c]);
    peers.behave(c, holds(X));
    for (const peer of [a2, b2]) peers.behave(peer, holds(X, Y));
    const { outcome, ms } = await timed();
    expect(outcome).toMatchObject({ kind: 'entries', entries: [X, Y], answers: 2 });
    expect(ms).toBeLessThan(400);
  });

  test('a single answer is used at once when the others say that they may not', async () => {
    const { peers, timed } = setUp([a, b, c]);
    peers.behave(a, mute);
    peers.behave(b, mute);
    peers.behave(c, holds(X));
    const { outcome, ms } = await timed();
    expect(outcome).toEqual({ kind: 'entries', entries: [X], answers: 1, settled: false });
    expect(ms).toBeLessThan(100);
  });

  test('whoever shows what it has, but may not say that it is all, is no second answer', async () => {
    const { peers, timed } = setUp([a, b, c]);
    peers.behave(a, () => ({ type: 'entries', entries: [X], replicas: [], settled: false }));
    peers.behave(b, holds(X));
    peers.behave(c, holds(X, Y));
    const { outcome, ms } = await timed();
    expect(outcome).toMatchObject({ kind: 'entries', entries: [X, Y] });
    expect(ms).toBeLessThan(30);
  });

  test('what buries is merged also from who may not deny, and is no answer of its own', async () => {
    const buries: Behaviour = () => ({ type: 'entries', entries: [Y], replicas: [a, b, c], settled: false });
    const { peers, timed } = setUp([a, b, c]);
    peers.behave(a, buries);
    peers.behave(b, buries);
    peers.behave(c, holds(X));
    const { outcome } = await timed();
    expect(outcome).toMatchObject({ kind: 'entries', answers: 1, settled: false });
    expect(outcome.kind === 'entries' && [...outcome.entries].sort()).toEqual([X, Y]);
    peers.behave(c, mute);
    expect((await timed()).outcome.kind).toBe('unavailable');
  });

  test('what a denial buries is among the entries, beside others or alone', async () => {
    const buries: Behaviour = () => ({ type: 'entries', entries: [Y], replicas: [a, b, c] });
    const beside = setUp([a, b, c]);
    beside.peers.behave(a, buries);
    beside.peers.behave(b, holds(X));
    expect((await beside.timed()).outcome).toMatchObject({ kind: 'entries', entries: [X, Y] });
    const alone = setUp([a, b, c]);
    alone.peers.behave(a, buries);
    alone.peers.behave(b, denies);
    expect((await alone.timed()).outcome).toEqual({ kind: 'entries', entries: [Y], answers: 2 });
  });

  test('of two that deny, each must count the other among the replicas; else the third says', async () => {
    const { peers, timed } = setUp([a, b, c]);
    peers.behave(a, denies);
    peers.behave(b, () => ({ type: 'entries', entries: [], replicas: [b, c, d] }));
    peers.behave(c, holds(X));
    expect((await timed()).outcome).toMatchObject({ kind: 'entries', entries: [X] });
  });

  test('one that counted the others out is asked again, and denies when it no longer does', async () => {
    const { peers, timed } = setUp([a, b]);
    peers.behave(a, (_, times) => ({ type: 'entries', entries: [], replicas: times < 3 ? [a, c] : [a, b] }));
    peers.behave(b, () => ({ type: 'entries', entries: [], replicas: [a, b] }));
    expect((await timed()).outcome).toEqual({ kind: 'none' });
  });

  test('"retry" that ends within the deadline ends in an answer', async () => {
    const { peers, timed } = setUp([a, b, c]);
    for (const peer of [a, b, c])
      peers.behave(peer, (request, times) => (times < 3 ? problem('retry') : denies(request, times)));
    expect((await timed()).outcome).toEqual({ kind: 'none' });
  });

  test('a denial by one that turns out to be no replica does not count', async () => {
    const { peers, timed } = setUp([a, b, c], [b, c, d]);
    peers.behave(a, denies);
    peers.behave(b, mute);
    peers.behave(c, (_, times) =>
      times < 2 ? problem('retry') : { type: 'entries', entries: [], replicas: [] },
    );
    peers.behave(d, mute);
    expect((await timed(1500)).outcome).toMatchObject({ kind: 'unavailable' });
  });

  test('in a ring of one its word is enough', async () => {
    const { peers, timed } = setUp([a]);
    peers.behave(a, () => ({ type: 'entries', entries: [], replicas: [a] }));
    expect((await timed()).outcome).toEqual({ kind: 'none' });
  });

  test('stopping answers the caller at once', async () => {
    const { world, tasks, run, errors } = setUp([a, b, c]);
    const outcome = run(60_000);
    await world.runFor(50);
    const stopped = tasks.stop();
    expect(await world.settle(outcome, 10)).toMatchObject({ kind: 'unavailable' });
    await world.settle(stopped, 2000);
    expect(errors).toEqual([]);
  });
});
