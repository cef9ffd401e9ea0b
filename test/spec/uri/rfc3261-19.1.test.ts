// RFC 3261 §19.1, SIP and SIPS URIs: every sentence and every example of it, by the reader of URIs and at a registrar over UDP.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { canonicalContact, sipUriEquals } from '../../../src/uri/compare.ts';
import { aorOf, locationName, sipLocationName } from '../../../src/uri/name.ts';
import { formatSipUri, parseSipUri } from '../../../src/uri/parse.ts';
import { defaultPort } from '../../../src/uri/self.ts';
import type { SipUri } from '../../../src/uri/types.ts';
import { clause, type Row } from '../../support/clause.ts';
import { makeDomain, startServer, type TestServer, trustOf } from '../../support/servers.ts';
import { type SipAnswer, SipClient } from '../../support/sip-client.ts';

let server: TestServer;
let phone: SipClient;
beforeAll(async () => {
  const domain = makeDomain('biloxi.com');
  const none = async () => ({ kind: 'none' as const });
  server = await startServer({
    domain,
    trust: trustOf([domain]),
    config: {
      publication: 'local',
      domain: ['biloxi.com', 'bücher.example'],
      aliases: ['192.0.2.80', '[2001:db8::80]'],
    },
    world: { dns: { naptr: none, srv: none, addresses: none } },
  });
  await server.app.ready;
  phone = await SipClient.open();
});
afterAll(async () => {
  await phone.close();
  await server.app.stop();
});

let calls = 0;
const register = (aor: string, contact?: string): Promise<SipAnswer> => {
  calls += 1;
  const given = contact === undefined ? {} : { contact: `<${contact}>` };
  return phone.register(server.sip, aor, { ...given, callId: `call-${calls}`, domain: 'biloxi.com' });
};
/** The status of a REGISTER that has this To, or Contact. */
const statusOf = async (aor: string, contact?: string): Promise<number> =>
  (await register(aor, contact)).status;
/** Bindings that two REGISTERs leave, each with one of these Contacts: one if they are the same. */
const bindingsOf = async (one: string, other: string): Promise<number> => {
  const aor = `sip:user${calls}@biloxi.com`;
  await register(aor, one);
  const answer = await register(aor, other);
  expect(answer.status).toBe(200);
  return answer.header('Contact').length;
};
/** True if what is registered under one name is told under the other. */
const sameUser = async (one: string, other: string): Promise<boolean> => {
  const contact = `sip:x${calls}@192.0.2.4`;
  expect(await statusOf(one, contact)).toBe(200);
  return (await register(other)).header('Contact').join().includes(contact);
};

const parsed = (text: string): SipUri => {
  const uri = parseSipUri(text);
  if (!uri.ok) throw new Error(`${text}: ${uri.error}`);
  return uri.value;
};
const isUri = (text: string): boolean => parseSipUri(text).ok;
const equal = (left: string, right: string): boolean => {
  const [one, other] = [parsed(left), parsed(right)];
  expect(sipUriEquals(one, other)).toBe(sipUriEquals(other, one));
  return sipUriEquals(one, other);
};
const nameOf = (text: string): string => {
  const name = locationName(text);
  if (!name.ok) throw new Error(`${text}: ${name.error}`);
  return aorOf(name.value);
};

/** Equal by the rule and one binding; or told apart both ways. */
const pair = (id: string, says: string, left: string, right: string, same: boolean): Row => ({
  id,
  says,
  when: `${left} ${same ? 'equals' : 'is not'} ${right}`,
  async shows() {
    expect(equal(left, right)).toBe(same);
    expect(canonicalContact(left) === canonicalContact(right)).toBe(same);
    expect(await bindingsOf(left, right)).toBe(same ? 1 : 2);
  },
});

/** A canonical text that keeps every parameter parts what the rule calls equal: src/uri/compare.ts says why. */
const TWO_BINDINGS =
  'equality is not transitive, so one of two contacts that differ would have to go; both are kept, and the older expires';

