// The messages of LSP as CBOR maps, both ways (docs/lsp.md, "Messages"). Key 0 is the type; answers have the size estimate at 1.
import { ENTRY_BYTES_MAX } from '../record/limits.ts';
import { fail, ok, type Result } from '../runtime/result.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { type DecodePeer, VNODE_MAX } from './descriptor.ts';
import { EVENTS_MAX, eventBatches, fingerprints, gone, life, sequence, since } from './event-codec.ts';
import {
  arc,
  bool,
  bytes,
  type FieldCodec,
  FieldError,
  id,
  list,
  nested,
  pair,
  peer,
  struct,
  text,
  uint,
  union,
  word,
} from './fields.ts';
import { REQUEST_TRAITS, type RequestType } from './request-traits.ts';
import { isByName, type KnownPeer, nameIn, putName, withDescriptor } from './speaker.ts';
import { MODES, statusReport } from './status-codec.ts';
import { TABLE_BUCKETS } from './table-digest.ts';
import type { Answer, ErrorCode, Peer, Request, SyncOp } from './types.ts';

export { EVENTS_MAX, GONE_MAX, TABLE_HAVE_MAX } from './event-codec.ts';

/** A URI's records are at most 24, a publication has at most 11 entries. */
export const ENTRIES_MAX = 32;
/** Successors ≤ 16 and one, twice, is the most a list of members needs. */
export const PEERS_MAX = 34;
/** Keys in one SYNC message; 500 of them with digests fill 16 parts. */
export const SYNC_KEYS_MAX = 512;
export const SYNC_BUCKETS_MAX = 256;
export const SYNC_PAGE_KEYS_MAX = 128;
const DIGEST_BYTES_MAX = 32;
const DETAIL_CHARS_MAX = 200;

// Appended to only: the place of a word is its number on the wire.
const ERROR_CODES: readonly ErrorCode[] = [
  'malformed',
  'unsupported-version',
  'wrong-overlay',
  'not-mine',
  'retry',
  'stale',
  'quota',
  'refused',
  'too-large',
  'not-member',
  'id-alive-elsewhere',
  'constants-differ',
  'unsupported',
  'unknown-speaker',
];

const entries = list(bytes(ENTRY_BYTES_MAX), ENTRIES_MAX);
const digest = bytes(DIGEST_BYTES_MAX);
const keyDigests = list(
  pair(id, digest, { make: (key, of) => ({ key, digest: of }), split: (value) => [value.key, value.digest] }),
  SYNC_KEYS_MAX,
);
const page = list(
  pair(id, entries, {
    make: (key, records) => ({ key, records }),
    split: (value) => [value.key, value.records],
  }),
  SYNC_PAGE_KEYS_MAX,
);
type Asked<N extends RequestType> = Omit<Extract<Request, { type: N }>, 'type'>;
type Fields<N extends Answer['type']> = Omit<Extract<Answer, { type: N }>, 'type'>;
const unset = { value: undefined };

const syncOp = union<'kind', SyncOp>('kind', {
  digests: {
    code: 1,
    body: struct({
      arc: { at: 1, codec: arc },
      buckets: { at: 2, codec: list(digest, SYNC_BUCKETS_MAX) },
    }),
  },
  keys: {
    code: 2,
    body: struct({
      arc: { at: 1, codec: arc },
      bucket: { at: 3, codec: uint(SYNC_BUCKETS_MAX - 1) },
      keys: { at: 4, codec: keyDigests },
    }),
  },
  pull: {
    code: 3,
    body: struct<Omit<Extract<SyncOp, { kind: 'pull' }>, 'kind'>>({
      arc: { at: 1, codec: arc },
      after: { at: 5, codec: id, absent: unset },
    }),
  },
  push: { code: 4, body: struct({ key: { at: 6, codec: id }, records: { at: 7, codec: entries } }) },
});

/** In every request. */
const addressed = { vnode: { at: 10, codec: uint(VNODE_MAX), absent: 'omitted' } } as const;

