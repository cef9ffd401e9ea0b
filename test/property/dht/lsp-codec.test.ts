import fc from 'fast-check';
import { expect, test } from 'vitest';
import { endpointFromBytes, endpointToBytes } from '../../../src/dht/address.ts';
import { decodeCbor, encodeCbor } from '../../../src/dht/cbor.ts';
import { encodePeer, peerDecoder } from '../../../src/dht/descriptor.ts';
import { CHUNK_BYTES_MAX, FRAME_KINDS, type Frame, readFrame, writeFrame } from '../../../src/dht/frame.ts';
import { messageCodec } from '../../../src/dht/messages.ts';
import { PartBuffer, splitMessage } from '../../../src/dht/parts.ts';
import type { Answer, Peer, Request, SyncOp } from '../../../src/dht/types.ts';
import { type Id, idFromBytes } from '../../../src/record/id.ts';
import { atlanta, biloxi, chicago, OVERLAY, sampleIdentity } from '../../support/lsp-samples.ts';

const codec = messageCodec(peerDecoder(OVERLAY));

const octets = (min: number, max = min): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: min, maxLength: max });
const id: fc.Arbitrary<Id> = octets(20).map(idFromBytes);
const peer: fc.Arbitrary<Peer> = fc.constantFrom(atlanta, biloxi, chicago);
const peers = fc.array(peer, { maxLength: 9 });
const entries = fc.array(octets(0, 800), { maxLength: 5 });
const gone = fc.array(fc.record({ id, bootSequence: fc.maxSafeNat() }), { maxLength: 5 });
const arc = fc.record({ from: id, to: id });
const mode = fc.constantFrom('small' as const, 'full' as const);

const op: fc.Arbitrary<SyncOp> = fc.oneof(
  fc.record({ kind: fc.constant('digests' as const), arc, buckets: fc.array(octets(8), { maxLength: 64 }) }),
  fc.record({
    kind: fc.constant('keys' as const),
    arc,
    bucket: fc.nat(255),
    keys: fc.array(fc.record({ key: id, digest: octets(8) }), { maxLength: 9 }),
  }),
  fc.record({ kind: fc.constant('pull' as const), arc, after: fc.option(id, { nil: undefined }) }),
  fc.record({ kind: fc.constant('push' as const), key: id, records: entries }),
);

const question: fc.Arbitrary<Request> = fc.oneof(
  fc.record({ type: fc.constantFrom('ping' as const, 'neighbours' as const, 'status' as const) }),
  fc.record({ type: fc.constantFrom('find' as const, 'query' as const), key: id }),
  fc.record({ type: fc.constant('probe' as const), target: peer }),
  fc.record({ type: fc.constant('publish' as const), key: id, entries }),
  fc.record({ type: fc.constant('join' as const), peer, replicas: fc.nat(255), successors: fc.nat(255) }),
  fc.record({ type: fc.constant('notify' as const), peer, members: peers, gone }),
  fc.record({ type: fc.constant('leave' as const), peer }),
  fc.record({ type: fc.constant('sync' as const), peer, op }),
);

const request: fc.Arbitrary<Request> = fc
  .tuple(question, fc.option(fc.nat(15), { nil: undefined }))
  .map(([one, vnode]) => (vnode === undefined ? one : { ...one, vnode }));

const answer: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({ type: fc.constant('found' as const), replicas: peers, closest: peers }),
  fc.record({ type: fc.constant('entries' as const), entries, replicas: peers }),
  fc.record({ type: fc.constant('published' as const), entries, replicas: fc.array(id, { maxLength: 8 }) }),
  fc.record({
    type: fc.constant('joined' as const),
    mode,
    predecessor: fc.option(peer, { nil: undefined }),
    successors: peers,
    bootSequenceSeen: fc.option(fc.maxSafeNat(), { nil: undefined }),
  }),
  fc.record({
    type: fc.constant('neighbours' as const),
    mode,
    ringVersion: fc.maxSafeNat(),
    predecessors: peers,
    successors: peers,
    gone,
  }),
  fc.record({
    type: fc.constant('synced' as const),
    want: fc.array(id, { maxLength: 9 }),
    page: fc.array(fc.record({ key: id, records: entries }), { maxLength: 4 }),
    next: id,
  }),
  fc.record({
    type: fc.constant('error' as const),
    code: fc.constantFrom('not-mine' as const, 'retry' as const, 'unsupported' as const),
    detail: fc.string({ maxLength: 100 }),
    peers,
  }),
);

test('every request comes back as it was', () => {
  fc.assert(
    fc.property(request, (given) => {
      const opened = codec.openRequest(codec.encodeRequest(given));
      expect(opened.ok && opened.value.read()).toEqual({ ok: true, value: given });
    }),
  );
});

