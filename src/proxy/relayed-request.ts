// A request on its way as data: what came, where to, and how it is written for a hop.
import type { Flow, NextHop, SipRequest } from '../sip/types.ts';
import type { ForwardPlan } from './forwarded-message.ts';
import type { Way } from './way.ts';

export interface RelayedRequest {
  /** What names the transaction (branch.ts). */
  readonly transaction: string;
  /** As it came. */
  readonly request: SipRequest;
  /** Request-URI and Route as they are sent: its CANCEL and ACK have to bear the same. */
  readonly target: ForwardPlan;
  /** The way back. */
  readonly up: Flow;
  readonly way: Way;
  /** When it began (monotonic). */
  readonly startedMs: number;
  /** Our branch on what goes to the hop of this number, from 1. */
  readonly branchOf: (attempt: number) => string;
  /** As it is sent to that hop: the same bytes every time. */
  readonly write: (down: Flow, attempt: number) => Uint8Array;
  /** An ACK of the caller's for that hop. */
  readonly writeAck: (ack: SipRequest, down: Flow, attempt: number) => Uint8Array;
}

/** The request at one hop. */
export interface Attempt {
  readonly hop: NextHop;
  readonly down: Flow;
  /** From 1. */
  readonly attempt: number;
  readonly branch: string;
  /** A provisional answer came: from now on it may be cancelled (RFC 3261 §9.1). */
  heard: boolean;
  cancelled: boolean;
}
