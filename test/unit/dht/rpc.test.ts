import { describe, expect, test } from 'vitest';
import { peerDecoder } from '../../../src/dht/descriptor.ts';
import { CHUNK_BYTES_MAX, type Frame, readFrame, writeFrame } from '../../../src/dht/frame.ts';
import { messageCodec } from '../../../src/dht/messages.ts';
import type { KnownPeer } from '../../../src/dht/speaker.ts';
import type { Answer, CallOutcome, Request } from '../../../src/dht/types.ts';
import { SimWorld } from '../../../src/sim/sim-world.ts';
import { lspNode, PORT, requestFrame, stranger } from '../../support/lsp-net.ts';
import { ANSWERS, atlanta, biloxi, chicago, REQUESTS, sampleIdentity } from '../../support/lsp-samples.ts';

const A = '10.0.0.1';
const B = '10.0.0.2';
const C = '10.0.0.3';

const entries = (count: number, length = 800): Uint8Array[] =>
  Array.from({ length: count }, (_, at) => new Uint8Array(length).fill(at));

describe('a call', () => {
  test.each(Object.entries(REQUESTS))('of %s reaches the handler as it was, once', async (_, request) => {
    const world = new SimWorld(1);
    const seen: [Request, string][] = [];
    const b = await lspNode(world, B, {
      handler: async (got, from) => {
        seen.push([got, from.host]);
        return { type: 'ok' };
      },
    });
    const a = await lspNode(world, A);
    const outcome = await world.settle(a.rpc.call(b.at, request));
    expect(outcome).toMatchObject({
      ok: true,
      answer: { type: 'ok' },
      meta: { from: b.at, sizeEstimate: 3 },
    });
    expect(seen).toEqual([[request, A]]);
  });

  test.each(Object.entries(ANSWERS))('brings back %s as it was', async (_, answer) => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B, { handler: async () => answer });
    const a = await lspNode(world, A);
    expect(await world.settle(a.rpc.call(b.at, { type: 'find', key: atlanta.id }))).toMatchObject({
      ok: true,
      answer,
    });
  });

  test('nobody answers times out after three attempts, each twice as long', async () => {
    const world = new SimWorld(1);
    const silent = await stranger(world, B);
    const a = await lspNode(world, A);
    const call = a.rpc.call(silent.at, { type: 'ping' });
    expect(await world.settle(call)).toEqual({ ok: false, code: 'timeout' });
    expect(silent.got.length).toBe(3);
    expect(new Set(silent.got.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).size).toBe(1);
    expect(world.nowMs).toBeGreaterThan(6000);
    expect(world.nowMs).toBeLessThan(6700);
  });

  test("keeps to the caller's timeout and attempts", async () => {
    const world = new SimWorld(1);
    const silent = await stranger(world, B);
    const a = await lspNode(world, A);
    await world.settle(a.rpc.call(silent.at, { type: 'ping' }, { attempts: 2, timeoutMs: 50 }));
    expect(silent.got.length).toBe(2);
    expect(world.nowMs).toBeLessThan(110);
  });

  test('waits less for a peer that has answered fast', async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B);
    const a = await lspNode(world, A);
    for (let i = 0; i < 5; i += 1) await world.settle(a.rpc.call(b.at, { type: 'ping' }));
    world.network.cut(A, B);
    const fromMs = world.nowMs;
    expect(await world.settle(a.rpc.call(b.at, { type: 'ping' }))).toMatchObject({ code: 'timeout' });
    expect(world.nowMs - fromMs).toBeLessThan(1000);
  });

  test('learns to wait for a peer slower than its timeout', async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B);
    const a = await lspNode(world, A);
    for (let i = 0; i < 5; i += 1) await world.settle(a.rpc.call(b.at, { type: 'ping' }));
    world.network.setDefaultLink({ delayMs: 200 });
    const before = a.count('chordial_lsp_retransmissions_total');
    for (let i = 0; i < 6; i += 1) await world.settle(a.rpc.call(b.at, { type: 'ping' }));
    const after = a.count('chordial_lsp_retransmissions_total');
    await world.settle(a.rpc.call(b.at, { type: 'ping' }));
    expect(after - before).toBeGreaterThan(0);
    expect(a.count('chordial_lsp_retransmissions_total')).toBe(after);
  });

  test('ends as closed when the node stops, and cannot be made after', async () => {
    const world = new SimWorld(1);
    const silent = await stranger(world, B);
    const a = await lspNode(world, A);
    const calls = [a.rpc.call(silent.at, { type: 'ping' }), a.rpc.call(silent.at, { type: 'status' })];
    await a.rpc.stop();
    await a.rpc.stop();
    expect(await Promise.all(calls)).toEqual([
      { ok: false, code: 'closed' },
      { ok: false, code: 'closed' },
    ]);
    expect(await a.rpc.call(silent.at, { type: 'ping' })).toEqual({ ok: false, code: 'closed' });
  });

  test.each([
    ['a host name', { host: 'example.com', port: PORT }],
    ['port 0', { host: B, port: 0 }],
  ])('to %s is refused', async (_, to) => {
    const world = new SimWorld(1);
    const a = await lspNode(world, A);
    expect(await a.rpc.call(to, { type: 'ping' })).toEqual({ ok: false, code: 'malformed' });
  });

  test('that must be signed needs an identity', async () => {
    const world = new SimWorld(1);
    const a = await lspNode(world, A, { anonymous: true });
    const b = await lspNode(world, B);
    expect(await a.rpc.call(b.at, { type: 'leave', peer: atlanta })).toMatchObject({ ok: false });
    expect(await world.settle(a.rpc.call(b.at, { type: 'ping' }))).toMatchObject({ ok: true });
  });

  test('beyond the bounds in flight is refused at once, and room comes back', async () => {
    const world = new SimWorld(1);
    const silent = await stranger(world, B);
    const other = await stranger(world, C);
    const a = await lspNode(world, A, { options: { inFlightMax: 3, inFlightPerPeerMax: 2 } });
    const ping = (to = silent.at) => a.rpc.call(to, { type: 'ping' }, { attempts: 1, timeoutMs: 10 });
    const first = [ping(), ping()];
    expect(await ping()).toEqual({ ok: false, code: 'too-many' });
    const third = ping(other.at);
    expect(await ping(other.at)).toEqual({ ok: false, code: 'too-many' });
    await world.settle(Promise.all([...first, third]));
    expect(await world.settle(ping())).toEqual({ ok: false, code: 'timeout' });
  });

  test('longer than 16 parts is refused', async () => {
    const world = new SimWorld(1);
    const a = await lspNode(world, A);
    const b = await lspNode(world, B);
    const op = { kind: 'push', key: atlanta.id, records: entries(24) } as const;
    expect(await a.rpc.call(b.at, { type: 'sync', peer: atlanta, op })).toEqual({
      ok: false,
      code: 'too-large',
    });
  });
});

