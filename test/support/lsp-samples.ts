// One of every LSP request and answer, every field filled: what codec tests, vectors and the amplification test go through.
import { encodePeer } from '../../src/dht/descriptor.ts';
import type { Answer, ErrorCode, Peer, Request } from '../../src/dht/types.ts';
import { hashToId, type Id } from '../../src/record/id.ts';
import { identityFromSeed } from '../../src/record/identity.ts';
import type { Identity } from '../../src/record/types.ts';
import type { Endpoint } from '../../src/runtime/datagram.ts';

export const OVERLAY = 'lsp';

/** The domain's and selector's name, repeated: the same key in every run. */
export const sampleSeed = (domain: string, selector: number): Uint8Array =>
  new Uint8Array(Buffer.alloc(32, `${domain}/${selector} `));

export const sampleIdentity = (domain: string, selector = 0): Identity =>
  identityFromSeed(sampleSeed(domain, selector), { domain, selector });

export const samplePeer = (
  domain: string,
  endpoints: readonly Endpoint[] = [{ host: '192.0.2.1', port: 7184 }],
  more: { readonly bootSequence?: number; readonly vnode?: number; readonly selector?: number } = {},
): Peer => {
  const { bootSequence = 1, vnode = 0, selector = 0 } = more;
  const identity = sampleIdentity(domain, selector);
  return encodePeer({ domain, selector, vnode, endpoints, bootSequence }, identity, OVERLAY);
};

export const atlanta = samplePeer('atlanta.com', [{ host: '192.0.2.10', port: 7184 }]);
export const biloxi = samplePeer(
  'biloxi.com',
  [
    { host: '198.51.100.20', port: 7184 },
    { host: '2001:db8::20', port: 7184 },
  ],
  { bootSequence: 1234, vnode: 1, selector: 3 },
);
export const chicago = samplePeer('chicago.com', [{ host: '2001:db8:1::30', port: 40_000 }], {
  bootSequence: 7,
});

const sampleId = (name: string): Id => hashToId(Buffer.from(name));
const key = sampleId('key');
const digest = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const entry = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at & 0xff);
const arc = { from: sampleId('from'), to: sampleId('to') };
const gone = [
  { id: sampleId('gone'), bootSequence: 0 },
  { id: sampleId('gone too'), bootSequence: 2 ** 40 },
];

const QUESTIONS: Readonly<Record<string, Request>> = {
  ping: { type: 'ping' },
  probe: { type: 'probe', target: chicago },
  find: { type: 'find', key },
  query: { type: 'query', key },
  publish: { type: 'publish', key, entries: [entry(3), entry(40)] },
  join: { type: 'join', peer: atlanta, replicas: 3, successors: 8 },
  notify: { type: 'notify', peer: atlanta, members: [biloxi, chicago], gone },
  neighbours: { type: 'neighbours' },
  leave: { type: 'leave', peer: atlanta },
  'sync digests': { type: 'sync', peer: atlanta, op: { kind: 'digests', arc, buckets: [digest, digest] } },
  'sync keys': { type: 'sync', peer: atlanta, op: { kind: 'keys', arc, bucket: 5, keys: [{ key, digest }] } },
  'sync pull': { type: 'sync', peer: atlanta, op: { kind: 'pull', arc, after: key } },
  'sync pull from the start': { type: 'sync', peer: atlanta, op: { kind: 'pull', arc, after: undefined } },
  'sync push': { type: 'sync', peer: atlanta, op: { kind: 'push', key, records: [entry(20)] } },
  status: { type: 'status' },
  'neighbours since': { type: 'neighbours', life: 7, since: { bootSequence: 1234, ringVersion: 99 } },
  'neighbours, what changed by name': {
    type: 'neighbours',
    life: 7,
    since: { bootSequence: 1234, ringVersion: 98 },
    named: true,
  },
  'neighbours asked by a virtual node': { type: 'neighbours', life: 7, fromVnode: 2 },
  'events, one leave': {
    type: 'events',
    peer: atlanta,
    batches: [{ until: biloxi.id, events: [{ kind: 'leave', id: sampleId('gone'), bootSequence: 5 }] }],
  },
  events: {
    type: 'events',
    peer: atlanta,
    batches: [
      { until: sampleId('until'), events: [{ kind: 'join', peer: biloxi }] },
      {
        until: atlanta.id,
        events: [
          { kind: 'join', peer: chicago },
          { kind: 'leave', id: sampleId('gone'), bootSequence: 5 },
        ],
      },
    ],
  },
  'table, what differs': { type: 'table', arc: { from: arc.from, to: arc.from }, buckets: [1, 2 ** 32 - 1] },
  'table, an arc': { type: 'table', arc, have: [0xdeadbeef, 7] },
};

