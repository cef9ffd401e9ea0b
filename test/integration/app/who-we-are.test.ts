// One registrar with two domains, an alias, and listeners of every kind: who it takes itself for, and in whose realm.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestHa1 } from '../../../src/auth/digest.ts';
import { parseUserFile } from '../../../src/auth/user-file.ts';
import { type Endpoint, formatEndpoint } from '../../../src/runtime/datagram.ts';
import { makeDomain, startServer, type TestServer, trustOf } from '../../support/servers.ts';
import { digestHeader, type SipAnswer, SipClient } from '../../support/sip-client.ts';

const PASSWORDS = { 'a.example': 'of the first', 'b.example': 'of the second' } as const;
const domain = makeDomain('a.example');

let server: TestServer;
let phone: SipClient;
let phone6: SipClient;
/** The listeners in the order of the configuration: loopback, IPv6 loopback, every address. */
let listeners: readonly Endpoint[];

beforeAll(async () => {
  const users = parseUserFile(
    Object.entries(PASSWORDS)
      .map(([realm, password]) => `alice:${realm}:${digestHa1('MD5', { user: 'alice', realm, password })}`)
      .join('\n'),
  );
  if (!users.ok) throw new Error('lines of ours are none');
  server = await startServer({
    domain,
    trust: trustOf([domain]),
    users: users.value,
    config: {
      domain: ['a.example', 'b.example'],
      aliases: ['www.a.example'],
      domains: { 'b.example': { registrar: { minExpiresSec: 300 } } },
      publication: 'local',
      sip: {
        listen: ['udp:127.0.0.1:0', 'udp:[::1]:0', 'udp:0.0.0.0:0', 'tcp:127.0.0.1:0'],
        advertise: 'sip.a.example',
        auth: { usersFile: 'given' },
      },
    },
  });
  listeners = server.app.addresses.sip
    .filter((one) => one.startsWith('udp:'))
    .map((one) => {
      const at = one.lastIndexOf(':');
      return { host: one.slice('udp:'.length, at).replace(/^\[|\]$/g, ''), port: Number(one.slice(at + 1)) };
    });
  phone = await SipClient.open();
  phone6 = await SipClient.open('::1');
});
afterAll(async () => {
  await phone.close();
  await phone6.close();
  await server.app.stop();
});

const at = (index: number): Endpoint => {
  const listener = listeners[index];
  if (listener === undefined) throw new Error(`no listener ${index}`);
  return listener;
};

let cseq = 0;
const register = (
  host: string,
  {
    to = at(0),
    by = phone,
    headers = [],
  }: { to?: Endpoint; by?: SipClient; headers?: readonly string[] } = {},
): Promise<SipAnswer> => {
  cseq += 1;
  const aor = `sip:alice@${host}`;
  return by.ask(to, {
    method: 'REGISTER',
    uri: `sip:${host}`,
    from: aor,
    to: aor,
    callId: host,
    cseq,
    headers,
  });
};
const login = async (host: string, password: string, headers: readonly string[], to = at(0), by = phone) => {
  const [challenge = ''] = (await register(host, { to, by })).header('www-authenticate');
  const uri = `sip:${host}`;
  const digest = digestHeader(challenge, { user: 'alice', password, method: 'REGISTER', uri });
  return register(host, { to, by, headers: [...headers, digest] });
};
const realmOf = (answer: SipAnswer): string | undefined =>
  /realm="([^"]*)"/.exec(answer.header('www-authenticate')[0] ?? '')?.[1];

describe('the realm', () => {
  test.each<[string, () => string, string | undefined]>([
    ['a domain', () => 'a.example', 'a.example'],
    ['another spelling of it', () => 'A.Example.', 'a.example'],
    ['the second domain', () => 'b.example', 'b.example'],
    ['an alias', () => 'www.a.example', 'a.example'],
    ['a domain with one of our ports', () => `b.example:${at(2).port}`, 'b.example'],
    ['a domain with another port', () => 'a.example:9', undefined],
    ['our address with our port', () => formatEndpoint(at(0)), 'a.example'],
    ['our IPv6 address with our port', () => formatEndpoint(at(1)), 'a.example'],
    ['our address with the port of another listener', () => `[::1]:${at(0).port}`, undefined],
    [
      'any address of this machine with the port of a wildcard listener',
      () => `127.8.8.8:${at(2).port}`,
      'a.example',
    ],
    ['the advertised host with our port', () => `sip.a.example:${at(0).port}`, 'a.example'],
    ['the advertised host without it', () => 'sip.a.example', undefined],
    ['somebody else', () => 'c.example', undefined],
  ])('for %s', async (_, host, realm) => {
    const answer = await register(host());
    expect({ status: answer.status, realm: realmOf(answer) }).toEqual({
      status: realm === undefined ? 404 : 401,
      realm,
    });
  });
});

describe('two domains', () => {
  const CONTACT = ['Contact: <sip:alice@192.0.2.4:5060>'];

  test('have their own users and passwords, and their own limits', async () => {
    const brief = [...CONTACT, 'Expires: 100'];
    expect((await login('a.example', PASSWORDS['a.example'], brief)).status).toBe(200);
    expect((await login('b.example', PASSWORDS['a.example'], brief)).status).toBe(401);
    const refused = await login('b.example', PASSWORDS['b.example'], brief);
    expect([refused.status, refused.header('min-expires')]).toEqual([423, ['300']]);
  });

  test('have their own bindings; an alias has those of the first', async () => {
    const contact = (host: string) => [`Contact: <sip:alice@${host}:5060>`];
    await login('a.example', PASSWORDS['a.example'], [...contact('192.0.2.4'), 'Expires: 3600']);
    await login('b.example', PASSWORDS['b.example'], contact('192.0.2.5'));
    const contactOf = async (aor: string) => (await phone.invite(at(0), aor)).header('contact');
    expect(await contactOf('sip:alice@a.example')).toEqual(['<sip:alice@192.0.2.4:5060>']);
    expect(await contactOf('sip:alice@b.example')).toEqual(['<sip:alice@192.0.2.5:5060>']);
    expect(await contactOf('sip:alice@www.a.example')).toEqual(['<sip:alice@192.0.2.4:5060>']);
  });
});

test('a phone on IPv6 registers over the IPv6 listener and is called over any', async () => {
  const to = at(1);
  const stored = await login(
    'b.example',
    PASSWORDS['b.example'],
    ['Contact: <sip:alice@[2001:db8::4]:5060>;q=1'],
    to,
    phone6,
  );
  expect(stored.status).toBe(200);
  const answer = await phone.invite(at(2), 'sip:alice@b.example');
  expect(answer.header('contact')[0]).toBe('<sip:alice@[2001:db8::4]:5060>;q=1');
});

test.each([
  ['the domain itself', () => 'b.example'],
  ['an alias', () => 'www.a.example'],
  ['our address', () => formatEndpoint(at(0))],
  ['our address mapped into IPv6', () => `[::ffff:127.0.0.1]:${at(0).port}`],
  ['our advertised address', () => `sip.a.example:${at(2).port}`],
  ['our address as maddr', () => `192.0.2.4:${at(0).port};maddr=127.0.0.1`],
])('a Contact at %s is refused: calls would circle', async (_, host) => {
  const answer = await login('a.example', PASSWORDS['a.example'], [`Contact: <sip:zoe@${host()}>`]);
  expect(answer.status).toBe(403);
});
