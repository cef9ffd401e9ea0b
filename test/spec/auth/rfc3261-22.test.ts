// RFC 3261 §22, HTTP authentication, sentence by sentence at a whole registrar over real sockets.
import { afterAll, beforeAll, expect } from 'vitest';
import { clause } from '../../support/clause.ts';
import { answerTo as answerToChallenge } from '../../support/digest-phone.ts';
import { gets, type Office, type OfficePhone, openOffice } from '../../support/office.ts';
import { digestHeader } from '../../support/sip-client.ts';
import type { RequestText } from '../../support/sip-request.ts';

let office: Office;
let phone: OfficePhone;
/** Somebody outside, to whom users of ours may call. */
let callee: Awaited<ReturnType<Office['peer']>>;

beforeAll(async () => {
  office = await openOffice();
  phone = await office.phone();
  callee = await office.peer();
});
afterAll(() => office.close());

const REGISTER = {
  method: 'REGISTER',
  uri: 'sip:biloxi.com',
  from: '<sip:bob@biloxi.com>;tag=1',
  to: '<sip:bob@biloxi.com>',
} as const;
const BASIC = `Basic ${Buffer.from('bob:zanzibar').toString('base64')}`;
const elsewhere = (): string => `sip:x@127.0.0.1:${callee.local.port}`;

/** The row with right credentials for a challenge just given. */
const credentials = async (
  asked: RequestText,
  name: 'Authorization' | 'Proxy-Authorization' = 'Authorization',
  user: 'alice' | 'bob' = 'bob',
): Promise<string> => {
  const challenge = await phone.ask(asked);
  return digestHeader(
    challenge.header(name === 'Authorization' ? 'WWW-Authenticate' : 'Proxy-Authenticate')[0] ?? '',
    {
      user,
      password: user === 'bob' ? 'zanzibar' : 'wonderland',
      method: asked.method ?? 'INVITE',
      uri: asked.uri ?? '',
    },
    name,
  );
};
/** What the callee heard of a call that alice makes with these rows. */
const heard = async (rows: readonly string[], more: RequestText = {}): Promise<string> => {
  const asked = { uri: elsewhere(), from: '<sip:alice@biloxi.com>;tag=1', ...more };
  const row = await credentials(asked, 'Proxy-Authorization', 'alice');
  phone.tell({ ...asked, cseq: 2, headers: [...rows, row] });
  return (await callee.next()).text;
};