describe('an answer counts only', () => {
  const spoofing = async (spoil: (bytes: Uint8Array) => Uint8Array, fromHost: string) => {
    const world = new SimWorld(1);
    const asked = await stranger(world, B);
    const other = await stranger(world, C);
    const a = await lspNode(world, A);
    const call = a.rpc.call(asked.at, { type: 'ping' }, { attempts: 1, timeoutMs: 100 });
    await world.runFor(10);
    const reading = readFrame(asked.got[0]?.bytes ?? new Uint8Array());
    if (!reading.ok) throw new Error('no request');
    // {0: 1, 1: 0}: a pong.
    const chunk = Uint8Array.of(0xa2, 0, 1, 1, 0);
    const sender = fromHost === B ? asked : other;
    sender.send(spoil(writeFrame({ ...reading.frame, answer: true, chunk })), a.at);
    return { outcome: await world.settle(call), a };
  };

  test('from the endpoint that was asked', async () => {
    const { outcome } = await spoofing((bytes) => bytes, B);
    expect(outcome).toMatchObject({ ok: true, answer: { type: 'pong' } });
  });

  test('not from elsewhere, though the transaction is right', async () => {
    const { outcome, a } = await spoofing((bytes) => bytes, C);
    expect(outcome).toEqual({ ok: false, code: 'timeout' });
    expect(a.count('chordial_lsp_dropped_total{reason="elsewhere"}')).toBe(1);
  });

  test('not with another transaction', async () => {
    const spoil = (bytes: Uint8Array): Uint8Array => bytes.with(14, (bytes[14] ?? 0) ^ 1);
    const { outcome, a } = await spoofing(spoil, B);
    expect(outcome).toEqual({ ok: false, code: 'timeout' });
    expect(a.count('chordial_lsp_dropped_total{reason="unmatched"}')).toBe(1);
  });

  test('and a broken one ends the call as malformed', async () => {
    const { outcome } = await spoofing((bytes) => bytes.with(26, 0xff), B);
    expect(outcome).toEqual({ ok: false, code: 'malformed' });
  });

  test('in another version it says so', async () => {
    const { outcome } = await spoofing((bytes) => bytes.with(3, 2), B);
    expect(outcome).toMatchObject({ ok: true, answer: { type: 'error', code: 'unsupported-version' } });
  });
});

