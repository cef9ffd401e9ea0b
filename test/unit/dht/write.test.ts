// The write path against replicas whose answers the test writes.
import { describe, expect, test } from 'vitest';
import { Tasks } from '../../../src/dht/tasks.ts';
import type { Answer, Peer } from '../../../src/dht/types.ts';
import { type Locator, write } from '../../../src/dht/write.ts';
import { SimWorld } from '../../../src/sim/sim-world.ts';
import { type Behaviour, fakePeers, idAt, peerNamed, problem } from '../../support/fake-peers.ts';

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => peerNamed(name)) as [Peer, Peer, Peer, Peer];
const KEY = idAt('7');
const ENTRY = Uint8Array.of(1, 2, 3);

const published = (view: readonly Peer[]): Answer => ({
  type: 'published',
  entries: [ENTRY],
  replicas: view.map(({ id }) => id),
});
const accepts =
  (view: readonly Peer[]): Behaviour =>
  () =>
    published(view);
/** It stores, but has not fetched yet what was there before. */
const joining =
  (view: readonly Peer[]): Behaviour =>
  () => ({
    type: 'published',
    entries: [ENTRY],
    replicas: view.map(({ id }) => id),
    settled: false,
  });
const silent: Behaviour = () => 'silent';

const setUp = (
  believed: readonly Peer[],
  relocated: readonly Peer[] = believed,
  rechecked: readonly Peer[] = believed,
) => {
  const world = new SimWorld(1);
  const { clock, random } = world.boot('10.0.0.1');
  const errors: unknown[] = [];
  const tasks = new Tasks({ clock, onError: (_, error) => errors.push(error) }, { max: 100 });
  const peers = fakePeers(clock);
  const hints: (readonly Peer[])[] = [];
  const locator: Locator = {
    believed: () => believed,
    recheck: async () => rechecked,
    relocate: async (_, told) => {
      hints.push(told);
      return { replicas: relocated, steps: [], roundTrips: 1 };
    },
  };
  const run = (deadlineMs = 3000) =>
    write({ ask: peers.ask, locator, clock, random, tasks }, KEY, [ENTRY], deadlineMs);
  return { world, clock, tasks, peers, hints, errors, run };
};