test('every answer comes back as it was', () => {
  fc.assert(
    fc.property(answer, fc.nat(0xffffffff), (given, sizeEstimate) => {
      const read = codec.decodeAnswer(codec.encodeAnswer(given, sizeEstimate));
      expect(read).toEqual({ ok: true, value: { answer: given, sizeEstimate } });
    }),
  );
});

test('every frame comes back as it was, padded or not', () => {
  const frame: fc.Arbitrary<Frame> = fc.record({
    kind: fc.constantFrom(FRAME_KINDS[0], FRAME_KINDS[1]),
    answer: fc.constant(true),
    signed: fc.boolean(),
    bitmap: fc.constant(false),
    overlayTag: octets(8),
    transaction: octets(8),
    part: fc.constant(0),
    partCount: fc.constant(1),
    cookie: fc.option(octets(16), { nil: undefined }),
    chunk: octets(0, CHUNK_BYTES_MAX),
  });
  fc.assert(
    fc.property(frame, fc.nat(1200), (given, padTo) => {
      expect(readFrame(writeFrame(given, padTo))).toEqual({ ok: true, frame: given });
    }),
  );
});

test('a message comes back from its parts, whatever order and copies they come in', () => {
  fc.assert(
    fc.property(octets(0, 18_528), fc.infiniteStream(fc.nat()), (message, luck) => {
      const chunks = splitMessage(message) ?? [];
      const buffer = new PartBuffer(chunks.length);
      const order = chunks.flatMap((chunk, part) => [
        { chunk, part },
        { chunk, part },
      ]);
      const at = luck[Symbol.iterator]();
      order.sort(() => (Number(at.next().value) % 3) - 1);
      for (const { chunk, part } of order) buffer.add(part, chunk);
      expect(Buffer.compare(buffer.message() ?? Buffer.of(1, 2, 3), message)).toBe(0);
    }),
    { numRuns: 30 },
  );
});

test('an endpoint comes back from its bytes, in the text form that sockets report', () => {
  fc.assert(
    fc.property(fc.oneof(octets(6), octets(18)), (bytes) => {
      const endpoint = endpointFromBytes(bytes);
      if (endpoint !== undefined) expect(endpointToBytes(endpoint)).toEqual(bytes);
    }),
  );
});

test('every descriptor within bounds comes back as it was', () => {
  const fields = fc.record({
    domain: fc.domain().map((domain) => domain.toLowerCase()),
    selector: fc.nat(15),
    vnode: fc.nat(15),
    bootSequence: fc.maxSafeNat(),
    endpoints: fc.array(
      fc.record({
        host: fc.constantFrom('192.0.2.1', '2001:db8::1'),
        port: fc.integer({ min: 1, max: 65_535 }),
      }),
      { minLength: 1, maxLength: 2 },
    ),
  });
  fc.assert(
    fc.property(fields, (given) => {
      const encoded = encodePeer(given, sampleIdentity(given.domain, given.selector), OVERLAY);
      expect(peerDecoder(OVERLAY)(encoded.encoded)).toEqual({ ok: true, value: encoded });
    }),
    { numRuns: 30 },
  );
});

test('no bytes make a decoder throw, and what it accepts it writes back the same', () => {
  const decode = peerDecoder(OVERLAY);
  fc.assert(
    fc.property(octets(0, 300), (bytes) => {
      readFrame(bytes);
      decode(bytes);
      codec.decodeAnswer(bytes);
      const opened = codec.openRequest(bytes);
      if (opened.ok) opened.value.read();
      const decoded = decodeCbor(bytes);
      // Deterministic encoding has one spelling for a value: map order apart, nothing else passes.
      if (decoded.ok) expect(encodeCbor(decoded.value).length).toBe(bytes.length);
    }),
    { numRuns: 2000 },
  );
});

test('a message changed anywhere makes no decoder throw', () => {
  const message = fc.oneof(
    request.map((given) => codec.encodeRequest(given)),
    answer.map((given) => codec.encodeAnswer(given, 7)),
  );
  const change = fc.record({ at: fc.nat(), to: fc.nat(255) });
  fc.assert(
    fc.property(message, fc.array(change, { minLength: 1, maxLength: 4 }), (given, changes) => {
      const bytes = new Uint8Array(given);
      for (const { at, to } of changes) bytes[at % bytes.length] = to;
      codec.decodeAnswer(bytes);
      const opened = codec.openRequest(bytes);
      if (opened.ok) opened.value.read();
    }),
    { numRuns: 1000 },
  );
});