describe('cookies', () => {
  test('the first change costs a challenge, the next ones none', async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B, { handler: async () => ({ type: 'ok' }) });
    const a = await lspNode(world, A);
    const publish = { type: 'publish', key: atlanta.id, entries: entries(1) } as const;
    for (let i = 0; i < 3; i += 1) await world.settle(a.rpc.call(b.at, publish));
    expect(b.count('chordial_lsp_challenges_total')).toBe(1);
    expect(a.count('chordial_lsp_datagrams_total{direction="out"}')).toBe(4);
  });

  test('any answer brings one, so whoever read before publishes in one round trip', async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B, { handler: async () => ({ type: 'ok' }) });
    const a = await lspNode(world, A);
    await world.settle(a.rpc.call(b.at, { type: 'ping' }));
    await world.settle(a.rpc.call(b.at, { type: 'publish', key: atlanta.id, entries: entries(1) }));
    expect(b.count('chordial_lsp_challenges_total')).toBe(0);
    expect(a.count('chordial_lsp_datagrams_total{direction="out"}')).toBe(2);
  });

  test('a restarted peer challenges anew, and the call goes on', async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B);
    const a = await lspNode(world, A);
    await world.settle(a.rpc.call(b.at, { type: 'leave', peer: atlanta }));
    await b.rpc.stop();
    const again = await lspNode(world, B);
    expect(await world.settle(a.rpc.call(again.at, { type: 'leave', peer: atlanta }))).toMatchObject({
      ok: true,
    });
    expect(again.count('chordial_lsp_challenges_total')).toBe(1);
  });

  test('a peer that only challenges is given up', async () => {
    const world = new SimWorld(1);
    const b = await stranger(world, B);
    const a = await lspNode(world, A);
    const call = a.rpc.call(b.at, { type: 'ping' }, { attempts: 1, timeoutMs: 1000 });
    for (let i = 0; i < 10; i += 1) {
      await world.runFor(5);
      const [frame] = b.frames();
      if (frame === undefined) throw new Error('no request');
      const cookie = new Uint8Array(16).fill(i);
      b.send(
        writeFrame({ ...frame, kind: 'challenge', answer: true, cookie, chunk: new Uint8Array() }),
        a.at,
      );
    }
    expect(await world.settle(call)).toEqual({ ok: false, code: 'timeout' });
    expect(b.got.length).toBe(3);
  });

  test.each(
    Object.entries(REQUESTS).filter(([, { type }]) =>
      ['probe', 'publish', 'join', 'notify', 'leave', 'sync'].includes(type),
    ),
  )('%s without a cookie is challenged, and no handler hears of it', async (_, request) => {
    const world = new SimWorld(1);
    let asked = 0;
    const b = await lspNode(world, B, {
      handler: async () => {
        asked += 1;
        return { type: 'ok' };
      },
    });
    // Its frames are taken by a filter and sent by one who never shows a cookie.
    const mallory = await stranger(world, C);
    const body = messageCodec(peerDecoder('lsp')).encodeRequest(request);
    mallory.send(requestFrame(body.subarray(0, CHUNK_BYTES_MAX)), b.at);
    mallory.send(requestFrame(body.subarray(0, CHUNK_BYTES_MAX), { cookie: new Uint8Array(16) }), b.at);
    await world.runFor(100);
    expect(asked).toBe(0);
    expect(mallory.frames().map(({ kind }) => kind)).toEqual(['challenge', 'challenge']);
    expect(b.rpc.held).toEqual({ stageBytes: 0, answerBytes: 0, running: 0 });
  });
});

