import { describe, expect, test } from 'vitest';
import { resolveHops } from '../../../src/proxy/resolve.ts';
import type { Dns, DnsAnswer, NaptrRecord, SrvRecord } from '../../../src/runtime/dns.ts';
import type { Transport } from '../../../src/sip/types.ts';
import { parseSipUri } from '../../../src/uri/parse.ts';

interface Zone {
  readonly naptr?: Readonly<Record<string, readonly NaptrRecord[]>>;
  readonly srv?: Readonly<Record<string, readonly SrvRecord[]>>;
  readonly a?: Readonly<Record<string, readonly string[]>>;
  readonly aaaa?: Readonly<Record<string, readonly string[]>>;
}

const zoneDns = (zone: Zone): Dns & { readonly asked: string[] } => {
  const asked: string[] = [];
  const answer = <T>(type: string, name: string, records: readonly T[] | undefined): DnsAnswer<T> => {
    asked.push(`${type} ${name}`);
    return records === undefined ? { kind: 'none' } : { kind: 'found', records };
  };
  return {
    asked,
    naptr: async (name) => answer('NAPTR', name, zone.naptr?.[name]),
    srv: async (name) => answer('SRV', name, zone.srv?.[name]),
    addresses: async (name, family) =>
      answer(family === 4 ? 'A' : 'AAAA', name, (family === 4 ? zone.a : zone.aaaa)?.[name]),
  };
};

const naptr = (order: number, service: string, replacement: string, flags = 's'): NaptrRecord => ({
  order,
  preference: 50,
  flags,
  service,
  regexp: '',
  replacement,
});
const srv = (name: string, port: number, priority = 0, weight = 0): SrvRecord => ({
  name,
  port,
  priority,
  weight,
});

const hops = async (
  text: string,
  zone: Zone = {},
  supported: readonly string[] = ['udp4', 'tcp4'],
): Promise<{ readonly found: readonly string[]; readonly asked: readonly string[] }> => {
  const uri = parseSipUri(text);
  if (!uri.ok) throw new Error(uri.error);
  const dns = zoneDns(zone);
  const supports = (transport: Transport, family: 4 | 6) => supported.includes(`${transport}${family}`);
  const found: string[] = [];
  for await (const { transport, host, port } of resolveHops(uri.value, { dns, supports, seed: 's' }))
    found.push(`${transport} ${host} ${port}`);
  return { found, asked: dns.asked };
};

describe('a numeric target (RFC 3263 §4.1, §4.2)', () => {
  test.each([
    ['sip:bob@192.0.2.4', 'udp 192.0.2.4 5060'],
    ['sip:bob@192.0.2.4:5080', 'udp 192.0.2.4 5080'],
    ['sip:bob@192.0.2.4;transport=tcp', 'tcp 192.0.2.4 5060'],
    ['sip:bob@192.0.2.4:5080;transport=TCP', 'tcp 192.0.2.4 5080'],
    ['sip:bob@example.com;maddr=192.0.2.7', 'udp 192.0.2.7 5060'],
  ])('%s is %s, and no question', async (uri, hop) => {
    expect(await hops(uri)).toEqual({ found: [hop], asked: [] });
  });

  test.each([
    ['IPv6 without a listener for it', 'sip:bob@[2001:db8::9]'],
    ['a transport that nobody here speaks', 'sip:bob@192.0.2.4;transport=sctp'],
    ['TLS without a listener for it', 'sips:bob@192.0.2.4'],
    ['sips over UDP', 'sips:bob@192.0.2.4;transport=udp'],
  ])('%s leads nowhere', async (_, uri) => {
    expect(await hops(uri)).toEqual({ found: [], asked: [] });
  });

  test('IPv6 is reached from an IPv6 listener', async () => {
    expect((await hops('sip:bob@[2001:db8::9]', {}, ['udp6'])).found).toEqual(['udp 2001:db8::9 5060']);
  });

  test('sips is TLS on 5061', async () => {
    expect((await hops('sips:bob@192.0.2.4', {}, ['tls4'])).found).toEqual(['tls 192.0.2.4 5061']);
  });
});

describe('a name with a port (RFC 3263 §4.2)', () => {
  test('is looked up as an address alone, in a fixed order', async () => {
    const zone = { a: { 'example.com': ['192.0.2.9', '192.0.2.10'] } };
    expect(await hops('sip:bob@example.com:5060', zone)).toEqual({
      found: ['udp 192.0.2.10 5060', 'udp 192.0.2.9 5060'],
      asked: ['A example.com'],
    });
  });
});