clause('RFC 3261 §19.1.1 SIP and SIPS URI Components', [
  {
    id: '19.1.1-1',
    says: 'sip:user:password@host:port;uri-parameters?headers',
    shows: () => {
      expect(parsed('sip:user:password@host:5070;transport=tcp;lr?subject=x')).toEqual({
        scheme: 'sip',
        user: 'user',
        password: 'password',
        host: 'host',
        port: 5070,
        params: [{ name: 'transport', value: 'tcp' }, { name: 'lr' }],
        headers: 'subject=x',
      });
    },
  },
  {
    id: '19.1.1-2',
    says: 'If the @ sign is present in a SIP or SIPS URI, the user field MUST NOT be empty.',
    shows: async () => {
      expect([isUri('sip:@biloxi.com'), isUri('sip::pw@biloxi.com'), isUri('sip:biloxi.com')]).toEqual([
        false,
        false,
        true,
      ]);
      expect(await statusOf('sip:@biloxi.com')).toBe(400);
    },
  },
  {
    id: '19.1.1-3',
    says: 'Implementations not wishing to give special significance to the password portion of the field MAY simply treat "user:password" as a single string.',
    when: 'a name has none; a contact keeps it',
    shows: async () => {
      expect(await sameUser('sip:bob:secret@biloxi.com', 'sip:bob@biloxi.com')).toBe(true);
      expect(formatSipUri(parsed('sip:bob:secret@192.0.2.4'))).toBe('sip:bob:secret@192.0.2.4');
    },
  },
  {
    id: '19.1.1-4',
    says: 'The host part contains either a fully-qualified domain name or numeric IPv4 or IPv6 address.',
    shows: () => {
      const good = [
        'sip:a@b',
        'sip:a@b.example.',
        'sip:a@192.0.2.4',
        'sip:a@[2001:db8::1]',
        'sip:a@[::ffff:192.0.2.4]',
        'sip:a@xn--bcher-kva.example',
      ];
      const bad = [
        'sip:a@',
        'sip:a@.',
        'sip:a@b..c',
        'sip:a@256.0.0.1',
        'sip:a@1.2.3',
        'sip:a@2001:db8::1',
        'sip:a@[2001:db8::1',
        'sip:a@[1.2.3.4]',
        'sip:a@b c',
        'sip:a@b/c',
        'sip:a@-!',
      ];
      expect(good.filter((uri) => !isUri(uri))).toEqual([]);
      expect(bad.filter(isUri)).toEqual([]);
    },
  },
  {
    id: '19.1.1-5',
    says: 'any given parameter-name MUST NOT appear more than once.',
    shows: async () => {
      expect(isUri('sip:a@b;x=1;X=2')).toBe(false);
      expect(await statusOf('sip:a@biloxi.com', 'sip:a@192.0.2.4;x=1;x=2')).toBe(400);
    },
  },
  {
    id: '19.1.1-6',
    says: 'any given parameter-name MUST NOT appear more than once.',
    when: 'said twice alike',
    fails: 'baresip repeats its transport; said twice alike it means one thing',
    shows: () => expect(isUri('sip:a@b;transport=udp;transport=udp')).toBe(false),
  },
  {
    id: '19.1.1-7',
    says: 'For a SIPS URI, the transport parameter MUST indicate a reliable transport.',
    notOurs: 'such a contact is kept and told; no request is sent to it (test/spec/proxy/rfc3263-4.1.test.ts)',
  },
  {
    id: '19.1.1-8',
    says: 'The maddr parameter indicates the server address to be contacted for this user, overriding any address derived from the host field.',
    when: 'a contact whose maddr is this server leads back here',
    shows: async () => {
      const { host, port } = server.sip;
      expect(await statusOf('sip:a@biloxi.com', `sip:a@192.0.2.4:${port};maddr=${host}`)).toBe(403);
    },
  },
  {
    id: '19.1.1-9',
    says: 'The ttl parameter … MUST only be used if maddr is a multicast address and the transport protocol is UDP.',
    notOurs: 'kept and told as registered; nothing is sent by multicast',
  },
  {
    id: '19.1.1-10',
    says: 'If the user string contains a telephone number formatted as a telephone-subscriber, the user parameter value "phone" SHOULD be present. Even without this parameter, recipients … MAY interpret the pre-@ part as a telephone number',
    when: 'with it and without it the same user is meant (§10.3 step 5)',
    shows: async () => {
      expect(await sameUser('sip:+15551234@biloxi.com;user=phone', 'sip:+15551234@biloxi.com')).toBe(true);
      expect(await sameUser('sip:+15551235@biloxi.com;user=ip', 'sip:+15551235@biloxi.com;user=phone')).toBe(
        true,
      );
    },
  },
  {
    id: '19.1.1-11',
    says: 'SIP elements MUST silently ignore any uri-parameters that they do not understand.',
    shows: async () => {
      expect(await sameUser('sip:ann@biloxi.com;x;y=z', 'sip:ann@biloxi.com')).toBe(true);
      const answer = await register('sip:ann2@biloxi.com', 'sip:ann@192.0.2.4;x;y=z');
      expect(answer.header('Contact').join()).toContain('<sip:ann@192.0.2.4;x;y=z>');
    },
  },
  {
    id: '19.1.1-12',
    says: 'Elements processing URIs SHOULD ignore any disallowed components if they are present.',
    when: 'port, transport and maddr in a To',
    shows: async () => {
      const { port } = server.sip;
      expect(await sameUser(`sip:cy@biloxi.com:${port};transport=tcp;ttl=1`, 'sip:cy@biloxi.com')).toBe(true);
    },
  },
  {
    id: '19.1.1-13',
    says: 'Elements processing URIs SHOULD ignore any disallowed components if they are present.',
    when: 'headers in a Request-URI',
    fails: 'refused with a 400, which RFC 4475 §3.1.2.11 allows: what they would mean nobody can know',
    shows: async () => {
      const answer = await phone.ask(server.sip, {
        method: 'OPTIONS',
        uri: 'sip:biloxi.com?subject=x',
        from: 'sip:a@b',
        to: 'sip:biloxi.com',
      });
      expect(answer.status).toBe(200);
    },
  },
  {
    id: '19.1.1-14',
    says: 'The default port value is transport and scheme dependent. The default is 5060 for sip: using UDP, TCP, or SCTP. The default is 5061 for sip: using TLS over TCP and sips: over TCP.',
    shows: () => {
      const ports = [
        'sip:b',
        'sip:b;transport=tcp',
        'sip:b;transport=sctp',
        'sip:b;transport=tls',
        'sips:b',
        'sips:b;transport=tcp',
      ];
      expect(ports.map((text) => defaultPort(parsed(text)))).toEqual([5060, 5060, 5060, 5061, 5061, 5061]);
    },
  },
]);

