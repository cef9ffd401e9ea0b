// Builds test/vectors/lsp.json from the samples, and reads its values back.
import { peerDecoder } from '../../src/dht/descriptor.ts';
import { type Frame, overlayTag, writeFrame } from '../../src/dht/frame.ts';
import { messageCodec } from '../../src/dht/messages.ts';
import { signRequest } from '../../src/dht/request-signature.ts';
import type { Answer, Peer, Request } from '../../src/dht/types.ts';
import {
  ANSWERS,
  atlanta,
  BY_NAME,
  biloxi,
  chicago,
  OVERLAY,
  REQUESTS,
  sampleIdentity,
  sampleSeed,
} from './lsp-samples.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

const PEERS: Readonly<Record<string, Peer>> = { atlanta, biloxi, chicago };
const SIZE_ESTIMATE = 3;
const TRANSACTION = fromHex('0102030405060708');
const COOKIE = fromHex('00112233445566778899aabbccddeeff');

/** Bytes as {"hex": …}, peers as {"descriptor": NAME}, ids as the hex they are, absent fields left out. */
const toJson = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return { hex: hex(value) };
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object' || value === null) return value;
  const name = Object.keys(PEERS).find((one) => PEERS[one] === value);
  if (name !== undefined) return { descriptor: name };
  const present = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(present.map(([key, field]) => [key, toJson(field)]));
};

/** The other way round; `peers` are the descriptors decoded from the file. */
export const fromJson = (value: unknown, peers: ReadonlyMap<string, Peer>): unknown => {
  if (Array.isArray(value)) return value.map((one) => fromJson(one, peers));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only?.[0] === 'hex') return fromHex(String(only[1]));
  if (entries.length === 1 && only?.[0] === 'descriptor') return peers.get(String(only[1]));
  return Object.fromEntries(entries.map(([key, field]) => [key, fromJson(field, peers)]));
};

const codec = messageCodec(peerDecoder(OVERLAY));

const plain = (chunk: Uint8Array, more: Partial<Frame> = {}): Frame => ({
  kind: 'plain',
  answer: false,
  signed: false,
  bitmap: false,
  overlayTag: overlayTag(OVERLAY),
  transaction: TRANSACTION,
  part: 0,
  partCount: 1,
  cookie: undefined,
  chunk,
  ...more,
});

const request = (name: string): Uint8Array => codec.encodeRequest(REQUESTS[name] ?? { type: 'ping' });
const requestByName = (name: string): Uint8Array =>
  codec.encodeRequest(REQUESTS[name] ?? { type: 'ping' }, true);
const answer = (name: string): Uint8Array =>
  codec.encodeAnswer(ANSWERS[name] ?? { type: 'ok' }, SIZE_ESTIMATE);

const long = codec.encodeRequest({
  type: 'publish',
  key: biloxi.id,
  entries: [new Uint8Array(800), new Uint8Array(800)],
});
const join = request('join');
const signedJoin = signRequest(
  { overlayId: OVERLAY, transaction: TRANSACTION, cookie: COOKIE, body: join },
  sampleIdentity('atlanta.com'),
);

const leave = requestByName('events, one leave');
const signedLeave = signRequest(
  { overlayId: OVERLAY, transaction: TRANSACTION, cookie: COOKIE, body: leave },
  sampleIdentity('atlanta.com'),
);

