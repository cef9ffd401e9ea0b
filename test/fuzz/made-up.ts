// Whole requests and responses out of the grammar: each part is mostly right, so that the oddities reach the code behind the reader.
import type { Chance } from './mutations.ts';
import { HOSTILE_VALUES } from './spice.ts';

const METHODS = [
  'REGISTER',
  'REGISTER',
  'REGISTER',
  'INVITE',
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'OPTIONS',
  'SUBSCRIBE',
  'NOTIFY',
  'PUBLISH',
  'MESSAGE',
  'INFO',
  'UPDATE',
  'PRACK',
  'REFER',
  'register',
  'X',
  '__proto__',
];
const USERS = [
  'alice',
  'bob',
  'carol',
  '%61lice',
  'al%2Fice',
  '+15551234',
  'a;b',
  'a?b',
  'J%C3%B6rg',
  '%00',
  '',
];
const HOSTS = [
  'example.com',
  'example.com',
  'example.com',
  'EXAMPLE.com.',
  'example.net',
  '127.0.0.1',
  '[::1]',
  '[2001:db8::1]',
  '192.0.2.4',
  'elsewhere.invalid',
  'localhost',
  '0.0.0.0',
  '255.255.255.255',
  'xn--bcher-kva.example',
  '[::ffff:127.0.0.1]',
];
const PORTS = ['', '', '', '', ':5060', ':1', ':65535', ':0', ':5060a'];
const URI_PARAMS = [
  '',
  '',
  '',
  ';transport=udp',
  ';transport=tcp',
  ';transport=ws',
  ';transport=x',
  ';user=phone',
  ';lr',
  ';maddr=127.0.0.1',
  ';ttl=1',
  ';method=INVITE',
  ';x=y',
  ';ob',
  ';gr=urn:uuid:1',
  ';__proto__=x',
];
const TAGS = ['', ';tag=a', ';tag=b', ';tag="q"', ';tag', ';tag=', ';x=y;tag=1928301774'];
const DISPLAYS = ['', '', '"Bob" ', 'Bob ', '"J\xc3\xb6rg \\" \\\\" ', 'B\xf6b ', '"unclosed '];

const uriOf = (chance: Chance): string =>
  `${chance.pick(['sip:', 'sip:', 'sip:', 'sips:', 'SIP:', 'tel:'])}${chance.often(0.85) ? `${chance.pick(USERS)}@` : ''}` +
  `${chance.pick(HOSTS)}${chance.pick(PORTS)}${chance.pick(URI_PARAMS)}${chance.often(0.1) ? chance.pick(URI_PARAMS) : ''}` +
  (chance.often(0.04) ? '?Subject=x&Route=%3Csip:y%3E' : '');

const addressOf = (chance: Chance): string => `${chance.pick(DISPLAYS)}<${uriOf(chance)}>`;

const contactOf = (chance: Chance): string =>
  chance.often(0.08)
    ? '*'
    : addressOf(chance) +
      chance.pick([
        '',
        '',
        ';expires=60',
        ';expires=0',
        ';expires=7200',
        ';expires=x',
        ';q=0.5',
        ';q=7',
        ';+sip.instance="<urn:uuid:1>";reg-id=1',
        ';a="b\\"c"',
        ';methods="INVITE, ACK"',
      ]);

const viaOf = (chance: Chance, method: string): string =>
  `SIP/2.0/${chance.pick(['UDP', 'UDP', 'TCP', 'TLS', 'WS', 'x'])} ${chance.pick(HOSTS)}${chance.pick(PORTS)};branch=` +
  `${chance.pick(['z9hG4bK', 'z9hG4bK', 'z9hG4bK', ''])}${chance.below(2 ** 32).toString(36)}${method === '' ? '' : chance.pick(['', ';rport', ';rport', ';rport=5', ';received=1.2.3.4', ';maddr=224.0.0.1;ttl=16', ';alias'])}`;

