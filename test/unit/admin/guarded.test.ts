// What the admin server does beyond reading: lifting bans, and SIP traces.
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type AdminDeps, AdminServer } from '../../../src/admin/http.ts';
import type { SipTraceDeps } from '../../../src/admin/sip-trace.ts';
import { type HttpRequest, type HttpStream, openHttp } from '../../../src/runtime/http.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { ok } from '../../../src/runtime/result.ts';

// BOUNDED: by the tests of this file.
const servers: AdminServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

type Trace = Parameters<SipTraceDeps['start']>[0];

const world = async (given: { token?: string; elsewhere?: boolean; full?: boolean } = {}) => {
  const banned = new Set(['192.0.2.4', '2001:db8::/64']);
  const started: Trace[] = [];
  const events: string[] = [];
  const deps: AdminDeps = {
    ready: () => ({ ready: true, reasons: [] }),
    status: () => {
      throw new Error('not asked here');
    },
    ring: async () => undefined,
    lookup: async () => ok({ uri: '', name: '', result: 'none', reason: null, tookMs: 0, bindings: [] }),
    bans: {
      list: () =>
        [...banned].map((source) => ({ source, sinceWallMs: Date.UTC(2026, 0, 1), leftMs: 299_001 })),
      lift: (source) => banned.delete(source),
      liftAll() {
        const { size } = banned;
        banned.clear();
        return size;
      },
    },
    sipTrace: {
      start(trace) {
        started.push(trace);
        return () => void events.push('stopped');
      },
      full: () => given.full ?? false,
      nameOf: (uri) => (uri.startsWith('sip:') && uri.includes('@') ? uri.slice(4) : undefined),
    },
    metricsText: () => '',
    openHttp: (bind, handlers) =>
      openHttp(bind, {
        ...handlers,
        onRequest: (request: HttpRequest) =>
          handlers.onRequest(given.elsewhere === true ? { ...request, remote: '198.51.100.9' } : request),
      }),
    log: silentLog,
  };
  const server = new AdminServer(deps, { listen: { host: '127.0.0.1', port: 0 }, token: given.token });
  servers.push(server);
  await server.start();
  const base = `http://127.0.0.1:${server.local?.port}`;
  const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
    fetch(`${base}/api/v1/${path}`, { method, headers });
  return { ask, started, events, banned, port: server.local?.port ?? 0 };
};

describe('bans', () => {
  test('are listed with what is left of them', async () => {
    const { ask } = await world();
    const since = '2026-01-01T00:00:00.000Z';
    expect(await (await ask('GET', 'bans')).json()).toEqual({
      bans: [
        { source: '192.0.2.4', since, leftSec: 300 },
        { source: '2001:db8::/64', since, leftSec: 300 },
      ],
    });
  });

  test('are lifted one by one, or all', async () => {
    const { ask, banned } = await world();
    expect(await (await ask('DELETE', 'bans?source=192.0.2.4')).json()).toEqual({ lifted: 1 });
    expect([...banned]).toEqual(['2001:db8::/64']);
    expect(await (await ask('DELETE', 'bans?source=all')).json()).toEqual({ lifted: 1 });
    expect(banned.size).toBe(0);
  });

  test.each([
    ['DELETE', 'bans', 400, 'source-missing'],
    ['DELETE', 'bans?source=198.51.100.1', 404, 'not-banned'],
    ['POST', 'bans?source=all', 405, 'method-not-allowed'],
    ['DELETE', 'status', 405, 'method-not-allowed'],
    ['GET', 'sip-trace?source=192.0.2.4', 405, 'method-not-allowed'],
    ['TRACE', 'bans', undefined, undefined],
  ])('%s %s: %s', async (method, path, status, code) => {
    const { ask, banned } = await world();
    if (status === undefined) await expect(ask(method, path)).rejects.toThrow();
    else {
      const answer = await ask(method, path);
      expect([answer.status, await answer.json()]).toMatchObject([status, { error: { code } }]);
    }
    expect(banned.size).toBe(2);
  });
});

