import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { LspRpc } from '../../../src/dht/rpc.ts';
import type { RequestHandler } from '../../../src/dht/types.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { openDatagram } from '../../../src/runtime/datagram.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { MetricsRegistry } from '../../../src/runtime/metrics.ts';
import { systemRandom } from '../../../src/runtime/random.ts';
import { atlanta, OVERLAY, sampleIdentity } from '../../support/lsp-samples.ts';

const open: LspRpc[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((rpc) => rpc.stop()));
});

const start = async (host: string, handler: RequestHandler): Promise<LspRpc> => {
  const rpc = new LspRpc(
    {
      openDatagram,
      clock: systemClock,
      random: systemRandom,
      identity: sampleIdentity('atlanta.com'),
      handler,
      sizeEstimate: () => 2,
      log: silentLog,
      metrics: new MetricsRegistry(),
    },
    { bind: { host, port: 0 }, overlayId: OVERLAY, trusted: () => true },
  );
  await rpc.start();
  open.push(rpc);
  return rpc;
};

const entries = Array.from({ length: 20 }, (_, at) => new Uint8Array(800).fill(at));
const hosts = ['127.0.0.1', '::1'].filter((host) =>
  Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === host)),
);

describe.each(hosts)('over real sockets on %s', (host) => {
  test('a read, a publication, a signed request and messages in parts', async () => {
    const b = await start(host, async (request) =>
      request.type === 'query' ? { type: 'entries', entries, replicas: [atlanta] } : { type: 'ok' },
    );
    const a = await start(host, async () => ({ type: 'ok' }));
    const push = { kind: 'push', key: atlanta.id, records: entries } as const;
    const answers = await Promise.all([
      a.call(b.local, { type: 'query', key: atlanta.id }),
      a.call(b.local, { type: 'publish', key: atlanta.id, entries: entries.slice(0, 1) }),
      a.call(b.local, { type: 'leave', peer: atlanta }),
      a.call(b.local, { type: 'sync', peer: atlanta, op: push }),
    ]);
    expect(answers).toMatchObject([
      { ok: true, answer: { type: 'entries', entries } },
      { ok: true, answer: { type: 'ok' } },
      { ok: true, answer: { type: 'ok' } },
      { ok: true, answer: { type: 'ok' } },
    ]);
  });

  test('a port where nobody listens is a timeout', async () => {
    const gone = await start(host, async () => ({ type: 'ok' }));
    const at = gone.local;
    await gone.stop();
    const a = await start(host, async () => ({ type: 'ok' }));
    expect(await a.call(at, { type: 'ping' }, { attempts: 2, timeoutMs: 20 })).toEqual({
      ok: false,
      code: 'timeout',
    });
  });
});

test('a port that is taken is told by start', async () => {
  const a = await start('127.0.0.1', async () => ({ type: 'ok' }));
  const b = new LspRpc(
    {
      openDatagram,
      clock: systemClock,
      random: systemRandom,
      handler: async () => ({ type: 'ok' }),
      sizeEstimate: () => 1,
      log: silentLog,
      metrics: new MetricsRegistry(),
    },
    { bind: a.local, overlayId: OVERLAY },
  );
  await expect(b.start()).rejects.toThrow('EADDRINUSE');
});
