// Conversations with one member, datagram by datagram: test/vectors/lsp-exchanges.json. What is asked is written here with
// what docs/lsp.md says must come back; the answers are those of LspRpc over a socket that is none.
import { peerDecoder } from '../../src/dht/descriptor.ts';
import { type Frame, overlayTag, writeFrame } from '../../src/dht/frame.ts';
import { messageCodec } from '../../src/dht/messages.ts';
import { signRequest } from '../../src/dht/request-signature.ts';
import { LspRpc } from '../../src/dht/rpc.ts';
import type { Answer, Request } from '../../src/dht/types.ts';
import { encodeCbor } from '../../src/record/cbor-writer.ts';
import type { DatagramHandlers, Endpoint } from '../../src/runtime/datagram.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { MetricsRegistry } from '../../src/runtime/metrics.ts';
import { unpackCbor } from './cbor-unpack.ts';
import { atlanta, OVERLAY, REQUESTS, sampleIdentity } from './lsp-samples.ts';
import { ManualClock } from './manual-clock.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const ASKER: Endpoint = { host: '192.0.2.99', port: 40_000 };
const codec = messageCodec(peerDecoder(OVERLAY));
const filler = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at & 0xff);

/** A member that has four entries of 400 bytes under every key. */
const handler = async (request: Request): Promise<Answer> => {
  if (request.type === 'query')
    return { type: 'entries', entries: [1, 2, 3, 4].map(() => filler(400)), replicas: [] };
  if (request.type === 'publish')
    return { type: 'published', entries: request.entries.slice(0, 1), replicas: [atlanta.id] };
  return request.type === 'ping' ? { type: 'pong', id: atlanta.id, bootSequence: 1 } : { type: 'ok' };
};

/** One datagram's meaning, read by the page's offsets: what a step expects is written like this. */
const meaning = (bytes: Uint8Array): string => {
  const at = (index: number): number => bytes[index] ?? 0;
  const flags = at(5);
  const fresh = (flags & 2) === 0 ? '' : ', cookie';
  if (at(4) === 1) return `challenge${fresh}`;
  const body = bytes.subarray((flags & 2) === 0 ? 26 : 42);
  if ((flags & 8) !== 0)
    return `bitmap ${at(bytes.length - 2) * 256 + at(bytes.length - 1)} of ${at(23)}${fresh}`;
  if (at(23) > 1) return `part ${at(22)} of ${at(23)}${fresh}`;
  const message = unpackCbor(body);
  if (!(message instanceof Map)) return 'no map';
  return message.get(0n) === 11n ? `error ${message.get(21n)}${fresh}` : `answer ${message.get(0n)}${fresh}`;
};

interface Step {
  readonly says: string;
  /** Shown the cookie that the member gave last, if any. */
  readonly send: (cookie: Uint8Array) => Uint8Array;
  readonly expect: readonly string[];
}

interface Exchange {
  readonly name: string;
  readonly steps: readonly Step[];
}

let transactions = 0;
const frameOf = (chunk: Uint8Array, more: Partial<Frame> = {}, padTo = 0): Uint8Array =>
  writeFrame(
    {
      kind: 'plain',
      answer: false,
      signed: false,
      bitmap: false,
      overlayTag: overlayTag(OVERLAY),
      transaction: new Uint8Array([0, 0, 0, 0, 0, 0, 0, transactions]),
      part: 0,
      partCount: 1,
      cookie: undefined,
      chunk,
      ...more,
    },
    padTo,
  );
const named = (name: string): Uint8Array => codec.encodeRequest(REQUESTS[name] ?? { type: 'ping' });
const changed = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
  const copy = new Uint8Array(bytes);
  copy[at] = value;
  return copy;
};
const asksForCookie: Step = {
  says: 'an empty request',
  send: () => frameOf(new Uint8Array()),
  expect: ['challenge, cookie'],
};
const once = (name: string, says: string, send: () => Uint8Array, expect: readonly string[]): Exchange => ({
  name,
  steps: [{ says, send, expect }],
});
const signedJoin = (cookie: Uint8Array, domain: string): Uint8Array =>
  signRequest(
    {
      overlayId: OVERLAY,
      transaction: new Uint8Array([0, 0, 0, 0, 0, 0, 0, transactions]),
      cookie,
      body: named('join'),
    },
    sampleIdentity(domain),
  );
const long = codec.encodeRequest({ type: 'publish', key: atlanta.id, entries: [filler(700), filler(800)] });
const partOf = (cookie: Uint8Array, part: number): Uint8Array =>
  frameOf(long.subarray(1158 * part, 1158 * (part + 1)), { cookie, part, partCount: 2 });

