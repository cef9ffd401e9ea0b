// The iterative lookup over a made-up ring: progress, dead ends, dead peers, liars.
import { describe, expect, test } from 'vitest';
import {
  closerThan,
  closestFirst,
  inReplicaOrder,
  type LookupDeps,
  lookup,
  stepsMax,
} from '../../../src/dht/lookup.ts';
import type { Answer, Peer } from '../../../src/dht/types.ts';
import { SimWorld } from '../../../src/sim/sim-world.ts';
import { fakePeers, idAt, peerNamed } from '../../support/fake-peers.ts';

const ring = '123456789abcdef'.split('').map((hex) => peerNamed(hex, idAt(hex)));
const at = (hex: string): Peer => ring.find(({ id }) => id === idAt(hex)) ?? peerNamed('none');
const names = (peers: readonly Peer[]) => peers.map(({ id }) => id[0]).join('');
const found = (replicas: readonly Peer[], closest: readonly Peer[] = []): Answer => ({
  type: 'found',
  replicas,
  closest,
});

const setUp = () => {
  const world = new SimWorld(1);
  const { clock } = world.boot('10.0.0.1');
  const peers = fakePeers(clock);
  const find = (key: string, start: string, deadlineMs = 10_000, health?: LookupDeps['health']) =>
    lookup(
      { ask: peers.ask, clock, sizeEstimate: 15, ...(health === undefined ? {} : { health }) },
      idAt(key),
      start.split('').map((hex) => at(hex)),
      deadlineMs,
    );
  return { world, peers, find };
};

describe('lookup', () => {
  test('walks closer step by step and stops at the first replica set', async () => {
    const { world, peers, find } = setUp();
    peers.behave(at('1'), () => found([], [at('5'), at('3')]));
    peers.behave(at('5'), () => found([], [at('9')]));
    peers.behave(at('3'), () => found([], [at('5')]));
    peers.behave(at('9'), () => found([at('b'), at('c'), at('d')]));
    const outcome = await world.settle(find('a8', '1'));
    expect(names(outcome.replicas)).toBe('bcd');
    const told = outcome.steps.map(
      ({ peer, result, depth, told }) => `${depth}: ${peer.id[0]} ${result} ${names(told)}`,
    );
    // The two that 1 named are asked at once: 9 is the third question in a row.
    expect(told).toEqual(['1: 1 closer 53', '2: 5 closer 9', '2: 3 closer 5', '3: 9 replicas bcd']);
    expect(outcome.roundTrips).toBe(3);
  });

  test('a dead peer on the way costs no wait: two are asked at once', async () => {
    const { world, peers, find } = setUp();
    peers.behave(at('9'), () => 'silent');
    peers.behave(at('8'), () => found([at('b'), at('c'), at('d')]));
    const startMs = world.nowMs;
    const outcome = await world.settle(find('a8', '89'));
    expect(names(outcome.replicas)).toBe('bcd');
    expect(world.nowMs - startMs).toBeLessThan(50);
  });

  test('who is late is replaced when its time is over, not when it has timed out', async () => {
    const { world, peers, find } = setUp();
    for (const hex of '789') peers.behave(at(hex), () => 'silent');
    peers.behave(at('6'), () => found([at('b'), at('c'), at('d')]));
    const missed: string[] = [];
    const health = {
      hedgeMs: () => 30,
      missed: (id: string) => missed.push(id.slice(0, 1)),
      suspect: () => false,
    };
    const startMs = world.nowMs;
    const outcome = await world.settle(find('a8', '6789', 10_000, health));
    expect(names(outcome.replicas)).toBe('bcd');
    // 9 and 8 at once, 7 and 6 when those are late.
    expect(world.nowMs - startMs).toBeLessThan(60);
    expect(missed).toEqual(['9', '8']);
  });

  test('who missed its time lately is asked after all others', async () => {
    const { world, peers, find } = setUp();
    for (const hex of '789') peers.behave(at(hex), () => found([at('b'), at('c'), at('d')]));
    const health = { hedgeMs: () => 30, missed: () => undefined, suspect: (id: string) => id === idAt('9') };
    await world.settle(find('a8', '789', 10_000, health));
    expect(peers.asked).toEqual(['8', '7']);
  });

  test('what is not closer than who tells it is not followed', async () => {
    const { world, peers, find } = setUp();
    for (const { id } of ring)
      peers.behave(at(id[0] ?? ''), () => found([], [at('1'), at('2'), at('b'), at('c')]));
    const outcome = await world.settle(find('a8', '9'));
    expect(outcome.replicas).toEqual([]);
    expect(peers.asked).toEqual(['9']);
  });

  test('liars that always name a closer one are followed only so far', async () => {
    const { world, peers, find } = setUp();
    const liar = (step: number): Peer =>
      peerNamed(`liar${step}`, idAt(`9${step.toString(16).padStart(4, '0')}`));
    for (let step = 0; step < 200; step += 1) peers.behave(liar(step), () => found([], [liar(step + 1)]));
    peers.behave(at('1'), () => found([], [liar(0)]));
    const outcome = await world.settle(find('a8', '1'), 120_000);
    expect(outcome.replicas).toEqual([]);
    expect(peers.asked.length).toBeLessThanOrEqual(2 * stepsMax(15));
  });

  test('ends at its deadline although nobody answers', async () => {
    const { world, find } = setUp();
    const startMs = world.nowMs;
    const outcome = await world.settle(find('a8', '123456789', 500));
    expect([outcome.replicas, world.nowMs - startMs < 600]).toEqual([[], true]);
  });

  test('nobody to start from: nothing found', async () => {
    const { world, find } = setUp();
    expect(await world.settle(lookupNothing(find))).toEqual({ replicas: [], steps: [], roundTrips: 0 });
  });
});

const lookupNothing = (find: ReturnType<typeof setUp>['find']) => find('a8', '');

describe('order around a key', () => {
  test('closest from behind first, before them the one at the key', () => {
    expect(names(closestFirst(idAt('6'), ring.slice(0, 9)))).toBe('654321987');
    expect(names(closestFirst(idAt('68'), ring.slice(0, 9)))).toBe('654321987');
  });
  test('closer is between the answerer and the key', () => {
    expect(names(closerThan(idAt('3'), idAt('8'), ring))).toBe('45678');
    expect(names(closerThan(idAt('d'), idAt('2'), ring))).toBe('12ef');
  });
  test('replicas go clockwise from the key, each once, the one at the key first', () => {
    const given = [at('2'), at('9'), at('8'), at('9')];
    expect(names(inReplicaOrder(idAt('8'), given))).toBe('892');
    expect(names(inReplicaOrder(idAt('84'), given))).toBe('928');
  });
});