describe('signatures', () => {
  test('a JOIN in the name of another node is refused', async () => {
    const world = new SimWorld(1);
    let asked = 0;
    const b = await lspNode(world, B, {
      handler: async () => {
        asked += 1;
        return { type: 'ok' };
      },
    });
    const mallory = await lspNode(world, A, { identity: sampleIdentity('mallory.net') });
    const outcome = await world.settle(
      mallory.rpc.call(b.at, { type: 'join', peer: biloxi, replicas: 3, successors: 8 }),
    );
    expect(outcome).toMatchObject({ answer: { type: 'error', code: 'refused' } });
    expect(asked).toBe(0);
    expect(b.count('chordial_lsp_dropped_total{reason="bad-signature"}')).toBe(1);
  });

  const leave = { type: 'leave', peer: atlanta } as const;
  const served = async (
    world: SimWorld,
    known: KnownPeer,
    identity = sampleIdentity('atlanta.com'),
  ): Promise<{
    readonly outcome: CallOutcome;
    readonly asked: readonly Request[];
    readonly bytes: number[];
  }> => {
    const asked: Request[] = [];
    const handler = async (request: Request): Promise<Answer> => {
      asked.push(request);
      return { type: 'ok' };
    };
    const b = await lspNode(world, B, { handler, known });
    const a = await lspNode(world, A, { identity });
    await world.settle(a.rpc.call(b.at, { type: 'ping' }));
    const bytes: number[] = [];
    world.network.setTap((packet) => void (packet.from.host === A && bytes.push(packet.bytes.length)));
    const outcome = await world.settle(a.rpc.call(b.at, leave));
    return { outcome, asked: asked.slice(1), bytes };
  };

  test('who holds the descriptor of the sender is not sent it', async () => {
    const { outcome, asked, bytes } = await served(new SimWorld(1), () => atlanta);
    expect(outcome).toMatchObject({ ok: true, answer: { type: 'ok' } });
    expect(asked).toEqual([leave]);
    // Header, cookie and signature; {0: 8, 18: [id, 1]}.
    expect(bytes).toEqual([26 + 16 + 64 + 27]);
  });

  test('who does not hold it is sent it when it says so', async () => {
    const { outcome, asked, bytes } = await served(new SimWorld(1), () => undefined);
    expect(outcome).toMatchObject({ ok: true, answer: { type: 'ok' } });
    expect(asked).toEqual([leave]);
    expect(bytes.length).toBe(2);
  });

  test('who holds a descriptor of that name with another key is shown the right one', async () => {
    const wrong = { ...atlanta, publicKey: biloxi.publicKey };
    const { outcome, asked } = await served(new SimWorld(1), () => wrong);
    expect(outcome).toMatchObject({ ok: true, answer: { type: 'ok' } });
    expect(asked).toEqual([leave]);
  });

  test("another's name is refused, held or not", async () => {
    for (const known of [() => atlanta, () => undefined]) {
      const { outcome, asked } = await served(new SimWorld(1), known, sampleIdentity('mallory.net'));
      expect(outcome).toMatchObject({ answer: { type: 'error', code: 'refused' } });
      expect(asked).toEqual([]);
    }
  });

  test('who knows of no names calls it malformed, and is sent the descriptor', async () => {
    const world = new SimWorld(1);
    const a = await lspNode(world, A);
    const old = await stranger(world, B);
    const malformed = messageCodec(peerDecoder('lsp')).encodeAnswer(
      { type: 'error', code: 'malformed', detail: 'peer is missing', peers: [] },
      3,
    );
    const call = a.rpc.call(old.at, leave);
    const answerLast = async (more: Partial<Frame>): Promise<void> => {
      await world.runFor(100);
      const asked = old.frames().at(-1);
      if (asked === undefined) throw new Error('nothing came');
      const { transaction } = asked;
      old.send(requestFrame(malformed, { answer: true, transaction, ...more }), a.at);
    };
    const cookie = new Uint8Array(16);
    await answerLast({ kind: 'challenge', cookie, chunk: new Uint8Array() });
    await answerLast({});
    await world.runFor(100);
    const [, named, full] = old.frames();
    expect(full?.chunk.length).toBeGreaterThan((named?.chunk.length ?? 0) + 100);
    expect(full?.transaction).not.toEqual(named?.transaction);
    await answerLast({});
    expect(await world.settle(call)).toMatchObject({ answer: { type: 'error', code: 'malformed' } });
    expect(old.frames().length).toBe(3);
  });

  test('a LEAVE overheard and sent again from elsewhere is not obeyed', async () => {
    const world = new SimWorld(1);
    let asked = 0;
    const b = await lspNode(world, B, {
      handler: async () => {
        asked += 1;
        return { type: 'ok' };
      },
    });
    const a = await lspNode(world, A);
    const overheard: Uint8Array[] = [];
    world.network.setFilter(({ from, bytes }) => {
      if (from.host === A) overheard.push(bytes.slice());
      return true;
    });
    await world.settle(a.rpc.call(b.at, { type: 'leave', peer: atlanta }));
    const mallory = await stranger(world, C);
    for (const bytes of overheard) mallory.send(bytes, b.at);
    await world.runFor(100);
    expect(asked).toBe(1);
    expect(new Set(mallory.frames().map(({ kind }) => kind))).toEqual(new Set(['challenge']));
  });
});