describe('a name without a port', () => {
  const zone: Zone = {
    naptr: {
      'example.com': [
        naptr(100, 'SIP+D2U', '_sip._udp.example.com'),
        naptr(50, 'SIPS+D2T', '_sips._tcp.example.com'),
        naptr(90, 'SIP+D2T', '_sip._tcp.example.com'),
      ],
    },
    srv: {
      '_sip._tcp.example.com': [srv('server1.example.com', 5060, 1), srv('server2.example.com', 5070, 2)],
      '_sip._udp.example.com': [srv('server1.example.com', 5060)],
    },
    a: { 'server1.example.com': ['192.0.2.1'], 'server2.example.com': ['192.0.2.2'] },
  };

  test('goes by the first NAPTR order that has a transport of ours, and by no other (§4.1, the example; RFC 3403 §4.1)', async () => {
    expect((await hops('sip:bob@example.com', zone)).found).toEqual([
      'tcp 192.0.2.1 5060',
      'tcp 192.0.2.2 5070',
    ]);
  });

  test('asks NAPTR nothing where the URI names the transport (§4.1)', async () => {
    const { found, asked } = await hops('sip:bob@example.com;transport=udp', zone);
    expect(found).toEqual(['udp 192.0.2.1 5060']);
    expect(asked).toEqual(['SRV _sip._udp.example.com', 'A server1.example.com']);
  });

  test('without NAPTR goes by SRV, for each transport that we have (§4.1)', async () => {
    const { srv: records, a } = zone;
    const { found, asked } = await hops('sip:bob@example.com', { srv: records ?? {}, a: a ?? {} });
    expect(found).toEqual(['udp 192.0.2.1 5060', 'tcp 192.0.2.1 5060', 'tcp 192.0.2.2 5070']);
    expect(asked.slice(0, 3)).toEqual([
      'NAPTR example.com',
      'SRV _sip._udp.example.com',
      'SRV _sip._tcp.example.com',
    ]);
  });

  test('without SRV goes by address, over UDP at 5060 (§4.2)', async () => {
    expect((await hops('sip:bob@example.com', { a: { 'example.com': ['192.0.2.5'] } })).found).toEqual([
      'udp 192.0.2.5 5060',
    ]);
  });

  test('whose SRV says "." offers no service and is not reached by address (RFC 2782)', async () => {
    const closed = {
      srv: { '_sip._udp.example.com': [srv('.', 0)] },
      a: { 'example.com': ['192.0.2.5'] },
    };
    expect((await hops('sip:bob@example.com', closed)).found).toEqual([]);
  });

  test('ignores NAPTR records that are no SIP service or need a rewrite (§4.1)', async () => {
    const odd = {
      naptr: {
        'example.com': [naptr(1, 'E2U+sip', 'x'), naptr(2, 'SIP+D2U', 'y', 'u'), naptr(3, 'SIP+D2S', 'z')],
      },
      a: { 'example.com': ['192.0.2.5'] },
    };
    expect((await hops('sip:bob@example.com', odd)).found).toEqual(['udp 192.0.2.5 5060']);
  });

  test('is reached at IPv6 after IPv4', async () => {
    const both = { a: { 'example.com': ['192.0.2.5'] }, aaaa: { 'example.com': ['2001:db8::5'] } };
    expect((await hops('sip:bob@example.com', both, ['udp4', 'udp6'])).found).toEqual([
      'udp 192.0.2.5 5060',
      'udp 2001:db8::5 5060',
    ]);
  });

  test('leads nowhere when DNS is silent', async () => {
    const silent: Dns = {
      naptr: async () => ({ kind: 'unavailable' }),
      srv: async () => ({ kind: 'unavailable' }),
      addresses: async () => ({ kind: 'unavailable' }),
    };
    const uri = parseSipUri('sip:bob@example.com');
    if (!uri.ok) throw new Error(uri.error);
    const found = [];
    for await (const hop of resolveHops(uri.value, { dns: silent, supports: () => true, seed: 's' }))
      found.push(hop);
    expect(found).toEqual([]);
  });

  test('is not followed through more than eight addresses, nor asked about more than eight servers', async () => {
    const many = Array.from({ length: 30 }, (_, n) => `s${n}.example.com`);
    const wide: Zone = {
      srv: { '_sip._udp.example.com': many.map((name, n) => srv(name, 5060, n)) },
      a: Object.fromEntries(many.map((name, n) => [name, [`192.0.2.${n}`]])),
    };
    expect((await hops('sip:bob@example.com', wide)).found).toHaveLength(8);
    const empty: Zone = { srv: wide.srv ?? {} };
    const { asked } = await hops('sip:bob@example.com', empty);
    expect(asked.filter((question) => question.startsWith('A '))).toHaveLength(8);
  });
});
