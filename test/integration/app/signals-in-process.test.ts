// What SIGHUP and SIGTERM come to, on an app in this process: reloaded users and limits, 503 until the ring is left.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { digestHa1 } from '../../../src/auth/digest.ts';
import { parseUserFile } from '../../../src/auth/user-file.ts';
import { makeDomain, startServer, type TestServer, trustOf } from '../../support/servers.ts';
import { digestHeader, SipClient } from '../../support/sip-client.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const phone = async (): Promise<SipClient> => {
  const client = await SipClient.open();
  closers.push(() => client.close());
  return client;
};

const line = (user: string): string =>
  `${user}:biloxi.example:${digestHa1('MD5', { user, realm: 'biloxi.example', password: 'zanzibar' })}\n`;

test('a reload takes over users and limits, and keeps the users of a file with a problem', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chordial-reload-'));
  closers.push(() => rmSync(folder, { recursive: true }));
  const usersFile = join(folder, 'users');
  const users = parseUserFile(line('alice'));
  if (!users.ok) throw new Error('a line of ours is none');
  const domain = makeDomain('biloxi.example');
  const server = await startServer({
    domain,
    trust: trustOf([domain]),
    users: users.value,
    config: { publication: 'local', sip: { auth: { usersFile } } },
  });
  closers.push(() => server.app.stop());
  const client = await phone();
  let cseq = 0;
  const login = async (user: string): Promise<number> => {
    const [aor, uri] = [`sip:${user}@biloxi.example`, 'sip:biloxi.example'];
    const ask = (headers: readonly string[]) => {
      cseq += 1;
      return client.ask(server.sip, {
        method: 'REGISTER',
        uri,
        from: aor,
        to: aor,
        callId: user,
        cseq,
        headers,
      });
    };
    const [challenge = ''] = (await ask([])).header('www-authenticate');
    const answer = await ask([
      digestHeader(challenge, { user, password: 'zanzibar', method: 'REGISTER', uri }),
    ]);
    return answer.status;
  };
  expect([await login('alice'), await login('bob')]).toEqual([200, 401]);

  writeFileSync(usersFile, line('bob'));
  await server.app.reload(server.config);
  expect([await login('alice'), await login('bob')]).toEqual([401, 200]);

  writeFileSync(usersFile, `${line('alice')}nonsense\n`);
  await server.app.reload(server.config);
  expect([await login('alice'), await login('bob')]).toEqual([401, 200]);

  // Of a burst of ten, twice the rate is answered; nobody is trusted.
  await server.app.reload({
    ...server.config,
    limits: { ...server.config.limits, perSourcePerSec: 1, trusted: [] },
  });
  const burst = Array.from({ length: 10 }, () =>
    client
      .ask(server.sip, { method: 'OPTIONS', uri: 'sip:biloxi.example', from: 'sip:a@b', to: 'sip:a@b' }, 300)
      .then(() => 1)
      .catch(() => 0),
  );
  const answered = (await Promise.all(burst)).reduce<number>((sum, one) => sum + one, 0);
  expect(answered).toBeGreaterThan(0);
  expect(answered).toBeLessThan(5);
});

test('while the ring is left, requests are answered 503 without Retry-After', async () => {
  const domains = [makeDomain('a.example'), makeDomain('b.example')];
  const [a, b] = domains;
  if (a === undefined || b === undefined) throw new Error('two domains');
  const trust = trustOf(domains);
  const first = await startServer({ domain: a, trust });
  closers.push(() => first.kill());
  const seeds = first.overlay === undefined ? [] : [first.overlay];
  const second: TestServer = await startServer({ domain: b, trust, seeds });
  closers.push(() => second.kill());
  await second.app.ready;
  const client = await phone();
  const stored = await client.register(second.sip, 'sip:bob@b.example', { contact: '<sip:bob@192.0.2.4>' });
  expect(stored.status).toBe(200);
  // Whoever leaves hands over what it holds; the other hears nothing, so that takes its time.
  first.wire.cut = true;
  const stopped = second.app.stop();
  const answer = await client.invite(second.sip, 'sip:bob@b.example');
  expect(answer.status).toBe(503);
  expect(answer.header('retry-after')).toEqual([]);
  const health = await fetch(`http://127.0.0.1:${second.admin.port}/health/ready`);
  expect(health.status).toBe(503);
  await stopped;
});