const requestCodec = (one: FieldCodec<Peer>) =>
  union<'type', Request>('type', {
    ping: { code: 1, body: struct<Asked<'ping'>>(addressed) },
    find: { code: 2, body: struct<Asked<'find'>>({ key: { at: 1, codec: id }, ...addressed }) },
    query: { code: 3, body: struct<Asked<'query'>>({ key: { at: 1, codec: id }, ...addressed }) },
    publish: {
      code: 4,
      body: struct<Asked<'publish'>>({
        key: { at: 1, codec: id },
        entries: { at: 2, codec: entries },
        ...addressed,
      }),
    },
    join: {
      code: 5,
      body: struct<Asked<'join'>>({
        ...addressed,
        peer: { at: 3, codec: one },
        replicas: { at: 6, codec: uint(255) },
        successors: { at: 7, codec: uint(255) },
      }),
    },
    notify: {
      code: 6,
      body: struct<Asked<'notify'>>({
        ...addressed,
        peer: { at: 3, codec: one },
        members: { at: 4, codec: list(one, PEERS_MAX) },
        gone: { at: 5, codec: gone },
      }),
    },
    neighbours: {
      code: 7,
      body: struct<Asked<'neighbours'>>({
        ...addressed,
        since: { at: 11, codec: since, absent: 'omitted' },
        life: { at: 12, codec: sequence, absent: 'omitted' },
        fromVnode: { at: 17, codec: uint(VNODE_MAX), absent: 'omitted' },
        named: { at: 19, codec: bool, absent: 'omitted' },
      }),
    },
    leave: { code: 8, body: struct<Asked<'leave'>>({ peer: { at: 3, codec: one }, ...addressed }) },
    sync: {
      code: 9,
      body: struct<Asked<'sync'>>({
        ...addressed,
        peer: { at: 3, codec: one },
        op: {
          at: 9,
          codec: {
            write: (op: SyncOp) => syncOp.write(op),
            read: (raw: unknown) => {
              if (raw instanceof Map) return syncOp.read(raw);
              throw new FieldError('not a map');
            },
          },
        },
      }),
    },
    status: { code: 10, body: struct<Asked<'status'>>(addressed) },
    probe: { code: 11, body: struct<Asked<'probe'>>({ target: { at: 8, codec: one }, ...addressed }) },
    events: {
      code: 12,
      body: struct<Asked<'events'>>({
        ...addressed,
        peer: { at: 3, codec: one },
        batches: { at: 13, codec: eventBatches(one) },
      }),
    },
    table: {
      code: 13,
      body: struct<Asked<'table'>>({
        ...addressed,
        arc: { at: 14, codec: arc },
        buckets: { at: 15, codec: fingerprints, absent: 'omitted' },
        have: { at: 16, codec: fingerprints, absent: 'omitted' },
      }),
    },
  });

const answerCodec = (one: FieldCodec<Peer>) => {
  const peers = list(one, PEERS_MAX);
  const mode = word(MODES);
  const lives = list(life, PEERS_MAX);
  return union<'type', Answer>('type', {
    pong: {
      code: 1,
      body: struct<Fields<'pong'>>({
        id: { at: 25, codec: id, absent: 'omitted' },
        bootSequence: { at: 10, codec: sequence, absent: 'omitted' },
      }),
    },
    probed: { code: 2, body: struct({ alive: { at: 2, codec: bool } }) },
    found: {
      code: 3,
      body: struct({ replicas: { at: 3, codec: peers }, closest: { at: 4, codec: peers } }),
    },
    entries: {
      code: 4,
      body: struct<Fields<'entries'>>({
        entries: { at: 5, codec: entries },
        replicas: { at: 3, codec: peers },
        settled: { at: 19, codec: bool, absent: 'omitted' },
      }),
    },
    published: {
      code: 5,
      body: struct<Fields<'published'>>({
        entries: { at: 5, codec: entries },
        replicas: { at: 6, codec: list(id, PEERS_MAX) },
        settled: { at: 19, codec: bool, absent: 'omitted' },
      }),
    },
    joined: {
      code: 6,
      body: struct<Fields<'joined'>>({
        mode: { at: 7, codec: mode },
        predecessor: { at: 8, codec: one, absent: unset },
        successors: { at: 9, codec: peers },
        bootSequenceSeen: { at: 10, codec: sequence, absent: unset },
      }),
    },
    neighbours: {
      code: 7,
      body: struct<Fields<'neighbours'>>({
        self: { at: 26, codec: one, absent: 'omitted' },
        mode: { at: 7, codec: mode },
        ringVersion: { at: 11, codec: sequence },
        predecessors: { at: 12, codec: peers },
        successors: { at: 9, codec: peers },
        gone: { at: 13, codec: gone },
      }),
    },
    ok: { code: 8, body: struct<Fields<'ok'>>({}) },
    synced: {
      code: 9,
      body: struct<Fields<'synced'>>({
        buckets: {
          at: 14,
          codec: list(uint(SYNC_BUCKETS_MAX - 1), SYNC_BUCKETS_MAX),
          absent: 'omitted',
        },
        want: { at: 15, codec: list(id, SYNC_KEYS_MAX), absent: 'omitted' },
        have: { at: 16, codec: list(id, SYNC_KEYS_MAX), absent: 'omitted' },
        page: { at: 17, codec: page, absent: 'omitted' },
        next: { at: 18, codec: id, absent: 'omitted' },
        settled: { at: 19, codec: bool, absent: 'omitted' },
      }),
    },
    status: { code: 10, body: struct({ status: { at: 20, codec: nested(statusReport(one)) } }) },
    error: {
      code: 11,
      body: struct<Fields<'error'>>({
        // A code of a later version still means no.
        code: { at: 21, codec: word(ERROR_CODES, 'refused') },
        detail: { at: 22, codec: text(DETAIL_CHARS_MAX) },
        peers: { at: 23, codec: peers, absent: { value: [] } },
        versions: { at: 24, codec: list(uint(255), 16), absent: 'omitted' },
      }),
    },
    changed: {
      code: 14,
      body: struct<Fields<'changed'>>({
        ringVersion: { at: 11, codec: sequence },
        predecessors: { at: 30, codec: lives },
        successors: { at: 31, codec: lives },
        peers: { at: 32, codec: peers },
        gone: { at: 13, codec: gone },
      }),
    },
    unchanged: { code: 12, body: struct<Fields<'unchanged'>>({}) },
    table: {
      code: 13,
      body: struct<Fields<'table'>>({
        peers: { at: 27, codec: peers },
        complete: { at: 28, codec: bool },
        buckets: { at: 14, codec: list(uint(TABLE_BUCKETS - 1), TABLE_BUCKETS), absent: 'omitted' },
        next: { at: 18, codec: id, absent: 'omitted' },
        lack: { at: 29, codec: fingerprints, absent: 'omitted' },
      }),
    },
  });
};

