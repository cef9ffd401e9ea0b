// RFC 3263 §4 and §4.1, which URI is resolved and by which transport, sentence by sentence.
import { expect } from 'vitest';
import { clause } from '../../support/clause.ts';
import { ForwardWorld, startOf, valuesOf } from '../../support/forward-world.ts';
import { hopsOf, WITH_TLS } from '../../support/hops.ts';
import { naptr, srv, type Zone, zoneDns } from '../../support/zone-dns.ts';

const D = 'example.com';
const A = { [D]: ['192.0.2.5'] };
const NAPTR_EXAMPLE = [
  naptr(`50 50 s SIPS+D2T _sips._tcp.${D}`),
  naptr(`90 50 s SIP+D2T _sip._tcp.${D}`),
  naptr(`100 50 s SIP+D2U _sip._udp.${D}`),
];
/** The records of the RFC's example, with servers behind all three. */
const EXAMPLE: Zone = {
  naptr: { [D]: NAPTR_EXAMPLE },
  srv: {
    [`_sips._tcp.${D}`]: [srv('0 1 5061 server3.example.com')],
    [`_sip._tcp.${D}`]: [srv('0 1 5060 server1.example.com'), srv('1 2 5060 server2.example.com')],
    [`_sip._udp.${D}`]: [srv('0 1 5060 server1.example.com')],
  },
  a: {
    'server1.example.com': ['192.0.2.1'],
    'server2.example.com': ['192.0.2.2'],
    'server3.example.com': ['192.0.2.3'],
    ...A,
  },
};

const leadsTo = async (
  uri: string,
  found: readonly string[],
  { zone = { a: A }, supported }: { readonly zone?: Zone; readonly supported?: readonly string[] } = {},
): Promise<void> => {
  expect((await hopsOf(uri, zone, supported === undefined ? {} : { supported })).found).toEqual(found);
};

/** A call to a name with two servers, forwarded and refused: all that belongs to its transaction. */
const call = async () => {
  const dns = zoneDns({
    srv: { [`_sip._udp.${D}`]: [srv('0 0 5062 one.example.com'), srv('1 0 5062 two.example.com')] },
    a: { 'one.example.com': ['192.0.2.7'], 'two.example.com': ['192.0.2.8'] },
  });
  const world = new ForwardWorld({ dns });
  await world.forward({ uri: `sip:bob@${D}` });
  return { world, dns, asked: dns.asked.length };
};