clause('RFC 3261 §19.1.2 Character Escaping Requirements', [
  {
    id: '19.1.2-1',
    says: 'URIs MUST NOT contain unescaped space and control characters.',
    shows: () => {
      const bad = [
        'sip:a b@c',
        'sip:a@c d',
        'sip:a\t@c',
        'sip:a\x7f@c',
        'sip:a@c;x=\x01',
        'sip:a\0@c',
        'sip:a@c?x=a b',
      ];
      expect(bad.filter(isUri)).toEqual([]);
    },
  },
  {
    id: '19.1.2-2',
    says: 'For each component, the set of valid BNF expansions defines exactly which characters may appear unescaped. All other characters MUST be escaped.',
    shows: () => {
      // §25.1, component by component: unreserved is alphanum and mark; what each adds to it is in the test's first column.
      const mark = "-_.!~*'()";
      const ascii = Array.from({ length: 94 }, (_, at) => String.fromCharCode(0x21 + at));
      const allowed = (added: string) =>
        ascii.filter((char) => /[A-Za-z0-9]/.test(char) || (mark + added).includes(char));
      const taken = (uriWith: (char: string) => string, part: (uri: SipUri) => string | undefined) =>
        ascii.filter((char) => {
          const uri = parseSipUri(uriWith(char));
          return uri.ok && part(uri.value) === `x${char}x`;
        });
      expect(
        taken(
          (char) => `sip:x${char}x@b`,
          ({ user }) => user,
        ),
      ).toEqual(allowed('&=+$,;?/'));
      expect(
        taken(
          (char) => `sip:u:x${char}x@b`,
          ({ password }) => password,
        ),
      ).toEqual(allowed('&=+$,'));
      expect(
        taken(
          (char) => `sip:u@b;p=x${char}x`,
          ({ params }) => params[0]?.value,
        ),
      ).toEqual(allowed('[]/:&+$'));
      expect(
        taken(
          (char) => `sip:u@b?h=x${char}x`,
          ({ headers }) => headers?.slice(2),
        ),
      ).toEqual(
        // & and = stand between headers, so in a value they only look as if they were of it.
        [...allowed('[]/?:+$&=')].sort(),
      );
    },
  },
  {
    id: '19.1.2-3',
    says: 'the user "j@s0n" must have at least the @ sign encoded, as in "j%40s0n".',
    shows: async () => {
      expect(isUri('sip:j@s0n@biloxi.com')).toBe(false);
      expect(nameOf('sip:j%40s0n@biloxi.com')).toBe('sip:j%40s0n@biloxi.com');
      expect(await sameUser('sip:j%40s0n@biloxi.com', 'sip:%6A%40s0n@biloxi.com')).toBe(true);
    },
  },
  {
    id: '19.1.2-4',
    says: 'character escaping is not allowed in the host component of a SIP or SIPS URI',
    shows: async () => {
      expect(isUri('sip:bob@%62iloxi.com')).toBe(false);
      expect(await statusOf('sip:bob@%62iloxi.com')).toBe(400);
    },
  },
  {
    id: '19.1.2-5',
    says: 'Current implementations MUST NOT attempt to improve robustness by treating received escaped characters in the host component as literally equivalent to their unescaped counterpart. The behavior required to meet the requirements of IDN may be significantly different.',
    when: 'a domain with letters beyond ASCII is its A-label',
    shows: async () => {
      expect(await sameUser('sip:bob@xn--bcher-kva.example', 'sip:bob@XN--Bcher-KVA.example')).toBe(true);
      expect(await statusOf('sip:bob@b%C3%BCcher.example')).toBe(400);
      expect(await statusOf('sip:bob@b\xc3\xbccher.example')).toBe(400);
      // Who types it means the A-label.
      expect(nameOf('sip:bob@BÜCHER.example')).toBe('sip:bob@xn--bcher-kva.example');
    },
  },
]);

