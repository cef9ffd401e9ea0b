// What the library's client takes and gives.
import type { Binding, QueryResult } from './location/types.ts';
import type { Endpoint } from './runtime/datagram.ts';

export interface LspClientOptions {
  /** Any members of the overlay: `{ host, port }`, host an address or a name. */
  readonly via: readonly Endpoint[];
  /** The overlay's id; `lsp` if absent. */
  readonly overlay?: string;
  /** Copies of each binding in that overlay; 3 if absent. */
  readonly replicas?: number;
  /** Text of a trust file (YAML): whose keys are believed without DNS. */
  readonly trust?: string;
  /** Ask DNS for domain keys; true if absent. */
  readonly dns?: boolean;
  /** What signs publications: PKCS#8 PEM, the domain it signs for and its selector there. Queries need none. */
  readonly key?: { readonly pem: string; readonly domain: string; readonly selector: number };
}

/** What to publish under a URI. */
export interface PublishOptions {
  readonly contact: string;
  /** 1 to 3600. */
  readonly expiresSec: number;
  /** 0 to 1. */
  readonly q?: number;
}

/** A member, as its signed descriptor says. */
export interface LocatedPeer {
  readonly domain: string;
  readonly selector: number;
  readonly vnode: number;
  readonly id: string;
  readonly endpoint: Endpoint;
}

export interface Located {
  /** Of the name: 20 bytes in hex. */
  readonly key: string;
  readonly replicas: readonly LocatedPeer[];
  /** Questions one after another that led to them. */
  readonly roundTrips: number;
}

export interface TraceStep {
  readonly asked: LocatedPeer;
  /** Which question in a row. */
  readonly depth: number;
  readonly rttMs: number | undefined;
  readonly result: 'replicas' | 'closer' | 'timeout' | 'error';
  readonly told: readonly LocatedPeer[];
}

export interface TracedReplica {
  readonly peer: LocatedPeer;
  readonly rttMs: number | undefined;
  /** `none`: a denial; else an error code of docs/lsp.md. */
  readonly said: string;
  readonly settled: boolean;
  /** Undefined where it said nothing that could be read. */
  readonly bindings: readonly Binding[] | undefined;
  /** Beside these, bindings by whose signers nobody stands. */
  readonly unvouched: number;
  /** Ids of the replicas as it sees them. */
  readonly replicas: readonly string[] | undefined;
}

export interface Trace extends Located {
  readonly steps: readonly TraceStep[];
  readonly answers: readonly TracedReplica[];
  /** What all of them together hold. */
  readonly result: QueryResult;
  /** In what the replicas differ from one another, in words; empty if they agree. */
  readonly differences: readonly string[];
}
