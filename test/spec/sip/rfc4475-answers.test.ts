// RFC 4475: every torture message at a whole registrar, over real UDP and TCP sockets, answered as its section says.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { corpusFolder, corpusMessage } from '../../support/corpus.ts';
import { type Outcome, type TortureWorld, tortureWorld } from '../../support/torture-world.ts';

/** A status; `nothing`: discarded, or waited for; `forwarded`: sent on and nothing answered. */
type Answer = number | 'nothing' | 'forwarded';

interface Row {
  readonly section: string;
  readonly file: string;
  readonly udp: Answer;
  /** Where a stream makes another thing of it; else as over UDP, with the connection left open. */
  readonly tcp?: Answer | 'closed' | readonly [status: number, then: 'closed'];
  /** The RFC's sentence, or what it comes to for a registrar that redirects. */
  readonly says: string;
  readonly also?: (outcome: Outcome) => void | Promise<void>;
}

let world: TortureWorld;
/** What was sent on to elsewhere, as latin1 text. */
const forwarded: string[] = [];

const headers = ({ text }: Outcome, name: string): readonly string[] =>
  [...text.matchAll(new RegExp(`^${name}: (.*)\\r$`, 'gim'))].map((match) => match[1] ?? '');

const REGISTERED = ['user', 'UserB', 'user;par=u%40example.net', 'sips%3Auser%40example.com'];
const PHONE = 'sip:phone@192.0.2.99:5062';

beforeAll(async () => {
  world = await tortureWorld();
  world.server.wire.onSip = (bytes, to) => {
    if (to.host.startsWith('127.') && !/^[A-Z]+ sip/.test(Buffer.from(bytes).toString('latin1'))) return true;
    const text = Buffer.from(bytes).toString('latin1');
    // Nobody answers there, so it is sent again.
    if (!forwarded.includes(text)) forwarded.push(text);
    return false;
  };
  for (const user of REGISTERED) {
    const answer = await world.phone.register(world.server.sip, `sip:${user}@example.com`, {
      contact: `<${PHONE}>`,
    });
    expect(answer.status).toBe(200);
  }
});
afterAll(() => world.close());

/** The bindings that a registrar tells to who asks for them. */
const fetched = async (aor: string): Promise<readonly string[]> =>
  (await world.phone.register(world.server.sip, aor, { callId: 'fetch' })).header('Contact');

const toThePhone = (outcome: Outcome): void => {
  expect(headers(outcome, 'Contact').join()).toContain(PHONE);
};
const withReason =
  (pattern: RegExp) =>
  ({ text }: Outcome): void =>
    expect(text.slice(0, text.indexOf('\r\n'))).toMatch(pattern);