clause('RFC 3261 §19.1.3 Example SIP and SIPS URIs', [
  ...[
    'sip:alice@atlanta.com',
    'sip:alice:secretword@atlanta.com;transport=tcp',
    'sips:alice@atlanta.com?subject=project%20x&priority=urgent',
    'sip:+1-212-555-1212:1234@gateway.com;user=phone',
    'sips:1212@gateway.com',
    'sip:alice@192.0.2.4',
    'sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com',
    'sip:alice;day=tuesday@atlanta.com',
  ].map((uri, index) => ({
    id: `19.1.3-${index + 1}`,
    says: uri,
    shows: async () => {
      expect(formatSipUri(parsed(uri))).toBe(uri);
      // As a contact it comes back byte for byte.
      expect((await register(`sip:example${index}@biloxi.com`, uri)).header('Contact').join()).toContain(
        `<${uri}>`,
      );
    },
  })),
  {
    id: '19.1.3-9',
    says: 'The last sample URI above has a user field value of "alice;day=tuesday".',
    shows: () => {
      const uri = parsed('sip:alice;day=tuesday@atlanta.com');
      expect(uri).toMatchObject({ user: 'alice;day=tuesday', params: [] });
      expect(sipLocationName(uri)).toMatchObject({ value: { user: 'alice;day=tuesday' } });
    },
  },
]);

const SETS = 'The URIs within each of the following sets are equivalent';
const NOT = 'The URIs within each of the following sets are not equivalent';
const carol = 'sip:carol@chicago.com';