describe('parts', () => {
  const big = {
    type: 'sync',
    peer: atlanta,
    op: { kind: 'push', key: atlanta.id, records: entries(20) },
  } as const;
  const bigAnswer = { type: 'entries', entries: entries(20), replicas: [biloxi, chicago] } as const;

  test.each([0, 0.1, 0.3])(
    'a request and an answer of 15 parts each arrive whole at %d loss',
    async (loss) => {
      const world = new SimWorld(`loss ${loss}`, {
        loss,
        delayMs: 20,
        jitterMs: 10,
        reorder: loss,
        duplicate: loss,
      });
      const seen: Request[] = [];
      const b = await lspNode(world, B, {
        handler: async (request) => {
          seen.push(request);
          return bigAnswer;
        },
      });
      const a = await lspNode(world, A);
      // Compared as one string each: element by element takes the matcher seconds.
      const bytesOf = (all: readonly Uint8Array[]): string => Buffer.concat(all).toString('latin1');
      for (let i = 0; i < 10; i += 1) {
        const outcome = await world.settle(a.rpc.call(b.at, big, { attempts: loss === 0 ? 1 : 6 }));
        const answer = outcome.ok && outcome.answer.type === 'entries' ? outcome.answer.entries : [];
        expect(bytesOf(answer) === bytesOf(bigAnswer.entries)).toBe(true);
      }
      const arrived = seen.map((request) =>
        request.type === 'sync' && request.op.kind === 'push' ? bytesOf(request.op.records) : '',
      );
      expect(arrived.length).toBe(10);
      expect(arrived.every((records) => records === bytesOf(big.op.records))).toBe(true);
      expect(b.rpc.held).toMatchObject({ stageBytes: 0, running: 0 });
    },
  );

  test('only what is missing is sent again', async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B, { handler: async () => bigAnswer });
    const a = await lspNode(world, A);
    await world.settle(a.rpc.call(b.at, { type: 'ping' }));
    const lost = new Set(['request 3', 'answer 5']);
    const sent: string[] = [];
    world.network.setFilter(({ from, bytes }) => {
      const reading = readFrame(bytes);
      if (!reading.ok || reading.frame.bitmap || reading.frame.partCount === 1) return true;
      const name = `${from.host === A ? 'request' : 'answer'} ${reading.frame.part}`;
      sent.push(name);
      return !lost.delete(name);
    });
    expect(await world.settle(a.rpc.call(b.at, big))).toMatchObject({
      ok: true,
      answer: { type: 'entries' },
    });
    expect(sent.length).toBe(15 + 1 + 15 + 1);
    expect(sent.filter((name) => name === 'request 3').length).toBe(2);
    expect(sent.filter((name) => name === 'answer 5').length).toBe(2);
  });

  test('an answer too long for 16 parts becomes an error that says so', async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B, {
      handler: async () => ({ type: 'entries', entries: entries(24), replicas: [] }),
    });
    const a = await lspNode(world, A);
    expect(await world.settle(a.rpc.call(b.at, { type: 'query', key: atlanta.id }))).toMatchObject({
      answer: { type: 'error', code: 'too-large' },
    });
  });

  test('an answer that is not kept any more cannot be fetched', async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B, { handler: async () => bigAnswer });
    const mallory = await stranger(world, C);
    mallory.send(requestFrame(new Uint8Array()), b.at);
    await world.runFor(10);
    const cookie = mallory.frames()[0]?.cookie;
    mallory.send(requestFrame(Uint8Array.of(0, 1), { cookie, bitmap: true, partCount: 14 }), b.at);
    await world.runFor(10);
    expect(mallory.got.length).toBe(2);
    expect(Buffer.from(mallory.got[1]?.bytes ?? []).toString('latin1')).toContain('not kept any more');
  });

  test('a flood of first parts is bounded, and the bound gives way after 2 s', async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B, { options: { stagePerSourceMax: 4, stageBytesMax: 1 << 20 } });
    const mallory = await stranger(world, C);
    mallory.send(requestFrame(new Uint8Array()), b.at);
    await world.runFor(10);
    const cookie = mallory.frames()[0]?.cookie;
    const flood = async (): Promise<void> => {
      for (let i = 0; i < 100; i += 1) {
        const transaction = new Uint8Array(8).fill(i);
        const chunk = new Uint8Array(CHUNK_BYTES_MAX);
        mallory.send(requestFrame(chunk, { cookie, transaction, partCount: 16 }), b.at);
      }
      await world.runFor(10);
    };
    await flood();
    expect(b.rpc.held.stageBytes).toBe(4 * 16 * CHUNK_BYTES_MAX);
    expect(b.count('chordial_lsp_dropped_total{reason="stage-full"}')).toBe(96);
    await world.runFor(2000);
    await flood();
    expect(b.rpc.held.stageBytes).toBe(4 * 16 * CHUNK_BYTES_MAX);
  });
});

