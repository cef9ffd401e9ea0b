// The knobs of replication and what it needs from the ring, the store and the outside.
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Random } from '../runtime/random.ts';
import type { Ask } from './courier.ts';
import type { Tally } from './tally.ts';
import type { Peer, RecordStorePort, RingView } from './types.ts';

export interface ReplicationTimings {
  /** Before an arc that a death made ours is fetched: the dead may be back at once. Shorter while everybody knows everybody. */
  readonly holdDownMs: number;
  readonly holdDownSmallMs: number;
  /** How often neighbouring replicas compare digests, ±20 %. */
  readonly digestMs: number;
  /** Between two requests of what is not urgent. */
  readonly paceMs: number;
  /** How often a hand-over that did not succeed is tried again, and the lease is looked at. */
  readonly tickMs: number;
  /** An arc that became another's is kept at least so long. */
  readonly keepMs: number;
  /** A source that can't be reached although the ring holds it to be alive is not waited for any longer. */
  readonly giveUpMs: number;
}

export const REPLICATION_TIMINGS: ReplicationTimings = {
  holdDownMs: 10_000,
  holdDownSmallMs: 2000,
  digestMs: 45_000,
  paceMs: 5,
  tickMs: 500,
  keepMs: 30_000,
  giveUpMs: 30_000,
};

/** The ring, and its exact surroundings here: closest first, what decides who holds which key. */
export interface RingHere extends RingView {
  /** Counts the times in which others may have written without us. */
  readonly leaseLapses: number;
  readonly neighbourhood: { readonly predecessors: readonly Peer[]; readonly successors: readonly Peer[] };
}

export interface ReplicationDeps {
  readonly ring: RingHere;
  readonly store: RecordStorePort;
  readonly ask: Ask;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tally: Pick<Tally, 'moved'>;
}

export interface ReplicationOptions {
  readonly replicas: number;
  readonly timings: ReplicationTimings;
}