clause('RFC 3261 §19.1.4 URI Comparison', [
  pair('19.1.4-1', 'A SIP and SIPS URI are never equivalent.', 'sip:a@192.0.2.4', 'sips:a@192.0.2.4', false),
  {
    id: '19.1.4-2',
    says: 'A SIP and SIPS URI are never equivalent.',
    when: 'as addresses of record they are one user (§10.3 step 5 names no scheme; §19.1 has any sip: URI "upgraded" to sips:)',
    shows: async () => expect(await sameUser('sips:dan@biloxi.com', 'sip:dan@biloxi.com')).toBe(true),
  },
  pair(
    '19.1.4-3',
    'Comparison of the userinfo of SIP and SIPS URIs is case-sensitive.',
    'sip:Alice@192.0.2.4',
    'sip:alice@192.0.2.4',
    false,
  ),
  {
    id: '19.1.4-4',
    says: 'Comparison of the userinfo of SIP and SIPS URIs is case-sensitive.',
    when: 'in an address of record',
    shows: async () => expect(await sameUser('sip:Eve@biloxi.com', 'sip:eve@biloxi.com')).toBe(false),
  },
  pair(
    '19.1.4-5',
    'This includes userinfo containing passwords or formatted as telephone-subscribers.',
    'sip:a:Pw@192.0.2.4',
    'sip:a:pW@192.0.2.4',
    false,
  ),
  pair(
    '19.1.4-6',
    'This includes userinfo containing passwords or formatted as telephone-subscribers.',
    'sip:+1;EXT=2@gw.example;user=phone',
    'sip:+1;ext=2@gw.example;user=phone',
    false,
  ),
  pair(
    '19.1.4-7',
    'Comparison of all other components of the URI is case-insensitive unless explicitly defined otherwise.',
    'SIP:a@GW.Example;Transport=TCP;Line=X',
    'sip:a@gw.example;transport=tcp;line=x',
    true,
  ),
  {
    id: '19.1.4-8',
    says: 'Comparison of all other components of the URI is case-insensitive',
    when: 'in an address of record',
    shows: async () => expect(await sameUser('SIP:fay@BILOXI.Com.', 'sip:fay@biloxi.com')).toBe(true),
  },
  pair(
    '19.1.4-9',
    'The ordering of parameters and header fields is not significant',
    'sip:a@b;x=1;y=2?c=3&d=4',
    'sip:a@b;y=2;x=1?d=4&c=3',
    true,
  ),
  pair(
    '19.1.4-10',
    'Characters other than those in the "reserved" set … are equivalent to their ""%" HEX HEX" encoding.',
    'sip:%61%2Dz%7E@b;%70=%71',
    'sip:a-z~@b;p=q',
    true,
  ),
  pair('19.1.4-11', 'Characters other than those in the "reserved" set', 'sip:a%3Bb@c', 'sip:a;b@c', false),
  {
    id: '19.1.4-12',
    says: 'Characters other than those in the "reserved" set',
    when: 'in an address of record every escape is undone, §10.3 step 5: "any escaped characters MUST be converted to their unescaped form"',
    shows: async () => expect(await sameUser('sip:g%3Bh@biloxi.com', 'sip:g;h@biloxi.com')).toBe(true),
  },
  {
    id: '19.1.4-13',
    says: 'equivalent to their ""%" HEX HEX" encoding',
    when: 'once: what comes out is not unescaped again (RFC 4475 §3.1.1.3)',
    shows: async () => {
      expect(await sameUser('sip:h%2541@biloxi.com', 'sip:hA@biloxi.com')).toBe(false);
      expect(await bindingsOf('sip:h%2541@192.0.2.4', 'sip:h%41@192.0.2.4')).toBe(2);
    },
  },
  {
    id: '19.1.4-14',
    says: 'equivalent to their ""%" HEX HEX" encoding',
    when: 'letters beyond ASCII are their UTF-8, in either case of the digits; what is no UTF-8 names nobody',
    shows: async () => {
      expect(await sameUser('sip:J%C3%B6rg@biloxi.com', 'sip:J%c3%b6rg@biloxi.com')).toBe(true);
      expect(await statusOf('sip:J%F6rg@biloxi.com')).toBe(400);
    },
  },
  pair(
    '19.1.4-15',
    'An IP address that is the result of a DNS lookup of a host name does not match that host name.',
    'sip:a@localhost',
    'sip:a@127.0.0.9',
    false,
  ),
  pair(
    '19.1.4-16',
    'For two URIs to be equal, the user, password, host, and port components must match.',
    'sip:a@b:1',
    'sip:a@b:2',
    false,
  ),
  pair(
    '19.1.4-17',
    'A URI omitting the user component will not match a URI that includes one.',
    'sip:b',
    'sip:a@b',
    false,
  ),
  pair(
    '19.1.4-18',
    'A URI omitting the password component will not match a URI that includes one.',
    'sip:a:p@b',
    'sip:a@b',
    false,
  ),
  pair(
    '19.1.4-19',
    'a URI omitting the optional port component will not match a URI explicitly declaring port 5060.',
    'sip:a@b',
    'sip:a@b:5060',
    false,
  ),
  ...(['transport=udp', 'ttl=1', 'user=ip', 'method=INVITE'] as const).map((param, index) =>
    pair(
      `19.1.4-${20 + index}`,
      'The same is true for the transport-parameter, ttl-parameter, user-parameter, and method components.',
      'sip:a@b',
      `sip:a@b;${param}`,
      false,
    ),
  ),
  pair(
    '19.1.4-24',
    'Any uri-parameter appearing in both URIs must match.',
    'sip:a@b;x=1',
    'sip:a@b;x=2',
    false,
  ),
  pair(
    '19.1.4-25',
    'Any uri-parameter appearing in both URIs must match.',
    'sip:a@b;x',
    'sip:a@b;x=1',
    false,
  ),
  ...(['user=phone', 'ttl=2', 'method=BYE'] as const).map((param, index) =>
    pair(
      `19.1.4-${26 + index}`,
      'A user, ttl, or method uri-parameter appearing in only one URI never matches, even if it contains the default value.',
      'sip:a@b',
      `sip:a@b;${param}`,
      false,
    ),
  ),
  pair(
    '19.1.4-29',
    'A URI that includes an maddr parameter will not match a URI that contains no maddr parameter.',
    'sip:a@b;maddr=192.0.2.9',
    'sip:a@b',
    false,
  ),
  {
    id: '19.1.4-30',
    says: 'All other uri-parameters appearing in only one URI are ignored when comparing the URIs.',
    shows: () => expect(equal('sip:a@b;lr;x=1', 'sip:a@b')).toBe(true),
  },
  {
    id: '19.1.4-31',
    says: 'All other uri-parameters appearing in only one URI are ignored when comparing the URIs.',
    when: 'at the registrar',
    fails: TWO_BINDINGS,
    shows: async () => expect(await bindingsOf('sip:a@b;x=1', 'sip:a@b')).toBe(1),
  },
  pair(
    '19.1.4-32',
    'URI header components are never ignored. Any present header component MUST be present in both URIs and match',
    'sip:a@b?subject=x',
    'sip:a@b',
    false,
  ),
  pair(
    '19.1.4-33',
    'URI header components are never ignored.',
    'sip:a@b?subject=x',
    'sip:a@b?subject=y',
    false,
  ),
  pair(
    '19.1.4-34',
    SETS,
    'sip:%61lice@atlanta.com;transport=TCP',
    'sip:alice@AtLanTa.CoM;Transport=tcp',
    true,
  ),
  ...[
    [carol, `${carol};newparam=5`],
    [carol, `${carol};security=on`],
    [`${carol};newparam=5`, `${carol};security=on`],
  ].flatMap(([left = '', right = ''], index): Row[] => [
    {
      id: `19.1.4-${35 + 2 * index}`,
      says: SETS,
      when: `${left} and ${right}`,
      shows: () => expect(equal(left, right)).toBe(true),
    },
    {
      id: `19.1.4-${36 + 2 * index}`,
      says: SETS,
      when: `at the registrar: ${left} and ${right}`,
      fails: TWO_BINDINGS,
      shows: async () => expect(await bindingsOf(left, right)).toBe(1),
    },
  ]),
  pair(
    '19.1.4-41',
    SETS,
    'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
    'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    true,
  ),
  pair(
    '19.1.4-42',
    SETS,
    'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
    'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
    true,
  ),
  pair('19.1.4-43', NOT, 'SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP', false),
  ...[
    'sip:bob@boxesbybob.com:5060',
    'sip:bob@boxesbybob.com;transport=udp',
    'sip:bob@boxesbybob.com:6000;transport=tcp',
  ].map((other, index) =>
    pair(
      `19.1.4-${44 + index}`,
      `${NOT} (bob of biloxi.com is of this registrar here)`,
      'sip:bob@boxesbybob.com',
      other,
      false,
    ),
  ),
  pair('19.1.4-47', NOT, 'sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting', false),
  pair('19.1.4-48', NOT, 'sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4', false),
  {
    id: '19.1.4-49',
    says: 'Note that equality is not transitive',
    shows: () => {
      expect(equal(carol, `${carol};security=on`)).toBe(true);
      expect(equal(carol, `${carol};security=off`)).toBe(true);
      expect(equal(`${carol};security=on`, `${carol};security=off`)).toBe(false);
    },
  },
  pair(
    '19.1.4-50',
    'sip:carol@chicago.com;security=on and sip:carol@chicago.com;security=off are not equivalent',
    `${carol};security=on`,
    `${carol};security=off`,
    false,
  ),
  pair(
    '19.1.4-51',
    'the … host … components must match',
    'sip:a@[2001:DB8:0:0:0:0:0:1]:5070',
    'sip:a@[2001:db8::1]:5070',
    true,
  ),
  pair(
    '19.1.4-52',
    'the … host … components must match',
    'sip:a@[::ffff:192.0.2.4]',
    'sip:a@192.0.2.4',
    false,
  ),
  pair('19.1.4-53', 'the … host … components must match', 'sip:a@gw.example.', 'sip:a@gw.example', true),
  {
    id: '19.1.4-54',
    says: 'the … host … components must match',
    when: 'an IP address as a name of this registrar: an alias in any spelling',
    shows: async () => {
      expect(await sameUser('sip:ida@192.0.2.80', 'sip:ida@biloxi.com')).toBe(true);
      expect(await sameUser('sip:ida@[2001:DB8:0::80]', 'sip:ida@[2001:db8::80]')).toBe(true);
    },
  },
]);