describe('who may', () => {
  test.each([{ Origin: 'https://evil.example' }, { Origin: 'null' }, { 'Sec-Fetch-Site': 'cross-site' }])(
    'no web page in a browser on this machine: %j',
    async (headers) => {
      const { ask, banned, started } = await world();
      expect((await ask('DELETE', 'bans?source=all', headers)).status).toBe(403);
      expect((await ask('POST', 'sip-trace?source=192.0.2.4', headers)).status).toBe(403);
      expect([banned.size, started]).toEqual([2, []]);
    },
  );

  test('on this machine only who shows the token, where there is one; reading goes without', async () => {
    const { ask, banned } = await world({ token: 'correct-horse' });
    expect((await ask('GET', 'bans')).status).toBe(200);
    expect((await ask('DELETE', 'bans?source=all')).status).toBe(401);
    expect((await ask('DELETE', 'bans?source=all', { Authorization: 'Bearer wrong' })).status).toBe(401);
    expect(banned.size).toBe(2);
    expect((await ask('DELETE', 'bans?source=all', { Authorization: 'Bearer correct-horse' })).status).toBe(
      200,
    );
  });

  test('from elsewhere nobody without the token', async () => {
    const { ask } = await world({ elsewhere: true, token: 'correct-horse' });
    expect((await ask('GET', 'bans')).status).toBe(401);
    expect((await ask('POST', 'sip-trace?source=192.0.2.4')).status).toBe(401);
    expect((await ask('GET', 'bans', { Authorization: 'Bearer correct-horse' })).status).toBe(200);
  });

  test('from elsewhere nobody at all where there is no token', async () => {
    const { ask } = await world({ elsewhere: true });
    expect((await ask('DELETE', 'bans?source=all', { Authorization: 'Bearer undefined' })).status).toBe(401);
  });
});

describe('a SIP trace', () => {
  test('streams what is written, until it ends', async () => {
    const { ask, started } = await world();
    const answer = await ask('POST', 'sip-trace?source=192.0.2.0/24&seconds=5&bytesMax=1000');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      'application/vnd.tcpdump.pcap',
    ]);
    const [trace] = started;
    expect(trace).toMatchObject({
      filter: { kind: 'source' },
      what: '192.0.2.0/24',
      seconds: 5,
      bytesMax: 1000,
    });
    expect(trace?.filter.kind === 'source' && trace.filter.holds('192.0.2.77')).toBe(true);
    trace?.sink.write(Buffer.from('one '));
    trace?.sink.write(Buffer.from('two'));
    trace?.sink.end();
    expect(await answer.text()).toBe('one two');
  });

  test('ends when its reader goes away', async () => {
    const { ask, events } = await world();
    const answer = await ask('POST', 'sip-trace?aor=bob@biloxi.com');
    await answer.body?.cancel();
    await expect.poll(() => events).toEqual(['stopped']);
  });

  test('asked for behind another one on the same connection does not begin: nobody would ever read it', async () => {
    const { started, events, port } = await world();
    const socket = connect({ host: '127.0.0.1', port });
    const one = 'POST /api/v1/sip-trace?aor=bob@biloxi.com HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
    socket.write(one + one);
    await expect.poll(() => started.length).toBeGreaterThan(0);
    socket.destroy();
    await expect.poll(() => events.length).toBeGreaterThan(0);
    expect([started.length, events.length]).toEqual([1, 1]);
  });

  test('takes an address of record with its scheme and without', async () => {
    const { ask, started } = await world();
    for (const aor of ['sip:bob@biloxi.com', 'bob@biloxi.com'])
      await (await ask('POST', `sip-trace?aor=${aor}`)).body?.cancel();
    expect(started.map(({ filter }) => filter)).toEqual([
      { kind: 'aor', name: 'bob@biloxi.com' },
      { kind: 'aor', name: 'bob@biloxi.com' },
    ]);
    expect(started[0]).toMatchObject({ seconds: 600, bytesMax: 100_000_000 });
  });

  test('says no when its reader leaves too much unread', async () => {
    const { ask, started } = await world();
    await ask('POST', 'sip-trace?aor=bob@biloxi.com');
    const sink: Pick<HttpStream, 'write'> | undefined = started[0]?.sink;
    const piece = Buffer.alloc(1 << 20);
    let written = 0;
    while (written < 1000 && sink?.write(piece) === true) written += 1;
    // What the kernel takes, and one megabyte of ours.
    expect(written).toBeLessThan(50);
  });

  test.each([
    [''],
    ['?aor=bob@biloxi.com&source=192.0.2.4'],
    ['?aor=biloxi.com'],
    [`?aor=${'x'.repeat(2000)}@b.com`],
    ['?source=everybody'],
    ['?source=192.0.2.4/33'],
    ['?source=192.0.2.4&seconds=0'],
    ['?source=192.0.2.4&seconds=86401'],
    ['?source=192.0.2.4&seconds=1e3'],
    ['?source=192.0.2.4&bytesMax=-1'],
  ])('wants to be asked for rightly: %s', async (query) => {
    const { ask, started } = await world();
    const answer = await ask('POST', `sip-trace${query}`);
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: 'trace-invalid' } }]);
    expect(started).toEqual([]);
  });

  test('is refused while too many run', async () => {
    const { ask } = await world({ full: true });
    expect((await ask('POST', 'sip-trace?source=192.0.2.4')).status).toBe(503);
  });
});
