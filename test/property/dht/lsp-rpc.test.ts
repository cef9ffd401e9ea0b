import fc from 'fast-check';
import { expect, test } from 'vitest';
import { peerDecoder } from '../../../src/dht/descriptor.ts';
import { CHUNK_BYTES_MAX } from '../../../src/dht/frame.ts';
import { messageCodec } from '../../../src/dht/messages.ts';
import type { Answer } from '../../../src/dht/types.ts';
import { SimWorld } from '../../../src/sim/sim-world.ts';
import { lspNode, requestFrame, stranger } from '../../support/lsp-net.ts';
import { ANSWERS, atlanta, biloxi, OVERLAY, REQUESTS } from '../../support/lsp-samples.ts';

const codec = messageCodec(peerDecoder(OVERLAY));
const bodies = Object.values(REQUESTS).map((request) => codec.encodeRequest(request));
const answers = Object.values(ANSWERS);

/** Frames good and bad: with or without the good cookie, in parts, signed, bitmaps, cut, padded, overwritten. */
const datagram = (cookie: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc
    .record({
      body: fc.oneof(fc.constantFrom(...bodies), fc.uint8Array({ maxLength: CHUNK_BYTES_MAX })),
      cookie: fc.constantFrom(undefined, cookie, cookie, new Uint8Array(16)),
      transaction: fc.constantFrom(1, 2, 3).map((n) => new Uint8Array(8).fill(n)),
      signed: fc.boolean(),
      answer: fc.boolean(),
      shape: fc.constantFrom('whole', 'part', 'bitmap', 'random'),
      part: fc.nat(15),
      partCount: fc.nat(17),
      changes: fc.array(fc.record({ at: fc.nat(), to: fc.nat(255) }), { maxLength: 2 }),
      cut: fc.option(fc.nat(1200), { nil: undefined, freq: 9 }),
    })
    .map(({ body, shape, part, partCount, changes, cut, ...more }) => {
      if (shape === 'random') return body;
      const bitmap = shape === 'bitmap';
      const split = shape === 'whole' ? { part: 0, partCount: 1 } : { part, partCount };
      const full = new Uint8Array(CHUNK_BYTES_MAX);
      full.set(body.subarray(0, CHUNK_BYTES_MAX));
      const chunk = bitmap ? Uint8Array.of(part, partCount) : shape === 'part' ? full : body;
      const bytes = requestFrame(chunk.subarray(0, CHUNK_BYTES_MAX), { ...more, ...split, bitmap });
      for (const { at, to } of changes) bytes[at % bytes.length] = to;
      return bytes.subarray(0, cut);
    });

const ROOM = { stageBytesMax: 100_000, answerBytesMax: 100_000, runningMax: 50 };

test('whatever is thrown at a node, it throws nothing, keeps to its bounds and still answers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.nat()), fc.nat(), async (luck, seed) => {
      const world = new SimWorld(seed);
      const at = luck[Symbol.iterator]();
      const b = await lspNode(world, '10.0.0.2', {
        options: ROOM,
        handler: async () => answers[Number(at.next().value) % answers.length] ?? { type: 'ok' },
      });
      const mallory = await stranger(world, '10.0.0.3');
      mallory.send(requestFrame(new Uint8Array()), b.at);
      await world.runFor(10);
      const cookie = mallory.frames()[0]?.cookie ?? new Uint8Array(16);
      for (const bytes of fc.sample(datagram(cookie), { numRuns: 200, seed })) mallory.send(bytes, b.at);
      await world.runFor(100);
      const { stageBytes, answerBytes, running } = b.rpc.held;
      expect(b.faults).toEqual([]);
      expect(stageBytes).toBeLessThanOrEqual(ROOM.stageBytesMax);
      expect(answerBytes).toBeLessThanOrEqual(ROOM.answerBytesMax);
      expect(running).toBe(0);
      const a = await lspNode(world, '10.0.0.1');
      expect(await world.settle(a.rpc.call(b.at, { type: 'ping' }))).toMatchObject({ ok: true });
    }),
    { numRuns: 6 },
  );
});

test('whatever a peer answers, a call ends', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const world = new SimWorld(seed);
      const asked = await stranger(world, '10.0.0.2');
      const a = await lspNode(world, '10.0.0.1');
      const bytes = fc.sample(datagram(new Uint8Array(16).fill(3)), { numRuns: 60, seed });
      const call = a.rpc.call(asked.at, { type: 'leave', peer: atlanta });
      for (const one of bytes) {
        await world.runFor(5);
        const transaction = asked.got[0]?.bytes.subarray(14, 22);
        if (transaction === undefined) throw new Error('no request');
        if (one.length > 22) one.set(transaction, 14);
        if (one.length > 5) one[5] = (one[5] ?? 0) | 1;
        asked.send(one, a.at);
      }
      expect(typeof (await world.settle(call)).ok).toBe('boolean');
      expect(a.faults).toEqual([]);
    }),
    { numRuns: 12 },
  );
});

// DESIGN §5: "before any state is made or any answer outgrows 3× the (padded) request".
const large: Answer = {
  type: 'entries',
  entries: Array.from({ length: 20 }, () => new Uint8Array(800)),
  replicas: [atlanta, biloxi],
};
const medium: Answer = { type: 'entries', entries: [new Uint8Array(700)], replicas: [atlanta, biloxi] };

test.each(Object.entries(REQUESTS))(
  'an unproven %s draws at most three times its own bytes, however long it or its answer is',
  async (_, request) => {
    const whole = codec.encodeRequest(request);
    for (const reply of [large, medium, { type: 'pong' } as const]) {
      const world = new SimWorld(1);
      const b = await lspNode(world, '10.0.0.2', { handler: async () => reply });
      const spoofer = await stranger(world, '10.0.0.3');
      for (const body of [whole, whole.subarray(0, 2), new Uint8Array()]) {
        for (const padTo of [0, 64, 400, 1200]) {
          const before = spoofer.got.length;
          const sent = requestFrame(body, {}, padTo);
          spoofer.send(sent, b.at);
          await world.runFor(10);
          const got = spoofer.got.slice(before).reduce((sum, { bytes }) => sum + bytes.length, 0);
          expect(got).toBeGreaterThan(0);
          expect(got).toBeLessThanOrEqual(3 * sent.length);
          expect(b.rpc.held.stageBytes + b.rpc.held.answerBytes).toBe(0);
        }
      }
      for (const [at, value] of [
        [3, 2],
        [4, 3],
        [6, 0],
      ] as const) {
        const before = spoofer.got.length;
        const sent = requestFrame(new Uint8Array()).with(at, value);
        spoofer.send(sent, b.at);
        await world.runFor(10);
        const got = spoofer.got.slice(before).reduce((sum, { bytes }) => sum + bytes.length, 0);
        expect(got).toBeLessThanOrEqual(3 * sent.length);
      }
    }
  },
);

test('our own reads are padded enough that one datagram of answer needs no challenge', async () => {
  for (const type of ['find', 'query'] as const) {
    const world = new SimWorld(1);
    const b = await lspNode(world, '10.0.0.2', { handler: async () => medium });
    const a = await lspNode(world, '10.0.0.1');
    await world.settle(a.rpc.call(b.at, { type, key: atlanta.id }));
    expect(b.count('chordial_lsp_challenges_total')).toBe(0);
  }
});
