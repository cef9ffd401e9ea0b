// RFC 3263 §5 to §7, how an answer finds its way back and what remains, sentence by sentence.
import { expect } from 'vitest';
import { waysBack } from '../../../src/proxy/way-back.ts';
import { clause } from '../../support/clause.ts';
import { FakeFlow } from '../../support/forward-fakes.ts';
import { ForwardWorld, settled, startOf, valuesOf } from '../../support/forward-world.ts';
import { hopsOf, WITH_TLS } from '../../support/hops.ts';
import { viaOf } from '../../support/sip-request.ts';
import { naptr, srv, type Zone, zoneDns } from '../../support/zone-dns.ts';

const ALL = ['udp4', 'tcp4', 'tls4', 'ws4', 'wss4'];

/** The places tried for an answer whose Via this is, without the flow that the request came by. */
const waysOf = async (via: string, zone: Zone = {}) => {
  const dns = zoneDns(zone);
  const found: string[] = [];
  const supports = (transport: string, family: number) => ALL.includes(`${transport}${family}`);
  for await (const { transport, host, port } of waysBack(viaOf(via), { dns, supports, seed: 's' }))
    found.push(`${transport} ${host} ${port}`);
  return { found, asked: dns.asked };
};

const P = 'p.example';
const SERVERS: Zone = {
  srv: {
    [`_sip._tcp.${P}`]: [srv('2 0 5072 b.p.example'), srv('1 0 5071 a.p.example')],
    [`_sips._tcp.${P}`]: [srv('1 0 5073 a.p.example')],
    [`_sip._udp.${P}`]: [srv('1 0 5074 a.p.example')],
  },
  a: { 'a.p.example': ['192.0.2.31'], 'b.p.example': ['192.0.2.32'], [P]: ['192.0.2.33', '192.0.2.34'] },
};

/** A call from a connection that is gone when the answer comes. */
const answered = async (via: string, unreachable: readonly string[] = []) => {
  const world = new ForwardWorld({ dns: zoneDns(SERVERS) });
  const gone = new FakeFlow('tcp', { host: '192.0.2.50', port: 40_000 });
  await world.forward({ vias: [via] }, [], gone);
  for (const place of unreachable) world.unreachable.add(place);
  gone.open = false;
  world.answer(world.callee.sent[0], 200);
  await settled();
  return world;
};

