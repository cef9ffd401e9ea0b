import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type AdminDeps, AdminServer } from '../../../src/admin/http.ts';
import type { AdminLookup, AdminRing, AdminStatus } from '../../../src/admin/types.ts';
import { type HttpRequest, type OpenHttp, openHttp } from '../../../src/runtime/http.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { fail, ok } from '../../../src/runtime/result.ts';

const status: AdminStatus = {
  version: '1.2.3',
  startedAt: '2026-01-01T00:00:00.000Z',
  uptimeSec: 93_784,
  ready: true,
  reasons: [],
  publication: 'public',
  domains: ['biloxi.com'],
  listen: { sip: ['udp:127.0.0.1:5060'], overlay: '127.0.0.1:7184', admin: '127.0.0.1:9184' },
  overlay: { id: 'lsp', role: 'member', mode: 'small', members: 2, sizeEstimate: 2, keys: 7, entries: 9 },
  bans: 0,
};
const ring: AdminRing = {
  overlay: 'lsp',
  mode: 'small',
  joined: true,
  sizeEstimate: 2,
  members: [
    {
      id: 'ab'.repeat(20),
      domain: '<script>alert(1)</script>',
      selector: 0,
      vnode: 0,
      address: '127.0.0.1:7184',
      self: true,
      ownsPercent: 60,
      rttMs: null,
      keys: 7,
      version: null,
      entries: 9,
      holdsPercent: 100,
      uptimeSec: 93_784,
      ready: true,
      lease: true,
      settled: false,
      sizeEstimate: 2,
      table: 1,
      roundTrips: 1.02,
      disagreements: 0,
      bytes: { in: 1000, out: 2000 },
    },
  ],
  broken: [],
};
const found: AdminLookup = {
  uri: 'sip:bob@biloxi.com',
  name: 'sip:bob@biloxi.com',
  result: 'found',
  reason: null,
  tookMs: 3,
  bindings: [],
};

// BOUNDED: by the tests of this file.
const servers: AdminServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

const start = async (deps: Partial<AdminDeps> = {}, token?: string): Promise<string> => {
  const server = new AdminServer(
    {
      ready: () => ({ ready: true, reasons: [] }),
      status: () => status,
      ring: async () => ring,
      lookup: async () => ok(found),
      bans: { list: () => [], lift: () => false, liftAll: () => 0 },
      sipTrace: { start: () => undefined, full: () => true, nameOf: () => undefined },
      metricsText: () => '# HELP x y\n',
      openHttp,
      log: silentLog,
      ...deps,
    },
    { listen: { host: '127.0.0.1', port: 0 }, token },
  );
  servers.push(server);
  await server.start();
  return `http://127.0.0.1:${server.local?.port}`;
};

/** As `openHttp`, but every request seems to come from elsewhere. */
const fromElsewhere: OpenHttp = (bind, handlers) =>
  openHttp(bind, {
    ...handlers,
    onRequest: (request: HttpRequest) => handlers.onRequest({ ...request, remote: '198.51.100.9' }),
  });

describe('health', () => {
  test('live says that the process answers', async () => {
    const answer = await fetch(`${await start()}/health/live`);
    expect([answer.status, await answer.json()]).toEqual([200, { live: true }]);
  });

  test('ready is 200 when ready and 503 with reasons when not', async () => {
    const yes = await fetch(`${await start()}/health/ready`);
    expect([yes.status, await yes.json()]).toEqual([200, { ready: true, reasons: [] }]);
    const no = await fetch(
      `${await start({ ready: () => ({ ready: false, reasons: ['not joined to the overlay'] }) })}/health/ready`,
    );
    expect([no.status, await no.json()]).toEqual([
      503,
      { ready: false, reasons: ['not joined to the overlay'] },
    ]);
  });
});

test('metrics are Prometheus text', async () => {
  const answer = await fetch(`${await start()}/metrics`);
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4');
  expect(await answer.text()).toBe('# HELP x y\n');
});

