// FIND, QUERY and PUBLISH as a member answers them: what it may say depends on the ring, the lease and the hand-over.
import { describe, expect, test } from 'vitest';
import { encodePeer, peerDecoder } from '../../../src/dht/descriptor.ts';
import { CHUNK_BYTES_MAX } from '../../../src/dht/frame.ts';
import { closestFirst } from '../../../src/dht/lookup.ts';
import { messageCodec } from '../../../src/dht/messages.ts';
import { closestTold, type HandOver, serve } from '../../../src/dht/serve.ts';
import type { Answer, Peer, RingView } from '../../../src/dht/types.ts';
import { idAt, peerNamed } from '../../support/fake-peers.ts';
import { sampleIdentity } from '../../support/lsp-samples.ts';
import { entryOf, OpaqueStore } from '../../support/overlay-world.ts';

const [self, b, c, d] = ['self', 'b', 'c', 'd'].map((name) => peerNamed(name)) as [Peer, Peer, Peer, Peer];
const KEY = idAt('7');

interface Facts {
  readonly ready?: boolean;
  readonly mine?: boolean;
  readonly mayDeny?: boolean;
  readonly mayAcknowledge?: boolean;
  readonly members?: readonly Peer[];
  readonly complete?: boolean;
  readonly announced?: boolean;
  readonly set?: readonly Peer[];
}

const setUp = (facts: Facts = {}) => {
  const ring: RingView = {
    self,
    ready: facts.ready ?? true,
    mode: 'small',
    members: () => facts.members ?? [self, b, c],
    believed: () => facts.set ?? [self, b, c],
    replicaSet: () => facts.set ?? [self, b, c],
    isMine: () => facts.mine ?? true,
    arc: () => undefined,
    closestPreceding: () => [d],
    leaseValid: () => true,
    mayDeny: () => facts.mayDeny ?? true,
    mayAcknowledge: () => facts.mayAcknowledge ?? true,
    sizeEstimate: () => 3,
  };
  const handOver: HandOver = {
    complete: () => facts.complete ?? true,
    announced: () => facts.announced ?? true,
  };
  const store = new OpaqueStore();
  return { store, deps: { ring, store, handOver } };
};
const code = (answer: Answer): string => (answer.type === 'error' ? answer.code : answer.type);
const entry = entryOf('bob', 2);

describe('QUERY', () => {
  test.each<[string, Facts, string]>([
    ['entitled', {}, 'entries'],
    ['not in the ring', { ready: false }, 'retry'],
    ['without the lease, or after mass loss', { mayDeny: false }, 'retry'],
    ['before the hand-over is complete', { complete: false }, 'retry'],
    ['for a key of others', { mine: false }, 'not-mine'],
  ])('nothing held, %s', async (_, facts, expected) => {
    const { deps } = setUp(facts);
    const answer = await serve(deps, { type: 'query', key: KEY });
    expect(code(answer)).toBe(expected);
    if (answer.type === 'entries') expect(answer.replicas).toEqual([self, b, c]);
    if (answer.type === 'error' && answer.code === 'not-mine') expect(answer.peers).toEqual([b, c]);
  });

  test('what is held is given whatever our standing: it is signed', async () => {
    const { deps, store } = setUp({ ready: false, mine: false, mayDeny: false, complete: false });
    await store.absorb(KEY, [entry]);
    expect(await serve(deps, { type: 'query', key: KEY })).toEqual({
      type: 'entries',
      entries: [entry],
      replicas: [],
      settled: false,
    });
  });

  test('nothing held of a name of which something had to be left out: no denial', async () => {
    const { deps, store } = setUp();
    store.certain = () => false;
    expect(code(await serve(deps, { type: 'query', key: KEY }))).toBe('retry');
  });

  test('what shows nothing and only buries is a denial: for those who may deny, and with the replicas', async () => {
    const entitled = setUp();
    await entitled.store.absorb(KEY, [entry]);
    entitled.store.shows = () => false;
    expect(await serve(entitled.deps, { type: 'query', key: KEY })).toEqual({
      type: 'entries',
      entries: [entry],
      replicas: [self, b, c],
    });
    const former = setUp({ complete: false });
    await former.store.absorb(KEY, [entry]);
    former.store.shows = () => false;
    // No denial, but what is buried there must not be shown by somebody who missed it.
    expect(await serve(former.deps, { type: 'query', key: KEY })).toEqual({
      type: 'entries',
      entries: [entry],
      replicas: [self, b, c],
      settled: false,
    });
  });
});

