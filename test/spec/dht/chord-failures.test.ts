// Chord after massive failures (ToN 2003, Table II; SIGCOMM 2001, Figure 11): many nodes die at once, nothing is repaired.
import { describe, expect, test, vi } from 'vitest';
import { FULL, figure, mean, quantile } from '../../support/figures.ts';
import { type Looked, RoutingRing, runLookups } from '../../support/routing-ring.ts';

vi.setConfig({ testTimeout: 120_000 });

const NODES = 1000;
// Who names three copies must see two members further than the owner: as far as 20 reach where one is named.
const successorsFor = (replicas: number): number => 20 + replicas - 1;
// Several rings, as one draw of the dead decides much.
const RINGS = FULL ? 20 : 5;
const LOOKUPS = (FULL ? 10_000 : 1500) / RINGS;

interface Outcome {
  readonly path: number;
  readonly timeouts: number;
  readonly right: boolean;
  readonly held: boolean;
}

/** With the fetch: the replicas are asked in their order until one lives. */
const outcomeOf = (ring: RoutingRing, looked: Looked): Outcome => {
  const { key, replicas, steps } = looked;
  const living = replicas.findIndex(({ id }) => !ring.dead.has(id));
  const answered = steps.filter(({ rttMs }) => rttMs !== undefined).length;
  return {
    path: answered + 1,
    timeouts: looked.timeouts + (living < 0 ? replicas.length : living),
    right: replicas.length > 0 && ring.replicaSet(key).every(({ id }, at) => id === replicas[at]?.id),
    held: living >= 0,
  };
};

const lookUp = async (share: number, replicas: number): Promise<readonly Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (let n = 0; n < RINGS; n += 1) {
    const ring = new RoutingRing({
      seed: `II ${share} ${n}`,
      count: NODES,
      successors: successorsFor(replicas),
      replicas,
    });
    ring.kill(share);
    const looked = await runLookups(ring, { lookups: LOOKUPS });
    outcomes.push(...looked.map((one) => outcomeOf(ring, one)));
  }
  return outcomes;
};

describe('ToN Table II: a fraction of 1,000 nodes fails at once, a list of 20, no repair', () => {
  test.each([
    [0, 3.84, 0],
    [0.1, 4.03, 0.6],
    [0.2, 4.22, 1.17],
    [0.3, 4.44, 2.02],
    [0.4, 4.69, 3.23],
    [0.5, 5.09, 5.1],
  ])('%f fail: a path of %f, %f timeouts, no wrong lookup', async (share, path, timeouts) => {
    const outcomes = await lookUp(share, 3);
    const lengths = outcomes.map((one) => one.path);
    const waits = outcomes.map((one) => one.timeouts);
    const wrong = outcomes.filter(({ right }) => !right).length;
    figure(
      `Table II ${share}`,
      ...[mean(lengths), quantile(lengths, 0.01), quantile(lengths, 0.99)],
      ...[mean(waits), quantile(waits, 0.01), quantile(waits, 0.99), `wrong ${wrong} of ${outcomes.length}`],
    );
    expect(wrong).toBe(0);
    expect(Math.abs(mean(lengths) - path)).toBeLessThan(0.4);
    expect(mean(waits)).toBeLessThanOrEqual(1.25 * timeouts);
    // Fewer than published are no fault, so the lower bound only shows that the dead were met at all.
    expect(mean(waits)).toBeGreaterThanOrEqual(0.65 * timeouts);
  });
});

describe('SIGCOMM Figure 11: what is lost is what the dead held, no more', () => {
  test.each([
    [0.1, 1],
    [0.2, 1],
    [0.5, 1],
    [0.2, 3],
    [0.5, 3],
  ])('%f fail, %i copies: that share to the power of the copies', async (share, replicas) => {
    const outcomes = await lookUp(share, replicas);
    const lost = outcomes.filter(({ held }) => !held).length / outcomes.length;
    figure(`Figure 11 p=${share} copies=${replicas}`, lost, share ** replicas);
    expect(outcomes.every(({ right }) => right)).toBe(true);
    expect(Math.abs(lost - share ** replicas)).toBeLessThan(FULL ? 0.015 : 0.03);
  });
});
