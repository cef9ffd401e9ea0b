// Oversize and deep nesting at a whole registrar, over UDP and TCP: what is at a bound is served, what is above it is refused in words.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requestText } from '../../support/sip-request.ts';
import { latin1 } from '../../support/sip-verdict.ts';
import { type TortureWorld, tortureWorld } from '../../support/torture-world.ts';

let world: TortureWorld;
beforeAll(async () => {
  world = await tortureWorld();
});
afterAll(() => world.close());

let count = 0;
const next = (): number => {
  count += 1;
  return count;
};
const SERVER = 'sip:example.com';
/** OPTIONS to the server with something large in it, which gets a 200 while it is within bounds. */
const options = (given: Parameters<typeof requestText>[0]): string => {
  count += 1;
  return requestText({
    method: 'OPTIONS',
    uri: SERVER,
    via: `SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKlarge${count}`,
    callId: `large${count}`,
    ...given,
  });
};
const register = (headers: readonly string[], aor = 'sip:large@example.com'): string =>
  options({ method: 'REGISTER', from: `<${aor}>;tag=f`, to: `<${aor}>`, headers });
const times = (many: number, part: (index: number) => string): string[] =>
  Array.from({ length: many }, (_, index) => part(index));
const params = (many: number): string => times(many, (index) => `;p${index}`).join('');

interface Bound {
  readonly what: string;
  readonly of: (size: number) => string;
  readonly bound: number;
  readonly at?: number;
  readonly above?: number;
  /** Where a stream loses its frame: its Content-Length stood behind what was read. */
  readonly closes?: true;
}

const BOUNDS: readonly Bound[] = [
  // OPTIONS has 7 lines of its own, Content-Length among them.
  {
    what: 'header lines',
    of: (size) => options({ headers: times(size - 7, () => 'X: y') }),
    bound: 256,
    closes: true,
  },
  {
    what: 'characters of a header line',
    of: (size) => options({ headers: [`X: ${'y'.repeat(size - 3)}`] }),
    bound: 16_384,
  },
  {
    what: 'characters of a folded header line',
    of: (size) =>
      options({
        headers: [`X: ${'yyyyyyy\r\n '.repeat((size - 3) / 8 - 1)}${'y'.repeat(8 + ((size - 3) % 8))}`],
      }),
    bound: 16_384,
  },
  {
    what: 'Via values',
    of: (size) =>
      options({ headers: [`Via: ${times(size - 1, () => 'SIP/2.0/UDP b;branch=z9hG4bKb').join(',')}`] }),
    bound: 64,
  },
  {
    what: 'Via parameters',
    of: (size) => options({ via: `SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKvia${next()}${params(size - 1)}` }),
    bound: 32,
  },
  {
    what: 'From parameters',
    of: (size) => options({ from: `<sip:a@b>;tag=f${params(size - 1)}` }),
    bound: 32,
  },
  {
    what: 'parameters of the Request-URI',
    of: (size) => options({ uri: `${SERVER}${params(size)}` }),
    bound: 32,
  },
  {
    what: 'headers of a Contact URI',
    of: (size) => register([`Contact: <sip:h@192.0.2.4?${times(size, (index) => `h${index}=x`).join('&')}>`]),
    bound: 32,
  },
  {
    what: 'characters of the Request-URI',
    of: (size) => options({ uri: `${SERVER};x=${'y'.repeat(size - SERVER.length - 3)}` }),
    bound: 8192,
  },
  { what: 'characters of a method', of: (size) => options({ method: 'A'.repeat(size) }), bound: 64, at: 501 },
  {
    what: 'option tags',
    of: (size) => register([`Require: ${times(size, () => 'path').join(',')}`, 'Contact: <sip:a@192.0.2.4>']),
    bound: 64,
  },
  {
    what: 'characters of a user',
    of: (size) => register([], `sip:${'u'.repeat(size)}@example.com`),
    bound: 512,
  },
  {
    what: 'characters of a host',
    of: (size) =>
      options({
        uri: `sip:x@${`${'a'.repeat(49)}.`.repeat(Math.floor((size - 3) / 50))}${'b'.repeat(((size - 3) % 50) + 1)}.c`,
      }),
    bound: 253,
    at: 480,
  },
  {
    what: 'Contacts of a registration',
    of: (size) => register([`Contact: ${times(size, (index) => `<sip:c${index}@192.0.2.4>`).join(', ')}`]),
    bound: 10,
    above: 403,
  },
  {
    what: 'Contacts that are read',
    of: (size) => register([`Contact: ${times(size, (index) => `<sip:c${index}@192.0.2.4>`).join(', ')}`]),
    bound: 64,
    at: 403,
  },
  {
    what: 'Path values',
    of: (size) =>
      register([
        'Supported: path',
        'Contact: <sip:p@192.0.2.4>',
        ...times(size, (index) => `Path: <sip:p${index}@192.0.2.7;lr>`),
      ]),
    bound: 8,
  },
];

