// How SIP messages lie in a stream of bytes, as a connection sees it: plain (RFC 3261 §18.3) or in a WebSocket (RFC 7118).
import type { Result } from '../runtime/result.ts';
import type { SipReadError } from './read-error.ts';
import type { SipMessage } from './types.ts';

export type FrameItem =
  /** A whole message, and its bytes if somebody wants them; `read` may be an error that is answered and read past. */
  | {
      readonly kind: 'message';
      readonly read: Result<SipMessage, SipReadError>;
      readonly raw: Uint8Array | undefined;
    }
  /** CR LF CR LF between messages: one CR LF is its answer. */
  | { readonly kind: 'ping' }
  /** Nobody knows where the next message begins: answer if that is possible, then close. Nothing follows. */
  | { readonly kind: 'broken'; readonly error: SipReadError }
  /** A pong, a part of a message: it was work, and there is nothing to do. */
  | { readonly kind: 'nothing' }
  /** What the framing itself has to say, as it goes onto the wire. */
  | { readonly kind: 'control'; readonly bytes: Uint8Array }
  /** The framing is over: `bytes` still go out, then the connection is closed. `fault`: the peer broke its rules. */
  | { readonly kind: 'end'; readonly bytes: Uint8Array; readonly fault: boolean };

/** How messages lie in a stream of bytes, both ways. */
export interface Framing {
  /** Bytes of something unfinished are here. */
  readonly partial: boolean;
  /** False until the peer has shown that it speaks this framing, where that begins with a handshake. */
  readonly established: boolean;
  push(chunk: Uint8Array): void;
  /** The next whole item, or undefined until more bytes come. */
  next(): FrameItem | undefined;
  /** A message of ours as it goes onto the wire. */
  wrap(message: Uint8Array): Uint8Array;
  /** What asks a silent peer whether it is there; undefined where there is no such thing. */
  readonly probe: Uint8Array | undefined;
  /** What is said before we close; undefined for nothing. */
  readonly farewell: Uint8Array | undefined;
}