const FRAMES: Readonly<Record<string, readonly [Frame, number]>> = {
  'PING without a cookie, padded to 32 bytes': [plain(request('ping')), 32],
  'PONG with a cookie for next time': [plain(answer('pong'), { answer: true, cookie: COOKIE }), 0],
  'FIND without a cookie, padded to 400 bytes': [plain(request('find')), 400],
  'QUERY with a cookie': [plain(request('query'), { cookie: COOKIE }), 0],
  'a request for a cookie': [plain(new Uint8Array()), 0],
  challenge: [plain(new Uint8Array(), { kind: 'challenge', answer: true, cookie: COOKIE }), 0],
  'PUBLISH with a cookie': [plain(request('publish'), { cookie: COOKIE }), 0],
  'JOIN, signed': [plain(signedJoin, { signed: true, cookie: COOKIE }), 0],
  'EVENTS of one leave, by name, signed': [plain(signedLeave, { signed: true, cookie: COOKIE }), 0],
  'TABLE of an arc, with the fingerprints of two that the asker has': [
    plain(request('table, an arc'), { cookie: COOKIE }),
    0,
  ],
  'page: buckets 0 and 63 differ': [plain(answer('table that differs'), { answer: true }), 0],
  'bitmap of the request: parts 0, 1 and 3 of 4 have arrived': [
    plain(Uint8Array.of(0, 0b1011), { answer: true, bitmap: true, partCount: 4 }),
    0,
  ],
  'fetch: of an answer of 4 parts, 2 is missing': [
    plain(Uint8Array.of(0, 0b1011), { bitmap: true, partCount: 4, cookie: COOKIE }),
    0,
  ],
  'FOUND: one replica, no closer peers': [
    plain(codec.encodeAnswer({ type: 'found', replicas: [atlanta], closest: [] }, 1), { answer: true }),
    0,
  ],
  'HELD, a showing of one entry (three bytes stand for it), settled': [
    plain(codec.encodeAnswer({ type: 'entries', entries: [Uint8Array.of(0, 1, 2)], replicas: [] }, 3), {
      answer: true,
    }),
    0,
  ],
  'PUBLISHED, by a member that sees two replicas': [plain(answer('published'), { answer: true }), 0],
  'ERROR: stale': [plain(answer('error stale'), { answer: true }), 0],
  'PUBLISH in parts, the first of 2 (two entries of 800 zeros)': [
    plain(long.subarray(0, 1158), { partCount: 2, cookie: COOKIE }),
    0,
  ],
  'PUBLISH in parts, the second': [plain(long.subarray(1158), { part: 1, partCount: 2, cookie: COOKIE }), 0],
  'bitmap of the request: both parts have arrived': [
    plain(Uint8Array.of(0, 0b11), { answer: true, bitmap: true, partCount: 2 }),
    0,
  ],
  'error naming the supported versions': [plain(answer('error unsupported-version'), { answer: true }), 0],
};

export const buildVectors = () => ({
  about: 'Test vectors of LSP version 1; docs/lsp.md says how to read them.',
  overlay: OVERLAY,
  overlayTag: hex(overlayTag(OVERLAY)),
  descriptors: Object.entries(PEERS).map(([name, peer]) => ({
    name,
    seed: hex(sampleSeed(peer.domain, peer.selector)),
    domain: peer.domain,
    selector: peer.selector,
    vnode: peer.vnode,
    publicKey: hex(peer.publicKey),
    endpoints: peer.endpoints,
    bootSequence: peer.bootSequence,
    id: peer.id,
    cose: hex(peer.encoded),
  })),
  requests: [
    ...Object.entries(REQUESTS).map(([name, value]: [string, Request]) => ({
      name,
      value: toJson(value),
      cbor: hex(codec.encodeRequest(value)),
    })),
    ...BY_NAME.map((name) => ({
      name: `${name}, by name`,
      byName: true,
      value: toJson(REQUESTS[name]),
      cbor: hex(requestByName(name)),
    })),
  ],
  answers: Object.entries(ANSWERS).map(([name, value]: [string, Answer]) => ({
    name,
    value: toJson(value),
    sizeEstimate: SIZE_ESTIMATE,
    cbor: hex(codec.encodeAnswer(value, SIZE_ESTIMATE)),
  })),
  signature: {
    about:
      'atlanta\'s Ed25519 signature of the JOIN below: over CBOR ["lsp-request", overlay, transaction, cookie, body]',
    key: 'atlanta',
    transaction: hex(TRANSACTION),
    cookie: hex(COOKIE),
    body: hex(join),
    signature: hex(signedJoin.subarray(0, 64)),
  },
  frames: Object.entries(FRAMES).map(([name, [frame, padTo]]) => {
    const { kind, answer: isAnswer, signed, bitmap, part, partCount, cookie, chunk } = frame;
    return {
      name,
      kind,
      answer: isAnswer,
      signed,
      bitmap,
      part,
      partCount,
      transaction: hex(frame.transaction),
      ...(cookie === undefined ? {} : { cookie: hex(cookie) }),
      body: hex(chunk),
      padTo,
      datagram: hex(writeFrame(frame, padTo)),
    };
  }),
});
