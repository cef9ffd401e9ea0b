// RFC 3261 §10.3, processing REGISTER requests, sentence by sentence at a whole registrar over real sockets.
import { afterAll, beforeAll, expect } from 'vitest';
import { clause } from '../../support/clause.ts';
import { gets, type Office, type OfficePhone, openOffice } from '../../support/office.ts';
import { registrarWorld } from '../../support/registrar-world.ts';
import type { SipAnswer } from '../../support/sip-client.ts';
import type { RequestText } from '../../support/sip-request.ts';

let office: Office;
let open: Office;
/** With passwords, and where everybody is who they say they are. */
let phone: OfficePhone;
let free: OfficePhone;
let users = 0;

beforeAll(async () => {
  office = await openOffice();
  phone = await office.phone();
  open = await openOffice({ open: true, config: { domain: ['biloxi.com', 'second.example'] } });
  free = await open.phone();
});
afterAll(async () => {
  await office.close();
  await open.close();
});

const A = '<sip:x@192.0.2.4>';
const B = '<sip:x@192.0.2.5>';

interface Registering {
  register(headers: readonly string[], asked?: RequestText): Promise<SipAnswer>;
  /** What a query tells. */
  contacts(): Promise<readonly string[]>;
}

/** Somebody new, whose REGISTERs share a Call-ID and count up. */
const somebody = (): Registering => {
  users += 1;
  const aor = `<sip:user${users}@biloxi.com>`;
  const callId = `of-user-${users}`;
  let cseq = 0;
  const register = (headers: readonly string[], asked: RequestText = {}): Promise<SipAnswer> => {
    cseq += 1;
    const base = { method: 'REGISTER', uri: 'sip:biloxi.com', from: `${aor};tag=1`, to: aor, callId, cseq };
    return free.ask({ ...base, headers, ...asked });
  };
  return {
    register,
    contacts: async () => (await register([], { callId: `${callId}-query` })).header('Contact'),
  };
};

/** The status of a REGISTER with these headers, and the bindings there are after it. */
const after = async (
  who: Registering,
  headers: readonly string[],
  asked: RequestText = {},
): Promise<readonly [number, readonly string[]]> => {
  const { status } = await who.register(headers, asked);
  return [status, (await who.contacts()).map((one) => one.replace(/;expires=\d+/, ''))];
};

const granted = (headers: readonly string[], sec: number) => async () => {
  expect((await somebody().register(headers)).header('Contact')).toEqual([`${A};expires=${sec}`]);
};

