// The public face of the overlay: all that other rooms may see of it.
export { LspClient, type LspClientDeps, type LspClientOptions } from './client.ts';
export { LspNode, type LspNodeDeps, type LspNodeOptions } from './node.ts';
export type { ReplicationTimings } from './replication-options.ts';
export type { FatalProblem, RingTiming } from './ring-options.ts';
export type { RingWalk, WalkedMember } from './ring-walk.ts';
export type {
  FindOutcome,
  LookupStep,
  OverlayClient,
  Peer,
  PublishOutcome,
  QueryOutcome,
  RecordStorePort,
  StatusReport,
} from './types.ts';
