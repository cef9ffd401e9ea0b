// RFC 3261 §18, the transport layer, sentence by sentence at a whole registrar over real sockets.
import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect } from 'vitest';
import { parseConfig } from '../../../src/config.ts';
import { clause } from '../../support/clause.ts';
import { gets, type Office, type OfficePhone, openOffice } from '../../support/office.ts';
import { parseAnswer, type SipAnswer } from '../../support/sip-client.ts';
import { type UdpPeer, udpPeer } from '../../support/sip-peers.ts';
import { requestText } from '../../support/sip-request.ts';

let office: Office;
let phone: OfficePhone;
let callee: UdpPeer;

beforeAll(async () => {
  office = await openOffice({ open: true });
  phone = await office.phone();
  callee = await office.peer();
});
afterAll(() => office.close());

const OPTIONS = { method: 'OPTIONS', uri: 'sip:biloxi.com' } as const;
const forUdp = (): string => `sip:x@127.0.0.1:${callee.local.port}`;
let branches = 0;
const branch = (): string => {
  branches += 1;
  return `z9hG4bK18x${branches}`;
};
const topVia = (answer: SipAnswer): string => answer.header('Via')[0] ?? '';
/** The answer of a callee to what was forwarded to it. */
const okTo = (request: string, status = '200 OK'): string => {
  const rows = request.slice(0, request.indexOf('\r\n\r\n')).split('\r\n').slice(1);
  const kept = rows.filter((row) => /^(Via|From|To|Call-ID|CSeq):/i.test(row));
  return [`SIP/2.0 ${status}`, ...kept, 'Content-Length: 0', '\r\n'].join('\r\n');
};

