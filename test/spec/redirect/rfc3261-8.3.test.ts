// RFC 3261 §8.3, redirect servers, sentence by sentence at a whole registrar over real sockets.
import { afterAll, beforeAll, expect } from 'vitest';
import { clause } from '../../support/clause.ts';
import { gets, type Office, type OfficePhone, openOffice, silentDns } from '../../support/office.ts';

let office: Office;
let phone: OfficePhone;

beforeAll(async () => {
  office = await openOffice({ open: true });
  phone = await office.phone();
  await phone.register('bob', {
    callId: 'bob',
    headers: ['Contact: <sip:bob@192.0.2.4:5062>;q=0.4, <sip:bob@192.0.2.5;transport=tcp>;q=0.7'],
  });
});
afterAll(() => office.close());

const BOTH = /^<sip:bob@192\.0\.2\.5;transport=tcp>;q=0\.7,<sip:bob@192\.0\.2\.4:5062>;q=0\.4$/;
let users = 0;
/** A call to somebody who is registered at these contacts. */
const callTo = async (contacts: readonly string[], uriOf = (user: string) => `sip:${user}@biloxi.com`) => {
  users += 1;
  const aor = `<sip:user${users}@biloxi.com>`;
  const headers = contacts.map((one) => `Contact: ${one}`);
  await gets(
    phone,
    { method: 'REGISTER', uri: 'sip:biloxi.com', from: `${aor};tag=1`, to: aor, headers },
    200,
  );
  return phone.ask({ uri: uriOf(`user${users}`) });
};