clause('RFC 3261 §22 Usage of HTTP Authentication', [
  {
    id: '22-1',
    says: 'it MAY challenge the initiator of the request to provide assurance of its identity',
    shows: async () => {
      await gets(phone, REGISTER, 401, { 'WWW-Authenticate': /^Digest / });
    },
  },
  {
    id: '22-2',
    says: 'the recipient of the request SHOULD ascertain whether or not this user is authorized to make the request in question',
    shows: async () => {
      const answer = await phone.register('bob', { to: '<sip:alice@biloxi.com>' });
      expect(answer.status).toBe(403);
    },
  },
  {
    id: '22-3',
    says: 'Servers MUST NOT accept credentials using the "Basic" authorization scheme',
    shows: async () => {
      await gets(phone, { ...REGISTER, headers: [`Authorization: ${BASIC}`] }, 401);
      const caller = { uri: elsewhere(), from: '<sip:bob@biloxi.com>;tag=1' };
      await gets(phone, { ...caller, headers: [`Proxy-Authorization: ${BASIC}`] }, 407);
    },
  },
  {
    id: '22-4',
    says: 'servers also MUST NOT challenge with "Basic"',
    shows: async () => {
      await gets(phone, { ...REGISTER, headers: [`Authorization: ${BASIC}`] }, 401, {
        'WWW-Authenticate': /^(?!.*Basic)/i,
      });
    },
  },
  {
    id: '22.1-1',
    says: 'a UAS uses the 401 (Unauthorized) response to challenge the identity of a UAC … registrars and redirect servers MAY make use of 401 (Unauthorized) responses for authentication',
    shows: async () => {
      const answer = await gets(phone, REGISTER, 401);
      expect(answer.header('Proxy-Authenticate')).toEqual([]);
    },
  },
  {
    id: '22.1-2',
    says: 'but proxies MUST NOT, and instead MAY use the 407 (Proxy Authentication Required) response',
    shows: async () => {
      const answer = await gets(phone, { uri: elsewhere(), from: '<sip:alice@biloxi.com>;tag=1' }, 407);
      expect(answer.header('WWW-Authenticate')).toEqual([]);
    },
  },
  {
    id: '22.1-3',
    says: 'The realm string alone defines the protection domain.',
    shows: async () => {
      // The same credentials, and the Request-URI in the words that some phones use.
      const row = await credentials(REGISTER);
      const uri = `sip:127.0.0.1:${office.server.sip.port}`;
      await gets(phone, { ...REGISTER, uri, cseq: 2, headers: [row] }, 200);
    },
  },
  {
    id: '22.1-4',
    says: 'Realm strings MUST be globally unique. It is RECOMMENDED that a realm string contain a hostname or domain name',
    shows: async () => {
      await gets(phone, REGISTER, 401, { 'WWW-Authenticate': /realm="biloxi\.com"/ });
    },
  },
  {
    id: '22.1-5',
    says: 'Realm strings SHOULD present a human-readable identifier that can be rendered to a user.',
    shows: async () => {
      await gets(phone, REGISTER, 401, { 'WWW-Authenticate': /realm="[a-z.]+"/ });
    },
  },
  {
    id: '22.1-6',
    says: 'each such protection domain has its own set of usernames and passwords',
    shows: async () => {
      const two = await openOffice({ config: { domain: ['biloxi.com', 'second.example'] } });
      const caller = await two.phone();
      const to = '<sip:bob@second.example>';
      const answer = await caller.register('bob', { to, from: `${to};tag=1` });
      await two.close();
      expect([answer.status, answer.header('WWW-Authenticate').join()]).toEqual([
        401,
        expect.stringContaining('realm="second.example"'),
      ]);
    },
  },
  {
    id: '22.1-7',
    says: 'it MAY accept a default username, "anonymous", which has no password',
    notOurs: 'what needs no password is not challenged, and what is challenged needs one',
  },
  {
    id: '22.1-8',
    says: 'UACs representing many users, such as PSTN gateways, MAY have their own device-specific username and password, rather than accounts for particular users, for their realm.',
    notOurs: 'a right of the operator of the user file',
  },
  {
    id: '22.1-9',
    says: 'any credentials in the INVITE that were accepted by a server MUST be accepted by that server for the ACK',
    shows: async () => {
      const asked = {
        via: `SIP/2.0/UDP 127.0.0.1:${phone.local.port};branch=z9hG4bKack;rport`,
        callId: 'ack',
        uri: elsewhere(),
        from: '<sip:alice@biloxi.com>;tag=1',
      };
      const row = await credentials({ ...asked, via: `${asked.via};first` }, 'Proxy-Authorization', 'alice');
      phone.tell({ ...asked, via: asked.via.replace('ack', 'ack2'), cseq: 2, headers: [row] });
      const { text, from } = await callee.next();
      callee.send(answerTo(text, '486 Busy Here'), from);
      const busy = await phone.next();
      expect(busy.status).toBe(486);
      const to = busy.header('To')[0] ?? '';
      phone.tell({
        ...asked,
        via: asked.via.replace('ack', 'ack2'),
        method: 'ACK',
        to,
        cseq: 2,
        headers: [row],
      });
      expect((await callee.next()).text).toMatch(/^ACK /);
    },
  },
  {
    id: '22.1-10',
    says: 'Servers MUST NOT attempt to challenge an ACK.',
    shows: async () => {
      const from = '<sip:alice@biloxi.com>;tag=1';
      expect(await phone.unanswered({ method: 'ACK', uri: elsewhere(), from })).toBe(true);
      expect(await phone.unanswered({ ...REGISTER, method: 'ACK' })).toBe(true);
    },
  },
  {
    id: '22.1-11',
    says: 'servers MUST NOT attempt to challenge CANCEL requests since these requests cannot be resubmitted',
    shows: async () => {
      await gets(phone, { method: 'CANCEL', uri: elsewhere(), from: '<sip:alice@biloxi.com>;tag=1' }, 481);
    },
  },
  {
    id: '22.1-12',
    says: 'a CANCEL request SHOULD be accepted by a server if it comes from the same hop that sent the request being canceled',
    shows: async () => {
      const via = `SIP/2.0/UDP 127.0.0.1:${phone.local.port};branch=z9hG4bKcan;rport`;
      const asked = { uri: elsewhere(), callId: 'cancel', from: '<sip:alice@biloxi.com>;tag=1' };
      const row = await credentials(asked, 'Proxy-Authorization', 'alice');
      phone.tell({ ...asked, via, cseq: 2, headers: [row] });
      const { text, from } = await callee.next();
      // §9.1: a CANCEL goes on only once the callee has said something.
      callee.send(answerTo(text, '180 Ringing'), from);
      expect((await phone.next()).status).toBe(180);
      phone.tell({ ...asked, via, cseq: 2, method: 'CANCEL' });
      const cancel = await callee.next();
      expect(cancel.text).toMatch(/^CANCEL /);
      callee.send(answerTo(cancel.text, '200 OK'), from);
      callee.send(answerTo(text, '487 Request Terminated'), from);
      const statuses = [(await phone.next()).status, (await phone.next()).status];
      expect(statuses).toEqual([200, 487]);
    },
  },
  {
    id: '22.1-13',
    says: 'When a UAC receives a challenge, it SHOULD render to the user the contents of the "realm" parameter',
    notOurs: 'a rule for phones',
  },
  {
    id: '22.1-14',
    says: 'In this instance a server may repeat its challenge, or it may respond with a 403 Forbidden.',
    shows: async () => {
      expect((await phone.register('bob', { password: 'wrong' })).status).toBe(401);
    },
  },
  {
    id: '22.1-15',
    says: 'A UAC MUST NOT re-attempt requests with the credentials that have just been rejected',
    notOurs: 'a rule for phones; who breaks it is slowed down (auth-guard.test.ts)',
  },
  {
    id: '22.1-16',
    says: 'though the request may be retried if the nonce was stale',
    shows: async () => {
      const row = await credentials(REGISTER);
      office.clock.advance(301_000);
      const stale = await gets(phone, { ...REGISTER, cseq: 2, headers: [row] }, 401, {
        'WWW-Authenticate': /stale=true/i,
      });
      const again = digestHeader(stale.header('WWW-Authenticate')[0] ?? '', {
        user: 'bob',
        password: 'zanzibar',
        method: 'REGISTER',
        uri: 'sip:biloxi.com',
      });
      await gets(phone, { ...REGISTER, cseq: 3, headers: [again] }, 200);
    },
  },
  {
    id: '22.2-1',
    says: 'the UAS MAY authenticate the originator before the request is processed … the UAS can challenge the originator to provide credentials by rejecting the request with a 401 (Unauthorized) status code',
    shows: async () => {
      await gets(phone, { ...REGISTER, headers: ['Contact: <sip:bob@192.0.2.4>'] }, 401);
      expect((await phone.register('bob')).header('Contact')).toEqual([]);
    },
  },
  {
    id: '22.2-2',
    says: 'The WWW-Authenticate response-header field MUST be included in 401 (Unauthorized) response messages.',
    shows: async () => {
      await gets(phone, REGISTER, 401, { 'WWW-Authenticate': /./ });
      await gets(phone, { ...REGISTER, headers: ['Authorization: Digest x'] }, 401, {
        'WWW-Authenticate': /./,
      });
      await gets(phone, { ...REGISTER, headers: ['Authorization: Bearer abc'] }, 401, {
        'WWW-Authenticate': /./,
      });
    },
  },
  {
    id: '22.2-3',
    says: 'The field value consists of at least one challenge that indicates the authentication scheme(s) and parameters applicable to the realm.',
    shows: async () => {
      await gets(phone, REGISTER, 401, {
        'WWW-Authenticate': /^Digest realm="biloxi\.com", .*nonce="[^"]{40}"/,
      });
    },
  },
  ...[
    'it SHOULD, if it is able, re-originate the request with the proper credentials',
    'UAs SHOULD cache the credentials for a given value of the To header field and "realm" and attempt to re-use these values on the next request for that destination.',
    'UAs MAY cache credentials in any way they would like.',
    'If no credentials for a realm can be located, UACs MAY attempt to retry the request with a username of "anonymous"',
    'it MUST increment the CSeq header field value as it would normally when sending an updated request',
    'it should incorporate credentials for that realm in all subsequent requests that contain the same Call-ID',
    'These credentials MUST NOT be cached across dialogs',
    'The UAC SHOULD also cache the credentials used in the re-originated request.',
    'a UAC MAY include an Authorization value for each WWW-Authenticate value and a Proxy-Authorization value for each Proxy-Authenticate value',
    'The same credentials SHOULD be used for the same realm.',
    'The following rule is RECOMMENDED for proxy credential caching',
    'it MUST send the "qop" parameter in any resulting authorization header field',
  ].map((says, index) => ({ id: `22.2/3-phones-${index + 1}`, says, notOurs: 'a rule for phones' })),
  {
    id: '22.2-4',
    says: '-- usually, but not necessarily, after receiving a 401 (Unauthorized) response -- MAY do so by including an Authorization header field with the request',
    shows: async () => {
      // Good within its time for the next request too, whatever its Call-ID.
      const row = await credentials(REGISTER);
      await gets(phone, { ...REGISTER, callId: 'later', cseq: 1, headers: [row] }, 200);
    },
  },
  {
    id: '22.3-1',
    says: 'the proxy can challenge the originator to provide credentials by rejecting the request with a 407',
    shows: async () => {
      await gets(phone, { uri: elsewhere(), from: '<sip:alice@biloxi.com>;tag=1' }, 407);
      expect(callee.unread).toBe(0);
    },
  },
  {
    id: '22.3-2',
    says: 'The proxy MUST populate the 407 (Proxy Authentication Required) message with a Proxy-Authenticate header field value applicable to the proxy for the requested resource.',
    shows: async () => {
      await gets(phone, { uri: elsewhere(), from: '<sip:alice@biloxi.com>;tag=1' }, 407, {
        'Proxy-Authenticate': /^Digest realm="biloxi\.com"/,
      });
    },
  },
  {
    id: '22.3-3',
    says: 'Proxies MUST NOT add values to the Proxy-Authorization header field.',
    shows: async () => expect(await heard([])).not.toMatch(/^Proxy-Authorization:/m),
  },
  {
    id: '22.3-4',
    says: 'All 407 (Proxy Authentication Required) responses MUST be forwarded upstream toward the UAC following the procedures for any other response.',
    shows: async () => {
      const text = await heard([]);
      const row = 'Proxy-Authenticate: Digest realm="elsewhere.example", nonce="x"';
      callee.send(answerTo(text, '407 Proxy Authentication Required', row), office.server.sip);
      const answer = await phone.next();
      expect([answer.status, answer.header('Proxy-Authenticate')]).toEqual([407, [row.slice(20)]]);
    },
  },
  {
    id: '22.3-5',
    says: 'MAY do so by including a Proxy-Authorization header field value with the request',
    shows: async () => expect(await heard([])).toMatch(/^INVITE /),
  },
  {
    id: '22.3-6',
    says: 'a Proxy-Authorization header field value MUST NOT be consumed by any proxy whose realm does not match the "realm" parameter specified in that value',
    shows: async () => {
      const theirs =
        'Proxy-Authorization: Digest username="a", realm="elsewhere.example", nonce="n", uri="sip:x", response="r"';
      const text = await heard([theirs]);
      expect(text).toContain(theirs);
      // Ours is: nobody else has to see it.
      expect(text).not.toContain('realm="biloxi.com"');
    },
  },
  {
    id: '22.3-7',
    says: 'a proxy server MUST attempt to parse all Proxy-Authorization header field values to determine whether one of them has what the proxy server considers to be valid credentials',
    shows: async () => {
      const theirs = [
        'Proxy-Authorization: NoOneKnowsThisScheme x=y',
        'Proxy-Authorization: Digest username="a", realm="elsewhere.example", nonce="n", uri="sip:x", response="r"',
      ];
      expect(await heard(theirs)).toMatch(/^INVITE /);
    },
  },
  {
    id: '22.3-8',
    says: 'proxy servers SHOULD use an authentication scheme that supports realms in the Proxy-Authorization header field',
    shows: async () => {
      await gets(phone, { uri: elsewhere(), from: '<sip:alice@biloxi.com>;tag=1' }, 407, {
        'Proxy-Authenticate': /^Digest realm=/,
      });
    },
  },
  {
    id: '22.3-9',
    says: 'Each WWW-Authenticate and Proxy-Authenticate value received in responses to the forked request MUST be placed into the single response that is sent by the forking proxy',
    notOurs: 'nothing forks here',
  },
  {
    id: '22.3-10',
    says: 'multiple credentials in a request SHOULD be differentiated by the "realm" parameter',
    shows: async () => {
      const row = await credentials(REGISTER);
      const other = row.replace('realm="biloxi.com"', 'realm="elsewhere.example"');
      await gets(phone, { ...REGISTER, cseq: 2, headers: [other, row] }, 200);
    },
  },
  {
    id: '22.3-11',
    says: 'a UAC MAY therefore supply multiple credentials in Authorization or Proxy-Authorization header fields with the same "realm" parameter value',
    fails:
      'the first complete credentials for the realm count: each further row would be one more guess at a password in one request',
    shows: async () => {
      const row = await credentials(REGISTER);
      const wrong = row.replace(/response="[^"]+"/, `response="${'0'.repeat(32)}"`);
      await gets(phone, { ...REGISTER, cseq: 2, headers: [wrong, row] }, 200);
    },
  },
  {
    id: '22.4-1',
    says: 'SIP servers supporting RFC 2617 MUST ensure they are backwards compatible with RFC 2069',
    shows: async () => {
      const challenge = (await phone.ask(REGISTER)).header('WWW-Authenticate')[0] ?? '';
      await gets(phone, { ...REGISTER, cseq: 2, headers: [withoutQop(challenge)] }, 200);
    },
  },
  {
    id: '22.4-2',
    says: 'SIP servers MUST NOT accept or request Basic authentication',
    shows: async () => {
      await gets(phone, { ...REGISTER, headers: [`Authorization: ${BASIC}`] }, 401, {
        'WWW-Authenticate': /^Digest /,
      });
    },
  },
  {
    id: '22.4-3',
    says: "For SIP, the 'uri' MUST be enclosed in quotation marks.",
    notOurs: 'a rule for phones; without the marks it is read all the same',
  },
  {
    id: '22.4-4',
    says: 'in SIP, a server MAY check that the Request-URI in the Authorization header field value corresponds to a user for whom the server is willing to accept forwarded or direct requests, but it is not necessarily a failure if the two fields are not equivalent',
    shows: async () => {
      const challenge = (await phone.ask(REGISTER)).header('WWW-Authenticate')[0] ?? '';
      const said = (uri: string): string =>
        digestHeader(challenge, { user: 'bob', password: 'zanzibar', method: 'REGISTER', uri });
      await gets(phone, { ...REGISTER, cseq: 2, headers: [said('sip:biloxi.com;transport=udp')] }, 200);
      await gets(phone, { ...REGISTER, cseq: 3, headers: [said('sip:elsewhere.example')] }, 401);
    },
  },
  {
    id: '22.4-5',
    says: 'servers MUST always send a "qop" parameter in WWW-Authenticate and Proxy-Authenticate header field values',
    shows: async () => {
      await gets(phone, REGISTER, 401, { 'WWW-Authenticate': /qop="auth"/ });
      await gets(phone, { uri: elsewhere(), from: '<sip:alice@biloxi.com>;tag=1' }, 407, {
        'Proxy-Authenticate': /qop="auth"/,
      });
    },
  },
  {
    id: '22.4-6',
    says: 'a cnonce value MUST NOT be sent in an Authorization (and by extension Proxy-Authorization) header field if no qop directive has been sent',
    notOurs: 'a rule for phones; the server always sends qop',
  },
  {
    id: '22.4-7',
    says: 'These mechanisms MUST be used by a server to determine if the client supports the new mechanisms in RFC 2617',
    shows: async () => {
      // qop in the credentials: as RFC 2617; none: as RFC 2069. Both from one challenge.
      const challenge = (await phone.ask(REGISTER)).header('WWW-Authenticate')[0] ?? '';
      const modern = digestHeader(challenge, {
        user: 'bob',
        password: 'zanzibar',
        method: 'REGISTER',
        uri: 'sip:biloxi.com',
      });
      await gets(phone, { ...REGISTER, cseq: 2, headers: [modern] }, 200);
      await gets(phone, { ...REGISTER, cseq: 3, headers: [withoutQop(challenge)] }, 200);
    },
  },
  {
    id: '22.4-8',
    says: 'we now allow usage of this header field',
    when: 'Authentication-Info',
    notOurs:
      'a right that is not used: no phone of the corpus looks for it, and it would show a second hash of the password',
  },
]);

/** The answer of somebody outside to what was forwarded to him. */
function answerTo(request: string, status: string, ...more: readonly string[]): string {
  const rows = request.slice(0, request.indexOf('\r\n\r\n')).split('\r\n').slice(1);
  const kept = rows.filter((row) => /^(Via|From|Call-ID|CSeq):/i.test(row));
  const to = rows.find((row) => /^To:/i.test(row)) ?? '';
  return [
    `SIP/2.0 ${status}`,
    ...kept,
    to.includes(';tag=') ? to : `${to};tag=callee`,
    ...more,
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n');
}

/** Credentials as RFC 2069 had them. */
function withoutQop(challenge: string): string {
  const said = answerToChallenge(challenge, { user: 'bob', password: 'zanzibar' }, { qop: undefined });
  return `Authorization: ${said}`;
}