/** A callee that takes connections: what they said, and how many there were. */
interface TcpCallee {
  readonly uri: string;
  readonly sockets: readonly Socket[];
  /** The next request over any connection. */
  next(): Promise<{ readonly text: string; readonly socket: Socket }>;
  close(): Promise<void>;
}
const tcpCallee = async (): Promise<TcpCallee> => {
  const sockets: Socket[] = [];
  const heard: { text: string; socket: Socket }[] = [];
  let tell: () => void = () => undefined;
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      heard.push({ text: bytes.toString('latin1'), socket });
      tell();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  return {
    uri: `sip:x@127.0.0.1:${port};transport=tcp`,
    sockets,
    async next() {
      for (;;) {
        const first = heard.shift();
        if (first !== undefined) return first;
        await new Promise<void>((resolve) => {
          tell = resolve;
        });
      }
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};
/** Some address of 127.0.0.0/8 whose port 5060 is free. */
const on5060 = async (attempt = 1): Promise<UdpPeer> => {
  try {
    return await udpPeer({ host: `127.18.${process.pid % 250}.${attempt}`, port: 5060 });
  } catch (error) {
    if (attempt === 200) throw error;
    return on5060(attempt + 1);
  }
};
clause('RFC 3261 §18 Transport', [
  {
    id: '18-1',
    says: 'It is RECOMMENDED that connections be kept open for some implementation-defined duration after the last message was sent or received over that connection. This duration SHOULD at least equal the longest amount of time the element would need in order to bring a transaction from instantiation to the terminated state. … This usually means at least 64*T1',
    shows: async () => {
      const stream = await office.tcpPhone();
      await gets(stream, OPTIONS, 200);
      office.clock.advance(64_000);
      await gets(stream, OPTIONS, 200);
    },
  },
  {
    id: '18-2',
    says: 'All SIP elements MUST implement UDP and TCP.',
    shows: async () => {
      await gets(phone, OPTIONS, 200, { Via: /^SIP\/2\.0\/UDP/ });
      await gets(await office.tcpPhone(), OPTIONS, 200, { Via: /^SIP\/2\.0\/TCP/ });
    },
  },
  {
    id: '18-3',
    says: 'SIP elements MAY implement other protocols.',
    notOurs: 'a right; docs/conformance.md says which there are',
  },
  {
    id: '18.1.1-1',
    says: 'if it is larger than 1300 bytes and the path MTU is unknown, the request MUST be sent using an RFC 2914 [43] congestion controlled transport protocol, such as TCP. If this causes a change in the transport protocol from the one indicated in the top Via, the value in the top Via MUST be changed.',
    shows: async () => {
      const far = await tcpCallee();
      const port = Number(/:(\d+);/.exec(far.uri)?.[1]);
      const ear = await udpPeer({ host: '127.0.0.1', port });
      phone.tell({ method: 'MESSAGE', uri: `sip:x@127.0.0.1:${port}`, body: 'x'.repeat(1300) });
      const { text } = await Promise.race([far.next(), ear.next()]);
      await ear.close();
      await far.close();
      expect(parseAnswer(text).header('Via')[0]).toMatch(/^SIP\/2\.0\/TCP /);
    },
  },
  {
    id: '18.1.1-2',
    says: 'if the attempt to establish the connection generates either an ICMP Protocol Not Supported, or results in a TCP reset, the element SHOULD retry the request, using UDP',
    shows: async () => {
      phone.tell(forwarded({ body: 'x'.repeat(1300) }));
      expect((await callee.next()).text).toMatch(/^MESSAGE /);
    },
  },
  {
    id: '18-4',
    says: 'It has arisen out of the need to handle larger messages, which MUST use TCP, as discussed below.',
    notOurs: 'the reason of the rule above',
  },
  {
    id: '18.1.1-3',
    says: 'implementations MUST be able to handle messages up to the maximum datagram packet size. For UDP, this size is 65,535 bytes, including IP and UDP headers.',
    shows: async () => {
      const bytes = 65_535 - 20 - 8;
      const head = requestText({
        ...OPTIONS,
        via: `SIP/2.0/UDP 127.0.0.1;rport;branch=${branch()}`,
        body: 'x'.repeat(60_000),
      });
      const text = head.replace(
        'Content-Length',
        `X-Pad: ${'y'.repeat(bytes - head.length - 9)}\r\nContent-Length`,
      );
      expect(text.length).toBe(bytes);
      await gets(phone, text, 200);
    },
  },
  ...[
    'A client that sends a request to a multicast address MUST add the "maddr" parameter to its Via header field value containing the destination multicast address, and for IPv4, SHOULD add the "ttl" parameter with a value of 1.',
    'For multicast, the client transport MUST be prepared to receive responses on the same multicast group and port to which the request is sent',
  ].map((says, index) => ({
    id: `18.1.1-multicast-${index}`,
    says,
    notOurs: 'nothing is sent to multicast addresses',
  })),
  {
    id: '18.1.1-5',
    says: 'the client transport MUST insert a value of the "sent-by" field into the Via header field. This field contains an IP address or host name, and port.',
    shows: async () => {
      phone.tell({ uri: forUdp() });
      const { text } = await callee.next();
      const { host, port } = office.server.sip;
      expect(parseAnswer(text).header('Via')[0]).toMatch(
        new RegExp(`^SIP/2\\.0/UDP ${host}:${port};branch=`),
      );
    },
  },
  {
    id: '18.1.1-6',
    says: 'The usage of an FQDN is RECOMMENDED.',
    notOurs: 'the operator says by sip.advertise what name or address others are to use',
  },
  {
    id: '18.1.1-7',
    says: 'the client transport MUST be prepared to receive the response on the same connection used to send the request',
    shows: async () => {
      const far = await tcpCallee();
      phone.tell({ uri: far.uri });
      const { text, socket } = await far.next();
      socket.write(okTo(text));
      expect((await phone.next()).status).toBe(200);
      await far.close();
    },
  },
  {
    id: '18.1.1-8',
    says: 'the transport layer MUST also be prepared to receive an incoming connection on the source IP address from which the request was sent and port number in the "sent-by" field … MUST be prepared to receive incoming connections on any address and port that would be selected by a server',
    shows: async () => {
      const far = await tcpCallee();
      phone.tell({ uri: far.uri });
      const { text } = await far.next();
      const stranger = await office.tcpPhone();
      stranger.tell(okTo(text));
      expect((await phone.next()).status).toBe(200);
      await far.close();
    },
  },
  {
    id: '18.1.1-9',
    says: 'For unreliable unicast transports, the client transport MUST be prepared to receive responses on the source IP address from which the request is sent (as responses are sent back to the source address) and the port number in the "sent-by" field. … The client MUST be prepared to receive responses on any address and port that would be selected by a server',
    shows: async () => {
      phone.tell({ uri: forUdp() });
      const { text } = await callee.next();
      // From another socket of the callee: it is where it comes to that counts.
      const other = await office.peer();
      other.send(okTo(text), office.server.sip);
      expect((await phone.next()).status).toBe(200);
    },
  },
  {
    id: '18.1.1-10',
    says: 'to which an existing connection is open, it is RECOMMENDED that this connection be used to send the request, but another connection MAY be opened and used',
    shows: async () => {
      const far = await tcpCallee();
      for (const round of [1, 2]) {
        phone.tell({ uri: far.uri });
        const { text, socket } = await far.next();
        socket.write(okTo(text, `48${round} Busy`));
        expect((await phone.next()).status).toBe(480 + round);
      }
      expect(far.sockets).toHaveLength(1);
      await far.close();
    },
  },
  {
    id: '18.1.2-1',
    says: 'If the value of the "sent-by" parameter in that header field value does not correspond to a value that the client transport is configured to insert into requests, the response MUST be silently discarded.',
    shows: async () => {
      phone.tell({ uri: forUdp() });
      const { text } = await callee.next();
      const { port } = office.server.sip;
      callee.send(
        okTo(text)
          .replace(`127.0.0.1:${port}`, '203.0.113.9:5060')
          .replace(/branch=z9hG4bK[^;\r]+/, `branch=${branch()}`),
        office.server.sip,
      );
      await gets(phone, OPTIONS, 200);
    },
  },
  {
    id: '18.1.2-2',
    says: 'If there is a match, the response MUST be passed to that transaction. Otherwise, the response MUST be passed to the core',
    shows: async () => {
      phone.tell({ uri: forUdp() });
      const { text } = await callee.next();
      callee.send(okTo(text, '180 Ringing'), office.server.sip);
      callee.send(okTo(text), office.server.sip);
      expect([(await phone.next()).status, (await phone.next()).status]).toEqual([180, 200]);
    },
  },
  {
    id: '18.2.1-1',
    says: 'A server SHOULD be prepared to receive requests on any IP address, port and transport combination that can be the result of a DNS lookup on a SIP or SIPS URI [4] that is handed out for the purposes of communicating with that server.',
    notOurs: 'what the operator puts into DNS; `chordial doctor` compares it with what is listened on',
  },
  {
    id: '18.2.1-2',
    says: 'It is also RECOMMENDED that a server listen for requests on the default SIP ports (5060 for TCP and UDP, 5061 for TLS over TCP) on all public interfaces.',
    shows: () => expect(listeningPorts({})).toEqual(['tcp 5060', 'udp 5060']),
  },
  {
    id: '18.2.1-3',
    says: 'For any port and interface that a server listens on for UDP, it MUST listen on that same port and interface for TCP.',
    when: 'by default',
    shows: () => expect(listeningPorts({})).toEqual(['tcp 5060', 'udp 5060']),
  },
  {
    id: '18.2.1-4',
    says: 'For any port and interface that a server listens on for UDP, it MUST listen on that same port and interface for TCP.',
    when: 'an operator who lists UDP alone',
    fails:
      'where it listens is what sip.listen says and nothing else: a port that nobody asked for is a hole in a firewall',
    shows: () => expect(listeningPorts({ sip: { listen: ['udp:127.0.0.1:5060'] } })).toContain('tcp 5060'),
  },
  {
    id: '18.2.1-5',
    says: 'If the host portion of the "sent-by" parameter contains a domain name, or if it contains an IP address that differs from the packet source address, the server MUST add a "received" parameter to that Via header field value. This parameter MUST contain the source address from which the packet was received.',
    shows: async () => {
      const { port } = phone.local;
      for (const host of ['phone.example', '10.1.2.3', '[2001:db8::1]']) {
        const via = `SIP/2.0/UDP ${host}:${port};branch=${branch()}`;
        expect(topVia(await gets(phone, { ...OPTIONS, via }, 200))).toBe(`${via};received=127.0.0.1`);
      }
      const via = `SIP/2.0/UDP 127.0.0.1:${port};branch=${branch()}`;
      expect(topVia(await gets(phone, { ...OPTIONS, via }, 200))).toBe(via);
    },
  },
  {
    id: '18.2.1-6',
    says: 'it MUST examine the value of the "sent-by" parameter in the top Via header field value',
    when: 'a "received" that the sender wrote himself',
    shows: async () => {
      const via = `SIP/2.0/UDP 127.0.0.1:${phone.local.port};branch=${branch()};received=203.0.113.9`;
      expect(topVia(await gets(phone, { ...OPTIONS, via }, 200))).not.toContain('203.0.113.9');
    },
  },
  {
    id: '18.2.2-1',
    says: 'the response MUST be sent using the existing connection to the source of the original request that created the transaction, if that connection is still open',
    shows: async () => {
      const [stream, other] = [await office.tcpPhone(), await office.tcpPhone()];
      const via = `SIP/2.0/TCP 127.0.0.1:${other.local.port};branch=${branch()}`;
      await gets(stream, { ...OPTIONS, via }, 200);
      await gets(other, OPTIONS, 200);
    },
  },
  {
    id: '18.2.2-2',
    says: 'If that connection is no longer open, the server SHOULD open a connection to the IP address in the "received" parameter, if present, using the port in the "sent-by" value, or the default port for that transport, if no port is specified.',
    when: 'the answer to what was forwarded',
    shows: async () => {
      const ear = await tcpCallee();
      const stream = await office.tcpPhone();
      const port = /:(\d+);/.exec(ear.uri)?.[1];
      stream.tell({ uri: forUdp(), via: `SIP/2.0/TCP 127.0.0.1:${port};branch=${branch()}` });
      const { text } = await callee.next();
      stream.hangUp();
      await stream.closed;
      await gets(phone, OPTIONS, 200);
      callee.send(okTo(text), office.server.sip);
      expect((await ear.next()).text).toMatch(/^SIP\/2\.0 200 /);
      await ear.close();
    },
  },
  {
    id: '18.2.2-3',
    says: 'If that connection is no longer open, the server SHOULD open a connection to the IP address in the "received" parameter',
    when: 'an answer of our own: see 17.2.4-1',
    notOurs: 'not kept, with its test in the table of §17.2.4',
  },
  {
    id: '18.2.2-4',
    says: 'If that connection attempt fails, the server SHOULD use the procedures in [4] for servers',
    notOurs: 'RFC 3263 §5: in the table of RFC 3263',
  },
  {
    id: '18.2.2-5',
    says: 'if the Via header field value contains a "maddr" parameter, the response MUST be forwarded to the address listed there',
    fails:
      'it would have a stranger aim our answers at others; the answer goes to where the request came from',
    shows: async () => {
      const victim = await office.peer();
      const via = `SIP/2.0/UDP 10.1.2.3:${victim.local.port};maddr=127.0.0.1;rport;branch=${branch()}`;
      await gets(phone, { ...OPTIONS, via }, 200);
      expect(victim.unread).toBe(1);
    },
  },
  {
    id: '18.2.2-6',
    says: 'If the address is a multicast address, the response SHOULD be sent using the TTL indicated in the "ttl" parameter',
    notOurs: 'maddr is not followed, so nothing goes to a multicast address',
  },
  {
    id: '18.2.2-7',
    says: 'if the top Via has a "received" parameter, the response MUST be sent to the address in the "received" parameter, using the port indicated in the "sent-by" value',
    shows: async () => {
      const ear = await office.peer();
      phone.tell({ ...OPTIONS, via: `SIP/2.0/UDP phone.example:${ear.local.port};branch=${branch()}` });
      expect((await ear.next()).text).toMatch(/^SIP\/2\.0 200 /);
    },
  },
  {
    id: '18.2.2-8',
    says: 'or using port 5060 if none is specified explicitly',
    shows: async () => {
      const ear = await on5060();
      ear.send(
        requestText({ ...OPTIONS, via: `SIP/2.0/UDP phone.example;branch=${branch()}` }),
        office.server.sip,
      );
      const { text } = await ear.next();
      await ear.close();
      expect(text).toMatch(/^SIP\/2\.0 200 /);
    },
  },
  {
    id: '18.2.2-9',
    says: 'If this fails, for example, elicits an ICMP "port unreachable" response, the procedures of Section 5 of [4] SHOULD be used to determine where to send the response.',
    fails:
      'the one socket that all datagrams share is not told whose datagram an ICMP error is about; the phone asks again from a port that hears',
    shows: async () => {
      const ear = await office.peer();
      const none = async () => ({ kind: 'none' as const });
      const srv = async () => ({
        kind: 'found' as const,
        records: [{ name: '127.0.0.1', port: ear.local.port, priority: 0, weight: 0 }],
      });
      const addresses = async () => ({ kind: 'found' as const, records: ['127.0.0.1'] });
      const other = await openOffice({ open: true, world: { dns: { naptr: none, srv, addresses } } });
      // At the source address nobody hears on 5060; the name has a server elsewhere.
      const caller = await other.phone();
      caller.tell({ ...OPTIONS, via: `SIP/2.0/UDP phone.example;branch=${branch()}` });
      await gets(caller, OPTIONS, 200);
      await gets(caller, OPTIONS, 200);
      await other.close();
      expect(ear.unread).toBe(1);
    },
  },
  {
    id: '18.2.2-10',
    says: 'if it is not receiver-tagged, the response MUST be sent to the address indicated by the "sent-by" value',
    shows: async () => {
      const ear = await office.peer();
      phone.tell({ ...OPTIONS, via: `SIP/2.0/UDP 127.0.0.1:${ear.local.port};branch=${branch()}` });
      expect((await ear.next()).text).toMatch(/^SIP\/2\.0 200 /);
    },
  },
  {
    id: '18.3-1',
    says: 'if the message has a Content-Length header field, the message body is assumed to contain that many bytes. If there are additional bytes in the transport packet beyond the end of the body, they MUST be discarded.',
    shows: async () => {
      phone.tell(
        forwarded({ body: 'hello' }).replace('hello', 'helloINVITE sip:y@127.0.0.1 SIP/2.0\r\n\r\n'),
      );
      expect((await callee.next()).text).toMatch(/\r\n\r\nhello$/);
    },
  },
  {
    id: '18.3-2',
    says: 'If the transport packet ends before the end of the message body, this is considered an error. If the message is a response, it MUST be discarded.',
    shows: async () => {
      phone.tell({ uri: forUdp() });
      const { text } = await callee.next();
      callee.send(okTo(text).replace('Content-Length: 0', 'Content-Length: 9'), office.server.sip);
      await gets(phone, OPTIONS, 200);
    },
  },
  {
    id: '18.3-3',
    says: 'If the message is a request, the element SHOULD generate a 400 (Bad Request) response.',
    shows: async () => {
      await gets(phone, forwarded({ body: 'hello' }).replace('Content-Length: 5', 'Content-Length: 6'), 400);
    },
  },
  {
    id: '18.3-4',
    says: 'If the message has no Content-Length header field, the message body is assumed to end at the end of the transport packet.',
    shows: async () => {
      phone.tell(forwarded({ body: 'hello' }).replace('Content-Length: 5\r\n', ''));
      expect((await callee.next()).text).toMatch(/Content-Length: 5\r\n\r\nhello$/);
    },
  },
  {
    id: '18.3-5',
    says: 'In the case of stream-oriented transports such as TCP, the Content-Length header field indicates the size of the body.',
    shows: async () => {
      const stream = await office.tcpPhone();
      const via = (): string => `SIP/2.0/TCP 127.0.0.1;branch=${branch()}`;
      const [first, second] = [1, 2].map((cseq) =>
        requestText({ ...OPTIONS, via: via(), cseq, body: 'a\r\n\r\nb' }),
      );
      const all = `${first}${second}`;
      // Two messages in pieces that end where no message does.
      for (let at = 0; at < all.length; at += 97) stream.tell(all.slice(at, at + 97));
      const answers = [await stream.next(), await stream.next()];
      expect(answers.map((one) => `${one.status} ${one.header('CSeq')}`)).toEqual([
        '200 1 OPTIONS',
        '200 2 OPTIONS',
      ]);
    },
  },
  {
    id: '18.3-6',
    says: 'The Content-Length header field MUST be used with stream oriented transports.',
    when: 'where it is missing nobody knows where the next message begins: 400, and the connection is closed',
    shows: async () => {
      const stream = await office.tcpPhone();
      const text = requestText({ ...OPTIONS, via: `SIP/2.0/TCP 127.0.0.1;branch=${branch()}` });
      await gets(stream, text.replace('Content-Length: 0\r\n', ''), 400);
      await stream.closed;
    },
  },
  {
    id: '18.4-1',
    says: 'Host, network, port or protocol unreachable errors, or parameter problem errors SHOULD cause the transport layer to inform the transport user of a failure in sending.',
    fails:
      'the one socket that all datagrams share is not told whose datagram an ICMP error is about; timers end the wait',
    shows: async () => {
      const gone = await udpPeer();
      const { port } = gone.local;
      await gone.close();
      phone.tell({ uri: `sip:x@127.0.0.1:${port}`, callId: 'icmp' });
      const answer = await phone.ask(OPTIONS);
      expect(answer.header('Call-ID')).toEqual(['icmp']);
    },
  },
  {
    id: '18.4-2',
    says: 'Source quench and TTL exceeded ICMP errors SHOULD be ignored.',
    notOurs: 'ICMP errors do not come as far as this process: see 18.4-1',
  },
  {
    id: '18.4-3',
    says: 'If the transport user asks for a request to be sent over a reliable transport, and the result is a connection failure, the transport layer SHOULD inform the transport user of a failure in sending.',
    shows: async () => {
      const far = await tcpCallee();
      await far.close();
      const answer = await phone.ask({ uri: far.uri });
      expect(answer.status).toBeGreaterThanOrEqual(480);
    },
  },
]);

/** A MESSAGE of a user of ours to the callee, as it goes over the wire. */
function forwarded(more: { readonly body: string }): string {
  return requestText({
    method: 'MESSAGE',
    uri: forUdp(),
    from: '<sip:alice@biloxi.com>;tag=1',
    via: `SIP/2.0/UDP 127.0.0.1:${phone.local.port};rport;branch=${branch()}`,
    callId: branch(),
    ...more,
  });
}

/** Where a configuration listens, by transport and port. */
function listeningPorts(config: Record<string, unknown>): readonly string[] {
  const parsed = parseConfig({ publication: 'local', ...config });
  if (!parsed.ok) throw new Error(parsed.error.join());
  return parsed.value.sip.listen.map(({ transport, port }) => `${transport} ${port}`).sort();
}