describe('write', () => {
  test('stored in one round trip at two of three, all three asked', async () => {
    const { world, peers, run } = setUp([a, b, c]);
    for (const peer of [a, b]) peers.behave(peer, accepts([a, b, c]));
    peers.behave(c, silent);
    const startMs = world.nowMs;
    expect(await world.settle(run())).toEqual({ kind: 'stored', live: [ENTRY], acks: 2 });
    expect(world.nowMs - startMs).toBeLessThan(20);
    expect(peers.asked).toEqual(['a', 'b', 'c']);
  });

  test('two that have just come in are a quorum, but the list is that of the third, if it comes', async () => {
    const older = Uint8Array.of(9);
    const three = setUp([a, b, c]);
    for (const peer of [a, b]) three.peers.behave(peer, joining([a, b, c]));
    three.peers.behave(c, (_, times) =>
      times < 2
        ? problem('retry')
        : { type: 'published', entries: [older, ENTRY], replicas: [a.id, b.id, c.id] },
    );
    expect(await three.world.settle(three.run())).toEqual({
      kind: 'stored',
      live: [ENTRY, older],
      acks: 3,
    });
    const two = setUp([a, b, c]);
    for (const peer of [a, b]) two.peers.behave(peer, joining([a, b, c]));
    two.peers.behave(c, silent);
    const startMs = two.world.nowMs;
    expect(await two.world.settle(two.run())).toEqual({ kind: 'stored', live: [ENTRY], acks: 2 });
    expect(two.world.nowMs - startMs).toBeLessThan(1000);
  });

  test('who was silent at first gets it afterwards', async () => {
    const { world, peers, tasks, run, errors } = setUp([a, b, c]);
    let got = 0;
    for (const peer of [a, b]) peers.behave(peer, accepts([a, b, c]));
    peers.behave(c, (_, times) => {
      if (times < 3) return 'silent';
      got += 1;
      return published([a, b, c]);
    });
    await world.settle(run());
    await world.runFor(10_000);
    expect(got).toBe(1);
    await world.settle(tasks.stop());
    expect(errors).toEqual([]);
  });

  test('it is not tried for ever', async () => {
    const { world, peers, run } = setUp([a, b, c]);
    for (const peer of [a, b]) peers.behave(peer, accepts([a, b, c]));
    peers.behave(c, silent);
    await world.settle(run());
    await world.runFor(20_000);
    const asked = peers.asked.length;
    await world.runFor(60_000);
    expect(peers.asked.length).toBe(asked);
  });

  test('one of three is unavailable, at the deadline', async () => {
    const { world, peers, run } = setUp([a, b, c]);
    peers.behave(a, accepts([a, b, c]));
    const startMs = world.nowMs;
    expect(await world.settle(run(2000))).toEqual({
      kind: 'unavailable',
      detail: '1 of 3 replicas acknowledged',
    });
    expect(world.nowMs - startMs).toBeGreaterThanOrEqual(2000);
    expect(world.nowMs - startMs).toBeLessThan(2100);
  });

  test('"retry" is asked again until it is over', async () => {
    const { world, peers, run } = setUp([a, b, c]);
    peers.behave(a, accepts([a, b, c]));
    peers.behave(b, (_, times) => (times < 4 ? problem('retry') : published([a, b, c])));
    peers.behave(c, () => problem('retry'));
    expect(await world.settle(run())).toMatchObject({ kind: 'stored', acks: 2 });
  });

  test('"stale" from one decides, whatever the others say', async () => {
    const { world, peers, run } = setUp([a, b, c]);
    peers.behave(a, () => problem('stale'));
    peers.behave(b, silent);
    peers.behave(c, silent);
    expect(await world.settle(run())).toEqual({ kind: 'stale' });
  });

  test('refused where no quorum is left, stored where one is', async () => {
    const two = setUp([a, b, c]);
    two.peers.behave(a, () => problem('quota'));
    two.peers.behave(b, () => problem('refused'));
    two.peers.behave(c, accepts([a, b, c]));
    expect(await two.world.settle(two.run())).toMatchObject({ kind: 'refused' });
    const one = setUp([a, b, c]);
    one.peers.behave(a, () => problem('quota'));
    for (const peer of [b, c]) one.peers.behave(peer, accepts([a, b, c]));
    expect(await one.world.settle(one.run())).toMatchObject({ kind: 'stored' });
  });

  test('"not mine" leads to the replicas it names', async () => {
    const { world, peers, hints, run } = setUp([a, b, c], [a, b, d]);
    for (const peer of [a, b, d]) peers.behave(peer, accepts([a, b, d]));
    peers.behave(b, (_, times) => (times < 2 ? 'silent' : published([a, b, d])));
    peers.behave(c, () => problem('not-mine', [d]));
    expect(await world.settle(run())).toMatchObject({ kind: 'stored', acks: 2 });
    expect(hints).toContainEqual([d]);
    expect(peers.asked).toContain('d');
  });

  test('a replica that counts on one we never asked: that one is asked, too', async () => {
    const { world, peers, run } = setUp([a, b, c], [d, a, b]);
    for (const peer of [a, b, d]) peers.behave(peer, accepts([d, a, b]));
    peers.behave(c, silent);
    expect(await world.settle(run())).toMatchObject({ kind: 'stored' });
    await world.runFor(100);
    expect(peers.asked).toContain('d');
  });

  test('late ones may have come back in another life: asked there', async () => {
    const [a2, b2] = [a, b].map((peer) => ({ ...peer, bootSequence: 2 })) as [Peer, Peer];
    const { world, peers, run } = setUp([a, b, c], [a, b, c], [a2, b2, c]);
    for (const peer of [a2, c]) peers.behave(peer, accepts([a, b, c]));
    const startMs = world.nowMs;
    expect(await world.settle(run())).toMatchObject({ kind: 'stored', acks: 2 });
    expect(world.nowMs - startMs).toBeLessThan(600);
    await world.runFor(5000);
    expect(peers.asked.filter((name) => name === 'b').length).toBeLessThan(8);
  });

  test('stopping answers the caller at once and leaves nothing behind', async () => {
    const { world, peers, tasks, run } = setUp([a, b, c]);
    const outcome = run(60_000);
    await world.runFor(50);
    const stopped = tasks.stop();
    expect(await world.settle(outcome, 10)).toMatchObject({ kind: 'unavailable' });
    await world.settle(stopped, 2000);
    const asked = peers.asked.length;
    await world.runFor(60_000);
    expect(peers.asked.length).toBe(asked);
    expect(await world.settle(run(), 10)).toMatchObject({ kind: 'unavailable' });
  });

  test('no replicas known, and nobody to tell: unavailable at once', async () => {
    const { world, run } = setUp([]);
    expect(await world.settle(run(), 50)).toEqual({ kind: 'unavailable', detail: 'no replicas known' });
  });
});