clause('RFC 3261 §10.3 Processing REGISTER Requests', [
  {
    id: '10.3-1',
    says: 'A registrar MUST not generate 6xx responses.',
    notOurs: 'no line of the source gives a 6xx; the fuzzer counts the codes that are given',
  },
  {
    id: '10.3-2',
    says: 'A registrar MAY redirect REGISTER requests as appropriate.',
    notOurs: 'every registrar of a domain takes every REGISTER',
  },
  {
    id: '10.3-3',
    says: 'Registrars MUST ignore the Record-Route header field if it is included in a REGISTER request.',
    shows: async () =>
      expect(await after(somebody(), [`Contact: ${A}`, 'Record-Route: <sip:p.example;lr>'])).toEqual([
        200,
        [A],
      ]),
  },
  {
    id: '10.3-4',
    says: 'Registrars MUST NOT include a Record-Route header field in any response to a REGISTER request.',
    shows: async () => {
      const answer = await somebody().register([`Contact: ${A}`, 'Record-Route: <sip:p.example;lr>']);
      expect(answer.header('Record-Route')).toEqual([]);
    },
  },
  {
    id: '10.3-5',
    says: 'A registrar has to know (for example, through configuration) the set of domain(s) for which it maintains bindings.',
    shows: async () => {
      const to = '<sip:x@second.example>';
      await gets(
        free,
        { method: 'REGISTER', uri: 'sip:second.example', to, headers: [`Contact: ${A}`] },
        200,
      );
    },
  },
  {
    id: '10.3-6',
    says: 'REGISTER requests MUST be processed by a registrar in the order that they are received.',
    shows: async () => {
      const stream = await open.tcpPhone();
      const to = '<sip:order@biloxi.com>';
      const base = { method: 'REGISTER', uri: 'sip:biloxi.com', to, from: `${to};tag=1` };
      // One segment each at the most, no answer awaited, and no Call-ID in common that could order them.
      for (let at = 0; at < 20; at += 1)
        stream.tell({ ...base, headers: [`Contact: ${A};expires=${at % 2 === 0 ? 600 : 0}`] });
      const told: number[] = [];
      for (let at = 0; at < 20; at += 1) told.push((await stream.next()).header('Contact').length);
      expect(told).toEqual(Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? 1 : 0)));
    },
  },
  {
    id: '10.3-7',
    says: 'REGISTER requests MUST also be processed atomically, meaning that a particular REGISTER request is either processed completely or not at all.',
    shows: async () => expect(await after(somebody(), [`Contact: ${A}, ${B};expires=1`])).toEqual([423, []]),
  },
  {
    id: '10.3-8',
    says: 'Each REGISTER message MUST be processed independently of any other registration or binding changes.',
    shows: async () => {
      const [one, other] = [somebody(), somebody()];
      await one.register([`Contact: ${A}`]);
      expect(await after(other, [`Contact: ${B}`])).toEqual([200, [B]]);
    },
  },
  {
    id: '10.3/1-1',
    says: 'The registrar inspects the Request-URI to determine whether it has access to bindings for the domain identified in the Request-URI.',
    shows: async () => {
      const at = `127.0.0.1:${open.server.sip.port}`;
      for (const uri of [
        'sip:biloxi.com',
        'sip:BILOXI.COM',
        `sip:${at}`,
        `sip:${at};transport=udp`,
        'sips:biloxi.com',
      ])
        expect((await somebody().register([`Contact: ${A}`], { uri })).status).toBe(200);
    },
  },
  {
    id: '10.3/1-2',
    says: 'If not, and if the server also acts as a proxy server, the server SHOULD forward the request to the addressed domain',
    fails:
      'a phone can reach the registrar that it means, and one that relays REGISTERs relays guesses at passwords too; the 404 says which domain is not ours',
    shows: async () => {
      const to = '<sip:x@atlanta.com>';
      const answer = await free.ask({
        method: 'REGISTER',
        uri: 'sip:atlanta.com',
        to,
        headers: [`Contact: ${A}`],
      });
      expect(answer.status).not.toBe(404);
    },
  },
  {
    id: '10.3/2-1',
    says: 'the registrar MUST process the Require header field values as described for UASs in Section 8.2.2',
    shows: async () => {
      expect(await after(somebody(), [`Contact: ${A}`, 'Require: path'])).toEqual([200, [A]]);
      expect(await after(somebody(), [`Contact: ${A}`, 'Require: nope'])).toEqual([420, []]);
    },
  },
  {
    id: '10.3/3-1',
    says: 'A registrar SHOULD authenticate the UAC.',
    shows: async () => {
      await gets(phone, { method: 'REGISTER', uri: 'sip:biloxi.com', headers: [`Contact: ${A}`] }, 401, {
        'WWW-Authenticate': /^Digest realm="biloxi\.com"/,
      });
      expect((await phone.register('bob', { headers: [`Contact: ${A}`] })).status).toBe(200);
      expect((await phone.register('bob', { password: 'wrong' })).status).toBe(401);
    },
  },
  {
    id: '10.3/3-2',
    says: 'If no authentication mechanism is available, the registrar MAY take the From address as the asserted identity of the originator of the request.',
    shows: async () => expect(await after(somebody(), [`Contact: ${A}`])).toEqual([200, [A]]),
  },
  {
    id: '10.3/4-1',
    says: 'The registrar SHOULD determine if the authenticated user is authorized to modify registrations for this address-of-record.',
    shows: async () => {
      const to = '<sip:alice@biloxi.com>';
      expect((await phone.register('alice', { to, headers: [`Contact: ${A}`] })).status).toBe(200);
    },
  },
  {
    id: '10.3/4-2',
    says: 'If the authenticated user is not authorized to modify bindings, the registrar MUST return a 403 (Forbidden) and skip the remaining steps.',
    shows: async () => {
      const to = '<sip:alice@biloxi.com>';
      expect((await phone.register('bob', { to, headers: [`Contact: ${B}`] })).status).toBe(403);
      expect((await phone.register('alice')).header('Contact').join()).not.toContain(B);
    },
  },
  {
    id: '10.3/5-1',
    says: 'If the address-of-record is not valid for the domain in the Request-URI, the registrar MUST send a 404 (Not Found) response and skip the remaining steps.',
    shows: async () => {
      const answer = await somebody().register([`Contact: ${A}`], { to: '<sip:x@atlanta.com>' });
      expect(answer.status).toBe(404);
    },
  },
  {
    id: '10.3/5-2',
    says: 'If the address-of-record is not valid for the domain in the Request-URI, the registrar MUST send a 404',
    when: 'after the password, as the order of the steps is',
    fails:
      'the realm is the domain of the address of record: for one that is not ours there is no password to ask for',
    shows: async () => {
      await gets(phone, { method: 'REGISTER', uri: 'sip:biloxi.com', to: '<sip:x@atlanta.com>' }, 401);
    },
  },
  ...[
    '<sip:NAME@biloxi.com;user=phone>',
    '"N" <sip:NAME@BILOXI.com;x=y>',
    'sip:NAME@biloxi.com',
    '<sips:NAME@biloxi.com>',
  ].map((to, index) => ({
    id: `10.3/5-${3 + index}`,
    says: 'The URI MUST then be converted to a canonical form. To do that, all URI parameters MUST be removed (including the user-param)',
    when: to,
    shows: async () => {
      const who = somebody();
      const asked = { to: to.replace('NAME', `user${users}`) };
      expect(await after(who, [`Contact: ${A}`], asked)).toEqual([200, [A]]);
    },
  })),
  {
    id: '10.3/5-7',
    says: 'any escaped characters MUST be converted to their unescaped form',
    shows: async () => {
      const who = somebody();
      const asked = { to: `<sip:%75ser${users}@biloxi.com>` };
      expect(await after(who, [`Contact: ${A}`], asked)).toEqual([200, [A]]);
    },
  },
  {
    id: '10.3/6-1',
    says: 'The registrar checks whether the request contains the Contact header field. If not, it skips to the last step.',
    shows: async () => {
      const who = somebody();
      await who.register([`Contact: ${A}`]);
      const answer = await who.register([]);
      expect([answer.status, answer.header('Contact')]).toEqual([200, [`${A};expires=3600`]]);
    },
  },
  ...(
    [
      [['Contact: *', `Contact: ${A}`, 'Expires: 0'], 400],
      [[`Contact: ${A}`, 'Contact: *', 'Expires: 0'], 400],
      [['Contact: *, *', 'Expires: 0'], 400],
      [['Contact: *', 'Expires: 60'], 400],
      [['Contact: *'], 400],
      [['Contact: *;expires=0'], 400],
      [['Contact: <*>', 'Expires: 0'], 400],
    ] as const
  ).map(([headers, status], index) => ({
    id: `10.3/6-${2 + index}`,
    says: 'If the request has additional Contact fields or an expiration time other than zero, the request is invalid, and the server MUST return a 400 (Invalid Request) and skip the remaining steps.',
    when: headers.join(', '),
    shows: async () => {
      const who = somebody();
      await who.register([`Contact: ${A}`]);
      expect(await after(who, headers)).toEqual([status, [A]]);
    },
  })),
  {
    id: '10.3/6-9',
    says: 'the registrar checks whether the Call-ID agrees with the value stored for each binding. If not, it MUST remove the binding.',
    shows: async () => {
      const who = somebody();
      await who.register([`Contact: ${A}, ${B}`], { cseq: 100 });
      expect(await after(who, ['m: *', 'Expires: 0'], { callId: `other-${users}`, cseq: 1 })).toEqual([
        200,
        [],
      ]);
    },
  },
  {
    id: '10.3/6-10',
    says: 'If it does agree, it MUST remove the binding only if the CSeq in the request is higher than the value stored for that binding.',
    shows: async () => {
      const who = somebody();
      await who.register([`Contact: ${A}`], { cseq: 10 });
      expect(await after(who, ['Contact: *', 'Expires: 0'], { cseq: 11 })).toEqual([200, []]);
    },
  },
  {
    id: '10.3/6-11',
    says: 'Otherwise, the update MUST be aborted and the request fails.',
    when: '* with a lower CSeq',
    shows: async () => {
      const who = somebody();
      await who.register([`Contact: ${A}`], { cseq: 10 });
      expect(await after(who, ['Contact: *', 'Expires: 0'], { cseq: 9 })).toEqual([500, [A]]);
    },
  },
  {
    id: '10.3/7-1',
    says: 'If the field value has an "expires" parameter, that value MUST be taken as the requested expiration.',
    shows: granted([`Contact: ${A};expires=100`, 'Expires: 200'], 100),
  },
  {
    id: '10.3/7-2',
    says: 'If there is no such parameter, but the request has an Expires header field, that value MUST be taken as the requested expiration.',
    shows: granted([`Contact: ${A}`, 'Expires: 200'], 200),
  },
  {
    id: '10.3/7-3',
    says: 'If there is neither, a locally-configured default value MUST be taken as the requested expiration.',
    shows: async () => {
      const other = await openOffice({ open: true, config: { registrar: { defaultExpiresSec: 777 } } });
      const answer = await (await other.phone()).register('bob', { headers: [`Contact: ${A}`] });
      await other.close();
      expect(answer.header('Contact')).toEqual([`${A};expires=777`]);
    },
  },
  {
    id: '10.3/7-4',
    says: 'The registrar MAY choose an expiration less than the requested expiration interval.',
    shows: granted([`Contact: ${A};expires=86400`], 3600),
  },
  {
    id: '10.3/7-5',
    says: 'smaller than one hour AND less than a registrar-configured minimum, the registrar MAY reject the registration with a response of 423 (Interval Too Brief)',
    shows: async () => expect(await after(somebody(), [`Contact: ${A};expires=59`])).toEqual([423, []]),
  },
  {
    id: '10.3/7-6',
    says: 'If and only if the requested expiration interval is greater than zero AND smaller than one hour',
    when: 'with a minimum of two hours an hour is not too brief',
    shows: async () => {
      const registrar = { minExpiresSec: 7200, maxExpiresSec: 86_400, defaultExpiresSec: 7200 };
      const other = await openOffice({ open: true, config: { registrar } });
      const caller = await other.phone();
      const statuses = [];
      for (const sec of [3600, 3599, 0])
        statuses.push((await caller.register('bob', { headers: [`Contact: ${A};expires=${sec}`] })).status);
      await other.close();
      expect(statuses).toEqual([200, 423, 200]);
    },
  },
  {
    id: '10.3/7-7',
    says: 'This response MUST contain a Min-Expires header field that states the minimum expiration interval the registrar is willing to honor.',
    shows: async () => {
      const answer = await somebody().register([`Contact: ${A};expires=59`]);
      expect(answer.header('Min-Expires')).toEqual(['60']);
    },
  },
  {
    id: '10.3/7-8',
    says: 'For each address, the registrar then searches the list of current bindings using the URI comparison rules.',
    shows: async () => {
      const who = somebody();
      await who.register(['Contact: <sip:bob@PHONE.example.org;Transport=TCP>']);
      const again = '<sip:%62ob@phone.example.org;transport=tcp>';
      expect(await after(who, [`Contact: ${again}`])).toEqual([200, [again]]);
    },
  },
  {
    id: '10.3/7-9',
    says: 'If the binding does not exist, it is tentatively added.',
    shows: async () => {
      const who = somebody();
      await who.register([`Contact: ${A}`]);
      const [status, contacts] = await after(who, [`Contact: ${B}`]);
      expect([status, [...contacts].sort()]).toEqual([200, [A, B]]);
    },
  },
  {
    id: '10.3/7-10',
    says: 'the binding MUST be removed if the expiration time is zero and updated otherwise',
    shows: async () => {
      const who = somebody();
      await who.register([`Contact: ${A}`, `Contact: ${B}`], { cseq: 10 });
      const [callId, cseq] = [`rebooted-${users}`, 1];
      expect(
        (await who.register([`Contact: ${A};expires=100`], { callId, cseq })).header('Contact'),
      ).toContain(`${A};expires=100`);
      expect(await after(who, [`Contact: ${A};expires=0`], { callId, cseq: 2 })).toEqual([200, [B]]);
    },
  },
  {
    id: '10.3/7-11',
    says: 'If the value is higher than that of the existing binding, it MUST update or remove the binding as above.',
    shows: async () => {
      const who = somebody();
      await who.register([`Contact: ${A}`], { cseq: 10 });
      const answer = await who.register([`Contact: ${A};expires=100`], { cseq: 11 });
      expect(answer.header('Contact')).toEqual([`${A};expires=100`]);
      expect(await after(who, [`Contact: ${A};expires=0`], { cseq: 12 })).toEqual([200, []]);
    },
  },
  {
    id: '10.3/7-12',
    says: 'If not, the update MUST be aborted and the request fails.',
    when: 'a lower CSeq',
    shows: async () => {
      const who = somebody();
      await who.register([`Contact: ${A}`], { cseq: 10 });
      expect(await after(who, [`Contact: ${A};expires=0`], { cseq: 9 })).toEqual([500, [A]]);
    },
  },
  {
    id: '10.3/7-13',
    says: 'If not, the update MUST be aborted and the request fails.',
    when: 'an equal CSeq',
    fails:
      'it is the same REGISTER once more, maybe by another registrar of the domain, and phones that repeat a CSeq would never register: it is answered like the first',
    shows: async () => {
      const who = somebody();
      await who.register([`Contact: ${A}`], { cseq: 10 });
      expect((await who.register([`Contact: ${A}`], { cseq: 10 })).status).toBe(500);
    },
  },
  {
    id: '10.3/7-14',
    says: 'Each binding record records the Call-ID and CSeq values from the request.',
    shows: async () => {
      const who = somebody();
      await who.register([`Contact: ${A}`], { cseq: 10 });
      await who.register([`Contact: ${B}`], { callId: `b-${users}`, cseq: 20 });
      // Each is held against its own record.
      expect((await who.register([`Contact: ${A}`], { cseq: 11 })).status).toBe(200);
      expect((await who.register([`Contact: ${B}`], { callId: `b-${users}`, cseq: 19 })).status).toBe(500);
    },
  },
  ...(
    [
      ['one contact cannot be read', `${A}, <sip:bob@192.0.2.5`, 400],
      ['one URI is none', `${A}, <sip:bob@:>`, 400],
      ['one q is none', `${A}, ${B};q=7`, 400],
      ['one is too brief', `${A}, ${B};expires=1`, 423],
      ['one leads back here', `${A}, <sip:bob@biloxi.com>`, 403],
      ['they are too many', Array.from({ length: 11 }, (_, at) => `<sip:b@192.0.2.${at}>`).join(', '), 403],
    ] as const
  ).map(([when, contacts, status], index) => ({
    id: `10.3/7-${15 + index}`,
    says: 'The binding updates MUST be committed (that is, made visible to the proxy or redirect server) if and only if all binding updates and additions succeed.',
    when,
    shows: async () => expect(await after(somebody(), [`Contact: ${contacts}`])).toEqual([status, []]),
  })),
  {
    id: '10.3/7-21',
    says: 'If any one of them fails (for example, because the back-end database commit failed), the request MUST fail with a 500 (Server Error) response and all tentative binding updates MUST be removed.',
    fails:
      'where the Location Service cannot take them it is a 503 with Retry-After: a phone then tries another server or comes back, and after a 500 some stop for good',
    shows: async () => {
      const { register, location } = registrarWorld();
      location.publishFault = { kind: 'unavailable', reason: 'no quorum' };
      expect((await register({ headers: [`Contact: ${A}`] })).status).toBe(500);
    },
  },
  {
    id: '10.3/8-1',
    says: 'The registrar returns a 200 (OK) response. The response MUST contain Contact header field values enumerating all current bindings.',
    shows: async () => {
      const who = somebody();
      await who.register([`Contact: ${A}`]);
      const answer = await who.register([`Contact: ${B};expires=100`]);
      expect([...answer.header('Contact')].sort()).toEqual([`${A};expires=3600`, `${B};expires=100`]);
    },
  },
  {
    id: '10.3/8-2',
    says: 'Each Contact value MUST feature an "expires" parameter indicating its expiration interval chosen by the registrar.',
    shows: async () => {
      const who = somebody();
      await who.register([`Contact: ${A};expires=600`]);
      open.clock.advance(100_000);
      expect(await who.contacts()).toEqual([`${A};expires=500`]);
    },
  },
  {
    id: '10.3/8-3',
    says: 'The response SHOULD include a Date header field.',
    shows: async () => {
      const answer = await somebody().register([]);
      // RFC 3261 §20.17: only GMT.
      expect(answer.header('Date').join()).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
    },
  },
]);
