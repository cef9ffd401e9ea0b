// From whom a joiner fetches its arc: what one settled source lacks, the second has.
import { expect, test } from 'vitest';
import { type ArcFetchDeps, createArcFetch } from '../../../src/dht/arc-fetch.ts';
import type { Ask } from '../../../src/dht/courier.ts';
import { OpaqueStore } from '../../../src/sim/opaque-store.ts';
import { idAt, peerNamed } from '../../support/fake-peers.ts';
import { entryOf } from '../../support/overlay-world.ts';

const KEY = idAt('4');
const ARC = { from: idAt('3'), to: idAt('5') };

test('of three replicas two are asked: a quorum of two need not include the first', async () => {
  const self = peerNamed('joiner', idAt('5'));
  const others = ['6', '7', '8'].map((place) => peerNamed(`m${place}`, idAt(place)));
  const store = new OpaqueStore();
  const asked: string[] = [];
  const ask: Ask = async (peer, request) => {
    const meta = { from: { host: '127.0.0.1', port: 1 }, rttMs: 1, sizeEstimate: 4 };
    if (request.type === 'neighbours') {
      const lists = { predecessors: [self], successors: [], gone: [] };
      return {
        ok: true,
        answer: { type: 'neighbours', mode: 'small', ringVersion: 1, self: peer, ...lists },
        meta,
      };
    }
    asked.push(peer.domain);
    // The third copy did not reach the first one when the other two acknowledged.
    const page = peer.id === idAt('6') ? [] : [{ key: KEY, records: [entryOf('call', 1)] }];
    return { ok: true, answer: { type: 'synced', page, settled: true }, meta };
  };
  const deps = {
    ring: { self, neighbourhood: { predecessors: [], successors: [] } },
    store,
    ask,
    onMoved: () => undefined,
    goesOn: () => true,
    impatient: () => false,
    onGaveUp: () => undefined,
    around: () => [self, ...others],
  };
  // Only what the fetch looks at of a ring.
  const fetch = createArcFetch(deps as unknown as ArcFetchDeps, 3);
  expect(await fetch.segment(ARC)).toBe(true);
  expect(asked).toEqual(['m6.example', 'm7.example']);
  expect(store.records(KEY)).toEqual([entryOf('call', 1)]);
});