clause('RFC 3263 §5 Server Usage', [
  {
    id: '5-1',
    says: 'for unicast UDP requests, the response is sent back to the source IP address where the request came from, using the port contained in the Via header',
    shows: async () => {
      const world = new ForwardWorld();
      await world.forward({ vias: ['SIP/2.0/UDP 192.0.2.50:5099;branch=z9hG4bKa1'] });
      world.answer(world.callee.sent[0], 200);
      expect(world.flow('udp', '192.0.2.50', 5099).sent.map(startOf)).toEqual(['SIP/2.0 200 Reason']);
    },
  },
  {
    id: '5-2',
    says: 'For reliable transport protocols, the response is sent over the connection the request arrived on.',
    shows: async () => {
      const world = new ForwardWorld();
      const caller = new FakeFlow('tcp', { host: '192.0.2.50', port: 40_000 });
      await world.forward({ vias: ['SIP/2.0/TCP p.example;branch=z9hG4bKa1'] }, [], caller);
      world.answer(world.callee.sent[0], 200);
      expect(caller.sent.map(startOf)).toEqual(['SIP/2.0 200 Reason']);
    },
  },
  {
    id: '5-3',
    says: 'The procedures here are invoked when a server attempts to send to that location and that response fails',
    when: 'an answer that we forward',
    shows: async () => {
      const world = await answered('SIP/2.0/TCP 192.0.2.50:5070;branch=z9hG4bKa1');
      const { sent } = world.flow('tcp', '192.0.2.50', 5070);
      expect(sent.map(startOf)).toEqual(['SIP/2.0 200 Reason']);
      expect(valuesOf(sent[0], 'Via')).toEqual(['SIP/2.0/TCP 192.0.2.50:5070;branch=z9hG4bKa1']);
    },
  },
  {
    id: '5-4',
    says: 'any closure of the transport connection the request came in on before the response can be sent',
    when: 'RFC 3261 §18.2.2 first: to the address in received, the port of sent-by; then by sent-by, one after the other',
    shows: async () => {
      const world = await answered('SIP/2.0/TCP p.example;branch=z9hG4bKa1;received=192.0.2.50', [
        'tcp 192.0.2.50 5060',
        'tcp 192.0.2.31 5071',
      ]);
      expect(world.flow('tcp', '192.0.2.32', 5072).sent.map(startOf)).toEqual(['SIP/2.0 200 Reason']);
    },
  },
  {
    id: '5-5',
    says: 'communication of a fatal error from the transport layer',
    notOurs:
      'over UDP our sockets are not connected and hear of no ICMP error; over TCP it closes the connection, which 5-4 shows',
  },
  {
    id: '5-6',
    says: 'If it contains a numeric IP address, the server attempts to send the response to that address, using the transport protocol from the Via header, and the port from sent-by, if present, else the default for that transport protocol.',
    shows: async () => {
      const of = async (via: string) => (await waysOf(via)).found;
      expect(await of('SIP/2.0/TCP 192.0.2.9:5077;branch=z9hG4bKx')).toEqual(['tcp 192.0.2.9 5077']);
      expect(await of('SIP/2.0/TCP 192.0.2.9;branch=z9hG4bKx')).toEqual(['tcp 192.0.2.9 5060']);
      expect(await of('SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx')).toEqual(['udp 192.0.2.9 5060']);
      expect(await of('SIP/2.0/TLS 192.0.2.9;branch=z9hG4bKx')).toEqual(['tls 192.0.2.9 5061']);
    },
  },
  {
    id: '5-6b',
    says: 'If it contains a numeric IP address, the server attempts to send the response to that address',
    when: 'and where the request came from elsewhere, that address before it (RFC 3261 §18.2.2)',
    shows: async () =>
      expect((await waysOf('SIP/2.0/TCP 192.0.2.9:5077;branch=z9hG4bKx;received=192.0.2.50')).found).toEqual([
        'tcp 192.0.2.50 5077',
        'tcp 192.0.2.9 5077',
      ]),
  },
  {
    id: '5-7',
    says: 'The transport protocol in the Via header can indicate "TLS", which refers to TLS over TCP. When this value is present, the server MUST use TLS over TCP to send the response.',
    shows: async () => {
      const { found } = await waysOf('SIP/2.0/TLS p.example;branch=z9hG4bKx;received=192.0.2.50', SERVERS);
      expect(found).toEqual(['tls 192.0.2.50 5061', 'tls 192.0.2.31 5073']);
    },
  },
  {
    id: '5-8',
    says: 'If, however, the sent-by field contained a domain name and a port number, the server queries for A or AAAA records with that name. It tries to send the response to each element on the resulting list of IP addresses, using the port from the Via, and the transport protocol from the Via',
    shows: async () =>
      expect(await waysOf('SIP/2.0/TCP p.example:5078;branch=z9hG4bKx', SERVERS)).toEqual({
        found: ['tcp 192.0.2.33 5078', 'tcp 192.0.2.34 5078'],
        asked: ['A p.example'],
      }),
  },
  {
    id: '5-9',
    says: 'the next entry in the list is tried if the one before it results in a failure',
    shows: async () => {
      const world = await answered('SIP/2.0/TCP p.example:5078;branch=z9hG4bKa1', ['tcp 192.0.2.33 5078']);
      expect(world.flow('tcp', '192.0.2.34', 5078).sent.map(startOf)).toEqual(['SIP/2.0 200 Reason']);
    },
  },
  {
    id: '5-10',
    says: 'If, however, the sent-by field contained a domain name and no port, the server queries for SRV records at that domain name using the service identifier "_sips" if the Via transport is "TLS", "_sip" otherwise, and the transport from the topmost Via header',
    shows: async () => {
      const first = async (transport: string) =>
        (await waysOf(`SIP/2.0/${transport} p.example;branch=z9hG4bKx`, SERVERS)).asked[0];
      expect(await first('TCP')).toBe('SRV _sip._tcp.p.example');
      expect(await first('UDP')).toBe('SRV _sip._udp.p.example');
      expect(await first('TLS')).toBe('SRV _sips._tcp.p.example');
    },
  },
  {
    id: '5-11',
    says: 'The resulting list is sorted as described in [2], and the response is sent to the topmost element on the new list described there. If that results in a failure, the next entry on the list is tried.',
    shows: async () =>
      expect((await waysOf('SIP/2.0/TCP p.example;branch=z9hG4bKx', SERVERS)).found).toEqual([
        'tcp 192.0.2.31 5071',
        'tcp 192.0.2.32 5072',
      ]),
  },
  {
    id: '5-12',
    says: 'it is important to provide failover support when the client element fails between sending the request and receiving the response',
    when: 'an answer of our own (a 302, a 200 to REGISTER) whose connection is gone',
    fails:
      'it is dropped: the caller repeats, and strangers could have us open connections to where they please',
    shows: async () => {
      const world = new ForwardWorld({ dns: zoneDns(SERVERS) });
      const gone = new FakeFlow('tcp', { host: '192.0.2.50', port: 40_000 });
      gone.open = false;
      await world.forward({ vias: ['SIP/2.0/TCP p.example;branch=z9hG4bKa1'], maxForwards: 0 }, [], gone);
      await settled();
      expect(world.flow('tcp', '192.0.2.31', 5071).sent).toHaveLength(1);
    },
  },
  {
    id: '5-13',
    says: 'the server examines the value of the sent-by construction in the topmost Via header',
    when: 'it names an address of this machine, and the request did not come from there: not tried',
    shows: async () => {
      const zone = { a: { 'evil.example': ['127.0.0.1', '169.254.169.254'] } };
      const { found } = await waysOf(
        'SIP/2.0/TCP evil.example:9184;branch=z9hG4bKx;received=192.0.2.50',
        zone,
      );
      expect(found).toEqual(['tcp 192.0.2.50 9184']);
    },
  },
  {
    id: '5-14',
    says: 'the transport protocol from the Via',
    when: 'a WebSocket: its connection or none (RFC 7118 §5)',
    shows: async () =>
      expect(
        await waysOf('SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bKx;received=192.0.2.50;rport=40000'),
      ).toEqual({ found: ['ws 192.0.2.50 40000', 'ws 192.0.2.50 80'], asked: [] }),
  },
]);

