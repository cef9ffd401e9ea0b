// The library face of the package: the client of the Location Service.
export type { RingFinding, RingWalk, WalkedMember } from './dht/index.ts';
export type { Binding, PublishResult, QueryResult } from './location/types.ts';
export { type Located, LspClient, type LspClientOptions, type PublishOptions } from './lsp-client.ts';
export type { Endpoint } from './runtime/datagram.ts';
export { CodedError } from './runtime/errors.ts';
