// One call in flight: what it is about, where its copies and parts stand.
import type { Timer } from '../runtime/clock.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import { fullBitmap, type PartBuffer } from './parts.ts';
import type { RequestTraits } from './request-traits.ts';
import type { CallOutcome, Request } from './types.ts';

export interface Call {
  readonly key: string;
  readonly peerKey: string;
  readonly to: Endpoint;
  readonly request: Request;
  readonly traits: RequestTraits;
  readonly transaction: Uint8Array;
  readonly body: Uint8Array;
  /** The body names its sender: who does not know it is sent the descriptor, too. */
  readonly byName: boolean;
  readonly startedMs: number;
  readonly fixedTimeoutMs: number | undefined;
  readonly resolve: (outcome: CallOutcome) => void;
  attemptsLeft: number;
  /** The wait of the present attempt, before jitter. */
  timeoutMs: number;
  timer: Timer | undefined;
  /** Since the last challenge: an answer to the only copy is a measurement. */
  copies: number;
  sentMs: number;
  challenges: number;
  cookie: Uint8Array | undefined;
  frames: readonly Uint8Array[];
  /** Parts of the request that the peer says it has, and what of them it had said before the last sending. */
  delivered: number;
  known: number;
  answer: PartBuffer | undefined;
  /** Something of a transfer arrived since the last sending. */
  moved: boolean;
  rounds: number;
}

/** The fields that move, before anything was sent. */
export const FRESH_CALL = {
  timer: undefined,
  copies: 0,
  sentMs: 0,
  challenges: 0,
  cookie: undefined,
  frames: [],
  delivered: 0,
  known: 0,
  answer: undefined,
  moved: false,
  rounds: 0,
} as const;

/** Takes in which parts of the request have arrived; true if that is news. */
export const noteBitmap = (call: Call, bitmap: number): boolean => {
  const before = call.delivered;
  // Bitmaps overtake each other, so a missing bit says little, unless it was known before the last sending: then the
  // receiver has let go of what it had staged.
  const kept = (bitmap & call.known) === call.known;
  call.delivered = (kept ? before | bitmap : bitmap) & fullBitmap(call.frames.length);
  if (!kept) call.known = 0;
  if (call.delivered === before) return false;
  call.moved = true;
  return true;
};

/** Some parts are over and some are not: the other side is there, and waits. */
export const inTransfer = (call: Call): boolean =>
  call.answer !== undefined || (call.delivered !== 0 && call.delivered !== fullBitmap(call.frames.length));
