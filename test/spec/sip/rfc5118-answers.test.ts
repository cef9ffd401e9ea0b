// RFC 5118: every IPv6 message at a whole registrar, over UDP, TCP, and TCP over IPv6, answered as its section says.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { corpusFolder, corpusMessage } from '../../support/corpus.ts';
import { type TortureWorld, tortureWorld } from '../../support/torture-world.ts';

interface Row {
  readonly section: string;
  readonly file: string;
  readonly status: number;
  /** The RFC's sentence, or what it comes to for a registrar that redirects. */
  readonly says: string;
  /** What of the answer shows it. */
  readonly shows?: RegExp;
}

const PHONE = 'sip:phone@[2001:db8::99]:5062';
const toThePhone = /^Contact: <sip:phone@\[2001:db8::99\]:5062>\r$/m;

const TABLE: readonly Row[] = [
  {
    section: '4.1',
    file: 'ipv6-good',
    status: 200,
    says: 'a REGISTER that is valid: its Contact is told with its brackets',
    shows: /^Contact: <sip:caller@\[2001:db8::1\]>/m,
  },
  {
    section: '4.2',
    file: 'ipv6-bad',
    status: 400,
    says: '"should respond with a 400 Bad Request error": a Request-URI without brackets',
    shows: /^SIP\/2\.0 400 Bad Request: Request-URI/,
  },
  {
    section: '4.3',
    file: 'port-ambiguous',
    status: 404,
    says: 'the brackets hold an address, "2001:db8::10:5070", which is not this server',
    shows: /^SIP\/2\.0 404 .*2001:db8::10:5070/,
  },
  {
    section: '4.4',
    file: 'port-unambiguous',
    status: 200,
    says: 'the address 2001:db8::10 and the port 5070: this server',
  },
  {
    section: '4.5',
    file: 'via-received-param-with-delim',
    status: 481,
    says: 'received with delimiters is read; what we say ourselves of where it came from has none',
    shows: /^Via: SIP\/2\.0\/UDP \[2001:db8::9:1\](?:;[^\r]*)?;received=(?:127\.\d+\.\d+\.\d+|::1)\r$/m,
  },
  {
    section: '4.5',
    file: 'via-received-param-no-delim',
    status: 200,
    says: 'received without delimiters is read likewise',
    shows: /^Via: SIP\/2\.0\/UDP \[2001:db8::9:1\](?:;[^\r]*)?;received=(?:127\.\d+\.\d+\.\d+|::1)\r$/m,
  },
  { section: '4.6', file: 'ipv6-in-sdp', status: 302, says: 'a body is for the far end', shows: toThePhone },
  {
    section: '4.7',
    file: 'mult-ip-in-header',
    status: 481,
    says: 'the Vias go back as they came, whatever their families',
    shows:
      /^Via: SIP\/2\.0\/UDP 192\.0\.2\.1;[^\r]*\r\n(?:.*\r\n)*Via: SIP\/2\.0\/TCP \[2001:db8::9:255\];[^\r]*received=192\.0\.2\.200/m,
  },
  {
    section: '4.8',
    file: 'mult-ip-in-sdp',
    status: 302,
    says: 'a body is for the far end',
    shows: toThePhone,
  },
  {
    section: '4.9',
    file: 'ipv4-mapped-ipv6',
    status: 302,
    says: 'an IPv4-mapped address stands in brackets, in Via as in Contact',
    shows: /^Via: SIP\/2\.0\/UDP \[::ffff:192\.0\.2\.10\]:19823;/m,
  },
  {
    section: '4.10',
    file: 'ipv6-bug-abnf-3-colons',
    status: 302,
    says: '"an implementation must tolerate both of the above constructs": with three colons it is 2001:db8::192.0.2.1, this server',
    shows: toThePhone,
  },
  {
    section: '4.10',
    file: 'ipv6-correct-abnf-2-colons',
    status: 302,
    says: 'the same with two colons',
    shows: toThePhone,
  },
];

let world: TortureWorld;
beforeAll(async () => {
  world = await tortureWorld();
  const answer = await world.phone.register(world.server.sip, 'sip:user@example.com', {
    contact: `<${PHONE}>`,
  });
  expect(answer.status).toBe(200);
});
afterAll(() => world.close());

test('the table holds every message of the RFC', () => {
  expect(TABLE.map(({ file }) => `rfc5118/${file}.dat`).sort()).toEqual(
    corpusFolder('rfc5118').map(({ file }) => file),
  );
});

describe.each(TABLE)('RFC 5118 §$section $file: $says', ({ file, status, shows }) => {
  const { bytes } = corpusMessage(`rfc5118/${file}.dat`);

  test.each([
    ['UDP', () => world.overUdp(bytes)],
    ['TCP', () => world.overTcp(bytes)],
    ['TCP over IPv6', () => world.overTcp(bytes, '::1')],
  ] as const)('over %s', async (_, send) => {
    const outcome = await send();
    expect(outcome.status).toBe(status);
    expect(outcome.closed).toBe(false);
    if (shows !== undefined) expect(outcome.text).toMatch(shows);
  });
});
