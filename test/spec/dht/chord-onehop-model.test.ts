// Round trips where the ring is larger than the peer table: a model for 100,000 members, and how true it is.
import { describe, expect, test, vi } from 'vitest';
import { PeerHealth } from '../../../src/dht/peer-health.ts';
import { SimWorld } from '../../../src/sim/sim-world.ts';
import { FULL, figure, mean, quantile } from '../../support/figures.ts';
import { chances, RoutingModel } from '../../support/routing-model.ts';
import { type Looked, RoutingRing, runLookups } from '../../support/routing-ring.ts';
import { tableOf } from '../../support/routing-tables.ts';

vi.setConfig({ testTimeout: 600_000 });

const LOOKUPS = FULL ? 5000 : 500;

/** With the QUERY, which is one more where one of the first two replicas lives, and two where both are dead. */
const roundTrips = (ring: RoutingRing, looked: readonly Looked[]): readonly number[] =>
  looked.map(({ roundTrips: finds, replicas }) => {
    const [first, second] = replicas;
    const bothDead =
      first !== undefined && second !== undefined && ring.dead.has(first.id) && ring.dead.has(second.id);
    return finds + (bothDead ? 2 : 1);
  });

describe('the model of a ring larger than the table', () => {
  test('fills the table and no more', () => {
    for (const [count, table] of [
      [100_000, 8192],
      [4096, 256],
      [1000, 8192],
    ] as const) {
      const held = chances(count, table).reduce(
        (sum, chance, k) => sum + chance * (Math.min(2 ** (k + 1), count) - 2 ** k),
        0,
      );
      expect(Math.abs(held - Math.min(table, count - 1))).toBeLessThan(1);
    }
  });

  test('with the whole ring in the table: one round trip, as real nodes of 256 and 4,096 take (docs/figures.md)', async () => {
    const ring = new RoutingModel({ seed: 'whole', count: 4096, replicas: 3, table: 8192, dense: 128 });
    const trips = roundTrips(ring, await runLookups(ring, { lookups: 500, parallel: 2 }));
    expect(mean(trips)).toBe(1);
  });

  // By hand at 4,096 members with 256 entries and a neighbourhood of 32; beside the tests a ring half as crowded.
  const [count, table, dense, lookups] = FULL ? [4096, 256, 32, 120] : [512, 32, 8, 200];
  test(`is true to the node's own table: ${count} members, ${table} entries, ${dense} next ones`, async () => {
    const model = new RoutingModel({ seed: 'true', count, replicas: 3, table, dense });
    const real = new RoutingRing({
      seed: 'true',
      count,
      replicas: 3,
      successors: dense,
      known: (ring, self) => tableOf(ring, self, table),
    });
    const inModel = roundTrips(model, await runLookups(model, { lookups: 3000, parallel: 2 }));
    const inReal = roundTrips(real, await runLookups(real, { lookups, parallel: 2 }));
    const spread = (trips: readonly number[]): readonly number[] =>
      [1, 2, 3, 4].map((n) => trips.filter((one) => one === n).length / trips.length);
    figure(`model, ${count} members, table ${table}`, mean(inModel), 'of 1, 2, 3, 4:', ...spread(inModel));
    figure(`node's tables, ${count} members, ${table}`, mean(inReal), 'of 1, 2, 3, 4:', ...spread(inReal));
    expect(Math.abs(mean(inModel) - mean(inReal))).toBeLessThan(0.12);
  });
});

describe('100,000 members, a table of 8,192, the next 128 known exactly', () => {
  test.each(FULL ? [0, 0.02, 0.05, 0.1] : [0, 0.1])(
    '%f of all dead and still in every table: at most 2.2 round trips',
    async (stale) => {
      const ring = new RoutingModel({ seed: 'large', count: 100_000, replicas: 3, table: 8192, dense: 128 });
      ring.kill(stale);
      const health = new PeerHealth(new SimWorld(1).boot('10.0.0.1').clock);
      for (let n = 0; n < 40; n += 1) health.answered(ring.at(n).id, 100);
      // What one asker learnt of the dead is not another's knowledge.
      const fresh = {
        hedgeMs: (id: Parameters<PeerHealth['hedgeMs']>[0]) => health.hedgeMs(id),
        missed: () => undefined,
        suspect: () => false,
      };
      const looked = await runLookups(ring, { lookups: LOOKUPS, parallel: 2, health: fresh });
      const trips = roundTrips(ring, looked);
      const finding = looked.map(({ ms }) => ms / 100);
      figure(
        `N = 100,000, ${stale} dead: round trips`,
        ...[
          mean(trips),
          quantile(trips, 0.99),
          'time of FIND in RTT',
          mean(finding),
          quantile(finding, 0.99),
        ],
      );
      expect(looked.every(({ replicas }) => replicas.length === 3)).toBe(true);
      expect(mean(trips)).toBeLessThanOrEqual(2.2);
    },
  );
});