const TABLE: readonly Row[] = [
  {
    section: '3.1.1.1',
    file: 'wsinv',
    udp: 480,
    says: 'well-formed; its Route is followed, to a place without a server',
  },
  {
    section: '3.1.1.2',
    file: 'intmeth',
    udp: 501,
    says: '"Endpoints will generate a 501 listing the methods they understand in an Allow header field"',
    also: (outcome) => expect(headers(outcome, 'Allow').join()).toContain('REGISTER'),
  },
  {
    section: '3.1.1.3',
    file: 'esc01',
    udp: 302,
    says: 'escapes are the characters encoded, once',
    also: toThePhone,
  },
  {
    section: '3.1.1.4',
    file: 'escnull',
    udp: 200,
    says: '"This request registers two distinct contact URIs", and its AOR ends at no NUL',
    async also(outcome) {
      expect(headers(outcome, 'Contact').map((value) => value.split(';')[0])).toEqual([
        '<sip:%00@host5.example.com>',
        '<sip:%00%00@host5.example.com>',
      ]);
      expect(await fetched('sip:null-@example.com')).toEqual([]);
      expect(await fetched('sip:null-%00-null@example.com')).toHaveLength(2);
    },
  },
  { section: '3.1.1.5', file: 'esc02', udp: 501, says: '"It is NOT equivalent to REGISTER": "a 501"' },
  {
    section: '3.1.1.6',
    file: 'lwsdisp',
    udp: 302,
    says: '"Elements should accept this request as well formed"',
    also: toThePhone,
  },
  { section: '3.1.1.7', file: 'longreq', udp: 302, says: 'well-formed', also: toThePhone },
  {
    section: '3.1.1.8',
    file: 'dblreq',
    udp: 200,
    // On a stream the octets behind the REGISTER are a message of their own, and those behind that are none.
    tcp: 'closed',
    says: '"handle the REGISTER request normally and ignore the extra bits that look like an INVITE request"',
    also: ({ text }) => expect(text).toMatch(/^CSeq: 8 REGISTER\r$/m),
  },
  {
    section: '3.1.1.9',
    file: 'semiuri',
    udp: 302,
    says: 'the user is "user;par=u@example.net"',
    also: toThePhone,
  },
  {
    section: '3.1.1.10',
    file: 'transports',
    udp: 302,
    says: '"as if the 2nd and subsequent header field values specified UDP"',
    also: (outcome) => expect(headers(outcome, 'Via')).toHaveLength(5),
  },
  {
    section: '3.1.1.11',
    file: 'mpart01',
    udp: 'forwarded',
    says: '"Receivers must take care to frame the received message properly": it leaves by its Route, body and Identity untouched',
    also() {
      const sent = forwarded.at(-1) ?? '';
      const original = Buffer.from(corpusMessage('rfc4475/mpart01.dat').bytes).toString('latin1');
      expect(sent.slice(sent.indexOf('\r\n\r\n'))).toBe(original.slice(original.indexOf('\r\n\r\n')));
      expect(/^Identity: .*$/m.exec(sent)?.[0]).toEqual(/^Identity: .*$/m.exec(original)?.[0]);
    },
  },
  { section: '3.1.1.12', file: 'unreason', udp: 'nothing', says: 'a response to nothing of ours' },
  { section: '3.1.1.13', file: 'noreason', udp: 'nothing', says: 'a response to nothing of ours' },
  {
    section: '3.1.2.1',
    file: 'badinv01',
    udp: 400,
    says: '"should respond with a 400 Bad Request error"',
    also: withReason(/Via/),
  },
  {
    section: '3.1.2.2',
    file: 'clerr',
    udp: 400,
    // "there's not much the receiving party could do but wait for more data on the stream": test/integration/sip/server-corpus.test.ts
    // has the end of the wait.
    tcp: 'nothing',
    says: '"the receiving element should respond with a 400 Bad Request error"',
    also: withReason(/Content-Length/),
  },
  {
    section: '3.1.2.3',
    file: 'ncl',
    udp: 400,
    tcp: [400, 'closed'],
    says: '"respond with an error"; over TCP "the connection should be closed"',
  },
  {
    section: '3.1.2.4',
    file: 'scalar02',
    udp: 400,
    says: '"a 400 Bad Request due to the CSeq error"',
    also: withReason(/cseq/),
  },
  { section: '3.1.2.5', file: 'scalarlg', udp: 'nothing', says: '"will simply discard it"' },
  { section: '3.1.2.6', file: 'quotbal', udp: 400, says: '"should return a 400 Bad Request error"' },
  {
    section: '3.1.2.7',
    file: 'ltgtruri',
    udp: 400,
    says: '"It is reasonable always to reject a request with this error with a 400"',
  },
  { section: '3.1.2.8', file: 'lwsruri', udp: 400, says: '"should respond with a 400 Bad Request"' },
  {
    section: '3.1.2.9',
    file: 'lwsstart',
    udp: 400,
    says: '"It is acceptable to reject this request as malformed"',
  },
  {
    section: '3.1.2.10',
    file: 'trws',
    udp: 400,
    says: '"It is acceptable to reject this request as malformed"',
  },
  {
    section: '3.1.2.11',
    file: 'escruri',
    udp: 400,
    says: '"It is acceptable for an element to reject this request with a 400"',
  },
  {
    section: '3.1.2.12',
    file: 'baddate',
    udp: 302,
    says: '"An element wishing to be liberal … could ignore this value altogether"',
    also: toThePhone,
  },
  {
    section: '3.1.2.13',
    file: 'regbadct',
    udp: 400,
    says: '"It is reasonable … to respond with a 400"',
    also: withReason(/Contact/),
  },
  {
    section: '3.1.2.14',
    file: 'badaspec',
    udp: 400,
    says: '"It is reasonable to reject this request with a 400"',
  },
  {
    section: '3.1.2.15',
    file: 'baddn',
    udp: 400,
    says: '"It is reasonable always to reject this kind of error with a 400"',
  },
  {
    section: '3.1.2.16',
    file: 'badvers',
    udp: 505,
    says: '"should respond to the request with a 505 Version Not Supported error"',
  },
  {
    section: '3.1.2.17',
    file: 'mismatch01',
    udp: 400,
    says: '"Any element receiving this request will respond with a 400 Bad Request"',
  },
  { section: '3.1.2.18', file: 'mismatch02', udp: 501, says: '"should respond with a 501 Not Implemented"' },
  { section: '3.1.2.19', file: 'bigcode', udp: 'nothing', says: '"should simply drop it"' },
  {
    section: '3.2.1',
    file: 'badbranch',
    udp: 302,
    says: '"or it could fall back to the RFC 2543-style transaction identifier"',
    also: toThePhone,
  },
  {
    section: '3.3.1',
    file: 'insuf',
    udp: 400,
    says: '"Ideally, it will respond with a 400 Bad Request error"',
  },
  {
    section: '3.3.2',
    file: 'unkscm',
    udp: 416,
    says: '"will reject it with a 416 Unsupported URI Scheme response"',
  },
  {
    section: '3.3.3',
    file: 'novelsc',
    udp: 416,
    says: '"it is appropriate to treat it as unknown and return a 416"',
  },
  {
    section: '3.3.4',
    file: 'unksm2',
    udp: 400,
    says: '"A registrar would reject this request with a 400", for its To',
    also: withReason(/To/),
  },
  {
    section: '3.3.5',
    file: 'bext01',
    udp: 420,
    says: '"a 420 Bad Extension response, containing an Unsupported header field listing these features from either the Require or Proxy-Require"',
    also: (outcome) =>
      expect(headers(outcome, 'Unsupported')).toEqual(['noProxiesSupportThis, norDoAnyProxiesSupportThis']),
  },
  {
    section: '3.3.6',
    file: 'invut',
    udp: 302,
    says: 'as "any other INVITE": a body is for its far end',
    also: toThePhone,
  },
  {
    section: '3.3.7',
    file: 'regaut01',
    udp: 200,
    says: 'a registrar that asks for no credentials "will simply ignore the Authorization header field"',
  },
  { section: '3.3.8', file: 'multi01', udp: 400, says: '"would respond with a 400 Bad Request error"' },
  {
    section: '3.3.9',
    file: 'mcl01',
    udp: 400,
    tcp: [400, 'closed'],
    says: '"should respond with an error"; over TCP "the connection should be closed"',
  },
  {
    section: '3.3.10',
    file: 'bcast',
    udp: 'nothing',
    says: '"proxies should drop such responses"',
    also: () => expect(forwarded.filter((text) => text.startsWith('SIP/2.0'))).toEqual([]),
  },
  {
    section: '3.3.11',
    file: 'zeromf',
    udp: 200,
    says: 'OPTIONS ends here (RFC 3261 §11): "process the request as if the Max-Forwards field value were still positive"',
  },
  {
    section: '3.3.12',
    file: 'cparam01',
    udp: 200,
    says: '"The response must not include "unknownparam" as a url-parameter", nor "subsequent fetches"',
    async also(outcome) {
      for (const contacts of [headers(outcome, 'Contact'), await fetched('sip:watson@example.com')])
        expect(contacts.filter((value) => value.includes('gw1.example.net;unknownparam>'))).toEqual([]);
      expect(headers(outcome, 'Contact').join()).toMatch(
        /<sip:\+19725552222@gw1\.example\.net>.*;unknownparam/,
      );
    },
  },
  {
    section: '3.3.13',
    file: 'cparam02',
    udp: 200,
    says: '"a subsequent retrieval of the registration must include "unknownparam" as a url-parameter"',
    also: async () =>
      expect((await fetched('sip:watson@example.com')).join()).toContain(
        '<sip:+19725552222@gw1.example.net;unknownparam>',
      ),
  },
  {
    section: '3.3.14',
    file: 'regescrt',
    udp: 200,
    says: '"a subsequent retrieval … must include the escaped Route header in the contact URI"',
    also: async () =>
      expect((await fetched('sip:user@example.com')).join()).toContain(
        '<sip:user@example.com?Route=%3Csip:sip.example.com%3E>',
      ),
  },
  {
    section: '3.3.15',
    file: 'sdp01',
    udp: 302,
    says: 'a 302 has no body: what is acceptable is for the far end',
    also: toThePhone,
  },
  {
    section: '3.4.1',
    file: 'inv2543',
    udp: 302,
    // RFC 3261 §20.14: over a stream Content-Length "MUST be used".
    tcp: [400, 'closed'],
    says: '"should be accepted by RFC 3261 elements that want to maintain backwards compatibility"',
    also: toThePhone,
  },
  {
    section: '(not described)',
    file: 'test',
    udp: 'nothing',
    says: 'a member of the archive without a Via: nobody can be told',
  },
];