describe.each(BOUNDS)('$bound $what', ({ of, bound, at = 200, above = 400, closes = false }) => {
  test.each([
    ['UDP', (message: string) => world.overUdp(latin1(message))],
    ['TCP', (message: string) => world.overTcp(latin1(message))],
  ] as const)('are served over %s, one more is refused', async (transport, send) => {
    expect((await send(of(bound))).status).toBe(at);
    const refused = await send(of(bound + 1));
    expect(refused.status).toBe(above);
    expect(refused.closed).toBe(closes && transport === 'TCP');
  });
});

test('a message of 65,535 bytes is served over TCP, one more is 513 and the end of the connection', async () => {
  const sized = (bytes: number): string => {
    const head = options({ body: 'b'.repeat(10_000) });
    return (
      head
        .replace('Content-Length: 10000', `Content-Length: ${bytes - head.length + 10_000}`)
        .slice(0, -10_000) + 'b'.repeat(bytes - head.length + 10_000)
    );
  };
  const largest = sized(65_535);
  expect(largest.length).toBe(65_535);
  expect((await world.overTcp(latin1(largest))).status).toBe(200);
  expect(await world.overTcp(latin1(sized(65_536)))).toMatchObject({ status: 513, closed: true });
});

const deep = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth);

describe('deep nesting costs no more than its length, and is carried, refused, or of no account', () => {
  const NESTED: readonly (readonly [what: string, message: () => string, status: number])[] = [
    ['comments in User-Agent', () => options({ headers: [`User-Agent: ${deep('(', ')', 8000)}`] }), 200],
    ['comments that end nowhere', () => options({ headers: [`User-Agent: ${'('.repeat(16_000)}`] }), 200],
    ['brackets in Call-ID', () => options({ callId: `${deep('<', '>', 4000)}${next()}` }), 200],
    [
      'quoted pairs in a display name',
      () => options({ from: `"${'\\"'.repeat(8000)}" <sip:a@b>;tag=f` }),
      200,
    ],
    ['quotes within quotes', () => options({ from: `${'"'.repeat(8001)} <sip:a@b>;tag=f` }), 400],
    ['angle brackets in From', () => options({ from: `${deep('<', '>', 4000)};tag=f` }), 400],
    ['brackets of an IPv6 address', () => options({ uri: `sip:${deep('[', ']', 2000)}` }), 400],
    ['colons of an IPv6 address', () => options({ uri: `sip:[${':'.repeat(4000)}]` }), 400],
    ['escapes of escapes in a user', () => register([], `sip:%${'25'.repeat(200)}41@example.com`), 200],
    [
      'a URI in a URI in a URI',
      () => register([`Contact: <sip:a@192.0.2.4?x=${'sip:a%3Fx='.repeat(20)}>`]),
      200,
    ],
    ['folds of one blank', () => options({ headers: [`Subject: ${'\r\n '.repeat(16_000)}x`] }), 200],
    [
      'a multipart of multiparts',
      () =>
        options({
          headers: ['Content-Type: multipart/mixed;boundary=b'],
          body: '--b\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n'.repeat(700),
        }),
      200,
    ],
  ];
  test.each(NESTED)('%s', async (_what, message, status) => {
    expect((await world.overUdp(latin1(message()))).status).toBe(status);
    expect((await world.overTcp(latin1(message()))).status).toBe(status);
  });
});