clause('RFC 3263 §4 Client Usage', [
  {
    id: '4-1',
    says: 'The procedures defined here in no way affect this URI (i.e., the URI is not rewritten with the result of the DNS lookup)',
    shows: async () => {
      const { world } = await call();
      expect(startOf(world.callee.sent[0])).toBe(`INVITE sip:bob@${D} SIP/2.0`);
    },
  },
  {
    id: '4-2',
    says: 'it can identify an intermediate hop towards that resource (in which case, the URI is found in the Route header)',
    shows: async () => {
      const dns = zoneDns({ a: { 'p.example': ['192.0.2.7'] } });
      const world = new ForwardWorld({ dns });
      await world.forward({ uri: `sip:bob@${D}` }, ['<sip:p.example:5062;lr>']);
      expect(startOf(world.callee.sent[0])).toBe(`INVITE sip:bob@${D} SIP/2.0`);
      expect(dns.asked).toEqual(['A p.example']);
    },
  },
  {
    id: '4-3',
    says: 'The procedures here MUST be done exactly once per transaction',
    shows: async () => {
      const { world, dns, asked } = await call();
      world.again({ uri: `sip:bob@${D}` });
      world.answer(world.callee.sent[0], 180);
      world.again({ uri: `sip:bob@${D}`, method: 'CANCEL' });
      world.answer(world.callee.sent[0], 487);
      world.again({ uri: `sip:bob@${D}`, method: 'ACK', to: '<sip:bob@example.com>;tag=b1' });
      expect(dns.asked).toHaveLength(asked);
    },
  },
  {
    id: '4-4',
    says: 'all retransmissions of the SIP request and the ACK for non-2xx SIP responses to INVITE MUST be sent to the same host',
    shows: async () => {
      const { world } = await call();
      world.clock.advance(600);
      world.answer(world.callee.sent[0], 486);
      world.again({ uri: `sip:bob@${D}`, method: 'ACK', to: '<sip:bob@example.com>;tag=b1' });
      expect(world.callee.sent.map((text) => text.split(' ')[0])).toEqual(['INVITE', 'INVITE', 'ACK']);
    },
  },
  {
    id: '4-5',
    says: 'a CANCEL for a particular SIP request MUST be sent to the same SIP server that the SIP request was delivered to',
    shows: async () => {
      const { world } = await call();
      world.answer(world.callee.sent[0], 180);
      world.again({ uri: `sip:bob@${D}`, method: 'CANCEL' });
      expect(world.callee.sent.map((text) => text.split(' ')[0])).toEqual(['INVITE', 'CANCEL']);
    },
  },
  {
    id: '4-6',
    says: 'there is no requirement that it be delivered to the same server that received the original request',
    when: 'the ACK to a 2xx is resolved anew',
    shows: async () => {
      const { world, dns, asked } = await call();
      const vias = ['SIP/2.0/UDP 192.0.2.50:5070;branch=z9hG4bKack;rport=5070;received=192.0.2.50'];
      await world.forward({ uri: `sip:bob@${D}`, method: 'ACK', vias, to: '<sip:bob@example.com>;tag=b1' });
      expect(dns.asked.length).toBeGreaterThan(asked);
    },
  },
  {
    id: '4-7',
    says: 'We define TARGET as the value of the maddr parameter of the URI, if present, otherwise, the host value of the hostport component of the URI.',
    when: 'an address',
    shows: () => leadsTo('sip:bob@other.example;maddr=192.0.2.7', ['udp 192.0.2.7 5060']),
  },
  {
    id: '4-7b',
    says: 'We define TARGET as the value of the maddr parameter of the URI, if present',
    when: 'a name',
    shows: () => leadsTo(`sip:bob@other.example;maddr=${D}`, ['udp 192.0.2.5 5060']),
  },
  {
    id: '4-7c',
    says: 'We define TARGET as the value of the maddr parameter of the URI, if present',
    when: 'an IPv6 address in brackets',
    shows: () =>
      leadsTo('sip:bob@other.example;maddr=[2001:db8::7]', ['udp 2001:db8::7 5060'], { supported: ['udp6'] }),
  },
]);

