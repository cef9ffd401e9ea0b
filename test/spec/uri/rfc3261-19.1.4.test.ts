// RFC 3261 §19.1.4, when two URIs are the same: every sentence and every example, by the reader of URIs and at a registrar over UDP.
import { expect, test } from 'vitest';
import { canonicalContact } from '../../../src/uri/compare.ts';
import { clause, type Row } from '../../support/clause.ts';
import { equal, useUriRegistrar } from '../../support/uri-registrar.ts';

const { bindingsOf, pair, sameUser, statusOf } = useUriRegistrar();

/** A canonical text that keeps every parameter parts what the rule calls equal: src/uri/compare.ts says why. */
const TWO_BINDINGS =
  'equality is not transitive, so one of two contacts that differ would have to go; both are kept, and the older expires';

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

test.each([
  ['tel:+123', 'tel:+123'],
  ['xmpp:Romeo@x.de', 'xmpp:Romeo@x.de'],
  ['sip:broken@', 'sip:broken@'],
  ['sip:a@EXAMPLE.com.;B=C;a', 'sip:a@example.com;a;b=c'],
  ['sip:a%40%41%3b@[2001:DB8:0:0::1]:5060', 'sip:a%40A%3B@[2001:db8::1]:5060'],
])('the canonical text of %s is %s', (text, canonical) => {
  expect(canonicalContact(text)).toBe(canonical);
});
