// One server with every transport over both IP versions, and its certificates exchanged while connections are open and busy.

import { X509Certificate } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Endpoint, formatEndpoint } from '../../../src/runtime/datagram.ts';
import { createAuthority, type Pair } from '../../support/certificates.ts';
import { runCommand } from '../../support/cli.ts';
import { makeDomain, startServer, type TestServer, trustOf } from '../../support/servers.ts';
import { SipClient } from '../../support/sip-client.ts';
import { type PhoneTransport, StreamPhone } from '../../support/stream-phone.ts';
import { until } from '../../support/until.ts';

const HOSTS = ['127.0.0.1', '::1'] as const;
const STREAMS = ['tcp', 'tls', 'ws', 'wss'] as const;
const authority = createAuthority();
const pairFor = (name: string): Pair => authority.issue({ commonName: name, names: [`DNS:${name}`] });
const trust = (serverName = 'a.example') => ({ ca: authority.certPem, serverName });
const fingerprintOf = ({ certPem }: Pair): string => new X509Certificate(certPem).fingerprint256;

const folder = mkdtempSync(join(tmpdir(), 'chordial-tls-'));
const path = (name: string): string => join(folder, name);
/** As tools that renew do it: written beside, then renamed over. */
const exchange = (prefix: string, { certPem, keyPem }: Pair): void => {
  for (const [name, text] of [
    ['cert.pem', certPem],
    ['key.pem', keyPem],
  ] as const) {
    writeFileSync(path(`${prefix}${name}.new`), text);
    renameSync(path(`${prefix}${name}.new`), path(`${prefix}${name}`));
  }
};

let server: TestServer;
beforeAll(async () => {
  exchange('a-', pairFor('a.example'));
  exchange('b-', pairFor('b.example'));
  const domain = makeDomain('a.example');
  server = await startServer({
    domain,
    trust: trustOf([domain]),
    config: {
      domain: ['a.example', 'b.example'],
      domains: { 'b.example': { tls: { certFile: path('b-cert.pem'), keyFile: path('b-key.pem') } } },
      publication: 'local',
      sip: {
        listen: HOSTS.flatMap((host) =>
          ['udp', ...STREAMS].map((transport) => `${transport}:${host.includes(':') ? `[${host}]` : host}:0`),
        ),
        tls: { certFile: path('a-cert.pem'), keyFile: path('a-key.pem') },
      },
    },
  });
});
afterAll(async () => {
  await server.app.stop();
  rmSync(folder, { recursive: true });
});

const placeOf = (transport: string, host: string = HOSTS[0]): Endpoint => {
  const start = `${transport}:${host.includes(':') ? `[${host}]` : host}:`;
  const found = server.app.addresses.sip.find((one) => one.startsWith(start));
  if (found === undefined) throw new Error(`nothing listens at ${start}`);
  return { host, port: Number(found.slice(start.length)) };
};

const register = (user: string, contact: string, callId = user, cseq = 1) => ({
  method: 'REGISTER',
  uri: 'sip:a.example',
  from: `sip:${user}@a.example`,
  to: `sip:${user}@a.example`,
  callId,
  cseq,
  headers: [`Contact: <${contact}>`, 'Expires: 600'],
});
const invite = (user: string) => ({
  method: 'INVITE',
  uri: `sip:${user}@a.example`,
  from: 'sip:caller@elsewhere.example',
  to: `sip:${user}@a.example`,
  headers: ['Contact: <sip:caller@192.0.2.1>'],
});

describe('every transport, over IPv4 and IPv6 at once', () => {
  const cases = STREAMS.flatMap((transport) => HOSTS.map((host) => [transport, host] as const));

  test.each(cases)(
    '%s over %s: a phone registers, and callers over UDP and over it are sent there',
    async (transport, host) => {
      const phone = await StreamPhone.open(transport, placeOf(transport, host), trust());
      const user = `${transport}${host.includes(':') ? '6' : '4'}`;
      const contact = `sip:${user}@192.0.2.7:5071;transport=${transport}`;

      const registered = await phone.ask(register(user, contact));

      expect(registered.status).toBe(200);
      expect(registered.header('contact')[0]).toContain(contact);
      const caller = await SipClient.open();
      for (const answer of [await caller.ask(placeOf('udp'), invite(user)), await phone.ask(invite(user))]) {
        expect(answer.status).toBe(302);
        expect(answer.header('contact')).toEqual([`<${contact}>`]);
      }
      await caller.close();
      phone.close();
    },
  );

  test('a phone with a WebSocket address, which only its connection reaches, registers; nobody is sent to that address', async () => {
    const phone = await StreamPhone.open('wss', placeOf('wss'), trust());
    expect((await phone.ask(register('web', 'sip:web@df7jal23ls0d.invalid;transport=ws'))).status).toBe(200);
    expect((await phone.ask(invite('web'))).status).toBe(480);
    phone.close();
  });

  test('who is asked for by name gets the certificate of that domain', async () => {
    for (const name of ['a.example', 'b.example'])
      for (const transport of ['tls', 'wss'] as const)
        (await StreamPhone.open(transport, placeOf(transport), trust(name))).close();
    await expect(
      StreamPhone.open('tls', placeOf('tls'), { ...trust('b.example'), ca: createAuthority().certPem }),
    ).rejects.toThrow();
  });
});

