// RFC 3261 §21, response codes: for each the request that gets it over a real socket, or why nobody gets it.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect } from 'vitest';
import { clause, type NotOurs } from '../../support/clause.ts';
import { gets, type Office, type OfficePhone, openOffice, silentDns } from '../../support/office.ts';
import { makeDomain, startServer, trustOf } from '../../support/servers.ts';
import { SipClient } from '../../support/sip-client.ts';
import type { UdpPeer } from '../../support/sip-peers.ts';
import { requestText } from '../../support/sip-request.ts';
import { sourceFiles } from '../../support/source-files.ts';

let office: Office;
let phone: OfficePhone;
let open: Office;
let free: OfficePhone;
let callee: UdpPeer;

beforeAll(async () => {
  office = await openOffice();
  phone = await office.phone();
  await phone.register('bob', { headers: ['Contact: <sip:bob@192.0.2.4>, <sip:bob@192.0.2.5>'] });
  open = await openOffice({ open: true });
  free = await open.phone();
  callee = await open.peer();
});
afterAll(async () => {
  await office.close();
  await open.close();
});

const REGISTER = { method: 'REGISTER', uri: 'sip:biloxi.com' } as const;
const elsewhere = (): string => `sip:x@127.0.0.1:${callee.local.port}`;
const firstLine = (text: string): string => text.split('\r\n', 1)[0] ?? '';
/** What a caller hears when the callee elsewhere says this. */
const passedOn = (status: string) => async (): Promise<void> => {
  free.tell({ uri: elsewhere() });
  const { text } = await callee.next();
  const rows = text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n');
  const kept = rows.filter((row) => /^(Via|From|To|Call-ID|CSeq):/i.test(row));
  callee.send([`SIP/2.0 ${status}`, ...kept, 'Content-Length: 0', '\r\n'].join('\r\n'), open.server.sip);
  expect(firstLine((await free.next()).text)).toBe(`SIP/2.0 ${status}`);
};
const never = (id: string, says: string, notOurs: string): NotOurs => ({ id, says, notOurs });
const CALLEE = 'only an end of the call can know it; passed on as it came';

