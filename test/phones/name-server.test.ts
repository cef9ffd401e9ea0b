// RFC 3263 by a real name server: what dnsmasq says, through node's resolver, becomes hops in the right order.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolveHops } from '../../src/proxy/resolve.ts';
import { createDns, type Dns } from '../../src/runtime/dns.ts';
import { parseSipUri } from '../../src/uri/parse.ts';
import { udpPeer } from '../support/sip-peers.ts';
import { Program, requirePrograms } from './support/program.ts';

const MANY = Array.from(
  { length: 40 },
  (_, n) => `--srv-host=_sip._udp.many.example,m${n}.many.example,5060,${n},1`,
);
/** The records of RFC 3263 §4.1's example, and what zones hold besides. */
const RECORDS = [
  '--naptr-record=example.com,50,50,s,SIPS+D2T,,_sips._tcp.example.com',
  '--naptr-record=example.com,90,50,s,SIP+D2T,,_sip._tcp.example.com',
  '--naptr-record=example.com,100,50,s,SIP+D2U,,_sip._udp.example.com',
  '--srv-host=_sip._tcp.example.com,server1.example.com,5060,0,1',
  '--srv-host=_sip._tcp.example.com,server2.example.com,5060,0,2',
  '--srv-host=_sip._tcp.example.com,server3.example.com,5070,1,1',
  '--srv-host=_sips._tcp.example.com,server1.example.com,5061,0,1',
  '--srv-host=_sip._udp.example.com,server1.example.com,5060,0,1',
  '--host-record=server1.example.com,192.0.2.1,2001:db8::1',
  '--host-record=server2.example.com,192.0.2.2',
  '--host-record=server3.example.com,192.0.2.3',
  '--naptr-record=enum.example,10,10,u,E2U+sip,!^.*$!sip:info@example.com!',
  '--srv-host=_sip._udp.enum.example,server2.example.com,5080,0,0',
  '--srv-host=_sip._udp.closed.example,.,0,0,0',
  '--host-record=closed.example,192.0.2.9',
  '--host-record=plain.example,192.0.2.10',
  '--cname=alias.example,plain.example',
  ...MANY,
  '--host-record=m0.many.example,192.0.2.40',
];

let server: Program;
let dns: Dns;

const OPTIONS = [
  '--keep-in-foreground',
  '--log-facility=-',
  '--conf-file=/dev/null',
  '--pid-file=',
  '--no-resolv',
  '--no-hosts',
  '--bind-interfaces',
  '--listen-address=127.0.0.1',
  '--user=root',
  '--group=root',
  '--local=/example/',
  '--local=/example.com/',
];

beforeAll(async () => {
  requirePrograms('dnsmasq');
  // Its port can't be left to the system: a free one is asked for, and may be taken meanwhile.
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const { local, close } = await udpPeer();
    await close();
    server = new Program('dnsmasq', ['dnsmasq', ...OPTIONS, `--port=${local.port}`, ...RECORDS]);
    const started = await server.line(/started, version/).catch(() => undefined);
    if (started === undefined) continue;
    dns = createDns({ timeoutMs: 2000, servers: [`127.0.0.1:${local.port}`] });
    return;
  }
  throw new Error('dnsmasq did not start');
});
afterAll(async () => {
  await server.end();
});

const hopsOf = async (text: string, supported: readonly string[] = ['udp4', 'tcp4'], seed = 's') => {
  const uri = parseSipUri(text);
  if (!uri.ok) throw new Error(uri.error);
  const found: string[] = [];
  const supports = (transport: string, family: number) => supported.includes(`${transport}${family}`);
  for await (const { transport, host, port } of resolveHops(uri.value, { dns, supports, seed }))
    found.push(`${transport} ${host} ${port}`);
  return found;
};

test('the example: without TLS of ours TCP is chosen, the servers by priority and weight', async () => {
  const found = await hopsOf('sip:user@example.com');
  expect([...found.slice(0, 2)].sort()).toEqual(['tcp 192.0.2.1 5060', 'tcp 192.0.2.2 5060']);
  expect(found.slice(2)).toEqual(['tcp 192.0.2.3 5070']);
  const firsts: Record<string, number> = {};
  for (let call = 0; call < 600; call += 1) {
    const [first = ''] = await hopsOf('sip:user@example.com', ['tcp4'], `call ${call}`);
    firsts[first] = (firsts[first] ?? 0) + 1;
  }
  // Weights 1 and 2, drawn as RFC 2782 says (0 to 3): the first in the drawn order also has the 0. Six deviations.
  expect(firsts['tcp 192.0.2.2 5060'] ?? 0).toBeGreaterThan(275);
  expect(firsts['tcp 192.0.2.1 5060'] ?? 0).toBeGreaterThan(130);
});

test.each([
  ['sip:user@example.com', ['tls4', 'udp4'], ['tls 192.0.2.1 5061']],
  ['sips:user@example.com', ['tls4', 'tls6', 'udp4'], ['tls 192.0.2.1 5061', 'tls 2001:db8::1 5061']],
  ['sip:user@example.com;transport=udp', ['udp4', 'udp6'], ['udp 192.0.2.1 5060', 'udp 2001:db8::1 5060']],
  ['sip:user@server2.example.com:5099', ['udp4'], ['udp 192.0.2.2 5099']],
  // What its NAPTR is for is something else: as without.
  ['sip:user@enum.example', ['udp4'], ['udp 192.0.2.2 5080']],
  ['sip:user@closed.example', ['udp4'], []],
  ['sip:user@plain.example', ['udp4'], ['udp 192.0.2.10 5060']],
  ['sip:user@alias.example', ['udp4'], ['udp 192.0.2.10 5060']],
  ['sip:user@nowhere.example', ['udp4', 'tcp4'], []],
] as const)('%s by %s: %s', async (uri, supported, found) => {
  expect(await hopsOf(uri, supported)).toEqual(found);
});

test('an answer too large for a datagram comes by TCP, and no more than its first records are used', async () => {
  const answer = await dns.srv('_sip._udp.many.example');
  expect(answer.kind === 'found' && answer.records.length).toBe(32);
});

test('a name server that is away is told apart from a name that is not', async () => {
  const away = createDns({ timeoutMs: 100, servers: ['127.0.0.1:1'] });
  expect(await away.naptr('example.com')).toEqual({ kind: 'unavailable' });
  expect(await dns.naptr('nowhere.example')).toEqual({ kind: 'none' });
});
