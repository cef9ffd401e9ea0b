// The library face of the package: the client of the Location Service.
export type { RingFinding, RingWalk, WalkedMember } from './dht/index.ts';
export type { Binding, PublishResult, QueryResult } from './location/types.ts';
export { LspClient } from './lsp-client.ts';
export type {
  Located,
  LocatedPeer,
  LspClientOptions,
  PublishOptions,
  Trace,
  TracedReplica,
  TraceStep,
} from './lsp-client-types.ts';
export type { Endpoint } from './runtime/datagram.ts';
export { CodedError } from './runtime/errors.ts';
