// The public face of the overlay: all that other rooms may see of it.
export { LspClient } from './client.ts';
export { vnodesMax } from './hosts.ts';
export { LspNode } from './node.ts';
export { lastingFindings, type RingFinding, type WalkedMember } from './ring-check.ts';
export { sharesOf } from './ring-share.ts';
export type { RingWalk, WalkOptions } from './ring-walk.ts';
export type { ReplicaWord } from './trace.ts';
export type { OverlayClient, Peer, PublishOutcome } from './types.ts';