clause('RFC 3263 §6 Constructing SIP URIs and §7 Security Considerations', [
  {
    id: '6-1',
    says: 'should the element fail, there is no way to route the request or response through a backup … Instead of using an IP address, a domain name that resolves to an SRV record can be used',
    when: 'Via and Record-Route name what sip.advertise says, which may be such a name',
    notOurs:
      'the operator chooses the name and writes the zone; test/unit/proxy/forwarded-message.test.ts shows that it is what we write',
  },
  {
    id: '7-1',
    says: 'the sips URI scheme, which is always sent only over TLS. An attacker cannot force a bid down through deletion or modification of DNS records.',
    shows: async () => {
      const D = 'example.com';
      const clear: Zone = {
        naptr: { [D]: [naptr(`1 1 s SIP+D2U _sip._udp.${D}`), naptr(`2 1 s SIP+D2T _sip._tcp.${D}`)] },
        srv: {
          [`_sip._udp.${D}`]: [srv('0 0 5060 a.example.com')],
          [`_sip._tcp.${D}`]: [srv('0 0 5060 a.example.com')],
        },
        a: { 'a.example.com': ['192.0.2.1'], [D]: ['192.0.2.5'] },
      };
      for (const uri of [`sips:bob@${D}`, `sips:bob@${D}:5060`, `sips:bob@${D};transport=tcp`]) {
        const { found } = await hopsOf(uri, clear, { supported: WITH_TLS });
        expect(found.map((hop) => hop.split(' ')[0])).toEqual(['tls']);
      }
    },
  },
  {
    id: '7-2',
    says: 'the sips URI scheme, which is always sent only over TLS',
    when: 'also where a Route says sip (RFC 3261 §16.6 step 7), with a Record-Route that is sips (step 4)',
    shows: async () => {
      const world = new ForwardWorld({ transports: ['udp', 'tcp', 'tls'] });
      await world.forward({ uri: 'sips:bob@example.com' }, ['<sip:192.0.2.7:5062;lr>']);
      const { sent } = world.flow('tls', '192.0.2.7', 5062);
      expect(startOf(sent[0])).toBe('INVITE sips:bob@example.com SIP/2.0');
      expect(valuesOf(sent[0], 'Record-Route')).toEqual([
        expect.stringMatching(/^<sips:d1[^@]*@192\.0\.2\.1:5060;lr>$/),
      ]);
      expect(world.callee.sent).toEqual([]);
    },
  },
  {
    id: '7-3',
    says: 'A client which frequently contacts the same domain SHOULD cache whether or not its NAPTR records contain SIPS in the services field. If such records were present, but in later queries cease to appear, it is a sign of a potential attack. In this case, the client SHOULD generate some kind of alert or alarm, and MAY reject the request.',
    fails:
      'nothing is remembered of other domains: whoever can take records out of our DNS can also point them at himself; who must have TLS says sips',
    shows: async () => {
      const D = 'example.com';
      const srvRecords = {
        [`_sip._udp.${D}`]: [srv('0 0 5060 a.example.com')],
        [`_sips._tcp.${D}`]: [srv('0 0 5061 a.example.com')],
      };
      const a = { 'a.example.com': ['192.0.2.1'] };
      const before = { naptr: { [D]: [naptr(`1 1 s SIPS+D2T _sips._tcp.${D}`)] }, srv: srvRecords, a };
      await hopsOf(`sip:bob@${D}`, before, { supported: WITH_TLS });
      const { found } = await hopsOf(`sip:bob@${D}`, { srv: srvRecords, a }, { supported: WITH_TLS });
      expect(found).toEqual(['tls 192.0.2.1 5061']);
    },
  },
]);
