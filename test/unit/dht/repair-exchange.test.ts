// SYNC between two stores, both sides real: what differs is moved, and nothing else.
import { describe, expect, test } from 'vitest';
import type { Ask } from '../../../src/dht/courier.ts';
import { exchange, pieces, pullArc } from '../../../src/dht/exchange.ts';
import { createSyncServer } from '../../../src/dht/serve-sync.ts';
import type { SyncOp } from '../../../src/dht/types.ts';
import type { Arc } from '../../../src/record/id.ts';
import { idAt, peerNamed } from '../../support/fake-peers.ts';
import { entryOf, keyOf, OpaqueStore } from '../../support/overlay-world.ts';

const WHOLE: Arc = { from: idAt('3'), to: idAt('3') };
const peer = peerNamed('other');

const setUp = (options: { near?: boolean; settled?: boolean } = {}) => {
  const ours = new OpaqueStore();
  const theirs = new OpaqueStore();
  const server = createSyncServer({
    store: theirs,
    settled: () => options.settled ?? true,
    near: () => options.near ?? true,
  });
  const ops: SyncOp['kind'][] = [];
  let goesOn = true;
  const ask: Ask = async (_, request) => {
    if (request.type !== 'sync') throw new Error('only SYNC');
    ops.push(request.op.kind);
    return {
      ok: true,
      answer: await server(request.op),
      meta: { from: { host: '', port: 1 }, rttMs: 1, sizeEstimate: 2 },
    };
  };
  const moved = { pushed: 0, pulled: 0 };
  const deps = {
    ask,
    self: () => peerNamed('us'),
    store: ours,
    pace: async () => goesOn,
    onMoved: (direction: 'pushed' | 'pulled', keys: number) => {
      moved[direction] += keys;
    },
  };
  const stop = (): void => {
    goesOn = false;
  };
  return { ours, theirs, ops, deps, moved, stop };
};

const fill = async (store: OpaqueStore, prefix: string, count: number, seq = 1): Promise<void> => {
  for (let i = 0; i < count; i += 1)
    await store.absorb(keyOf(`${prefix}${i}`), [entryOf(`${prefix}${i}`, seq, 'x'.repeat(200))]);
};
const same = (a: OpaqueStore, b: OpaqueStore): boolean =>
  a.keysIn(WHOLE).join() === b.keysIn(WHOLE).join() &&
  a
    .keysIn(WHOLE)
    .every((key) => Buffer.compare(a.digest(key) ?? Buffer.of(1), b.digest(key) ?? Buffer.of(2)) === 0);

test('a push that had to be left out is not confirmed', async () => {
  const { ours, theirs, deps } = setUp();
  await fill(ours, 'n', 1);
  theirs.certain = () => false;
  expect(await exchange(deps, peer, WHOLE, { push: true, pull: false })).toBeUndefined();
});

describe('exchange', () => {
  test('equal stores: one question', async () => {
    const { ours, theirs, ops, deps } = setUp();
    await fill(ours, 'k', 500);
    await fill(theirs, 'k', 500);
    expect(await exchange(deps, peer, WHOLE, { push: true, pull: true })).toEqual({ settled: true });
    expect(ops).toEqual(['digests']);
  });

  test('both ways: each gets what it lacks and what is newer', async () => {
    const { ours, theirs, deps, moved } = setUp();
    await fill(ours, 'both', 300);
    await fill(theirs, 'both', 300);
    await fill(ours, 'mine', 40);
    await fill(theirs, 'theirs', 40);
    await fill(ours, 'both', 5, 2);
    await fill(theirs, 'both', 3, 3);
    await exchange(deps, peer, WHOLE, { push: true, pull: true });
    expect(same(ours, theirs)).toBe(true);
    expect(moved.pulled).toBeLessThan(100);
  });

  test('one way: pulling gives nothing away, pushing takes nothing', async () => {
    const pulling = setUp();
    await fill(pulling.ours, 'mine', 20);
    await fill(pulling.theirs, 'theirs', 20);
    await exchange(pulling.deps, peer, WHOLE, { push: false, pull: true });
    expect([pulling.ours.counts.keys, pulling.theirs.counts.keys]).toEqual([40, 20]);
    const pushing = setUp();
    await fill(pushing.ours, 'mine', 20);
    await fill(pushing.theirs, 'theirs', 20);
    await exchange(pushing.deps, peer, WHOLE, { push: true, pull: false });
    expect([pushing.ours.counts.keys, pushing.theirs.counts.keys]).toEqual([20, 40]);
  });

  test('what the receiver does not take is not confirmed', async () => {
    const { ours, deps } = setUp({ near: false });
    await fill(ours, 'k', 3);
    expect(await exchange(deps, peer, WHOLE, { push: true, pull: false })).toBeUndefined();
  });

  test('more in one bucket than one request names: it is cut further', async () => {
    const { ours, theirs, deps, ops } = setUp();
    for (let i = 0; i < 600; i += 1) {
      // All within 2⁻¹⁶ of the ring.
      const key = idAt(`7000${i.toString(16).padStart(4, '0')}`);
      await ours.absorb(key, [entryOf('s', 1)]);
      if (i % 2 === 0) await theirs.absorb(key, [entryOf('s', 1)]);
    }
    await exchange(deps, peer, WHOLE, { push: true, pull: false });
    expect(theirs.counts.keys).toBe(600);
    expect(ops.filter((kind) => kind === 'digests').length).toBeGreaterThan(1);
  });

  test('stopped in the middle: says that it is not done', async () => {
    const { ours, deps, stop } = setUp();
    await fill(ours, 'k', 100);
    const pace = deps.pace;
    let left = 10;
    const counting = {
      ...deps,
      pace: () => {
        left -= 1;
        if (left === 0) stop();
        return pace();
      },
    };
    expect(await exchange(counting, peer, WHOLE, { push: true, pull: false })).toBeUndefined();
  });
});

describe('pull', () => {
  test('fetches an arc page by page, and says whether the answerer has it whole', async () => {
    const { ours, theirs, deps, ops } = setUp({ settled: false });
    await fill(theirs, 'k', 300);
    expect(await pullArc(deps, peer, WHOLE)).toEqual({ settled: false });
    expect(same(ours, theirs)).toBe(true);
    expect(ops.length).toBeGreaterThan(4);
  });

  test('asks for an arc only', async () => {
    const { ours, theirs, deps } = setUp();
    await fill(theirs, 'k', 200);
    const arc: Arc = { from: idAt('2'), to: idAt('9') };
    await pullArc(deps, peer, arc);
    expect([...ours.keysIn(WHOLE)].sort()).toEqual([...theirs.keysIn(arc)].sort());
  });

  test('nothing comes after the end of an arc, not the whole ring', async () => {
    const { theirs } = setUp();
    await fill(theirs, 'k', 20);
    const server = createSyncServer({ store: theirs, settled: () => true, near: () => true });
    const answer = await server({ kind: 'pull', arc: { from: idAt('2'), to: idAt('9') }, after: idAt('9') });
    expect(answer).toEqual({ type: 'synced', page: [], settled: true });
  });
});

describe('pieces', () => {
  test('each fits a request, together they are everything', () => {
    const records = Array.from({ length: 24 }, (_, index) => new Uint8Array(800).fill(index));
    const cut = pieces(records);
    expect(cut.flat()).toEqual(records);
    expect(cut.every((piece) => piece.reduce((sum, { length }) => sum + length, 0) <= 12_000)).toBe(true);
    expect(pieces([])).toEqual([]);
  });
});
