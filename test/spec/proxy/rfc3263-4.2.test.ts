// RFC 3263 §4.2, port and address, with the usage rules of RFC 2782 that it refers to, sentence by sentence.
import { expect } from 'vitest';
import { srvOrder } from '../../../src/proxy/srv-order.ts';
import { clause } from '../../support/clause.ts';
import { hopsOf, WITH_TLS } from '../../support/hops.ts';
import { naptr, srv, type Zone } from '../../support/zone-dns.ts';

const D = 'example.com';
const A = { [D]: ['192.0.2.5'] };

const leadsTo = async (
  uri: string,
  found: readonly string[],
  zone: Zone = { a: A },
  supported?: readonly string[],
): Promise<void> => {
  expect((await hopsOf(uri, zone, supported === undefined ? {} : { supported })).found).toEqual(found);
};

/** How often each name comes first, of so many draws. */
const firsts = (records: readonly string[], draws: number): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (let draw = 0; draw < draws; draw += 1) {
    const name = srvOrder(records.map(srv), `transaction ${draw}`)[0]?.name ?? '';
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
};

const numbered = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);

clause('RFC 3263 §4.2 Determining Port and IP Address', [
  {
    id: '4.2-1',
    says: 'If TARGET is a numeric IP address, the client uses that address. If the URI also contains a port, it uses that port.',
    shows: () => leadsTo('sip:bob@192.0.2.4:5080', ['udp 192.0.2.4 5080']),
  },
  {
    id: '4.2-2',
    says: 'If no port is specified, it uses the default port for the particular transport protocol.',
    shows: async () => {
      await leadsTo('sip:bob@192.0.2.4', ['udp 192.0.2.4 5060'], {}, WITH_TLS);
      await leadsTo('sip:bob@192.0.2.4;transport=tcp', ['tcp 192.0.2.4 5060'], {}, WITH_TLS);
      await leadsTo('sips:bob@192.0.2.4', ['tls 192.0.2.4 5061'], {}, WITH_TLS);
      await leadsTo('sip:bob@[2001:db8::9]', ['udp 2001:db8::9 5060'], {}, ['udp6']);
      await leadsTo('sip:bob@192.0.2.4;transport=ws', ['ws 192.0.2.4 80'], {}, ['ws4']);
      await leadsTo('sips:bob@192.0.2.4;transport=ws', ['wss 192.0.2.4 443'], {}, ['wss4']);
    },
  },
  {
    id: '4.2-2b',
    says: 'If TARGET is a numeric IP address, the client uses that address.',
    when: 'of a family that we have no listener for: nowhere, and no question',
    shows: async () => {
      expect(await hopsOf('sip:bob@[2001:db8::9]')).toMatchObject({ found: [], asked: [] });
    },
  },
  {
    id: '4.2-3',
    says: 'If the TARGET was not a numeric IP address, but a port is present in the URI, the client performs an A or AAAA record lookup of the domain name.',
    shows: async () => {
      const zone = { a: A, srv: { [`_sip._udp.${D}`]: [srv('0 0 5070 x.example.com')] } };
      expect(await hopsOf(`sip:bob@${D}:5080`, zone)).toMatchObject({
        found: ['udp 192.0.2.5 5080'],
        asked: [`A ${D}`],
      });
    },
  },
  {
    id: '4.2-4',
    says: 'The result will be a list of IP addresses, each of which can be contacted at the specific port from the URI and transport protocol determined previously.',
    shows: () =>
      leadsTo(
        `sip:bob@${D}:5080;transport=tcp`,
        ['tcp 192.0.2.5 5080', 'tcp 192.0.2.6 5080', 'tcp 2001:db8::5 5080'],
        { a: { [D]: ['192.0.2.5', '192.0.2.6'] }, aaaa: { [D]: ['2001:db8::5'] } },
        ['tcp4', 'tcp6'],
      ),
  },
  {
    id: '4.2-5',
    says: 'The client SHOULD try the first record.',
    when: 'the first in a fixed order, for a retransmission has to find the same (§4.4); IPv4 before IPv6',
    shows: () =>
      leadsTo(`sip:bob@${D}:5060`, ['udp 192.0.2.10 5060', 'udp 192.0.2.9 5060'], {
        a: { [D]: ['192.0.2.9', '192.0.2.10'] },
      }),
  },
  {
    id: '4.2-6',
    says: 'Previously, if the port was explicit, but with a value of 5060, SRV records were used. Now, A or AAAA records will be used.',
    shows: async () => expect((await hopsOf(`sip:bob@${D}:5060`, { a: A })).asked).toEqual([`A ${D}`]),
  },
  {
    id: '4.2-7',
    says: 'If the TARGET was not a numeric IP address, and no port was present in the URI, the client performs an SRV query on the record returned from the NAPTR processing of Section 4.1, if such processing was performed.',
    shows: async () => {
      const zone = { naptr: { [D]: [naptr('1 1 s SIP+D2U _sip._udp.elsewhere.example')] } };
      expect((await hopsOf(`sip:bob@${D}`, zone)).asked[1]).toBe('SRV _sip._udp.elsewhere.example');
    },
  },
  {
    id: '4.2-8',
    says: 'If it was not, because a transport was specified explicitly, the client performs an SRV query for that specific transport, using the service identifier "_sips" for SIPS URIs.',
    shows: async () => {
      const first = async (uri: string) => (await hopsOf(uri, {}, { supported: WITH_TLS })).asked[0];
      expect(await first(`sip:bob@${D};transport=tcp`)).toBe(`SRV _sip._tcp.${D}`);
      expect(await first(`sip:bob@${D};transport=udp`)).toBe(`SRV _sip._udp.${D}`);
      expect(await first(`sips:bob@${D};transport=tcp`)).toBe(`SRV _sips._tcp.${D}`);
    },
  },
  {
    id: '4.2-9',
    says: 'For a SIP URI, if the client wishes to use TLS, it also uses the service identifier "_sips" for that specific transport, otherwise, it uses "_sip".',
    shows: async () => {
      const { asked } = await hopsOf(`sip:bob@${D};transport=tls`, {}, { supported: WITH_TLS });
      expect(asked[0]).toBe(`SRV _sips._tcp.${D}`);
    },
  },
  {
    id: '4.2-10',
    says: 'If the NAPTR processing was not done because no NAPTR records were found, but an SRV query for a supported transport protocol was successful, those SRV records are selected.',
    shows: () =>
      leadsTo(`sip:bob@${D}`, ['tcp 192.0.2.2 5070'], {
        srv: { [`_sip._tcp.${D}`]: [srv('0 0 5070 two.example.com')] },
        a: { 'two.example.com': ['192.0.2.2'], ...A },
      }),
  },
  {
    id: '4.2-11',
    says: 'If no SRV records were found, the client performs an A or AAAA record lookup of the domain name. The result will be a list of IP addresses, each of which can be contacted using the transport protocol determined previously, at the default port for that transport.',
    shows: async () => {
      await leadsTo(`sip:bob@${D}`, ['udp 192.0.2.5 5060']);
      await leadsTo(`sip:bob@${D};transport=tcp`, ['tcp 192.0.2.5 5060']);
      await leadsTo(`sips:bob@${D}`, ['tls 192.0.2.5 5061'], { a: A }, WITH_TLS);
    },
  },
  {
    id: '4.2-11b',
    says: 'using the transport protocol determined previously',
    when: 'NAPTR determined TCP, and its SRV name does not exist',
    shows: () =>
      leadsTo(`sip:bob@${D}`, ['tcp 192.0.2.5 5060'], {
        naptr: { [D]: [naptr(`1 1 s SIP+D2T _sip._tcp.${D}`)] },
        a: A,
      }),
  },
  {
    id: '4.2-12',
    says: 'If no SRV records were found',
    when: 'DNS had no answer to some question: the rest is tried all the same',
    shows: () =>
      leadsTo(`sip:bob@${D}`, ['udp 192.0.2.5 5060'], {
        a: A,
        silent: [`NAPTR ${D}`, `SRV _sip._tcp.${D}`],
      }),
  },
  {
    id: '4.2-13',
    says: 'the client performs an A or AAAA record lookup of the domain name',
    when: 'DNS has no answer at all: nowhere',
    shows: () =>
      leadsTo(`sip:bob@${D}`, [], {
        silent: [`NAPTR ${D}`, `SRV _sip._udp.${D}`, `SRV _sip._tcp.${D}`, `A ${D}`],
      }),
  },
]);