describe('PUBLISH', () => {
  test.each<[string, Facts, string]>([
    ['entitled', {}, 'published'],
    ['although the hand-over is under way', { complete: false }, 'published'],
    ['not in the ring', { ready: false }, 'retry'],
    ['without the lease', { mayAcknowledge: false }, 'retry'],
    ['before those we pushed out know of us', { announced: false }, 'retry'],
    ['for a key of others', { mine: false }, 'not-mine'],
    ['left alone by most of the ring', { members: [self], mayDeny: false }, 'retry'],
  ])('%s', async (_, facts, expected) => {
    const { deps, store } = setUp(facts);
    expect(code(await serve(deps, { type: 'publish', key: KEY, entries: [entry] }))).toBe(expected);
    expect(store.counts.keys).toBe(expected === 'published' ? 1 : 0);
  });

  test('answers the merged set and who the replicas are', async () => {
    const { deps, store } = setUp();
    const other = entryOf('other', 1);
    await store.absorb(KEY, [other]);
    expect(await serve(deps, { type: 'publish', key: KEY, entries: [entry] })).toEqual({
      type: 'published',
      entries: [other, entry],
      replicas: [self.id, b.id, c.id],
    });
  });

  test('an acknowledgement before the hand-over is complete says that its list may not be', async () => {
    const { deps } = setUp({ complete: false });
    expect(await serve(deps, { type: 'publish', key: KEY, entries: [entry] })).toMatchObject({
      type: 'published',
      settled: false,
    });
  });

  test('a lower seq is stale, and what the store refuses is refused', async () => {
    const { deps, store } = setUp();
    await store.absorb(KEY, [entry]);
    expect(code(await serve(deps, { type: 'publish', key: KEY, entries: [entryOf('bob', 1)] }))).toBe(
      'stale',
    );
    const refused = [entryOf('refused', 1)];
    expect(code(await serve(deps, { type: 'publish', key: KEY, entries: refused }))).toBe('refused');
  });
});

describe('FIND', () => {
  test('the replica set if known, else who is nearer', async () => {
    const known = setUp();
    expect(await serve(known.deps, { type: 'find', key: KEY })).toEqual({
      type: 'found',
      replicas: [self, b, c],
      closest: [],
    });
    const unknown = setUp({ set: [] });
    expect(await serve(unknown.deps, { type: 'find', key: KEY })).toEqual({
      type: 'found',
      replicas: [],
      closest: [d],
    });
  });
});

describe('closer peers', () => {
  test('at most 8, the closest first, and no more than one datagram takes with what stands around them', () => {
    const named = (label: string) => (_: unknown, at: number) =>
      encodePeer(
        {
          domain: `${label}${at}.example`,
          selector: 0,
          vnode: 0,
          endpoints: [{ host: '2001:db8::1', port: 7184 }],
          bootSequence: 1_800_000_000,
        },
        identity,
        'lsp',
      );
    const identity = sampleIdentity('example');
    const codec = messageCodec(peerDecoder('lsp'));
    for (const [label, least] of [
      ['a', 6],
      ['a-name-of-the-usual-length-', 5],
      [`${'long.'.repeat(45)}x`, 2],
    ] as const) {
      const told = closestTold(KEY, Array.from({ length: 12 }, named(label)));
      const answer = codec.encodeAnswer({ type: 'found', replicas: [], closest: told }, 0xffff_ffff);
      expect(answer.length).toBeLessThanOrEqual(CHUNK_BYTES_MAX);
      expect(told.length).toBeGreaterThanOrEqual(least);
      expect(told).toEqual(closestFirst(KEY, told));
    }
    expect(
      closestTold(
        KEY,
        Array.from({ length: 12 }, (_, at) => peerNamed(`p${at}`)),
      ).length,
    ).toBe(8);
  });
});
