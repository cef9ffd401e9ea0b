// RFC 3261 §8.2, UAS behaviour, sentence by sentence at a whole registrar over real sockets.
import { afterAll, beforeAll, expect } from 'vitest';
import { clause } from '../../support/clause.ts';
import { gets as ask, type Office, type OfficePhone, openOffice, silentDns } from '../../support/office.ts';
import type { SipAnswer } from '../../support/sip-client.ts';
import type { RequestText } from '../../support/sip-request.ts';

let office: Office;
let phone: OfficePhone;
const BOB = '<sip:bob@192.0.2.4:5062>';

beforeAll(async () => {
  office = await openOffice();
  phone = await office.phone();
  await phone.register('bob', { callId: 'bob', headers: [`Contact: ${BOB}`] });
});
afterAll(() => office.close());

const gets =
  (asked: RequestText, status: number, headers: Record<string, RegExp> = {}) =>
  async (): Promise<void> => {
    await ask(phone, asked, status, headers);
  };

const register = (headers: readonly string[], asked: RequestText = {}): Promise<SipAnswer> =>
  phone.register('alice', { ...asked, headers: [...(asked.headers ?? []), ...headers] });
const contactsOf = async (): Promise<readonly string[]> => (await register([])).header('Contact');

const SAME = {
  From: 'The From field of the response MUST equal the From header field of the request.',
  'Call-ID': 'The Call-ID header field of the response MUST equal the Call-ID header field of the request.',
  CSeq: 'The CSeq header field of the response MUST equal the CSeq field of the request.',
  Via: 'The Via header field values in the response MUST equal the Via header field values in the request and MUST maintain the same ordering.',
} as const;