describe('copies of a request', () => {
  test('are executed once and all get the one answer', async () => {
    const world = new SimWorld('copies', { duplicate: 1, jitterMs: 30 });
    let executed = 0;
    const b = await lspNode(world, B, {
      handler: async () => {
        executed += 1;
        return { type: 'published', entries: [], replicas: [] };
      },
    });
    const a = await lspNode(world, A);
    const publish = { type: 'publish', key: atlanta.id, entries: entries(1) } as const;
    for (let i = 0; i < 20; i += 1) {
      expect(await world.settle(a.rpc.call(b.at, publish))).toMatchObject({ ok: true });
    }
    await world.runFor(1000);
    expect(executed).toBe(20);
  });

  test('while the first is at work, are not executed, and its answer serves', async () => {
    const world = new SimWorld(1);
    let executed = 0;
    const b = await lspNode(world, B, {
      handler: (request) => {
        if (request.type === 'publish') executed += 1;
        return new Promise((resolve) => world.at(world.nowMs + 2500, () => resolve({ type: 'ok' })));
      },
    });
    const a = await lspNode(world, A);
    const outcome = world.settle(a.rpc.call(b.at, { type: 'publish', key: atlanta.id, entries: entries(1) }));
    expect(await outcome).toMatchObject({ ok: true, answer: { type: 'ok' } });
    expect(executed).toBe(1);
    expect(a.count('chordial_lsp_retransmissions_total')).toBe(1);
  });

  test('after a lost answer get it again without a second execution', async () => {
    const world = new SimWorld(1);
    let executed = 0;
    const b = await lspNode(world, B, {
      handler: async () => {
        executed += 1;
        return { type: 'ok' };
      },
    });
    const a = await lspNode(world, A);
    await world.settle(a.rpc.call(b.at, { type: 'ping' }));
    executed = 0;
    let lose = 1;
    world.network.setFilter(({ from }) => from.host !== B || lose-- <= 0);
    await world.settle(a.rpc.call(b.at, { type: 'leave', peer: atlanta }));
    expect(executed).toBe(1);
  });

  test('the kept answers stay within their bytes', async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B, {
      handler: async () => ({ type: 'published', entries: entries(1), replicas: [] }),
      options: { answerBytesMax: 20_000 },
    });
    const a = await lspNode(world, A);
    for (let i = 0; i < 100; i += 1) {
      await world.settle(a.rpc.call(b.at, { type: 'publish', key: atlanta.id, entries: [] }));
    }
    expect(b.rpc.held.answerBytes).toBeLessThanOrEqual(20_000);
    expect(b.rpc.held.answerBytes).toBeGreaterThan(10_000);
  });
});

