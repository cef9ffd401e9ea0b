// What passes through, byte by byte: read from the wire, forwarded, written again.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forwardedRequest, forwardedResponse } from '../../../src/proxy/forwarded-message.ts';
import { writeRequest, writeResponse } from '../../../src/sip/codec.ts';
import { readMessage } from '../../../src/sip/reader.ts';
import type { SipMessage } from '../../../src/sip/types.ts';

/** RFC 8224 §4, with the compact form `y`, and what else is none of ours: known, unknown, compact, in any case. */
const NAMES = [
  'Identity',
  'y',
  'P-Asserted-Identity',
  'X-Odd',
  'x-odd',
  'Subject',
  's',
  'm',
  'Contact',
  'k',
  'Require',
  'Record-Route',
  'e',
  'Authorization',
  'Date',
  'Geolocation',
  'toString',
  '__proto__',
  "!%*_+`'~.-",
];
/** Bytes of a value: anything but controls; UTF-8 comes as bytes above 0x7f. */
const byte = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0x21, max: 0x7e }) },
  { weight: 2, arbitrary: fc.constantFrom(0x20, 0x2c, 0x22, 0x3c, 0x3e, 0x3b, 0x5c) },
  { weight: 1, arbitrary: fc.integer({ min: 0x80, max: 0xff }) },
);
const value = fc
  .array(byte, { maxLength: 50 })
  .map((bytes) => Buffer.from(bytes).toString('latin1').trim().replace(/\s+/g, ' '));
const header = fc.tuple(fc.constantFrom(...NAMES), value).map(([name, text]) => `${name}: ${text}`);
const binary = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

const VIAS = ['Via: SIP/2.0/UDP 192.0.2.50:5070;branch=z9hG4bKa1', 'v: SIP / 2.0 / UDP first.example'];
const OURS = 'Proxy-Authorization: Digest username="alice", realm="biloxi.com", response="x"';
const OTHERS = 'Proxy-Authorization: Digest username="alice", realm="p.example", response="y"';

/** What a proxy may touch stands between what it may not, wherever `at` puts it. */
const requestOf = (rows: readonly string[], body: string, at: number): string => {
  const touched = ['Max-Forwards: 70', 'Route: <sip:192.0.2.1;lr>, <sip:p.example;lr>', OURS];
  const all = [
    'From: "A" <sip:alice@biloxi.com>;tag=a1',
    't: <sip:bob@example.com>',
    'i: call-1',
    'CSeq: 1 INVITE',
    OTHERS,
    ...rows,
  ];
  const cut = at % (all.length + 1);
  const head = [...VIAS, ...all.slice(0, cut), ...touched, ...all.slice(cut)];
  return `INVITE sip:b%6fb@example.com SIP/2.0\r\n${[...head, `l: ${body.length}`].join('\r\n')}\r\n\r\n${body}`;
};

const read = (text: string): SipMessage => {
  const message = readMessage(Buffer.from(text, 'latin1'));
  if (!message.ok) throw new Error(`${message.error.reason}\n${text}`);
  return message.value;
};

const sentFor = (text: string): string => {
  const message = read(text);
  if (message.kind !== 'request') throw new Error('no request');
  const forwarded = forwardedRequest(message, {
    target: { uri: message.uri, routes: [{ uri: 'sip:p.example;lr', text: '<sip:p.example;lr>' }] },
    branch: 'z9hG4bKours',
    down: { transport: 'udp', advertised: { host: '192.0.2.1', port: 5060 } },
    recordRoutes: [],
    isOurRealm: (realm) => realm === 'biloxi.com',
  });
  return Buffer.from(writeRequest(forwarded)).toString('latin1');
};

const partsOf = (text: string): { readonly lines: readonly string[]; readonly body: string } => {
  const end = text.indexOf('\r\n\r\n');
  return { lines: text.slice(0, end).split('\r\n'), body: text.slice(end + 4) };
};
/** Rows as they arrive: what a row loses is the white space around its value. */
const trimmed = (line: string): string => line.replace(/ +$/, '');

describe('a request leaves as it came', () => {
  test('but for one Via more, Max-Forwards, Route, credentials for us, and Content-Length last', () => {
    fc.assert(
      fc.property(fc.array(header, { maxLength: 25 }), binary, fc.nat(), (rows, body, at) => {
        const text = requestOf(rows, body, at);
        const [sent, came] = [partsOf(sentFor(text)), partsOf(text)];
        const touched = /^(Max-Forwards|Route|l|Content-Length): /;
        const kept = came.lines.filter((line) => !touched.test(line) && line !== OURS).map(trimmed);
        expect(sent.lines[1]).toMatch(/^Via: SIP\/2\.0\/UDP 192\.0\.2\.1:5060;branch=z9hG4bKours/);
        expect(
          sent.lines
            .toSpliced(1, 1)
            .filter((line) => !touched.test(line))
            .map(trimmed),
        ).toEqual(kept);
        expect(sent.lines.filter((line) => touched.test(line))).toEqual([
          'Route: <sip:p.example;lr>',
          'Max-Forwards: 69',
          `Content-Length: ${body.length}`,
        ]);
        expect(sent.body).toBe(body);
      }),
      { numRuns: 300 },
    );
  });

  test('folded rows on one line, which RFC 3261 §7.3.1 holds for the same', () => {
    const folded = requestOf(
      ['X-Long: one\r\n  two,\r\n\tthree', 'Identity: abc;\r\n info=<https://a.example/c>'],
      '',
      0,
    );
    expect(partsOf(sentFor(folded)).lines).toEqual(
      expect.arrayContaining(['X-Long: one two, three', 'Identity: abc; info=<https://a.example/c>']),
    );
  });
});

describe('an answer leaves as it came', () => {
  test('but for our Via, alone in its row or with others behind it', () => {
    fc.assert(
      fc.property(fc.array(header, { maxLength: 25 }), binary, fc.boolean(), (rows, body, oneRow) => {
        const [ours, next] = [
          'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKours',
          'SIP/2.0/UDP 192.0.2.50:5070;branch=z9hG4bKa1',
        ];
        const vias = oneRow ? [`Via: ${ours}, ${next}`] : [`Via: ${ours}`, `Via: ${next}`];
        const rest = [
          'f: <sip:alice@biloxi.com>;tag=a1',
          'To: <sip:bob@example.com>;tag=b1',
          'i: call-1',
          'CSeq: 1 INVITE',
          ...rows,
        ];
        const text = `SIP/2.0 200 Tr\u00c3\u00a8s bien\r\n${[...vias, ...rest, `l: ${body.length}`].join('\r\n')}\r\n\r\n${body}`;
        const message = read(text);
        if (message.kind !== 'response') throw new Error('no response');
        const sent = partsOf(Buffer.from(writeResponse(forwardedResponse(message))).toString('latin1'));
        expect(sent.lines.map(trimmed)).toEqual(
          ['SIP/2.0 200 Tr\u00c3\u00a8s bien', `Via: ${next}`, ...rest, `Content-Length: ${body.length}`].map(
            trimmed,
          ),
        );
        expect(sent.body).toBe(body);
      }),
      { numRuns: 300 },
    );
  });
});