clause('RFC 3261 §8.2 UAS Behavior', [
  {
    id: '8.2-1',
    says: 'If a request is accepted, all state changes associated with it MUST be performed.',
    shows: async () => {
      const answer = await register(['Contact: <sip:a@192.0.2.1>, <sip:a@192.0.2.2>']);
      expect([answer.status, answer.header('Contact').length]).toEqual([200, 2]);
      await register(['Contact: *', 'Expires: 0'], { cseq: 50 });
    },
  },
  {
    id: '8.2-2',
    says: 'If it is rejected, all state changes MUST NOT be performed.',
    shows: async () => {
      const answer = await register(['Contact: <sip:a@192.0.2.1>, <sip:a@192.0.2.2>;expires=1']);
      expect(answer.status).toBe(423);
      expect(await contactsOf()).toEqual([]);
    },
  },
  {
    id: '8.2-3',
    says: 'UASs SHOULD process the requests in the order of the steps that follow in this section (that is, starting with authentication',
    fails:
      'a method or an extension that nobody here understands is refused before the password is asked for: §10.3 has Require before authentication too, and strangers cost no HMAC',
    shows: gets({ method: 'REGISTER', uri: 'sip:biloxi.com', headers: ['Require: nope'] }, 401),
  },
  {
    id: '8.2.1-1',
    says: 'it MUST generate a 405 (Method Not Allowed) response',
    notOurs:
      'every method that is recognised is served here: REGISTER by the registrar, the others by the redirect server (§8.3); dispatch.test.ts shows the 405 of a server with fewer handlers',
  },
  {
    id: '8.2.1-3',
    says: 'The UAS MUST also add an Allow header field to the 405 (Method Not Allowed) response.',
    notOurs: 'as above; the 501 of an unknown method has it too',
  },
  {
    id: '8.2.1-2',
    says: 'The Allow header field MUST list the set of methods supported by the UAS generating the message.',
    shows: gets({ method: 'NEWMETHOD', uri: 'sip:biloxi.com' }, 501, {
      Allow: /^REGISTER, INVITE, ACK, CANCEL, BYE, OPTIONS, /,
    }),
  },
  {
    id: '8.2.2-1',
    says: 'If a UAS does not understand a header field in a request',
    shows: gets({ headers: ['X-New: ;;,;"', 'NewFangled: a, b'] }, 302),
  },
  ...(
    [
      ['Date', 'Date: yesterday'],
      ['Contact of what is no REGISTER', 'Contact: <sip:'],
      ['Accept', 'Accept: ///'],
      ['Warning', 'Warning: 3 "'],
      ['Supported', 'Supported: a b'],
      ['Content-Disposition', 'Content-Disposition: ;;'],
    ] as const
  ).map(([what, row], index) => ({
    id: `8.2.2-${2 + index}`,
    says: 'A UAS SHOULD ignore any malformed header fields that are not necessary for processing requests.',
    when: what,
    shows: gets({ headers: [row] }, 302),
  })),
  {
    id: '8.2.2-8',
    says: 'A UAS SHOULD ignore any malformed header fields that are not necessary for processing requests.',
    when: 'Supported of a REGISTER without Path',
    shows: async () => expect((await register(['Supported: a b'])).status).toBe(200),
  },
  {
    id: '8.2.2.1-0',
    says: 'A UAS MAY apply any policy it wishes to determine whether to accept requests when the To header field is not the identity of the UAS.',
    notOurs: 'the To of what is no REGISTER is not looked at, but for its tag',
  },
  {
    id: '8.2.2.1-1',
    says: 'it is RECOMMENDED that a UAS accept requests even if they do not recognize the URI scheme (for example, a tel: URI) in the To header field',
    shows: gets({ to: '<tel:+15551234>' }, 302),
  },
  {
    id: '8.2.2.1-2',
    says: 'or if the To header field does not address a known or current user of this UAS',
    shows: gets({ to: '<sip:nobody@elsewhere.example>' }, 302),
  },
  {
    id: '8.2.2.1-3',
    says: 'If, on the other hand, the UAS decides to reject the request, it SHOULD generate a response with a 403',
    notOurs: 'whatever the To of what is no REGISTER says, it is the Request-URI that is served',
  },
  ...['http://biloxi.com/', 'nobodyKnowsThisScheme:x', 'soap.beep://192.0.2.1', 'tel:+15551234'].map(
    (uri, index) => ({
      id: `8.2.2.1-${4 + index}`,
      says: 'If the Request-URI uses a scheme not supported by the UAS, it SHOULD reject the request with a 416',
      when: uri,
      shows: gets({ uri }, 416),
    }),
  ),
  {
    id: '8.2.2.1-8',
    says: 'If the Request-URI does not identify an address that the UAS is willing to accept requests for, it SHOULD reject the request with a 404',
    shows: gets({ uri: 'sip:nobody@biloxi.com' }, 404),
  },
  {
    id: '8.2.2.1-9',
    says: 'it SHOULD reject the request with a 404 (Not Found) response',
    when: 'a REGISTER for another domain',
    shows: gets({ method: 'REGISTER', uri: 'sip:atlanta.com', to: '<sip:a@atlanta.com>' }, 404),
  },
  {
    id: '8.2.2.1-10',
    says: 'If the Request-URI uses a scheme not supported by the UAS, it SHOULD reject the request with a 416',
    when: 'a REGISTER',
    shows: gets({ method: 'REGISTER', uri: 'isbn:2983792873' }, 416),
  },
  {
    id: '8.2.2.2-1',
    says: 'If the From tag, Call-ID, and CSeq exactly match those associated with an ongoing transaction, but the request does not match that transaction',
    shows: async () => {
      // Forwarding waits for DNS, so the first is under way when the second comes.
      const slow = await openOffice({
        world: { dns: silentDns },
        open: true,
      });
      const caller = await slow.phone();
      const same = {
        uri: 'sip:x@elsewhere.example',
        callId: 'fork',
        fromTag: 'one',
        from: '<sip:a@biloxi.com>;tag=1',
      };
      caller.tell(same);
      expect((await caller.ask(same)).status).toBe(482);
      await slow.close();
    },
  },
  {
    id: '8.2.2.2-2',
    says: 'If the request has no tag in the To header field, the UAS core MUST check the request against ongoing transactions.',
    shows: async () => {
      // With a tag it is a request of a dialog, and nothing of a dialog is here.
      const same = { callId: 'in-dialog', from: '<sip:alice@biloxi.com>;tag=1', toTag: 'x' };
      expect([(await phone.ask(same)).status, (await phone.ask(same)).status]).toEqual([481, 481]);
    },
  },
  {
    id: '8.2.2.3-1',
    says: 'it MUST respond by generating a response with status code 420',
    shows: gets({ method: 'REGISTER', uri: 'sip:biloxi.com', headers: ['Require: nope'] }, 420),
  },
  {
    id: '8.2.2.3-2',
    says: 'The UAS MUST add an Unsupported header field, and list in it those options it does not understand amongst those in the Require header field of the request.',
    shows: gets(
      { method: 'REGISTER', uri: 'sip:biloxi.com', headers: ['Require: path, nope', 'Require: neither'] },
      420,
      {
        Unsupported: /^nope, neither$/,
      },
    ),
  },
  {
    id: '8.2.2.3-3',
    says: 'it MUST respond by generating a response with status code 420',
    when: 'for a user who is not redirected',
    shows: gets({ uri: 'sip:alice@biloxi.com', headers: ['Require: nope'] }, 420, { Unsupported: /^nope$/ }),
  },
  {
    id: '8.2.2.3-4',
    says: 'These header fields MUST be ignored if they are present in these requests.',
    when: 'CANCEL',
    shows: gets({ method: 'CANCEL', headers: ['Require: nope', 'Proxy-Require: nope'] }, 481),
  },
  {
    id: '8.2.2.3-5',
    says: 'These header fields MUST be ignored if they are present in these requests.',
    when: 'ACK',
    shows: async () =>
      expect(await phone.unanswered({ method: 'ACK', headers: ['Require: nope'] })).toBe(true),
  },
  {
    id: '8.2.2.3-6',
    says: 'Note that Require and Proxy-Require MUST NOT be used in a SIP CANCEL request',
    notOurs: 'a rule for callers; what the server does with them stands above',
  },
  {
    id: '8.2.2.3-7',
    says: 'An ACK request for a 2xx response MUST contain only those Require and Proxy-Require values that were present in the initial request.',
    notOurs: 'a rule for callers; an ACK that is forwarded goes on as it came',
  },
  {
    id: '8.2.3-1',
    says: 'the UAS MUST reject the request with a 415 (Unsupported Media Type) response',
    fails:
      'no body means anything to a registrar, and phones that put one into REGISTER would be locked out: it is ignored, as its OPTIONS answer says with Accept: */*',
    shows: async () => {
      const text = await register(['Content-Type: application/x-unknown'], { body: 'x' });
      expect(text.status).toBe(415);
    },
  },
  {
    id: '8.2.3-2',
    says: 'the UAS MUST reject the request with a 415 (Unsupported Media Type) response.',
    when: 'a request that is redirected: §8.3 has it proceed',
    shows: gets(
      { headers: ['Content-Type: application/x-unknown', 'Content-Encoding: zip'], body: 'x' },
      302,
    ),
  },
  {
    id: '8.2.3-3',
    says: 'The response MUST contain an Accept header field',
    notOurs: 'nothing is answered with 415: see 8.2.3-1',
  },
  {
    id: '8.2.3-4',
    says: 'the response MUST contain an Accept-Encoding header field',
    notOurs: 'nothing is answered with 415: see 8.2.3-1',
  },
  {
    id: '8.2.3-5',
    says: 'the response MUST contain an Accept-Language header field',
    notOurs: 'nothing is answered with 415: see 8.2.3-1',
  },
  {
    id: '8.2.4-1',
    says: 'MUST NOT do so unless support for that extension is indicated in the Supported header field in the request',
    shows: async () => {
      const answer = await register(['Contact: <sip:a@192.0.2.1>', 'Path: <sip:p.example;lr>']);
      expect([answer.status, answer.header('Unsupported')]).toEqual([420, ['path']]);
      expect(await contactsOf()).toEqual([]);
    },
  },
  {
    id: '8.2.4-4',
    says: 'the server SHOULD rely only on baseline SIP and any other extensions supported by the client',
    shows: async () => {
      const answer = await register(['Contact: <sip:a@192.0.2.1>;+sip.instance="<urn:uuid:1>";reg-id=1']);
      expect([answer.status, answer.header('Require'), answer.header('Path')]).toEqual([200, [], []]);
      await register(['Contact: *', 'Expires: 0'], { cseq: 60 });
    },
  },
  {
    id: '8.2.4-5',
    says: 'the server MUST NOT apply extensions not listed in the Supported header field in the request',
    shows: async () => {
      const answer = await register([]);
      expect([answer.status, answer.header('Require'), answer.header('Path')]).toEqual([200, [], []]);
    },
  },
  {
    id: '8.2.4-2',
    says: 'the server MAY send a 421 (Extension Required) response',
    notOurs: 'nothing here needs an extension of a phone',
  },
  {
    id: '8.2.4-6',
    says: 'The needed extension(s) MUST be included in a Require header field in the response.',
    notOurs: 'nothing here needs an extension of a phone',
  },
  {
    id: '8.2.4-7',
    says: 'This behavior is NOT RECOMMENDED, as it will generally break interoperability.',
    notOurs: 'nothing here needs an extension of a phone',
  },
  {
    id: '8.2.4-3',
    says: 'Any extensions applied to a non-421 response MUST be listed in a Require header field included in the response.',
    fails:
      'RFC 3327 §5.3 has the registrar copy Path into the 200 and asks for no Require there; phones that know Path would refuse an answer that requires what they only support',
    shows: async () => {
      const answer = await register([
        'Contact: <sip:a@192.0.2.1>',
        'Supported: path',
        'Path: <sip:p.example;lr>',
      ]);
      expect(answer.header('Require')).toEqual(['path']);
    },
  },
  {
    id: '8.2.6.1-1',
    says: 'UASs SHOULD NOT issue a provisional response for a non-INVITE request',
    shows: async () => {
      const slow = await openOffice({
        world: { dns: silentDns },
        open: true,
      });
      const caller = await slow.phone();
      caller.tell({ method: 'MESSAGE', uri: 'sip:x@elsewhere.example' });
      expect((await caller.ask({ method: 'OPTIONS', uri: 'sip:biloxi.com' })).status).toBe(200);
      slow.clock.advance(4900);
      expect((await caller.ask({ method: 'OPTIONS', uri: 'sip:biloxi.com' })).status).toBe(200);
      await slow.close();
    },
  },
  {
    id: '8.2.6.1-4',
    says: 'UASs SHOULD generate a final response to a non-INVITE request as soon as possible',
    shows: async () => {
      const slow = await openOffice({ world: { dns: silentDns }, open: true });
      const caller = await slow.phone();
      caller.tell({ method: 'MESSAGE', uri: 'sip:x@elsewhere.example' });
      await caller.ask({ method: 'OPTIONS', uri: 'sip:biloxi.com' });
      slow.clock.advance(5000);
      expect((await caller.next()).status).toBe(504);
      await slow.close();
    },
  },
  {
    id: '8.2.6.1-2',
    says: 'any Timestamp header field present in the request MUST be copied into this 100 (Trying) response',
    shows: () => trying('Timestamp: 54.21', /^54\.21 /),
  },
  {
    id: '8.2.6.1-3',
    says: 'the UAS SHOULD add a delay value into the Timestamp value in the response. This value MUST contain the difference between the time of sending of the response and receipt of the request, measured in seconds.',
    shows: () => trying('Timestamp: 54', /^54 0\.200$/),
  },
  ...(['From', 'Call-ID', 'CSeq', 'Via'] as const).map((name, index) => ({
    id: `8.2.6.2-${1 + index}`,
    says: SAME[name],
    shows: async () => {
      const vias = [
        `SIP/2.0/UDP 127.0.0.1:${phone.local.port};branch=z9hG4bKtop${index}`,
        'SIP/2.0/TCP a.example;branch=z9hG4bKlow',
      ];
      const answer = await phone.ask({
        via: vias[0] ?? '',
        callId: `same ${index}`.replace(' ', '-'),
        cseq: 7,
        from: '"A. \\"l\\" ice" <sip:alice@biloxi.com;x=1>;tag=88sja8x;y',
        headers: [`Via: ${vias[1]}`],
      });
      const expected = {
        From: ['"A. \\"l\\" ice" <sip:alice@biloxi.com;x=1>;tag=88sja8x;y'],
        'Call-ID': [`same-${index}`],
        CSeq: ['7 INVITE'],
        Via: vias,
      };
      expect(answer.header(name)).toEqual(expected[name]);
    },
  })),
  {
    id: '8.2.6.2-5',
    says: 'If a request contained a To tag in the request, the To header field in the response MUST equal that of the request.',
    shows: gets({ to: 'Bob <sip:bob@biloxi.com>;tag=b1' }, 481, { To: /^Bob <sip:bob@biloxi.com>;tag=b1$/ }),
  },
  {
    id: '8.2.6.2-6',
    says: 'the URI in the To header field in the response MUST equal the URI in the To header field; additionally, the UAS MUST add a tag',
    shows: gets({ to: 'Bob <sip:%62ob@biloxi.com;user=phone>;x=y' }, 302, {
      To: /^Bob <sip:%62ob@biloxi.com;user=phone>;x=y;tag=\w{20}$/,
    }),
  },
  {
    id: '8.2.6.2-7',
    says: 'The same tag MUST be used for all responses to that request, both final and provisional',
    shows: async () => {
      const via = `SIP/2.0/UDP 127.0.0.1:${phone.local.port};branch=z9hG4bKsame;rport`;
      const asked = { via, callId: 's', from: '<sip:alice@biloxi.com>;tag=same' };
      const first = await phone.ask(asked);
      // No longer from memory (timer J).
      office.clock.advance(65_000);
      const second = await phone.ask(asked);
      expect(second.header('To')).toEqual(first.header('To'));
    },
  },
  {
    id: '8.2.7-1',
    says: 'A stateless UAS MUST NOT send provisional (1xx) responses.',
    notOurs:
      'every request is served within a transaction; only requests that could not be read are answered without',
  },
  {
    id: '8.2.7-2',
    says: 'A stateless UAS MUST NOT retransmit responses.',
    notOurs:
      'every request is served within a transaction; see §17.2.1 for when a final answer is repeated unasked',
  },
  {
    id: '8.2.7-3',
    says: 'A stateless UAS MUST ignore ACK requests.',
    shows: async () => expect(await phone.unanswered({ method: 'ACK' })).toBe(true),
  },
  {
    id: '8.2.7-4',
    says: 'A stateless UAS MUST ignore CANCEL requests.',
    notOurs: 'we are stateful: a CANCEL is answered by §9.2',
  },
  {
    id: '8.2.7-5',
    says: 'generate the same tag for the same request consistently',
    shows: async () => {
      // The answer of the first is forgotten when the second comes: the tag is computed, not remembered.
      const via = `SIP/2.0/UDP 127.0.0.1:${phone.local.port};branch=z9hG4bKtag;rport`;
      const from = '<sip:alice@biloxi.com>;tag=1';
      const asked = { via, callId: 'tag', from, method: 'MESSAGE', uri: 'sip:alice@biloxi.com' };
      const first = await phone.ask(asked);
      office.clock.advance(70_000);
      expect((await phone.ask(asked)).header('To')).toEqual(first.header('To'));
    },
  },
]);

/** The 100 of a call whose way is looked for. */
async function trying(row: string, timestamp: RegExp): Promise<void> {
  const slow = await openOffice({
    world: { dns: silentDns },
    open: true,
  });
  const caller = await slow.phone();
  caller.tell({ uri: 'sip:x@elsewhere.example', headers: [row] });
  await caller.ask({ method: 'OPTIONS', uri: 'sip:biloxi.com' });
  slow.clock.advance(200);
  const answer = await caller.next();
  expect(answer.status).toBe(100);
  expect(answer.header('Timestamp').join()).toMatch(timestamp);
  await slow.close();
}