clause('RFC 3261 §8.3 Redirect Servers', [
  {
    id: '8.3-1',
    says: 'A redirect server does not issue any SIP requests of its own.',
    shows: async () => {
      const callee = await office.peer();
      const answer = await callTo([`<sip:x@127.0.0.1:${callee.local.port}>`]);
      expect([answer.status, callee.unread]).toEqual([302, 0]);
    },
  },
  {
    id: '8.3-2',
    says: 'the server either refuses the request or gathers the list of alternative locations from the location service and returns a final response of class 3xx',
    shows: async () => {
      await gets(phone, {}, 302, { Contact: BOTH });
      await gets(phone, { uri: 'sip:nobody@biloxi.com' }, 480);
    },
  },
  {
    id: '8.3-3',
    says: 'For well-formed CANCEL requests, it SHOULD return a 2xx response.',
    when: 'after the final answer',
    shows: async () => {
      const via = `SIP/2.0/UDP 127.0.0.1:${phone.local.port};branch=z9hG4bKlate;rport`;
      await gets(phone, { via, callId: 'late' }, 302);
      await gets(phone, { via, callId: 'late', method: 'CANCEL' }, 200);
    },
  },
  {
    id: '8.3-4',
    says: 'For well-formed CANCEL requests, it SHOULD return a 2xx response.',
    when: 'while the request is under way',
    shows: async () => {
      const slow = await openOffice({ open: true, world: { dns: silentDns } });
      const caller = await slow.phone();
      const via = `SIP/2.0/UDP 127.0.0.1:${caller.local.port};branch=z9hG4bKnow;rport`;
      const uri = 'sip:x@elsewhere.example';
      caller.tell({ via, callId: 'now', uri });
      await gets(caller, { via, callId: 'now', uri, method: 'CANCEL' }, 200);
      expect((await caller.next()).status).toBe(487);
      await slow.close();
    },
  },
  {
    id: '8.3-5',
    says: 'For well-formed CANCEL requests, it SHOULD return a 2xx response.',
    when: 'that belongs to no request: §9.2 has the last word',
    shows: async () => {
      await gets(phone, { method: 'CANCEL', callId: 'of-nothing' }, 481);
    },
  },
  {
    id: '8.3-6',
    says: 'The redirect server maintains transaction state for an entire SIP transaction.',
    shows: async () => {
      const via = `SIP/2.0/UDP 127.0.0.1:${phone.local.port};branch=z9hG4bKstate;rport`;
      const asked = { via, callId: 'state', from: '<sip:a@biloxi.com>;tag=1', uri: 'sip:carol@biloxi.com' };
      await gets(phone, asked, 480);
      const aor = '<sip:carol@biloxi.com>';
      const headers = ['Contact: <sip:carol@192.0.2.9>'];
      await gets(
        phone,
        { method: 'REGISTER', uri: 'sip:biloxi.com', from: `${aor};tag=1`, to: aor, headers },
        200,
      );
      // What changed meanwhile does not change the answer of a transaction.
      await gets(phone, asked, 480);
    },
  },
  {
    id: '8.3-7',
    says: 'It is the responsibility of clients to detect forwarding loops between redirect servers.',
    notOurs: 'a rule for callers; what would loop at this server alone is refused (8.3-11)',
  },
  {
    id: '8.3-8',
    says: 'it populates the list of (one or more) alternative locations into the Contact header field',
    shows: async () => {
      await gets(phone, {}, 302, { Contact: BOTH });
    },
  },
  {
    id: '8.3-9',
    says: 'An "expires" parameter to the Contact header field values may also be supplied',
    notOurs: 'none is given: §21.3.3 then has the caller use it once, and ask again for the next call',
  },
  {
    id: '8.3-10',
    says: 'A 301 (Moved Permanently) or 302 (Moved Temporarily) response may also give the same location and username that was targeted by the initial request but specify additional transport parameters',
    shows: async () => {
      const answer = await callTo(['<sip:x@192.0.2.9;transport=tcp>']);
      expect(answer.header('Contact')).toEqual(['<sip:x@192.0.2.9;transport=tcp>']);
    },
  },
  {
    id: '8.3-11',
    says: 'redirect servers MUST NOT redirect a request to a URI equal to the one in the Request-URI',
    shows: async () => {
      await gets(
        phone,
        {
          method: 'REGISTER',
          uri: 'sip:biloxi.com',
          from: '<sip:loop@biloxi.com>;tag=1',
          to: '<sip:loop@biloxi.com>',
          headers: ['Contact: <sip:loop@biloxi.com>'],
        },
        403,
      );
      await gets(phone, { uri: 'sip:loop@biloxi.com' }, 480);
    },
  },
  {
    id: '8.3-12',
    says: 'the server MAY proxy the request to the destination URI, or MAY reject it with a 404',
    notOurs:
      'no such binding is taken in the first place; targets.test.ts shows that one of another domain is passed over',
  },
  {
    id: '8.3-13',
    says: 'Note that a Contact header field value MAY also refer to a different resource than the one originally called.',
    shows: async () => {
      const answer = await callTo(['<sip:announcement@192.0.2.77>']);
      expect(answer.header('Contact')).toEqual(['<sip:announcement@192.0.2.77>']);
    },
  },
  {
    id: '8.3-14',
    says: 'A Contact response header field can contain any suitable URI indicating where the called party can be reached, not limited to SIP URIs.',
    fails:
      'a phone that is sent to a tel: or mailto: URI rings nowhere or stops; such a contact is kept and told to who registered it',
    shows: async () => {
      const answer = await callTo(['<mailto:bob@biloxi.com>']);
      expect([answer.status, answer.header('Contact')]).toEqual([302, ['<mailto:bob@biloxi.com>']]);
    },
  },
  {
    id: '8.3-15',
    says: 'Section 26.4.4 discusses implications and limitations of redirecting a SIPS URI to a non-SIPS URI.',
    shows: async () => {
      const contacts = ['<sip:x@192.0.2.9>', '<sips:x@192.0.2.9>'];
      const answer = await callTo(contacts, (user) => `sips:${user}@biloxi.com`);
      expect(answer.header('Contact')).toEqual(['<sips:x@192.0.2.9>']);
    },
  },
  {
    id: '8.3-16',
    says: 'Malformed values SHOULD be treated as equivalent to 3600.',
    notOurs: 'a rule for who reads the answer; for a REGISTER §10.2.1.1 says the same, see its table',
  },
  ...(
    [
      ['unrecognized header fields', { headers: ['New-Fangled: 1'] }],
      ['any unknown option tags in Require', { headers: ['Require: nobodyHeardOfThis'] }],
      ['or even method names', { method: 'NEWMETHOD' }],
    ] as const
  ).map(([when, asked], index) => ({
    id: `8.3-${17 + index}`,
    says: 'Redirect servers MUST ignore features that are not understood (including unrecognized header fields, any unknown option tags in Require, or even method names) and proceed with the redirection of the request in question.',
    when,
    shows: async () => {
      await gets(phone, asked, 302, { Contact: BOTH });
    },
  })),
  {
    id: '8.3-20',
    says: 'and proceed with the redirection of the request in question',
    when: 'where there is nowhere to redirect to, the refusal says what was not understood',
    shows: async () => {
      await gets(phone, { uri: 'sip:nobody@biloxi.com', method: 'NEWMETHOD' }, 501, { Allow: /INVITE/ });
      const headers = ['Require: nobodyHeardOfThis'];
      await gets(phone, { uri: 'sip:nobody@biloxi.com', headers }, 420, { Unsupported: /nobodyHeardOfThis/ });
    },
  },
]);