const newcomerSees = async (): Promise<string> => {
  const comer = await StreamPhone.open('tls', placeOf('tls'), trust());
  comer.close();
  return comer.fingerprint;
};

test('certificates exchanged under 100 open connections with registrations and calls going on: none is dropped, new ones see the new', async () => {
  const PHONES = 100;
  const ROUNDS = 3;
  // By hand more: EXCHANGES=40 npx vitest run test/integration/app/secure-transports.test.ts
  const EXCHANGES = Number(process.env['EXCHANGES'] ?? 3);
  const kinds: readonly PhoneTransport[] = ['tls', 'tls', 'tls', 'wss'];
  const phones = await Promise.all(
    Array.from({ length: PHONES }, (_, index) => {
      const kind = kinds[index % kinds.length] ?? 'tls';
      return StreamPhone.open(kind, placeOf(kind), trust());
    }),
  );
  let answered = 0;
  let exchanged = 0;
  const busy = phones.map(async (phone, index) => {
    const user = `u${index}`;
    for (let round = 1; round <= ROUNDS || exchanged < EXCHANGES; round += 1) {
      const registered = await phone.ask(
        register(user, `sip:${user}@192.0.2.7:5071;transport=tls`, `call-${index}`, round),
      );
      expect(registered.status).toBe(200);
      expect((await phone.ask(invite(user))).status).toBe(302);
      answered += 2;
    }
  });

  const seen: string[] = [];
  for (exchanged = 0; exchanged < EXCHANGES; exchanged += 1) {
    const before = answered;
    const next = pairFor('a.example');
    exchange('a-', next);
    // The last by itself, those before by the signal.
    if (exchanged < EXCHANGES - 1) await server.app.reload(server.config);
    else
      await until('the new certificate is seen', async () => (await newcomerSees()) === fingerprintOf(next));
    seen.push(await newcomerSees());
    expect(seen.at(-1)).toBe(fingerprintOf(next));
    // Some hundred answers under this certificate before the next one comes.
    while (answered < before + PHONES) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(busy);

  expect(new Set(seen).size).toBe(EXCHANGES);
  expect(phones.filter((phone) => !phone.open)).toEqual([]);
  expect(answered).toBeGreaterThanOrEqual(PHONES * ROUNDS * 2);
  // Each is still served, by the certificate it agreed on at first.
  for (const [index, phone] of phones.entries()) {
    expect((await phone.ask(invite(`u${index}`))).status).toBe(302);
    phone.close();
  }
});

test.each(['udp', ...STREAMS])(
  'chordial ping asks a server over %s whether it is alive',
  async (transport) => {
    const healthy = transport.startsWith('ws') ? 'HTTP/1.1 101 Switching Protocols' : 'SIP/2.0 200 OK';
    for (const host of HOSTS) {
      const address = `${transport}:${formatEndpoint(placeOf(transport, host))}`;
      expect(await runCommand(['ping', address])).toMatchObject({ code: 0, stdout: `${healthy}\n` });
    }
  },
);

test('with a key that does not belong to it a new certificate changes nothing', async () => {
  const before = await StreamPhone.open('tls', placeOf('tls'), trust());
  writeFileSync(path('a-cert.pem'), pairFor('a.example').certPem);

  await server.app.reload(server.config);

  const after = await StreamPhone.open('tls', placeOf('tls'), trust());
  expect(after.fingerprint).toBe(before.fingerprint);
  for (const phone of [before, after]) {
    expect((await phone.ask(register('kept', 'sip:kept@192.0.2.7:5071'))).status).toBe(200);
    phone.close();
  }
});