const EXTRAS: readonly ((chance: Chance) => string)[] = [
  (chance) => `Contact: ${contactOf(chance)}`,
  (chance) => `m: ${Array.from({ length: 1 + chance.below(12) }, () => contactOf(chance)).join(', ')}`,
  (chance) => `Expires: ${chance.pick(['0', '60', '3600', '4294967295', '99999999999', '-1', '', 'x'])}`,
  (chance) => `Route: <${uriOf(chance)};lr>`,
  (chance) => `Route: <sip:${chance.below(1e9)}@127.0.0.1;lr>, <${uriOf(chance)}>`,
  (chance) => `Record-Route: <${uriOf(chance)};lr>`,
  (chance) => `Path: <${uriOf(chance)};lr>`,
  () => 'Supported: path, outbound, gruu',
  (chance) => `Require: ${chance.pick(['path', '100rel', 'nothing', '', 'a,,b', 'outbound'])}`,
  (chance) => `Proxy-Require: ${chance.pick(['path', 'nothing', ''])}`,
  (chance) => `Event: ${chance.pick(['reg', 'message-summary', 'presence', 'x', ''])}`,
  (chance) =>
    `${chance.pick(['Authorization', 'Proxy-Authorization'])}: Digest username="${chance.pick(USERS)}", realm="example.com", ` +
    `nonce="${Buffer.from(chance.bytes(30)).toString('base64url')}", uri="${uriOf(chance)}", response="${'0'.repeat(32)}"` +
    chance.pick([
      '',
      ', qop=auth, nc=00000001, cnonce="x"',
      ', qop=auth-int, nc=00000001, cnonce="x"',
      ', algorithm=MD5-sess',
      ', algorithm=SHA-256',
      ', userhash=true',
      ',',
    ]),
  (chance) => `User-Agent: ${chance.pick(['friendly-scanner', 'x', 'a\xff\xfe', 'x'.repeat(300)])}`,
  (chance) => `Timestamp: ${chance.pick(['1', '1.5 2', 'x'])}`,
  (chance) => `Identity: ${'a'.repeat(chance.below(200))};info=<https://x>`,
  (chance) => `Content-Type: ${chance.pick(['application/sdp', 'x', ''])}`,
  (chance) => `Session-Expires: ${chance.below(1e6)}`,
  (chance) => `Max-Breadth: ${chance.below(100)}`,
];

const MOSTLY = 0.97;
const shuffled = (rows: string[], chance: Chance): string[] => {
  for (let at = rows.length - 1; at > 0; at -= 1) {
    const other = chance.below(at + 1);
    [rows[at], rows[other]] = [rows[other] ?? '', rows[at] ?? ''];
  }
  return rows;
};

export const madeUpMessage = (chance: Chance): string => {
  const method = chance.pick(METHODS);
  const response = chance.often(0.08);
  const start = response
    ? `SIP/2.0 ${chance.pick(['100', '180', '200', '302', '401', '486', '503', '699', '700', '099'])} ${chance.pick(['OK', '', '\xe2\x82\xac'])}`
    : `${method} ${uriOf(chance)} SIP/2.0`;
  const body = chance.often(0.2) ? 'v=0\r\n'.repeat(chance.below(20)) : '';
  const value = (usual: string): string => (chance.often(MOSTLY) ? usual : chance.pick(HOSTILE_VALUES));
  const rows = [
    `Via: ${value(viaOf(chance, method))}`,
    ...(chance.often(0.2) ? [`Via: ${value(viaOf(chance, ''))}`] : []),
    `From: ${value(`${addressOf(chance)}${chance.pick(TAGS)}`)}`,
    `To: ${value(`${addressOf(chance)}${chance.often(0.8) ? '' : chance.pick(TAGS)}`)}`,
    `Call-ID: ${value(`${chance.below(chance.often(0.5) ? 50 : 2 ** 32)}@x`)}`,
    `CSeq: ${value(`${chance.below(100)} ${chance.often(MOSTLY) ? method : 'INVITE'}`)}`,
    ...(chance.often(0.9) ? [`Max-Forwards: ${value(chance.pick(['70', '70', '1', '0', '255']))}`] : []),
    ...Array.from({ length: chance.below(5) }, () => chance.pick(EXTRAS)(chance)),
    ...(chance.often(0.95) ? [`Content-Length: ${value(String(body.length))}`] : []),
  ];
  return [start, ...(chance.often(0.3) ? shuffled(rows, chance) : rows), '', body].join('\r\n');
};