const EXCHANGES: readonly Exchange[] = [
  once('an unknown version', 'PING as of version 2', () => changed(frameOf(named('ping'), {}, 64), 3, 2), [
    'error 1, cookie',
  ]),
  once('a kind of frame not spoken', 'PING, sealed', () => changed(frameOf(named('ping'), {}, 64), 4, 3), [
    'error 1, cookie',
  ]),
  once('an unknown flag', 'PING with flag 128', () => changed(frameOf(named('ping'), {}, 64), 5, 0x80), [
    'answer 1, cookie',
  ]),
  once('an unknown request', 'a request of type 99', () => frameOf(encodeCbor(new Map([[0, 99]])), {}, 64), [
    'error 12, cookie',
  ]),
  once(
    'an unknown field',
    'PING with a field 99',
    () =>
      frameOf(
        encodeCbor(
          new Map<number, unknown>([
            [0, 1],
            [99, ['x', null]],
          ]),
        ),
        {},
        64,
      ),
    ['answer 1, cookie'],
  ),
  once('a malformed message', 'FIND without a key', () => frameOf(encodeCbor(new Map([[0, 2]])), {}, 64), [
    'error 0, cookie',
  ]),
  once(
    'another overlay',
    'PING under the tag 00…',
    () => frameOf(named('ping'), { overlayTag: new Uint8Array(8) }, 64),
    ['error 2, cookie'],
  ),
  once('an answer nobody asked for', 'a PONG', () => frameOf(named('ping'), { answer: true }), []),
  once('too small for its answer', 'QUERY, not padded', () => frameOf(named('query')), ['challenge, cookie']),
  once('what needs a cookie', 'PUBLISH without one', () => frameOf(named('publish')), ['challenge, cookie']),
  {
    name: 'a wrong cookie',
    steps: [
      {
        says: 'PUBLISH with the cookie 00…',
        send: () => frameOf(named('publish'), { cookie: new Uint8Array(16) }),
        expect: ['challenge, cookie'],
      },
      {
        says: 'the same with the one given',
        send: (cookie) => frameOf(named('publish'), { cookie }),
        expect: ['answer 5'],
      },
      {
        says: 'a copy of it, while its answer is kept',
        send: (cookie) => frameOf(named('publish'), { cookie }),
        expect: ['answer 5'],
      },
    ],
  },
  {
    name: 'a request in parts',
    steps: [
      asksForCookie,
      { says: 'PUBLISH, part 1 of 2', send: (cookie) => partOf(cookie, 1), expect: ['bitmap 2 of 2'] },
      { says: 'part 1 once more', send: (cookie) => partOf(cookie, 1), expect: ['bitmap 2 of 2'] },
      { says: 'part 0', send: (cookie) => partOf(cookie, 0), expect: ['bitmap 3 of 2', 'answer 5'] },
    ],
  },
  {
    name: 'an answer in parts',
    steps: [
      {
        says: 'QUERY without a cookie: too much for it',
        send: () => frameOf(named('query'), {}, 400),
        expect: ['challenge, cookie'],
      },
      {
        says: 'QUERY with it',
        send: (cookie) => frameOf(named('query'), { cookie }),
        expect: ['part 0 of 2', 'part 1 of 2'],
      },
      {
        says: 'part 1 was lost: fetched',
        send: (cookie) => frameOf(Uint8Array.of(0, 1), { cookie, bitmap: true, partCount: 2 }),
        expect: ['part 1 of 2'],
      },
    ],
  },
  {
    name: 'a fetch of what is not kept',
    steps: [
      asksForCookie,
      {
        says: 'a fetch',
        send: (cookie) => frameOf(Uint8Array.of(0, 1), { cookie, bitmap: true, partCount: 2 }),
        expect: ['error 4'],
      },
    ],
  },
  {
    name: 'JOIN without a signature',
    steps: [
      asksForCookie,
      { says: 'JOIN', send: (cookie) => frameOf(named('join'), { cookie }), expect: ['error 0'] },
    ],
  },
  {
    name: "JOIN with another's signature",
    steps: [
      asksForCookie,
      {
        says: "atlanta's JOIN, signed by biloxi",
        send: (cookie) => frameOf(signedJoin(cookie, 'biloxi.com'), { cookie, signed: true }),
        expect: ['error 7'],
      },
    ],
  },
  {
    name: 'JOIN, signed',
    steps: [
      asksForCookie,
      {
        says: 'JOIN',
        send: (cookie) => frameOf(signedJoin(cookie, 'atlanta.com'), { cookie, signed: true }),
        expect: ['answer 8'],
      },
    ],
  },
];

/** The steps of one exchange with a new member; throws where an answer is not the one expected. */
const played = async ({ name, steps }: Exchange) => {
  const sent: Uint8Array[] = [];
  let handlers: DatagramHandlers | undefined;
  const rpc = new LspRpc(
    {
      openDatagram: async (bind, given) => {
        handlers = given;
        return { local: bind, send: (bytes) => sent.push(bytes), close: async () => undefined };
      },
      clock: new ManualClock(),
      // The secret that cookies are made with; a member of the world has one of its own.
      random: { bytes: filler, float: () => 0.5 },
      handler,
      sizeEstimate: () => 3,
      log: silentLog,
      metrics: new MetricsRegistry(),
    },
    { bind: { host: '192.0.2.10', port: 7184 }, overlayId: OVERLAY },
  );
  await rpc.start();
  let cookie: Uint8Array = new Uint8Array();
  const written = [];
  transactions += 1;
  for (const { says, send, expect } of steps) {
    const datagram = send(cookie);
    handlers?.onMessage(datagram, ASKER);
    // The handler answers within the turn's microtasks.
    await new Promise((resolve) => setImmediate(resolve));
    const answers = sent.splice(0);
    const got = answers.map(meaning);
    if (got.join() !== expect.join()) throw new Error(`${name}, ${says}: ${got} instead of ${expect}`);
    for (const answer of answers) if (((answer[5] ?? 0) & 2) !== 0) cookie = answer.slice(26, 42);
    written.push({ says, datagram: hex(datagram), expect, answers: answers.map(hex) });
  }
  await rpc.stop();
  return { name, steps: written };
};

export const buildExchanges = async () => {
  transactions = 0;
  const exchanges = [];
  for (const exchange of EXCHANGES) exchanges.push(await played(exchange));
  return {
    about:
      'Conversations of an asker at 192.0.2.99:40000 with a new member of overlay "lsp", all bytes in hex. `expect` says in words what docs/lsp.md demands. Cookies depend on the secret of the member: to an asker they are opaque.',
    exchanges,
  };
};