describe('told apart', () => {
  test('a node of another overlay says so, both ways', async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B, { overlayId: 'other' });
    const a = await lspNode(world, A);
    expect(await world.settle(a.rpc.call(b.at, { type: 'ping' }))).toMatchObject({
      answer: { type: 'error', code: 'wrong-overlay' },
    });
  });

  test.each([
    ['version 2', 3, 2],
    ['a handshake', 4, 2],
    ['a sealed frame', 4, 3],
  ])('%s gets an error naming the supported versions', async (_, at, value) => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B);
    const a = await lspNode(world, A);
    world.network.setFilter(({ from, bytes }) => {
      if (from.host === A) bytes[at] = value;
      return true;
    });
    expect(await world.settle(a.rpc.call(b.at, { type: 'ping' }))).toMatchObject({
      answer: { type: 'error', code: 'unsupported-version', versions: [1] },
    });
    expect(b.count('chordial_lsp_dropped_total{reason="unsupported"}')).toBe(1);
  });

  test('an answer of another version to nobody is not answered: no two nodes keep each other busy', async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B);
    const mallory = await stranger(world, C);
    mallory.send(requestFrame(Uint8Array.of(0xa0), { answer: true }).with(3, 2), b.at);
    mallory.send(requestFrame(Uint8Array.of(0xa0), { answer: true }), b.at);
    mallory.send(requestFrame(new Uint8Array(), { kind: 'challenge' }), b.at);
    await world.runFor(100);
    expect(mallory.got).toEqual([]);
  });
});