clause('RFC 2782, usage rules', [
  {
    id: '2782-1',
    says: 'If there is precisely one SRV RR, and its Target is "." (the root domain), abort.',
    shows: () => leadsTo(`sip:bob@${D}`, [], { srv: { [`_sip._udp.${D}`]: [srv('0 0 0 .')] }, a: A }),
  },
  {
    id: '2782-2',
    says: 'A client MUST attempt to contact the target host with the lowest-numbered priority it can reach',
    shows: () => {
      for (const draw of numbered(50)) {
        const order = srvOrder(['20 9 1 c', '10 0 1 b', '5 0 1 a'].map(srv), `${draw}`);
        expect(order.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
      }
    },
  },
  {
    id: '2782-3',
    says: 'Larger weights SHOULD be given a proportionately higher probability of being selected.',
    when: '1 : 3 : 6 in 10,000 draws, seeded',
    shows: () => {
      const counts = firsts(['0 10 1 a', '0 30 1 b', '0 60 1 c'], 10_000);
      // Five standard deviations of a binomial are at most 245.
      expect(Math.abs((counts['a'] ?? 0) - 1000)).toBeLessThan(200);
      expect(Math.abs((counts['b'] ?? 0) - 3000)).toBeLessThan(250);
      expect(Math.abs((counts['c'] ?? 0) - 6000)).toBeLessThan(250);
    },
  },
  {
    id: '2782-4',
    says: 'In the presence of records containing weights greater than 0, records with weight 0 should have a very small chance of being selected.',
    shows: () => {
      const counts = firsts(['0 0 1 small', '0 1000 1 large'], 10_000);
      expect(counts['small'] ?? 0).toBeGreaterThan(0);
      expect(counts['small'] ?? 0).toBeLessThan(40);
    },
  },
  {
    id: '2782-5',
    says: 'Continue the ordering process until there are no unordered SRV RRs.',
    shows: () => {
      const names = (draw: number) =>
        srvOrder(['0 1 1 a', '0 1 1 b', '0 1 1 c'].map(srv), `${draw}`).map(({ name }) => name);
      const seen = new Set(numbered(200).map((draw) => names(draw).join('')));
      expect([...seen].sort()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
    },
  },
  {
    id: '2782-6',
    says: 'for each address record found, try to connect to the (protocol, address, service)',
    when: 'no more than eight addresses, nor eight servers asked for, however many a zone names',
    shows: async () => {
      const names = numbered(30).map((n) => `s${n}.example.com`);
      const records = { [`_sip._udp.${D}`]: names.map((name, n) => srv(`${n} 0 5060 ${name}`)) };
      const a = Object.fromEntries(names.map((name, n) => [name, [`192.0.2.${n}`]]));
      expect((await hopsOf(`sip:bob@${D}`, { srv: records, a })).found).toHaveLength(8);
      const { asked } = await hopsOf(`sip:bob@${D}`, { srv: records });
      expect(asked.filter((question) => question.startsWith('A '))).toHaveLength(8);
    },
  },
]);