clause('RFC 3261 §19.1.5 Forming Requests from a URI', [
  {
    id: '19.1.5-1',
    says: 'An implementation MUST include any provided transport, maddr, ttl, or user parameter in the Request-URI of the formed request.',
    notOurs:
      'a redirect server forms none; what is forwarded keeps its Request-URI byte for byte (test/spec/proxy/rfc3261-16.11.test.ts)',
  },
  {
    id: '19.1.5-2',
    says: 'URIs … from sources inside the protocol such as registered contacts may contain inappropriate header fields or body parts.',
    when: 'a 302 offers a contact without them',
    shows: async () => {
      await register('sip:jo@biloxi.com', 'sip:jo@192.0.2.4:5070?Route=%3Csip:x%3E&body=y');
      const answer = await phone.invite(server.sip, 'sip:jo@biloxi.com');
      expect([answer.status, answer.header('Contact')]).toEqual([302, ['<sip:jo@192.0.2.4:5070>']]);
    },
  },
]);

clause('RFC 3261 §19.1.6 Relating SIP URIs and tel URLs', [
  {
    id: '19.1.6-1',
    says: 'the entire telephone-subscriber portion of the tel URL, including any parameters, is placed into the userinfo part',
    shows: () => {
      expect(parsed('sip:+358-555-1234567;postd=pp22@foo.com;user=phone')).toMatchObject({
        user: '+358-555-1234567;postd=pp22',
        params: [{ name: 'user', value: 'phone' }],
      });
    },
  },
  pair(
    '19.1.6-2',
    'are not [equivalent]',
    'sip:+358-555-1234567;postd=pp22@foo.com;user=phone',
    'sip:+358-555-1234567;POSTD=PP22@foo.com;user=phone',
    false,
  ),
  pair(
    '19.1.6-3',
    'are not [equivalent]',
    'sip:+358-555-1234567;postd=pp22;isub=1411@foo.com;user=phone',
    'sip:+358-555-1234567;isub=1411;postd=pp22@foo.com;user=phone',
    false,
  ),
  {
    id: '19.1.6-4',
    says: 'elements constructing telephone-subscriber fields … SHOULD fold any case-insensitive portion … to lower case, and order the telephone-subscriber parameters',
    notOurs:
      'no tel: URI is turned into a SIP URI here: whoever asks for one is told to write sip:NUMBER@DOMAIN;user=phone',
  },
  {
    id: '19.1.6-5',
    says: 'When a tel URL (RFC 2806 [9]) is converted to a SIP or SIPS URI',
    when: 'a tel: Contact is kept and told, and no 302 names it; a tel: To is no address of record of ours',
    shows: async () => {
      expect(
        (await register('sip:kim@biloxi.com', 'tel:+358-555-1234567')).header('Contact').join(),
      ).toContain('<tel:+358-555-1234567>');
      expect((await phone.invite(server.sip, 'sip:kim@biloxi.com')).status).toBe(480);
      expect(await statusOf('tel:+358-555-1234567')).toBe(400);
    },
  },
]);

test.each([
  ['tel:+123', 'tel:+123'],
  ['xmpp:Romeo@x.de', 'xmpp:Romeo@x.de'],
  ['sip:broken@', 'sip:broken@'],
  ['sip:a@EXAMPLE.com.;B=C;a', 'sip:a@example.com;a;b=c'],
  ['sip:a%40%41%3b@[2001:DB8:0:0::1]:5060', 'sip:a%40A%3B@[2001:db8::1]:5060'],
])('the canonical text of %s is %s', (text, canonical) => {
  expect(canonicalContact(text)).toBe(canonical);
});