describe('the API', () => {
  test('tells status and ring as JSON', async () => {
    const base = await start();
    expect(await (await fetch(`${base}/api/v1/status`)).json()).toEqual(status);
    expect(await (await fetch(`${base}/api/v1/ring`)).json()).toEqual(ring);
  });

  test('looks a URI up', async () => {
    const asked: string[] = [];
    const base = await start({
      lookup: async (uri) => {
        asked.push(uri);
        return ok(found);
      },
    });
    const answer = await fetch(`${base}/api/v1/lookup?uri=${encodeURIComponent('sip:bob@biloxi.com;x=a&b')}`);
    expect([answer.status, await answer.json(), asked]).toEqual([200, found, ['sip:bob@biloxi.com;x=a&b']]);
  });

  test.each([
    ['/api/v1/lookup', 400, 'uri-missing'],
    ['/api/v1/lookup?uri=', 400, 'uri-missing'],
    ['/api/v1/lookup?uri=nonsense', 400, 'uri-invalid'],
    [`/api/v1/lookup?uri=sip:${'x'.repeat(1100)}`, 400, 'uri-invalid'],
    ['/api/v1/nothing', 404, 'not-found'],
    ['/api/', 404, 'not-found'],
    ['/nothing', 404, 'not-found'],
    ['/../etc/passwd', 404, 'not-found'],
  ])('answers GET %s with %d', async (path, code, error) => {
    const base = await start({ lookup: async () => fail('not a URI') });
    const answer = await fetch(`${base}${path}`);
    expect([answer.status, await answer.json()]).toMatchObject([code, { error: { code: error } }]);
  });

  test('has no ring in local mode', async () => {
    const base = await start({ ring: async () => undefined });
    expect((await fetch(`${base}/api/v1/ring`)).status).toBe(404);
  });

  test('serves GET and HEAD only', async () => {
    const base = await start();
    const answer = await fetch(`${base}/api/v1/status`, { method: 'POST', body: '{}' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const head = await fetch(`${base}/api/v1/status`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  test('bounds the look-ups under way', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let running = 0;
    let full: () => void = () => undefined;
    const sixteen = new Promise<void>((resolve) => {
      full = resolve;
    });
    const base = await start({
      lookup: async () => {
        running += 1;
        if (running === 16) full();
        await gate;
        return ok(found);
      },
    });
    const first = Array.from({ length: 16 }, () => fetch(`${base}/api/v1/lookup?uri=sip:b@c`));
    await sixteen;
    const over = await fetch(`${base}/api/v1/lookup?uri=sip:b@c`);
    release();
    expect([over.status, over.headers.get('retry-after')]).toEqual([503, '1']);
    expect((await Promise.all(first)).map((answer) => answer.status)).toEqual(new Array(16).fill(200));
  });

  test('a fault of ours is a 500, and the server goes on', async () => {
    const errors: unknown[] = [];
    const base = await start({
      ring: async () => {
        throw new Error('broken');
      },
      log: { ...silentLog, error: (fields) => void errors.push(fields['err']) },
    });
    expect((await fetch(`${base}/api/v1/ring`)).status).toBe(500);
    expect((await fetch(`${base}/health/live`)).status).toBe(200);
    expect(errors).toEqual(['broken']);
  });
});

describe('from another machine', () => {
  const get = (base: string, path: string, headers: Record<string, string> = {}) =>
    fetch(`${base}${path}`, { headers });

  test('the API wants the token', async () => {
    const base = await start({ openHttp: fromElsewhere }, 'correct horse');
    expect((await get(base, '/api/v1/status')).status).toBe(401);
    expect((await get(base, '/api/v1/status', { Authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await get(base, '/api/v1/status', { Authorization: 'Basic correcthorse' })).status).toBe(401);
  });

  test('the API opens with the token', async () => {
    const base = await start({ openHttp: fromElsewhere }, 'correct-horse');
    expect((await get(base, '/api/v1/status', { Authorization: 'Bearer correct-horse' })).status).toBe(200);
  });

  test.each([undefined, ''])('nobody gets in when the token is %j', async (token) => {
    const base = await start({ openHttp: fromElsewhere }, token);
    expect((await get(base, '/api/v1/status', { Authorization: 'Bearer ' })).status).toBe(401);
    expect((await get(base, '/api/v1/status', { Authorization: 'Bearer undefined' })).status).toBe(401);
  });

  test('health and metrics are open, the page shows no more than the verdict', async () => {
    const base = await start({ openHttp: fromElsewhere }, 'token');
    expect((await get(base, '/health/ready')).status).toBe(200);
    expect((await get(base, '/metrics')).status).toBe(200);
    const page = await (await get(base, '/')).text();
    expect(page).toContain('Ready');
    expect(page).not.toMatch(/biloxi|127\.0\.0\.1/);
  });
});

/** Sends raw bytes and gives all that comes back. */
const raw = (base: string, bytes: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(base).port), '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });

describe('hostile requests', () => {
  test('a web page that points its own name at us is a stranger', async () => {
    const answer = await raw(
      await start(),
      'GET /api/v1/status HTTP/1.1\r\nHost: evil.example:9184\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  });

  test.each([
    ['garbage', '\u0000\u0001\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['headers without end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 400 /],
    [
      'a proxy request',
      'GET http://example.com/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      /^HTTP\/1\.1 400 /,
    ],
  ])('%s is answered and closed', async (_, bytes, expected) => {
    const base = await start();
    expect(await raw(base, bytes)).toMatch(expected);
    expect((await fetch(`${base}/health/live`)).status).toBe(200);
  });
});

describe('the page', () => {
  test('fetches nothing, runs nothing, and escapes what it shows', async () => {
    const answer = await fetch(`${await start()}/`);
    const page = await answer.text();
    expect(answer.headers.get('content-security-policy')).toMatch(/default-src 'none'/);
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(page).not.toMatch(/<script|src=|href=/);
    expect(page).toContain('1 d 2 h');
  });

  test('says what is wrong', async () => {
    const page = await (
      await fetch(
        `${await start({
          status: () => ({ ...status, ready: false, reasons: ['a & b'] }),
          ring: async () => ({ ...ring, broken: ['two members claim one arc'] }),
        })}/`,
      )
    ).text();
    expect(page).toContain('Not ready<ul><li>a &amp; b</li></ul>');
    expect(page).toContain('two members claim one arc');
  });
});

test('a port that is taken rejects the start', async () => {
  const base = await start();
  const port = Number(new URL(base).port);
  await expect(
    openHttp(
      { host: '127.0.0.1', port },
      { onRequest: async () => Promise.reject(), onError: () => undefined },
    ),
  ).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