const bytesOf = (file: string): Uint8Array => corpusMessage(`rfc4475/${file}.dat`).bytes;
/** As a request of its own: what is forwarded already is a retransmission, whatever it comes by. */
const anotherOf = (file: string): Uint8Array =>
  Buffer.from(
    Buffer.from(bytesOf(file)).toString('latin1').replace('branch=z9hG4bK', 'branch=z9hG4bKs'),
    'latin1',
  );

test('the table holds every message of the RFC', () => {
  expect(TABLE.map(({ file }) => `rfc4475/${file}.dat`).sort()).toEqual(
    corpusFolder('rfc4475').map(({ file }) => file),
  );
});

describe.each(TABLE)('RFC 4475 §$section $file: $says', ({ file, udp, tcp, also }) => {
  const dropped = () => world.count('chordial_sip_dropped_total', 'malformed');
  const strays = () => world.count('chordial_sip_answers_forwarded_total');

  test('over UDP', async () => {
    const [before, sent] = [(await dropped()) + (await strays()), forwarded.length];
    const outcome = await world.overUdp(bytesOf(file));
    expect(outcome.status).toBe(udp === 'forwarded' ? 'nothing' : udp);
    expect(forwarded.length - sent).toBe(udp === 'forwarded' ? 1 : 0);
    // Discarded is counted: it was looked at.
    expect((await dropped()) + (await strays()) - before).toBe(udp === 'nothing' ? 1 : 0);
    await also?.(outcome);
  });

  test('over TCP', async () => {
    const sent = forwarded.length;
    const outcome = await world.overTcp(udp === 'forwarded' ? anotherOf(file) : bytesOf(file));
    const [status, then] = tcp === 'closed' ? ['nothing', 'closed'] : [tcp ?? udp].flat();
    expect(outcome.status).toBe(status === 'forwarded' ? 'nothing' : status);
    expect(forwarded.length - sent).toBe(status === 'forwarded' ? 1 : 0);
    expect(outcome.closed).toBe(then === 'closed');
    if (tcp === undefined) await also?.(outcome);
  });
});
