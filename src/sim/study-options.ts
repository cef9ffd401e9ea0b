// What a study of a simulated ring is asked, and what it finds.

export interface StudyOptions {
  readonly seed: number;
  readonly nodes: number;
  /** Mean of the exponential sessions after which a node is killed and another one joins; 0: nobody ever goes. */
  readonly sessionSec: number;
  readonly minutes: number;
  /** Of the whole ring, a second. */
  readonly lookupsPerSec: number;
  readonly bindings: number;
  /** Of each datagram. */
  readonly loss: number;
  /** One way; as much again is added at random at most. */
  readonly delayMs: number;
}

export interface Spread {
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface LookupCounts {
  readonly found: number;
  /** The ring said that there is none, of a binding that it had acknowledged. */
  readonly denied: number;
  readonly unanswered: number;
}

export interface StudyReport {
  readonly options: StudyOptions;
  readonly nodesAtEnd: number;
  readonly deaths: number;
  readonly joins: number;
  /** Queries answered, by how many questions one after another they took. */
  readonly roundTrips: readonly { readonly count: number; readonly queries: number }[];
  readonly meanRoundTrips: number;
  readonly latencyMs: Spread;
  readonly lookups: LookupCounts;
  /** The same by simulated minute. */
  readonly byMinute: readonly (LookupCounts & { readonly minute: number; readonly nodes: number })[];
  /** At the end, each node's: sorted, fewest first. */
  readonly keysPerNode: readonly number[];
  /** Queries and publications that each node alive at the end served, sorted. */
  readonly servedPerNode: readonly number[];
  /** UDP payload sent, by node and second. */
  readonly bytes: {
    /** FIND, QUERY, PUBLISH and their answers; the FINDs of fingers, too. */
    readonly operations: number;
    /** All else: what keeps the ring and its copies in order. */
    readonly maintenance: number;
    readonly byKind: readonly { readonly kind: string; readonly perNodeSec: number }[];
  };
  /** What the ring acknowledged, asked for once more at the end. */
  readonly bindings: { readonly acknowledged: number; readonly refused: number } & LookupCounts;
  /** Of what nodes know of others at the end: the dead. */
  readonly stalePercent: number;
  readonly events: number;
  /** Same options, same hash. */
  readonly traceHash: string;
}

export const spreadOf = (values: readonly number[]): Spread => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const sum = sorted.reduce((total, value) => total + value, 0);
  return {
    mean: sorted.length === 0 ? 0 : sum / sorted.length,
    p50: at(0.5),
    p99: at(0.99),
    max: sorted.at(-1) ?? 0,
  };
};
