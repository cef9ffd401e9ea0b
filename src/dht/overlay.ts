// The write, read and find paths put together and counted: what a member and a client have in common.
import type { Id } from '../record/id.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { type ReadDeps, read } from './read.ts';
import { type Disagreement, disagreementCounter } from './read-repair.ts';
import type { Tally } from './tally.ts';
import type { FindOutcome, OverlayClient } from './types.ts';
import { write } from './write.ts';

export interface OverlayDeps extends Omit<ReadDeps, 'onDisagreement' | 'onAnswered' | 'onHedge'> {
  readonly metrics: Metrics;
  /** What is done about a disagreement between replicas; absent for a client, which may not give others records. */
  readonly repair?: (seen: Disagreement) => void;
  readonly tally: Tally;
  find(key: Id, deadlineMs: number): Promise<FindOutcome>;
}

/** One is the aim; ½·log₂N is what Chord needs without a table of all members. */
const ROUND_TRIPS_BUCKETS = [0, 1, 2, 3, 4, 6, 8, 12, 16];

export const createOverlay = (deps: OverlayDeps): OverlayClient => {
  const { metrics, clock, tally } = deps;
  const outcomes = metrics.counter(
    'chordial_overlay_operations_total',
    'Publications and queries, by outcome',
  );
  const seconds = metrics.histogram(
    'chordial_overlay_operation_seconds',
    'Time to the outcome of an operation',
  );
  const disagreements = disagreementCounter(metrics);
  const roundTrips = metrics.histogram(
    'chordial_lookup_round_trips',
    'Questions one after another that a query took until its answer',
    ROUND_TRIPS_BUCKETS,
  );
  const hedges = metrics.counter(
    'chordial_overlay_hedges_total',
    'Reads that asked a further replica because one was late',
  );
  const reading: ReadDeps = {
    ...deps,
    onDisagreement(seen) {
      disagreements.add({ found: 'read' });
      tally.disagreement();
      deps.repair?.(seen);
    },
    onAnswered(count) {
      roundTrips.observe(count);
      tally.lookup(count);
    },
    onHedge: () => hedges.add(),
  };
  const counted = async <T extends { readonly kind: string }>(
    operation: string,
    run: () => Promise<T>,
  ): Promise<T> => {
    const startMs = clock.monoMs();
    const outcome = await run();
    outcomes.add({ operation, outcome: outcome.kind });
    seconds.observe((clock.monoMs() - startMs) / 1000, { operation });
    return outcome;
  };
  return {
    publish: (key, entries, deadlineMs) => counted('publish', () => write(deps, key, entries, deadlineMs)),
    query: (key, deadlineMs) => counted('query', () => read(reading, key, deadlineMs)),
    find: (key, deadlineMs) => deps.find(key, deadlineMs),
  };
};