describe('limits', () => {
  test('a source over its rate is dropped before it is looked into', async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B, { options: { perSourcePerSec: 10 } });
    const mallory = await stranger(world, C);
    for (let i = 0; i < 100; i += 1) mallory.send(requestFrame(Uint8Array.of(0xa1, 0, 1)), b.at);
    await world.runFor(100);
    expect(mallory.got.length).toBe(20);
    expect(b.count('chordial_lsp_dropped_total{reason="rate"}')).toBe(80);
  });

  test("a flood under a member's address does not hold the member back", async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B, { options: { perSourcePerSec: 10 } });
    const a = await lspNode(world, A);
    await world.settle(a.rpc.call(b.at, { type: 'ping' }));
    const spoofer = await world
      .boot(A)
      .openDatagram({ host: A, port: 9 }, { onMessage: () => undefined, onError: () => undefined });
    for (let i = 0; i < 100; i += 1) spoofer.send(requestFrame(Uint8Array.of(0xa1, 0, 1)), b.at);
    await world.runFor(20);
    expect(b.count('chordial_lsp_dropped_total{reason="rate"}')).toBeGreaterThan(0);
    const outcome = await world.settle(a.rpc.call(b.at, { type: 'ping' }, { attempts: 1 }));
    expect(outcome).toMatchObject({ ok: true });
  });

  test('trusted sources are not held back', async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B, { options: { perSourcePerSec: 1, trusted: (host) => host === C } });
    const friend = await stranger(world, C);
    for (let i = 0; i < 50; i += 1) friend.send(requestFrame(Uint8Array.of(0xa1, 0, 1)), b.at);
    await world.runFor(100);
    expect(friend.got.length).toBe(50);
  });

  test('requests that cost signature checks have a limit of their own', async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B, {
      handler: async () => ({ type: 'ok' }),
      options: { checksPerSourcePerSec: 1 },
    });
    const a = await lspNode(world, A);
    const codes: string[] = [];
    for (let i = 0; i < 4; i += 1) {
      const outcome = await world.settle(a.rpc.call(b.at, { type: 'probe', target: chicago }));
      if (outcome.ok) codes.push(outcome.answer.type === 'error' ? outcome.answer.code : outcome.answer.type);
    }
    expect(codes).toEqual(['ok', 'ok', 'retry', 'retry']);
    expect(await world.settle(a.rpc.call(b.at, { type: 'ping' }))).toMatchObject({ answer: { type: 'ok' } });
  });

  test('what a request makes us check is counted by signatures, not by requests', async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B, {
      handler: async () => ({ type: 'ok' }),
      options: { checksPerSourcePerSec: 10 },
    });
    const a = await lspNode(world, A);
    const answers = async (request: Request): Promise<string> => {
      const outcome = await world.settle(a.rpc.call(b.at, request));
      if (!outcome.ok) return outcome.code;
      return outcome.answer.type === 'error' ? outcome.answer.code : outcome.answer.type;
    };
    const members = Array.from({ length: 17 }, () => chicago);
    expect(await answers({ type: 'notify', peer: atlanta, members, gone: [] })).toBe('ok');
    expect(await answers({ type: 'publish', key: atlanta.id, entries: entries(2) })).toBe('retry');
    expect(await answers({ type: 'publish', key: atlanta.id, entries: entries(1) })).toBe('ok');
    expect(await answers({ type: 'probe', target: chicago })).toBe('retry');
  });

  test('strangers take half of the places at work, members the rest', async () => {
    const world = new SimWorld(1);
    const b = await lspNode(world, B, {
      handler: () => new Promise(() => undefined),
      options: { runningMax: 4 },
    });
    const mallory = await stranger(world, C);
    for (let i = 0; i < 10; i += 1) mallory.send(requestFrame(Uint8Array.of(0xa1, 0, 1)), b.at);
    await world.runFor(10);
    expect(b.rpc.held.running).toBe(2);
    mallory.send(requestFrame(new Uint8Array()), b.at);
    await world.runFor(10);
    const cookie = mallory.frames().find(({ kind }) => kind === 'challenge')?.cookie;
    for (let i = 0; i < 10; i += 1) mallory.send(requestFrame(Uint8Array.of(0xa1, 0, 1), { cookie }), b.at);
    await world.runFor(10);
    expect(b.rpc.held.running).toBe(4);
  });
});

test.each<[string, () => Promise<Answer>]>([
  ['rejects', () => Promise.reject(new Error('bug'))],
  [
    'throws',
    () => {
      throw new Error('bug');
    },
  ],
])('a handler that %s is told in the log, and the asker hears retry', async (_, handler) => {
  const world = new SimWorld(1);
  const b = await lspNode(world, B, { handler });
  const a = await lspNode(world, A);
  expect(await world.settle(a.rpc.call(b.at, { type: 'ping' }))).toMatchObject({
    answer: { type: 'error', code: 'retry' },
  });
  expect(b.faults).toEqual(['bug']);
  expect(b.rpc.held.running).toBe(0);
});

test('a port that is taken is told by start', async () => {
  const world = new SimWorld(1);
  await lspNode(world, A);
  await expect(lspNode(world, A)).rejects.toThrow('EADDRINUSE');
});
