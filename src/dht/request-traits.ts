// What the wire must know of each request: does it change anything, who must sign it, how large its answer may be.
import type { Request } from './types.ts';

export type RequestType = Request['type'];

/** Their numbers on the wire, which are those of the CDDL (docs/lsp.md, "Messages"). */
export const REQUEST_CODES: Readonly<Record<RequestType, number>> = {
  ping: 1,
  find: 2,
  query: 3,
  publish: 4,
  join: 5,
  notify: 6,
  neighbours: 7,
  leave: 8,
  sync: 9,
  status: 10,
  probe: 11,
  events: 12,
  table: 13,
};

const TYPES = new Map<number, string>(Object.entries(REQUEST_CODES).map(([type, code]) => [code, type]));

/** For people: also of requests that this version does not know. */
export const requestTypeOf = (code: number): string => TYPES.get(code) ?? `#${code}`;

export interface RequestTraits {
  /** Needs a proven return address: it makes state, costs signature checks, or makes us send to a third party. */
  readonly cookie: boolean;
  /** Signed by the node's key together with the cookie, until sessions exist (DESIGN §5). */
  readonly signed: boolean;
  /** May name its sender instead of carrying its descriptor, to who holds that already. */
  readonly byName: boolean;
  /** Not to be executed twice: copies get the first one's answer. */
  readonly once: boolean;
  /** The answer waits for something else than our own tables, so its time says little about the path. */
  readonly slow: boolean;
  /** Bytes to which a request without a cookie is padded, so that one full datagram of answer is at most 3 times it. */
  readonly padTo: number;
}

const reading = (padTo: number): RequestTraits => ({
  cookie: false,
  signed: false,
  byName: false,
  once: false,
  slow: false,
  padTo,
});
const changing = (signed: boolean): RequestTraits => ({
  cookie: true,
  signed,
  byName: signed,
  once: true,
  slow: true,
  padTo: 0,
});

/** A pong with every field is 84 bytes, with a cookie. */
const PAD_PONG = 32;
/** A third of the largest datagram. */
const PAD_LARGE_ANSWER = 400;

export const REQUEST_TRAITS: Readonly<Record<RequestType, RequestTraits>> = {
  ping: reading(PAD_PONG),
  find: reading(PAD_LARGE_ANSWER),
  query: reading(PAD_LARGE_ANSWER),
  neighbours: reading(PAD_LARGE_ANSWER),
  status: reading(PAD_LARGE_ANSWER),
  probe: changing(false),
  publish: changing(false),
  sync: changing(true),
  // A joiner is nobody's acquaintance yet.
  join: { ...changing(true), byName: false },
  notify: changing(true),
  leave: changing(true),
  events: changing(true),
  // Whoever receives at its address may read it, but pays for the answer's size (messages.ts, checksIn).
  table: { ...reading(0), cookie: true },
};
