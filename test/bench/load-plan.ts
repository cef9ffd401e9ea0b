// What the bench asks its load generator to do, and what comes back: the messages between the two processes.
import type { Endpoint } from '../../src/runtime/datagram.ts';

/** A registrar under load, and the domain whose users register there. */
export interface Target extends Endpoint {
  readonly domain: string;
}

/** `register` with `digest` is two requests: one without credentials, answered 401, and one with them. */
export interface LoadPlan {
  readonly method: 'REGISTER' | 'INVITE';
  readonly digest: boolean;
  /** User i is of domain i modulo their number; an INVITE goes to another domain's registrar where there is one. */
  readonly targets: readonly Target[];
  readonly firstUser: number;
  readonly users: number;
  readonly requests: number;
  readonly outstanding: number;
  /** CSeq: with a greater one than before a REGISTER is a refresh. */
  readonly cseq: number;
  /** Ends the run early. */
  readonly secondsMax: number;
}

export interface LoadResult {
  /** Transactions that got their answer, each looked at. */
  readonly done: number;
  readonly wrong: number;
  /** The first wrong answer, for whoever mends it. */
  readonly firstWrong: string;
  readonly resent: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export type ToLoad = { readonly kind: 'prepare'; readonly plan: LoadPlan } | { readonly kind: 'go' };
export type FromLoad =
  | { readonly kind: 'prepared' }
  | { readonly kind: 'result'; readonly result: LoadResult };

/** The password of a user, the same rule for every server under test. */
export const passwordOf = (user: string): string => `pw-${user}`;
export const userName = (index: number): string => `u${index}`;
