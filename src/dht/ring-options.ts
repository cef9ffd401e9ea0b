// The constants of a ring and what its member needs from outside (docs/lsp.md, "Constants").
import type { DomainKeyResolver } from '../record/types.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Random } from '../runtime/random.ts';
import type { Peer, Rpc, StatusReport } from './types.ts';

/** All in milliseconds of monotonic time. Settable per overlay; tests use short ones. */
export interface RingTiming {
  /** Neighbours are asked for their lists, ±50 %. The lease lasts three of these. */
  readonly stabiliseMs: number;
  /** Predecessor and successor are pinged, ±25 %: a death is noticed after this and three missed answers. */
  readonly heartbeatMs: number;
  /** How long a seed listens for the other seeds before it founds a ring. */
  readonly foundingMs: number;
  /** Bootstrap back-off, doubled with every silent round. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** A member below minMembers looks for the others this often, ±40 %. */
  readonly rejoinMs: number;
  /** Partition healing through a random seed or departed member, uniform between the two. */
  readonly healMinMs: number;
  readonly healMaxMs: number;
  /** Departed members younger than this are looked for every stabiliseMs. */
  readonly recentMs: number;
  /** A departed member is asked again because of hearsay at most this often. */
  readonly revisitMs: number;
  /** Full mode: one random finger is looked up, ±50 %. */
  readonly fingerMs: number;
  /** Changes are collected for so long before they are pushed. */
  readonly pushDelayMs: number;
  /** The time within which losing more than half of the members is a mass loss. */
  readonly repairMs: number;
  /** Longest lifetime of an entry: after it, what a lost member held has expired. */
  readonly lmaxMs: number;
  /** Wall against monotonic time: more than this voids the lease. */
  readonly clockJumpMs: number;
}

export const RING_TIMING: RingTiming = {
  stabiliseMs: 5000,
  heartbeatMs: 2000,
  foundingMs: 5000,
  backoffMinMs: 1000,
  backoffMaxMs: 300_000,
  rejoinMs: 3500,
  healMinMs: 60_000,
  healMaxMs: 300_000,
  recentMs: 300_000,
  revisitMs: 5000,
  fingerMs: 10_000,
  pushDelayMs: 50,
  repairMs: 60_000,
  lmaxMs: 3_600_000,
  clockJumpMs: 5000,
};

export interface RingOptions {
  /** Any members, the own address perhaps among them; hosts may be names. */
  readonly seeds: readonly Endpoint[];
  /** Our own address, for one that is not the first member of its process: it never founds, but comes in through the first. */
  readonly through?: Endpoint | undefined;
  readonly replicas: number;
  readonly successors: number;
  /** 0: 1 without other seeds, else 2. */
  readonly minMembers: number;
  /** May self-certifying domains be members? They cost nothing, so anybody can have as many places as it likes. */
  readonly selfCertified: boolean;
  readonly timing: RingTiming;
  /**
   * For simulations: the settled ring to start in, ourselves included, instead of founding or joining one. Lists are right,
   * the table is full, the mode goes by the size; leases are to be earned in the first round.
   */
  readonly initial?: readonly Peer[] | undefined;
}

/** What makes it pointless to go on: the process says so and exits 2. */
export interface FatalProblem {
  readonly code: 'id-alive-elsewhere' | 'twin';
  readonly detail: string;
}

/** What STATUS tells beside the ring's own: of the program, its records and its work. */
export type NodeFacts = Pick<StatusReport, 'version' | 'keys' | 'entries'> &
  Partial<Omit<StatusReport, 'self' | 'mode' | 'ready' | 'arc' | 'members' | 'uptimeSec'>>;

export interface RingDeps {
  readonly rpc: Pick<Rpc, 'call'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly keys: DomainKeyResolver;
  /** Our own descriptor for a life. */
  readonly describe: (bootSequence: number) => Peer;
  /** The IP literals of a host name; empty if there are none now. Never rejects. */
  readonly resolveHost: (host: string) => Promise<readonly string[]>;
  readonly onFatal: (problem: FatalProblem) => void;
  /** For STATUS: what the ring doesn't know. */
  readonly facts: () => NodeFacts;
}
