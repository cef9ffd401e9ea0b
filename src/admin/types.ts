// What the admin server tells: its JSON shapes (docs/operations.md) and the questions it asks the rest of the program.
import type { Param } from '../uri/types.ts';

/** `/health/ready`: 200 when `ready`, else 503; `reasons` says in words what is missing. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

/** `/api/v1/status`. */
export interface AdminStatus {
  readonly version: string;
  readonly startedAt: string;
  readonly uptimeSec: number;
  readonly ready: boolean;
  readonly reasons: readonly string[];
  readonly publication: 'local' | 'public' | 'hybrid';
  readonly domains: readonly string[];
  readonly listen: {
    readonly sip: readonly string[];
    readonly overlay: string | null;
    readonly admin: string;
  };
  /** Absent in local mode. */
  readonly overlay?: {
    readonly id: string;
    readonly role: 'member' | 'client';
    readonly mode: 'small' | 'full';
    readonly members: number;
    readonly sizeEstimate: number;
    readonly keys: number;
    readonly entries: number;
  };
  /** Hybrid mode: bindings that wait for the ring. */
  readonly unpublished?: number;
  /** Sources that are banned now. */
  readonly bans: number;
}

/** One ban in `/api/v1/bans`. */
export interface AdminBan {
  /** An IPv4 address, an IPv6 /64 or a /48. */
  readonly source: string;
  readonly since: string;
  readonly leftSec: number;
}

/** One member in `/api/v1/ring`, in ring order. */
export interface AdminRingMember {
  readonly id: string;
  readonly domain: string;
  readonly selector: number;
  readonly vnode: number;
  readonly address: string;
  readonly self: boolean;
  /** Share of the key space that this member is first responsible for. */
  readonly ownsPercent: number;
  /** Null where it isn't known. */
  readonly rttMs: number | null;
  readonly keys: number | null;
  readonly version: string | null;
  readonly entries: number | null;
  /** Share of the key space that this member holds as one of the replicas. */
  readonly holdsPercent: number | null;
  readonly uptimeSec: number | null;
  readonly ready: boolean;
  /** May it acknowledge and deny now? */
  readonly lease: boolean | null;
  /** Has it all that it should hold? */
  readonly settled: boolean | null;
  readonly sizeEstimate: number | null;
  /** Peers in its table. */
  readonly table: number | null;
  /** Of its own queries, on average. */
  readonly roundTrips: number | null;
  /** Reads of its own in which two replicas held different things. */
  readonly disagreements: number | null;
  /** UDP payload since its start. */
  readonly bytes: { readonly in: number; readonly out: number } | null;
}

/** `/api/v1/ring`. */
export interface AdminRing {
  readonly overlay: string;
  readonly mode: 'small' | 'full';
  readonly joined: boolean;
  readonly sizeEstimate: number;
  readonly members: readonly AdminRingMember[];
  /** Invariants of the ring that don't hold as seen from here, in words; empty when all is well. */
  readonly broken: readonly string[];
}

export interface AdminBinding {
  readonly contact: string;
  readonly q: number | null;
  readonly expiresSec: number;
  readonly instance: string | null;
  readonly regId: number | null;
  readonly params: readonly Param[];
  readonly path: readonly string[];
  readonly userAgent: string | null;
}

/** `/api/v1/lookup?uri=`. */
export interface AdminLookup {
  readonly uri: string;
  /** The canonical name that was asked for. */
  readonly name: string;
  readonly result: 'found' | 'none' | 'unavailable' | 'timeout';
  readonly reason: string | null;
  readonly tookMs: number;
  readonly bindings: readonly AdminBinding[];
}