/** Every status that the source names, by the way it is written there. */
const given = (): ReadonlySet<number> =>
  new Set(
    sourceFiles('src').flatMap((file) =>
      [
        ...readFileSync(file, 'utf8').matchAll(
          /\bstatus: (\d{3})\b|\b(?:refuse|reject|unreachable)\((\d{3})\b/g,
        ),
      ].map(([, one, other]) => Number(one ?? other)),
    ),
  );

/** RFC 3261 §21; 489 is RFC 6665's. */
const CODES = [
  100, 200, 302, 400, 401, 403, 404, 405, 407, 408, 416, 420, 423, 480, 481, 482, 483, 487, 489, 500, 501,
  503, 504, 505, 513,
];

clause('RFC 3261 §21 Response Codes', [
  {
    id: '21-1',
    says: 'Not all HTTP/1.1 response codes are appropriate, and only those that are appropriate are given here. Other HTTP/1.1 response codes SHOULD NOT be used.',
    shows: () => {
      expect(given().size).toBeGreaterThan(10);
      expect([...given()].filter((code) => !CODES.includes(code))).toEqual([]);
    },
  },
  {
    id: '21.1-1',
    says: 'A server sends a 1xx response if it expects to take more than 200 ms to obtain a final response.',
    shows: async () => {
      const slow = await openOffice({ open: true, world: { dns: silentDns } });
      const caller = await slow.phone();
      caller.tell({ uri: 'sip:x@elsewhere.example' });
      await gets(caller, { method: 'OPTIONS', uri: 'sip:biloxi.com' }, 200);
      slow.clock.advance(200);
      expect(firstLine((await caller.next()).text)).toBe('SIP/2.0 100 Trying');
      await slow.close();
    },
  },
  never('21.1-2', 'Provisional (1xx) responses MAY contain message bodies', CALLEE),
  {
    id: '21.1.1-1',
    says: 'This response, like all other provisional responses, stops retransmissions of an INVITE by a UAC.',
    when: 'and our final answer is then repeated by us: §17.2.1',
    shows: async () => {
      const slow = await openOffice({ open: true, world: { dns: silentDns } });
      const caller = await slow.phone();
      caller.tell({ uri: 'sip:x@elsewhere.example' });
      await gets(caller, { method: 'OPTIONS', uri: 'sip:biloxi.com' }, 200);
      slow.clock.advance(3000);
      await caller.next();
      const final = await caller.next();
      slow.clock.advance(500);
      expect((await caller.next()).text).toBe(final.text);
      await slow.close();
    },
  },
  {
    id: '21.1.2-1',
    says: 'This response MAY be used to initiate local ringback.',
    shows: passedOn('180 Ringing'),
  },
  {
    id: '21.1.3-1',
    says: 'A server MAY use this status code to indicate that the call is being forwarded to a different set of destinations.',
    shows: passedOn('181 Call Is Being Forwarded'),
  },
  {
    id: '21.1.4-1',
    says: 'The reason phrase MAY give further details about the status of the call … The server MAY issue several 182 (Queued) responses to update the caller about the status of the queued call.',
    shows: passedOn('182 5 calls queued'),
  },
  {
    id: '21.1.5-1',
    says: 'The Reason-Phrase, header fields, or message body MAY be used to convey more details about the call progress.',
    shows: passedOn('183 Session Progress'),
  },
  {
    id: '21.2.1-1',
    says: 'The request has succeeded. The information returned with the response depends on the method used in the request.',
    shows: async () => {
      expect((await phone.register('bob')).header('Contact')).toHaveLength(2);
      await gets(phone, { method: 'OPTIONS', uri: 'sip:biloxi.com' }, 200, { Allow: /REGISTER/ });
    },
  },
  never(
    '21.3.1-1',
    'The response MAY include a message body containing a list of resource characteristics and location(s)',
    'several contacts are told by a 302 too, which more phones understand; by q, best first',
  ),
  never(
    '21.3.1-2',
    'The choices SHOULD also be listed as Contact fields … the SIP response MAY contain several Contact fields or a list of addresses in a Contact field. UAs MAY use the Contact header field value',
    'as above: the 302 lists them',
  ),
  never(
    '21.3.2-1',
    'The user can no longer be found at the address in the Request-URI, and the requesting client SHOULD retry at the new address … The requestor SHOULD update any local directories',
    'a binding is for an hour at most: nothing here is permanent',
  ),
  {
    id: '21.3.3-1',
    says: 'The requesting client SHOULD retry the request at the new address(es) given by the Contact header field',
    shows: async () => {
      await gets(phone, {}, 302, { Contact: /^<sip:bob@192\.0\.2\.[45]>,<sip:bob@192\.0\.2\.[45]>$/ });
    },
  },
  {
    id: '21.3.3-2',
    says: 'Both proxies and UAs MAY cache this URI for the duration of the expiration time. If there is no explicit expiration time, the address is only valid once for recursing, and MUST NOT be cached for future transactions.',
    shows: async () => {
      const answer = await gets(phone, {}, 302);
      expect([answer.header('Expires'), answer.header('Contact').join().includes('expires')]).toEqual([
        [],
        false,
      ]);
    },
  },
  never('21.3.3-3', 'MAY be tried again a single time', 'a rule for callers'),
  never(
    '21.3.4-1',
    'The requested resource MUST be accessed through the proxy given by the Contact field. … 305 (Use Proxy) responses MUST only be generated by UASs.',
    'never given: we are no UAS for calls',
  ),
  never(
    '21.3.5-1',
    'The alternative services are described in the message body of the response.',
    'no service is known here',
  ),
  never('21.4-1', 'The client SHOULD NOT retry the same request without modification', 'a rule for callers'),
  {
    id: '21.4.1-1',
    says: 'The Reason-Phrase SHOULD identify the syntax problem in more detail, for example, "Missing Call-ID header field".',
    shows: async () => {
      const via = `SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK400`;
      const broken = requestText({ via }).replace(/^Call-ID:.*\r\n/m, '');
      expect(firstLine((await phone.ask(broken)).text)).toBe('SIP/2.0 400 Bad Request: no Call-ID');
      const contact = await phone.register('bob', { headers: ['Contact: <sip:b@x>;q=7'] });
      expect(firstLine(contact.text)).toMatch(/^SIP\/2\.0 400 .*q is not 0 to 1/);
    },
  },
  {
    id: '21.4.2-1',
    says: 'This response is issued by UASs and registrars, while 407 (Proxy Authentication Required) is used by proxy servers.',
    shows: async () => {
      await gets(phone, REGISTER, 401, { 'WWW-Authenticate': /^Digest / });
      await gets(phone, { uri: 'sip:x@192.0.2.9:5062' }, 407, { 'Proxy-Authenticate': /^Digest / });
    },
  },
  never('21.4.3-1', 'Reserved for future use.', 'reserved, so never given'),
  {
    id: '21.4.4-1',
    says: 'Authorization will not help, and the request SHOULD NOT be repeated.',
    shows: async () => {
      await gets(phone, { uri: 'sip:x@192.0.2.9:5062', from: '<sip:eve@evil.example>;tag=1' }, 403);
      expect((await phone.register('bob', { to: '<sip:alice@biloxi.com>' })).status).toBe(403);
    },
  },
  {
    id: '21.4.5-1',
    says: 'The server has definitive information that the user does not exist at the domain specified in the Request-URI.',
    shows: async () => {
      await gets(phone, { uri: 'sip:nobody@biloxi.com' }, 404);
    },
  },
  {
    id: '21.4.5-2',
    says: 'This status is also returned if the domain in the Request-URI does not match any of the domains handled by the recipient of the request.',
    shows: async () => {
      await gets(phone, { ...REGISTER, uri: 'sip:elsewhere.example', to: '<sip:a@elsewhere.example>' }, 404);
    },
  },
  never(
    '21.4.6-1',
    'The response MUST include an Allow header field containing a list of valid methods for the indicated address.',
    'every known method is served; dispatch.test.ts shows Allow in the 405 of a server with fewer',
  ),
  never(
    '21.4.7-1',
    'only capable of generating response entities that have content characteristics not acceptable according to the Accept header field',
    'our answers have no body',
  ),
  {
    id: '21.4.8-1',
    says: 'but indicates that the client MUST first authenticate itself with the proxy',
    shows: async () => {
      await gets(phone, { uri: 'sip:x@192.0.2.9:5062' }, 407, {
        'Proxy-Authenticate': /realm="biloxi\.com"/,
      });
    },
  },
  {
    id: '21.4.9-1',
    says: 'The server could not produce a response within a suitable amount of time … The client MAY repeat the request without modifications at any later time.',
    when: 'a callee elsewhere who says nothing',
    shows: async () => {
      const stream = await open.tcpPhone();
      const silent = await open.peer();
      stream.tell({ uri: `sip:x@127.0.0.1:${silent.local.port}` });
      await silent.next();
      open.clock.advance(40_000);
      let answer = await stream.next();
      while (answer.status < 200) answer = await stream.next();
      expect(answer.status).toBe(408);
    },
  },
  never(
    '21.4.10-1',
    'the status code 404 (Not Found) SHOULD be used instead',
    'whether a user is gone for good is not known here: 404',
  ),
  never(
    '21.4.11-1',
    'The server MAY close the connection to prevent the client from continuing the request. If the condition is temporary, the server SHOULD include a Retry-After header field to indicate that it is temporary and after what time the client MAY try again.',
    'a message that is too large as a whole is a 513',
  ),
  never(
    '21.4.12-1',
    'The server is refusing to service the request because the Request-URI is longer than the server is willing to interpret.',
    'a line has a bound, whatever stands in it: 400 that says so',
  ),
  never(
    '21.4.13-1',
    'The server MUST return a list of acceptable formats using the Accept, Accept-Encoding, or Accept-Language header field',
    'no body is read: §8.2.3',
  ),
  {
    id: '21.4.14-1',
    says: 'The server cannot process the request because the scheme of the URI in the Request-URI is unknown to the server.',
    shows: async () => {
      await gets(phone, { uri: 'isbn:2983792873' }, 416);
    },
  },
  {
    id: '21.4.15-1',
    says: 'The server MUST include a list of the unsupported extensions in an Unsupported header field in the response.',
    shows: async () => {
      await gets(phone, { ...REGISTER, headers: ['Require: a1, b2'] }, 420, { Unsupported: /^a1, b2$/ });
      const elsewhereBound = { uri: 'sip:x@192.0.2.9:5062', headers: ['Proxy-Require: c3'] };
      await gets(phone, elsewhereBound, 420, { Unsupported: /^c3$/ });
    },
  },
  never(
    '21.4.16-1',
    'Responses with this status code MUST contain a Require header field listing the required extensions. A UAS SHOULD NOT use this response unless it truly cannot provide any useful service to the client. … servers SHOULD process the request using baseline SIP',
    'nothing here needs an extension of a phone',
  ),
  {
    id: '21.4.17-1',
    says: 'This response can be used by a registrar to reject a registration whose Contact header field expiration time was too small.',
    shows: async () => {
      const answer = await phone.register('bob', { headers: ['Contact: <sip:b@x>;expires=1'] });
      expect([answer.status, answer.header('Min-Expires')]).toEqual([423, ['60']]);
    },
  },
  never(
    '21.4.18-1',
    'The response MAY indicate a better time to call in the Retry-After header field.',
    'nobody knows when a phone comes back',
  ),
  {
    id: '21.4.18-2',
    says: 'The reason phrase SHOULD indicate a more precise cause as to why the callee is unavailable.',
    shows: async () => {
      const answer = await phone.ask({ uri: 'sip:alice@biloxi.com' });
      expect(firstLine(answer.text)).toBe('SIP/2.0 480 Temporarily Unavailable: not registered');
    },
  },
  never(
    '21.4.18-3',
    'This value SHOULD be settable by the UA. Status 486 (Busy Here) MAY be used to more precisely indicate a particular reason for the call failure.',
    CALLEE,
  ),
  {
    id: '21.4.18-4',
    says: 'This status is also returned by a redirect or proxy server that recognizes the user identified by the Request-URI, but does not currently have a valid forwarding location for that user.',
    shows: async () => {
      await gets(phone, { uri: 'sip:alice@biloxi.com' }, 480);
    },
  },
  {
    id: '21.4.19-1',
    says: 'This status indicates that the UAS received a request that does not match any existing dialog or transaction.',
    shows: async () => {
      await gets(phone, { method: 'BYE', toTag: 'b1' }, 481);
      await gets(phone, { method: 'CANCEL' }, 481);
    },
  },
  {
    id: '21.4.20-1',
    says: 'The server has detected a loop',
    shows: async () => {
      free.tell({ uri: elsewhere() });
      const { text } = await callee.next();
      // It comes back as it left: our own branch shows.
      callee.send(text.replace('Max-Forwards: 69', 'Max-Forwards: 60'), open.server.sip);
      expect((await callee.next()).text).toMatch(/^SIP\/2\.0 482 /);
    },
  },
  {
    id: '21.4.21-1',
    says: 'The server received a request that contains a Max-Forwards (Section 20.22) header field with the value zero.',
    shows: async () => {
      await gets(phone, { maxForwards: 0 }, 483);
    },
  },
  never(
    '21.4.22-1',
    'Additional information SHOULD be provided in the reason phrase.',
    'a name is found or not: there is no dialling plan here',
  ),
  never(
    '21.4.23-1',
    'The response MAY contain a listing of possible unambiguous addresses in Contact header fields. … It MUST be possible to configure a server to respond with status 404 (Not Found) or to suppress the listing of possible choices for ambiguous Request-URIs.',
    'a name is found or not, to the letter: nothing is ambiguous, and 404 is what there is',
  ),
  {
    id: '21.4.24-1',
    says: 'The response MAY indicate a better time to call in the Retry-After header field. … Status 600 (Busy Everywhere) SHOULD be used if the client knows that no other end system will be able to accept this call.',
    when: 'of the callee',
    shows: passedOn('486 Busy Here'),
  },
  {
    id: '21.4.25-1',
    says: 'The request was terminated by a BYE or CANCEL request. This response is never returned for a CANCEL request itself.',
    shows: async () => {
      const slow = await openOffice({ open: true, world: { dns: silentDns } });
      const caller = await slow.phone();
      const via = `SIP/2.0/UDP 127.0.0.1:${caller.local.port};branch=z9hG4bK487;rport`;
      const asked = { via, uri: 'sip:x@elsewhere.example', callId: '487' };
      caller.tell(asked);
      const cancelled = await caller.ask({ ...asked, method: 'CANCEL' });
      const ended = await caller.next();
      expect([cancelled, ended].map((one) => `${one.status} ${one.header('CSeq')}`)).toEqual([
        '200 1 CANCEL',
        '487 1 INVITE',
      ]);
      await slow.close();
    },
  },
  never(
    '21.4.26-1',
    'A message body containing a description of media capabilities MAY be present in the response',
    CALLEE,
  ),
  never(
    '21.4.27-1',
    'The request was received by a UAS that had a pending request within the same dialog.',
    CALLEE,
  ),
  never('21.4.28-1', 'This response MAY have a single body containing an appropriate public key', CALLEE),
  {
    id: '21.5.1-1',
    says: 'The client MAY display the specific error condition and MAY retry the request after several seconds.',
    when: 'a REGISTER that came after a later one',
    shows: async () => {
      await phone.register('alice', { callId: 'late', cseq: 10, headers: ['Contact: <sip:a@192.0.2.1>'] });
      const late = await phone.register('alice', {
        callId: 'late',
        cseq: 1,
        headers: ['Contact: *', 'Expires: 0'],
      });
      expect(firstLine(late.text)).toBe('SIP/2.0 500 A Later REGISTER Of This Call-ID Came Before');
    },
  },
  never(
    '21.5.1-2',
    'If the condition is temporary, the server MAY indicate when the client may retry the request using the Retry-After header field.',
    'what is temporary is a 503 here',
  ),
  {
    id: '21.5.2-1',
    says: 'This is the appropriate response when a UAS does not recognize the request method and is not capable of supporting it for any user.',
    shows: async () => {
      await gets(phone, { method: 'NEWMETHOD', uri: 'sip:biloxi.com' }, 501, { Allow: /REGISTER/ });
    },
  },
  {
    id: '21.5.2-2',
    says: '(Proxies forward all requests regardless of method.)',
    shows: async () => {
      free.tell({ method: 'NEWMETHOD', uri: elsewhere() });
      expect(firstLine((await callee.next()).text)).toMatch(/^NEWMETHOD /);
    },
  },
  never(
    '21.5.3-1',
    'received an invalid response from the downstream server it accessed in attempting to fulfill the request',
    'what cannot be read is dropped, and the caller hears of it when nothing else comes',
  ),
  {
    id: '21.5.4-1',
    says: 'The server is temporarily unable to process the request due to a temporary overloading or maintenance of the server. The server MAY indicate when the client should retry the request in a Retry-After header field.',
    when: 'the overlay is away',
    shows: async () => {
      const domain = makeDomain('biloxi.com');
      const server = await startServer({
        domain,
        trust: trustOf([domain]),
        config: { overlay: { minMembers: 2 } },
      });
      const client = await SipClient.open();
      const answers = await Promise.all([
        client.invite(server.sip, 'sip:bob@biloxi.com'),
        client.register(server.sip, 'sip:bob@biloxi.com', { contact: '<sip:b@192.0.2.1>' }),
      ]);
      await client.close();
      await server.app.stop();
      for (const answer of answers)
        expect([answer.status, Number(answer.header('Retry-After')[0]) > 0]).toEqual([503, true]);
    },
  },
  {
    id: '21.5.4-2',
    says: 'If no Retry-After is given, the client MUST act as if it had received a 500 (Server Internal Error) response.',
    when: 'a server that is being stopped: another one of the domain takes the call at once',
    shows: async () => {
      const leaving = await openOffice({ open: true, world: { dns: silentDns } });
      const caller = await leaving.phone();
      // One call under way keeps it from closing.
      caller.tell({ uri: 'sip:x@elsewhere.example' });
      await gets(caller, { method: 'OPTIONS', uri: 'sip:biloxi.com' }, 200);
      const closed = leaving.server.app.stop();
      const answer = await gets(caller, {}, 503);
      expect(answer.header('Retry-After')).toEqual([]);
      leaving.clock.advance(60_000);
      await closed;
      await leaving.close();
    },
  },
  never(
    '21.5.4-3',
    'A client (proxy or UAC) receiving a 503 (Service Unavailable) SHOULD attempt to forward the request to an alternate server. It SHOULD NOT forward any other requests to that server for the duration specified in the Retry-After header field, if present.',
    'in the table of RFC 3263, where next hops are chosen',
  ),
  never(
    '21.5.4-4',
    'Servers MAY refuse the connection or drop the request instead of responding with 503 (Service Unavailable).',
    'a right; it is used against sources over their rate',
  ),
  {
    id: '21.5.5-1',
    says: 'The server did not receive a timely response from an external server it accessed in attempting to process the request.',
    shows: async () => {
      const slow = await openOffice({ open: true, world: { dns: silentDns } });
      const caller = await slow.phone();
      caller.tell({ method: 'MESSAGE', uri: 'sip:x@elsewhere.example' });
      await gets(caller, { method: 'OPTIONS', uri: 'sip:biloxi.com' }, 200);
      slow.clock.advance(60_000);
      expect((await caller.next()).status).toBe(504);
      await slow.close();
    },
  },
  {
    id: '21.5.6-1',
    says: 'The server does not support, or refuses to support, the SIP protocol version that was used in the request.',
    shows: async () => {
      const via = 'SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK505';
      await gets(phone, requestText({ via }).replace('SIP/2.0\r\n', 'SIP/7.0\r\n'), 505);
    },
  },
  {
    id: '21.5.7-1',
    says: 'The server was unable to process the request since the message length exceeded its capabilities.',
    shows: async () => {
      const small = await openOffice({ open: true, config: { limits: { maxMessageBytes: 4096 } } });
      const stream = await small.tcpPhone();
      await gets(stream, { body: 'x'.repeat(5000) }, 513);
      await stream.closed;
      await small.close();
    },
  },
  never(
    '21.6-1',
    'The response MAY indicate a better time to call in the Retry-After header field. … The response MAY indicate a better time to call in the Retry-After header field.',
    'no 6xx is given by a registrar (§10.3) or here at all: no server knows of all places where a user is',
  ),
  {
    id: '21.6.2-1',
    says: "The callee's machine was successfully contacted but the user explicitly does not wish to or cannot participate.",
    when: 'of the callee',
    shows: passedOn('603 Decline'),
  },
  never(
    '21.6.3-1',
    'The server has authoritative information that the user indicated in the Request-URI does not exist anywhere.',
    'no server knows of all places where a user is',
  ),
  never(
    '21.6.4-1',
    'The 606 (Not Acceptable) response MAY contain a list of reasons in a Warning header field … A message body containing a description of media capabilities MAY be present in the response',
    CALLEE,
  ),
]);
