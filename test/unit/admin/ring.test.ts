// The ring for visitors: one walk serves all who come at about the same time.
import { expect, test } from 'vitest';
import { adminRing, rarely } from '../../../src/admin/ring.ts';
import type { RingWalk } from '../../../src/dht/index.ts';
import { delay } from '../../../src/runtime/clock.ts';
import { SimWorld } from '../../../src/sim/sim-world.ts';
import { idAt, peerNamed } from '../../support/fake-peers.ts';

const NOBODY: RingWalk = { members: [], silent: [], problems: [], findings: [] };

test('visitors during a walk and soon after it share it; later ones get a new one', async () => {
  const world = new SimWorld(1);
  const { clock } = world.boot('10.0.0.1');
  let walks = 0;
  const ring = rarely(async () => {
    walks += 1;
    await delay(clock, 10_000);
    return NOBODY;
  }, clock);
  const first = ring();
  await world.run(9000);
  void ring();
  await world.settle(first);
  await world.run(world.nowMs + 1000);
  void ring();
  expect(walks).toBe(1);
  await world.run(world.nowMs + 2000);
  await world.settle(ring());
  expect(walks).toBe(2);
});

test('a member shows its shares, and what it does not tell is null', () => {
  const [a, b] = [peerNamed('a', idAt('4')), peerNamed('b', idAt('c'))];
  const members = [a, b].map((self) => ({
    peer: self,
    endpoint: { host: '127.0.0.1', port: 7184 },
    rttMs: 1.234,
    status: {
      version: '1',
      uptimeSec: 5,
      self,
      mode: 'small' as const,
      ready: true,
      arc: { from: self.id, to: self.id },
      keys: 1,
      entries: 2,
      members: 2,
    },
    successor: undefined,
    predecessor: undefined,
    successors: [],
    predecessors: [],
    sizeEstimate: 2,
  }));
  const context = {
    overlay: 'lsp',
    mode: 'small' as const,
    sizeEstimate: 2,
    domain: 'b.example',
    selector: 0,
  };
  const ring = adminRing({ ...NOBODY, members, problems: ['something'] }, context);
  expect(ring).toMatchObject({ overlay: 'lsp', joined: true, broken: ['something'] });
  expect(ring.members).toMatchObject([
    { id: a.id, self: false, ownsPercent: 50, holdsPercent: 100, rttMs: 1.23, lease: null, roundTrips: null },
    { id: b.id, self: true, ownsPercent: 50, table: null, bytes: null },
  ]);
});