clause('RFC 3263 §4.1 Selecting a Transport Protocol', [
  ...(
    [
      ['sip:bob@192.0.2.4;transport=tcp', ['tcp 192.0.2.4 5060']],
      ['sip:bob@192.0.2.4:5080;transport=TCP', ['tcp 192.0.2.4 5080']],
      ['sip:bob@192.0.2.4;transport=udp', ['udp 192.0.2.4 5060']],
      ['sip:bob@192.0.2.4;transport=tls', ['tls 192.0.2.4 5061']],
      ['sips:bob@192.0.2.4;transport=tcp', ['tls 192.0.2.4 5061']],
      // RFC 3261 §26.2.2: sips is never carried over UDP.
      ['sips:bob@192.0.2.4;transport=udp', []],
      // Nobody here speaks it: no other transport is what was asked for.
      ['sip:bob@192.0.2.4;transport=sctp', []],
    ] as const
  ).map(([uri, found], index) => ({
    id: `4.1-1.${index + 1}`,
    says: 'If the URI specifies a transport protocol in the transport parameter, that transport protocol SHOULD be used.',
    when: uri,
    shows: () => leadsTo(uri, found, { supported: WITH_TLS }),
  })),
  {
    id: '4.1-2',
    says: 'if no transport protocol is specified, but the TARGET is a numeric IP address, the client SHOULD use UDP for a SIP URI',
    shows: () => leadsTo('sip:bob@192.0.2.4', ['udp 192.0.2.4 5060'], { supported: WITH_TLS }),
  },
  {
    id: '4.1-3',
    says: 'and TCP for a SIPS URI',
    when: 'TLS over it, on 5061',
    shows: () => leadsTo('sips:bob@192.0.2.4', ['tls 192.0.2.4 5061'], { supported: WITH_TLS }),
  },
  {
    id: '4.1-3b',
    says: 'and TCP for a SIPS URI',
    when: 'without TLS of ours it is not reached, rather than in the clear',
    shows: () => leadsTo('sips:bob@192.0.2.4', []),
  },
  {
    id: '4.1-4',
    says: 'if no transport protocol is specified, and the TARGET is not numeric, but an explicit port is provided, the client SHOULD use UDP for a SIP URI',
    shows: () => leadsTo(`sip:bob@${D}:5080`, ['udp 192.0.2.5 5080'], { zone: EXAMPLE, supported: WITH_TLS }),
  },
  {
    id: '4.1-5',
    says: 'and TCP for a SIPS URI.',
    when: 'a port',
    shows: () =>
      leadsTo(`sips:bob@${D}:5080`, ['tls 192.0.2.5 5080'], { zone: EXAMPLE, supported: WITH_TLS }),
  },
  {
    id: '4.1-6',
    says: 'However, another transport, such as TCP, MAY be used if the guidelines of SIP mandate it for this particular request. That is the case, for example, for requests that exceed the path MTU.',
    shows: async () => {
      const world = new ForwardWorld();
      await world.forward({ body: 'x'.repeat(1300) });
      expect(world.callee.sent).toEqual([]);
      const [sent] = world.flow('tcp', '192.0.2.7', 5062).sent;
      expect(valuesOf(sent, 'Via')[0]).toMatch(/^SIP\/2\.0\/TCP /);
    },
  },
  {
    id: '4.1-7',
    says: 'if no transport protocol or port is specified, and the target is not a numeric IP address, the client SHOULD perform a NAPTR query for the domain in the URI',
    shows: async () => expect((await hopsOf(`sip:bob@${D}`, EXAMPLE)).asked[0]).toBe(`NAPTR ${D}`),
  },
  ...([`sip:bob@${D};transport=udp`, `sip:bob@${D}:5060`, 'sip:bob@192.0.2.4'] as const).map(
    (uri, index) => ({
      id: `4.1-7.${index + 1}`,
      says: 'if no transport protocol or port is specified, and the target is not a numeric IP address',
      when: `${uri}: no NAPTR query`,
      shows: async () =>
        expect((await hopsOf(uri, EXAMPLE)).asked.filter((one) => one.startsWith('NAPTR'))).toEqual([]),
    }),
  ),
  {
    id: '4.1-8',
    says: 'The services relevant for the task of transport protocol selection are those with NAPTR service fields with values "SIP+D2X" and "SIPS+D2X"',
    shows: () =>
      leadsTo(`sip:bob@${D}`, ['udp 192.0.2.1 5060'], {
        zone: {
          ...EXAMPLE,
          naptr: { [D]: [naptr('1 1 u E2U+sip x'), naptr(`2 1 s sip+d2u _sip._udp.${D}`)] },
        },
      }),
  },
  {
    id: '4.1-9',
    says: 'The resource record will contain an empty regular expression and a replacement value, which is the SRV record for that particular transport protocol.',
    when: 'records that are rewritten, lead nowhere or are not for SRV are no service',
    shows: () =>
      leadsTo(`sip:bob@${D}`, ['udp 192.0.2.5 5060'], {
        zone: {
          naptr: {
            [D]: [
              naptr(`1 1 s SIP+D2U _sip._udp.${D} !^.*$!x!`),
              naptr('2 1 s SIP+D2U .'),
              naptr(`3 1 u SIP+D2T _sip._tcp.${D}`),
            ],
          },
          a: A,
        },
      }),
  },
  {
    id: '4.1-10',
    says: 'a client resolving a SIPS URI MUST discard any services that do not contain "SIPS" as the protocol in the service field',
    shows: () => leadsTo(`sips:bob@${D}`, ['tls 192.0.2.3 5061'], { zone: EXAMPLE, supported: WITH_TLS }),
  },
  {
    id: '4.1-10b',
    says: 'a client resolving a SIPS URI MUST discard any services that do not contain "SIPS" as the protocol in the service field',
    when: 'none is left: _sips by itself, never UDP or TCP in the clear',
    shows: async () => {
      const zone = { ...EXAMPLE, naptr: { [D]: NAPTR_EXAMPLE.slice(1) } };
      const { found, asked } = await hopsOf(`sips:bob@${D}`, zone, { supported: WITH_TLS });
      expect(found).toEqual(['tls 192.0.2.3 5061']);
      expect(asked.filter((one) => one.startsWith('SRV'))).toEqual([`SRV _sips._tcp.${D}`]);
    },
  },
  {
    id: '4.1-11',
    says: 'A client resolving a SIP URI SHOULD retain records with "SIPS" as the protocol, if the client supports TLS.',
    shows: () => leadsTo(`sip:bob@${D}`, ['tls 192.0.2.3 5061'], { zone: EXAMPLE, supported: WITH_TLS }),
  },
  {
    id: '4.1-12',
    says: 'a client MUST discard any service fields that identify a resolution service whose value is not "D2X", for values of X that indicate transport protocols supported by the client',
    shows: () =>
      leadsTo(`sip:bob@${D}`, ['tcp 192.0.2.1 5060', 'tcp 192.0.2.2 5060'], {
        zone: { ...EXAMPLE, naptr: { [D]: [naptr(`1 1 s SIP+D2S _sip._sctp.${D}`), ...NAPTR_EXAMPLE] } },
      }),
  },
  {
    id: '4.1-12b',
    says: 'for values of X that indicate transport protocols supported by the client',
    when: 'no transport that we have: as if there were no NAPTR records',
    shows: () =>
      leadsTo(`sip:bob@${D}`, ['udp 192.0.2.1 5060', 'tcp 192.0.2.1 5060', 'tcp 192.0.2.2 5060'], {
        zone: { ...EXAMPLE, naptr: { [D]: [naptr(`1 1 s SIP+D2S _sip._sctp.${D}`)] } },
      }),
  },
  {
    id: '4.1-13',
    says: 'The NAPTR processing as described in RFC 2915 will result in the discovery of the most preferred transport protocol of the server that is supported by the client, as well as an SRV record for the server.',
    when: 'by order',
    shows: () => leadsTo(`sip:bob@${D}`, ['tcp 192.0.2.1 5060', 'tcp 192.0.2.2 5060'], { zone: EXAMPLE }),
  },
  {
    id: '4.1-13b',
    says: 'the most preferred transport protocol of the server that is supported by the client',
    when: 'by preference within one order, and then the others of that order (RFC 3403 §4.1)',
    shows: () =>
      leadsTo(`sip:bob@${D}`, ['udp 192.0.2.1 5060', 'tcp 192.0.2.1 5060', 'tcp 192.0.2.2 5060'], {
        zone: {
          ...EXAMPLE,
          naptr: {
            [D]: [naptr(`50 20 s SIP+D2T _sip._tcp.${D}`), naptr(`50 10 s SIP+D2U _sip._udp.${D}`)],
          },
        },
      }),
  },
  {
    id: '4.1-14',
    says: 'Since the client supports TCP and UDP, TCP will be used, targeted to a host determined by an SRV lookup of _sip._tcp.example.com.',
    shows: async () => {
      const { found, asked } = await hopsOf(`sip:bob@${D}`, EXAMPLE);
      expect(found[0]).toBe('tcp 192.0.2.1 5060');
      expect(asked.slice(0, 3)).toEqual([`NAPTR ${D}`, `SRV _sip._tcp.${D}`, 'A server1.example.com']);
    },
  },
  {
    id: '4.1-15',
    says: 'there MUST be at least three records - one with a "SIP+D2T" service field, one with a "SIP+D2U" service field, and one with a "SIPS+D2T" service field',
    notOurs: 'a rule for who writes the zone; fewer records are used as they are',
  },
  {
    id: '4.1-16',
    says: 'The records with SIPS as the protocol in the service field SHOULD be preferred',
    notOurs: 'a rule for who writes the zone',
  },
  {
    id: '4.1-17',
    says: 'A record with a "SIPS+D2U" service field SHOULD NOT be placed into the DNS, since it is not possible to use TLS over UDP.',
    when: 'where it is, it is discarded',
    shows: () =>
      leadsTo(`sip:bob@${D}`, ['tls 192.0.2.3 5061'], {
        zone: { ...EXAMPLE, naptr: { [D]: [naptr(`1 1 s SIPS+D2U _sips._udp.${D}`), ...NAPTR_EXAMPLE] } },
        supported: WITH_TLS,
      }),
  },
  {
    id: '4.1-18',
    says: 'It is not necessary for the domain suffixes in the NAPTR replacement field to match the domain of the original query',
    shows: () =>
      leadsTo(`sip:bob@${D}`, ['tcp 192.0.2.77 5070'], {
        zone: {
          naptr: { [D]: [naptr('1 1 s SIP+D2T _sip._tcp.school.example')] },
          srv: { '_sip._tcp.school.example': [srv('0 0 5070 s.school.example')] },
          a: { 's.school.example': ['192.0.2.77'] },
        },
      }),
  },
  {
    id: '4.1-19',
    says: 'a domain MUST maintain SRV records for the domain of the original query, even if the NAPTR record is in a different domain',
    notOurs: 'a rule for who writes the zone',
  },
  {
    id: '4.1-20',
    says: 'the domain name in the query and the domain name in the replacement field MUST both be valid based on the site certificate handed out by the server in the TLS exchange',
    when: 'the one in the query, as RFC 5922 §7.1 has it since',
    shows: async () => {
      const { hops } = await hopsOf(`sip:bob@${D}`, EXAMPLE, { supported: WITH_TLS });
      expect(hops.map(({ serverName }) => serverName)).toEqual([D]);
    },
  },
  {
    id: '4.1-21',
    says: 'the domain name in the SRV query and the domain name in the target in the SRV record MUST both be valid based on the same site certificate',
    notOurs:
      'RFC 5922 §7.1 asks for the domain of the URI alone: a hoster cannot have a name of each customer and of its own in one certificate',
  },
  {
    id: '4.1-22',
    says: 'If no NAPTR records are found, the client constructs SRV queries for those transport protocols it supports, and does a query for each.',
    shows: async () => {
      const { srv: records = {}, a = {} } = EXAMPLE;
      const { found, asked } = await hopsOf(`sip:bob@${D}`, { srv: records, a });
      expect(asked.slice(0, 3)).toEqual([`NAPTR ${D}`, `SRV _sip._udp.${D}`, `SRV _sip._tcp.${D}`]);
      expect(found).toEqual(['udp 192.0.2.1 5060', 'tcp 192.0.2.1 5060', 'tcp 192.0.2.2 5060']);
    },
  },
  {
    id: '4.1-23',
    says: 'Queries are done using the service identifier "_sip" for SIP URIs and "_sips" for SIPS URIs.',
    when: '§4.2 lets a SIP URI go by "_sips" too where TLS is wanted: it comes last',
    shows: async () => {
      const asks = async (uri: string) =>
        (await hopsOf(uri, {}, { supported: WITH_TLS })).asked.filter((one) => one.startsWith('SRV'));
      expect(await asks(`sips:bob@${D}`)).toEqual([`SRV _sips._tcp.${D}`]);
      expect(await asks(`sip:bob@${D}`)).toEqual([
        `SRV _sip._udp.${D}`,
        `SRV _sip._tcp.${D}`,
        `SRV _sips._tcp.${D}`,
      ]);
    },
  },
  {
    id: '4.1-24',
    says: 'A particular transport is supported if the query is successful.',
    shows: () =>
      leadsTo(`sip:bob@${D}`, ['tcp 192.0.2.2 5070'], {
        zone: {
          srv: { [`_sip._tcp.${D}`]: [srv('0 0 5070 server2.example.com')] },
          a: { 'server2.example.com': ['192.0.2.2'], ...A },
        },
      }),
  },
  {
    id: '4.1-25',
    says: 'The client MAY use any transport protocol it desires which is supported by the server.',
    when: 'what every phone has first: UDP, TCP, TLS',
    shows: () => {
      const { srv: records = {}, a = {} } = EXAMPLE;
      const found = ['udp 192.0.2.1 5060', 'tcp 192.0.2.1 5060', 'tcp 192.0.2.2 5060', 'tls 192.0.2.3 5061'];
      return leadsTo(`sip:bob@${D}`, found, { zone: { srv: records, a }, supported: WITH_TLS });
    },
  },
  {
    id: '4.1-26',
    says: 'If no SRV records are found, the client SHOULD use TCP for a SIPS URI, and UDP for a SIP URI.',
    shows: async () => {
      await leadsTo(`sip:bob@${D}`, ['udp 192.0.2.5 5060'], { supported: WITH_TLS });
      await leadsTo(`sips:bob@${D}`, ['tls 192.0.2.5 5061'], { supported: WITH_TLS });
    },
  },
]);