/** A request whose type is known and whose fields (descriptors with signatures to check) are not looked at yet. */
interface OpenedRequest {
  readonly type: RequestType;
  /** Signatures that reading and serving it may make us check. */
  readonly checks: number;
  /** It names its sender and has not its descriptor. */
  readonly byName: boolean;
  read(): Result<Request, { code: 'malformed' | 'unknown-speaker'; detail: string }>;
}

interface ReadAnswer {
  readonly answer: Answer;
  readonly sizeEstimate: number;
}

export interface MessageCodec {
  /** `byName`: without the sender's descriptor, for who holds that already. */
  encodeRequest(request: Request, byName?: boolean): Uint8Array;
  openRequest(
    bytes: Uint8Array,
  ): Result<OpenedRequest, { code: 'malformed' | 'unsupported'; detail: string }>;
  encodeAnswer(answer: Answer, sizeEstimate: number): Uint8Array;
  decodeAnswer(bytes: Uint8Array): Result<ReadAnswer>;
}

const lengthOf = (raw: unknown): number => (Array.isArray(raw) ? raw.length : 0);

/** Counted before any is checked: a NOTIFY may carry 34 descriptors, a PUBLISH 32 entries, each a signature of its own. */
const checksIn = (type: RequestType, map: ReadonlyMap<unknown, unknown>): number => {
  const op = map.get(9);
  switch (type) {
    case 'publish':
      return Math.max(1, lengthOf(map.get(2)));
    case 'notify':
      return 2 + lengthOf(map.get(4));
    case 'events':
      return EVENTS_MAX;
    case 'table':
      // Not signatures, but as many descriptors as it may make us send.
      return PEERS_MAX;
    case 'sync':
      return 1 + (op instanceof Map ? lengthOf(op.get(7)) : 0);
    default:
      return 1;
  }
};

const caught = <T>(read: () => T): Result<T> => {
  try {
    return ok(read());
  } catch (error) {
    if (error instanceof FieldError) return fail(error.message);
    throw error;
  }
};

export const messageCodec = (decodePeer: DecodePeer, known: KnownPeer = () => undefined): MessageCodec => {
  const one = peer(decodePeer);
  const requests = requestCodec(one);
  const answers = answerCodec(one);
  const readRequest = (
    map: ReadonlyMap<unknown, unknown>,
    named: boolean,
  ): Result<Request, { code: 'malformed' | 'unknown-speaker'; detail: string }> => {
    const name = caught(() => (named ? nameIn(map) : undefined));
    if (!name.ok) return fail({ code: 'malformed', detail: name.error });
    const speaker = name.value && known(name.value.id, name.value.bootSequence);
    if (name.value !== undefined && speaker === undefined)
      return fail({ code: 'unknown-speaker', detail: 'your descriptor is not held here' });
    const read = caught(() => requests.read(speaker === undefined ? map : withDescriptor(map, speaker)));
    return read.ok ? read : fail({ code: 'malformed', detail: read.error });
  };
  return {
    encodeRequest(request, byName = false) {
      const map = requests.write(request);
      if (byName && 'peer' in request) putName(map, request.peer);
      return encodeCbor(map);
    },
    openRequest(raw) {
      const decoded = decodeCbor(raw);
      if (!decoded.ok) return fail({ code: 'malformed', detail: decoded.error });
      const map = decoded.value;
      if (!(map instanceof Map)) return fail({ code: 'malformed', detail: 'message is not a map' });
      const type = requests.nameOf(map);
      if (type === undefined) return fail({ code: 'unsupported', detail: 'unknown request type' });
      const named = REQUEST_TRAITS[type].byName;
      return ok({
        type,
        checks: checksIn(type, map),
        byName: named && isByName(map),
        read: () => readRequest(map, named),
      });
    },
    encodeAnswer(answer, sizeEstimate) {
      // NaN and negatives, which an estimate of a ring in trouble may be, are no size.
      const size = sizeEstimate > 0 ? Math.min(0xffffffff, Math.round(sizeEstimate)) : 0;
      return encodeCbor(answers.write(answer, [[1, size]]));
    },
    decodeAnswer(raw) {
      const decoded = decodeCbor(raw);
      if (!decoded.ok) return decoded;
      const map = decoded.value;
      if (!(map instanceof Map)) return fail('message is not a map');
      return caught(() => ({ answer: answers.read(map), sizeEstimate: uint().read(map.get(1)) }));
    },
  };
};
