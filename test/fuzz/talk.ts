// What the fuzzer and the process under it say to each other, and the addresses between them.
import type { Endpoint } from '../../src/runtime/datagram.ts';

/** The senders' addresses: no other test's. */
export const FENCED = '127.9.';

export type ToSubject = 'measure' | 'stop';

export type FromSubject =
  | { readonly kind: 'ready'; readonly sip: readonly string[]; readonly admin: Endpoint }
  /** An error line of the log: a fault of ours. */
  | { readonly kind: 'error'; readonly line: string }
  | { readonly kind: 'memory'; readonly heapBytes: number; readonly rssBytes: number };
