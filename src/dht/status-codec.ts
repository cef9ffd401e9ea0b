// The report that STATUS answers, as a CBOR map both ways (docs/lsp.md, "STATUS"; RFC 7851's useful subset).
import {
  arc,
  bool,
  type FieldCodec,
  FieldError,
  id,
  list,
  pair,
  struct,
  text,
  uint,
  word,
} from './fields.ts';
import { REQUEST_CODES, requestTypeOf } from './request-traits.ts';
import type { KindTraffic, Peer, StatusReport } from './types.ts';

export const MODES = ['small', 'full'] as const;
/** Kinds of requests whose traffic is told. */
const KINDS_MAX = 32;
const CODE_MAX = 255;
const OTHER = 0;

const codeOf = (kind: string): number => {
  if (kind === 'other') return OTHER;
  const known = Object.entries(REQUEST_CODES).find(([name]) => name === kind);
  return known === undefined ? Number(kind.slice(1)) : known[1];
};

/** Written as [code of the request, asked, served, bytes sent]. */
const kindTraffic: FieldCodec<KindTraffic> = {
  write: ({ kind, asked, served, sentBytes }) => [codeOf(kind), asked, served, sentBytes],
  read(raw) {
    if (!Array.isArray(raw) || raw.length !== 4) throw new FieldError('not four numbers');
    const [code, asked, served, sentBytes] = raw.map((one) => uint().read(one));
    if (code === undefined || asked === undefined || served === undefined || sentBytes === undefined)
      throw new FieldError('not four numbers');
    const known = uint(CODE_MAX).read(code);
    return { kind: known === OTHER ? 'other' : requestTypeOf(known), asked, served, sentBytes };
  },
};

const unset = { value: undefined };
const count = uint();

export const statusReport = (one: FieldCodec<Peer>) =>
  struct<StatusReport>({
    version: { at: 1, codec: text(64) },
    uptimeSec: { at: 2, codec: count },
    self: { at: 3, codec: one },
    mode: { at: 4, codec: word(MODES) },
    ready: { at: 5, codec: bool },
    arc: { at: 6, codec: arc, absent: unset },
    keys: { at: 7, codec: count },
    entries: { at: 8, codec: count },
    members: { at: 9, codec: count },
    replicas: { at: 10, codec: uint(255), absent: 'omitted' },
    successors: { at: 11, codec: uint(255), absent: 'omitted' },
    vnodes: { at: 12, codec: uint(255), absent: 'omitted' },
    table: { at: 13, codec: count, absent: 'omitted' },
    predecessor: { at: 14, codec: id, absent: 'omitted' },
    successor: { at: 15, codec: id, absent: 'omitted' },
    lease: { at: 16, codec: bool, absent: 'omitted' },
    settled: { at: 17, codec: bool, absent: 'omitted' },
    storedBytes: { at: 18, codec: count, absent: 'omitted' },
    moved: {
      at: 19,
      codec: pair(count, count, {
        make: (pulled, pushed) => ({ pulled, pushed }),
        split: (value) => [value.pulled, value.pushed],
      }),
      absent: 'omitted',
    },
    disagreements: { at: 20, codec: count, absent: 'omitted' },
    lookups: {
      at: 21,
      codec: pair(count, count, {
        make: (lookups, roundTrips) => ({ count: lookups, roundTrips }),
        split: (value) => [value.count, value.roundTrips],
      }),
      absent: 'omitted',
    },
    traffic: { at: 22, codec: list(kindTraffic, KINDS_MAX), absent: 'omitted' },
    bytes: {
      at: 23,
      codec: pair(count, count, {
        make: (bytesIn, out) => ({ in: bytesIn, out }),
        split: (value) => [value.in, value.out],
      }),
      absent: 'omitted',
    },
  });