/** The samples, and one of each type that names the virtual node it is for. */
export const REQUESTS: Readonly<Record<string, Request>> = {
  ...QUESTIONS,
  ...Object.fromEntries(
    Object.values(QUESTIONS).map((one) => [`${one.type} to a virtual node`, { ...one, vnode: 2 }]),
  ),
};

/** Samples as they are sent to who holds their sender's descriptor. */
export const BY_NAME: readonly string[] = ['notify', 'leave', 'sync digests', 'events, one leave'];

/** The errors whose answer has no more than a code and a detail. */
const BARE_ERRORS: readonly ErrorCode[] = [
  'malformed',
  'wrong-overlay',
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

export const ANSWERS: Readonly<Record<string, Answer>> = {
  pong: { type: 'pong' },
  changed: {
    type: 'changed',
    ringVersion: 99,
    predecessors: [{ id: atlanta.id, bootSequence: 1 }],
    successors: [
      { id: biloxi.id, bootSequence: 1234 },
      { id: chicago.id, bootSequence: 7 },
    ],
    peers: [chicago],
    gone,
  },
  'pong of a member': { type: 'pong', id: atlanta.id, bootSequence: 1 },
  probed: { type: 'probed', alive: true },
  found: { type: 'found', replicas: [atlanta], closest: [biloxi, chicago] },
  entries: { type: 'entries', entries: [entry(3)], replicas: [atlanta] },
  'no entries': { type: 'entries', entries: [], replicas: [] },
  'entries, unsettled': { type: 'entries', entries: [entry(3)], replicas: [], settled: false },
  published: { type: 'published', entries: [entry(3)], replicas: [atlanta.id, biloxi.id] },
  'published, unsettled': { type: 'published', entries: [], replicas: [atlanta.id], settled: false },
  joined: {
    type: 'joined',
    mode: 'small',
    predecessor: atlanta,
    successors: [biloxi],
    bootSequenceSeen: 4,
  },
  'joined for the first time': {
    type: 'joined',
    mode: 'full',
    predecessor: undefined,
    successors: [],
    bootSequenceSeen: undefined,
  },
  neighbours: {
    type: 'neighbours',
    mode: 'full',
    ringVersion: 99,
    self: atlanta,
    predecessors: [chicago],
    successors: [biloxi],
    gone,
  },
  ok: { type: 'ok' },
  unchanged: { type: 'unchanged' },
  'table that differs': { type: 'table', peers: [], complete: true, buckets: [0, 63] },
  'table page': { type: 'table', peers: [atlanta, biloxi], complete: false, next: biloxi.id },
  'table to the end': { type: 'table', peers: [chicago], complete: true, lack: [7] },
  'synced buckets': { type: 'synced', buckets: [0, 63], settled: true },
  'synced keys': { type: 'synced', want: [key], have: [key] },
  'synced page': {
    type: 'synced',
    page: [{ key, records: [entry(5), entry(6)] }],
    next: key,
    settled: false,
  },
  status: {
    type: 'status',
    status: {
      version: '0.1.0',
      uptimeSec: 3600,
      self: atlanta,
      mode: 'small',
      ready: true,
      arc,
      keys: 12,
      entries: 34,
      members: 3,
    },
  },
  'status with everything': {
    type: 'status',
    status: {
      version: '0.2.0',
      uptimeSec: 3600,
      self: atlanta,
      mode: 'full',
      ready: true,
      arc,
      keys: 12,
      entries: 34,
      members: 3,
      replicas: 3,
      successors: 8,
      vnodes: 2,
      table: 40,
      predecessor: chicago.id,
      successor: biloxi.id,
      lease: true,
      settled: false,
      storedBytes: 15_000,
      moved: { pulled: 7, pushed: 9 },
      disagreements: 1,
      lookups: { count: 100, roundTrips: 103 },
      traffic: [
        { kind: 'other', asked: 0, served: 0, sentBytes: 420 },
        { kind: 'query', asked: 100, served: 90, sentBytes: 80_000 },
        { kind: '#200', asked: 1, served: 2, sentBytes: 3 },
      ],
      bytes: { in: 91_000, out: 80_423 },
    },
  },
  'error not-mine': { type: 'error', code: 'not-mine', detail: 'see peers', peers: [biloxi] },
  ...Object.fromEntries(
    BARE_ERRORS.map((code): [string, Answer] => [
      `error ${code}`,
      { type: 'error', code, detail: 'why', peers: [] },
    ]),
  ),
  'error unsupported-version': {
    type: 'error',
    code: 'unsupported-version',
    detail: 'plain frames of version 1',
    peers: [],
    versions: [1],
  },
};
