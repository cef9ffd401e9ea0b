import { describe, expect, test } from 'vitest';
import { readMessage } from '../../../src/sip/reader.ts';
import { headerValue } from '../../../src/sip/rows.ts';
import { latin1, messageOf, requestFrom, responseFrom, verdictOf } from '../../support/sip-verdict.ts';

const REQUEST = [
  'OPTIONS sip:bob@example.com SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK1',
  'From: <sip:alice@example.net>;tag=1',
  'To: <sip:bob@example.com>',
  'Call-ID: a@b',
  'CSeq: 1 OPTIONS',
];

/** The request with rows added, or with the row of the same name replaced; a row without a value goes. */
const bytesWith = (rows: readonly string[] = [], body = '', startLine = REQUEST[0]): Uint8Array => {
  const nameOf = (row: string) => row.slice(0, row.indexOf(':')).trim().toLowerCase();
  const replaced = new Set(rows.map(nameOf));
  const kept = REQUEST.slice(1).filter((row) => !replaced.has(nameOf(row)));
  return latin1([startLine, ...kept, ...rows.filter((row) => !row.endsWith(':!')), '', body].join('\r\n'));
};

const errorOf = (bytes: Uint8Array) => {
  const read = readMessage(bytes);
  return read.ok ? undefined : read.error;
};

describe('a request', () => {
  test('is read into its parts, all rows in order', () => {
    const request = requestFrom(bytesWith(['Max-Forwards: 70', 'X-Y:  z ', 'Content-Length: 2'], 'hi'));
    expect(request).toMatchObject({
      method: 'OPTIONS',
      uri: 'sip:bob@example.com',
      maxForwards: 70,
      callId: 'a@b',
      cseq: { seq: 1, method: 'OPTIONS' },
      from: { uri: 'sip:alice@example.net', params: [{ name: 'tag', value: '1' }] },
      vias: [
        { transport: 'UDP', host: '192.0.2.1', port: 5062, params: [{ name: 'branch', value: 'z9hG4bK1' }] },
      ],
    });
    expect(request.rows.map(({ name }) => name)).toEqual([
      'via',
      'from',
      'to',
      'call-id',
      'cseq',
      'max-forwards',
      'x-y',
      'content-length',
    ]);
    expect(request.rows[6]).toEqual({ name: 'x-y', as: 'X-Y', value: 'z' });
    expect(Buffer.from(request.body).toString()).toBe('hi');
  });

  test.each([
    ['v', 'via', 'SIP/2.0/TCP h.example;branch=z9hG4bK2'],
    ['f', 'from', '<sip:x@y>;tag=2'],
    ['T', 'to', 'sip:x@y'],
    ['i', 'call-id', 'other'],
  ])('may write its %s header short', (short, long, value) => {
    const request = requestFrom(bytesWith([`${long}:!`, `${short}: ${value}`]));
    expect(headerValue(request.rows, long)).toBe(value);
  });

  test.each([
    ...'a:accept-contact b:referred-by c:content-type d:request-disposition e:content-encoding j:reject-contact'.split(
      ' ',
    ),
    ...'k:supported m:contact n:identity-info o:event r:refer-to s:subject u:allow-events x:session-expires y:identity'.split(
      ' ',
    ),
  ])('knows the compact form %s', (pair) => {
    const [short, long] = pair.split(':');
    expect(requestFrom(bytesWith([`${short}: 1`])).rows.at(-1)).toMatchObject({ name: long, as: short });
  });

  test('may begin with empty lines', () => {
    expect(verdictOf(Buffer.concat([latin1('\r\n\r\n'), bytesWith()]))).toBe('accept');
  });

  test('may have its version in lower case', () => {
    expect(verdictOf(bytesWith([], '', 'OPTIONS sip:bob@example.com sip/2.0'))).toBe('accept');
  });

  test('keeps bytes beyond ASCII as they are', () => {
    const request = requestFrom(
      bytesWith(['From: "J\u00c3\u00bcrgen" <sip:a@b>;tag=1', 'Subject: \u00e4\u00ff']),
    );
    expect(request.from.display).toBe('"J\u00c3\u00bcrgen"');
    expect(headerValue(request.rows, 'subject')).toBe('\u00e4\u00ff');
  });

  test('takes Via values from several rows and several to a row, in order', () => {
    const request = requestFrom(
      bytesWith([
        'Via: SIP/2.0/UDP a, SIP/2.0/TCP b:1 ;x , SIP / 2.0 / TLS [::1] : 5061',
        'V: SIP/2.0/WS c.invalid',
      ]),
    );
    expect(request.vias.map(({ transport, host, port, text }) => [transport, host, port, text])).toEqual([
      ['UDP', 'a', undefined, 'SIP/2.0/UDP a'],
      ['TCP', 'b', 1, 'SIP/2.0/TCP b:1 ;x'],
      ['TLS', '::1', 5061, 'SIP / 2.0 / TLS [::1] : 5061'],
      ['WS', 'c.invalid', undefined, 'SIP/2.0/WS c.invalid'],
    ]);
  });

  test('names a scheme nobody serves, and is for the server to refuse', () => {
    expect(requestFrom(bytesWith([], '', 'OPTIONS soap.beep://h:1 SIP/2.0')).uri).toBe('soap.beep://h:1');
  });
});

describe('a response', () => {
  const response = (line: string) => bytesWith([], '', line);

  test.each([
    ['SIP/2.0 200 OK', 200, 'OK'],
    ['sip/2.0 180 ', 180, ''],
    ['SIP/2.0 404', 404, ''],
    ['SIP/2.0 699 \u00e4 b', 699, '\u00e4 b'],
  ])('%s is read', (line, status, reason) => {
    expect(responseFrom(response(line))).toMatchObject({ status, reason });
  });

  test.each([
    'SIP/2.0 99 x',
    'SIP/2.0 700 x',
    'SIP/2.0 2000 x',
    'SIP/2.0  200 OK',
    'SIP/3.0 200 OK',
    'SIP/2.0 200OK',
  ])('%s is dropped', (line) => {
    expect(verdictOf(response(line))).toBe('discard');
  });

  test('with a broken header is dropped: nobody answers a response', () => {
    expect(verdictOf(bytesWith(['CSeq: x'], '', 'SIP/2.0 200 OK'))).toBe('discard');
  });
});

describe('what is malformed gets 400 with a reason:', () => {
  test.each<readonly [reason: string, rows: readonly string[]]>([
    ['a header line without a name and a colon', ['no colon here']],
    ['a header line without a name and a colon', [': nameless']],
    ['a header name that is no token', ['na me: x']],
    ['a CR or LF that ends no line', ['Subject: a\nVia: SIP/2.0/UDP evil']],
    ['a CR or LF that ends no line', ['Subject: a\rb']],
    ['a NUL character', ['Subject: a\u0000b']],
    ['no From', ['From:!']],
    ['no To', ['To:!']],
    ['no Call-ID', ['Call-ID:!']],
    ['no CSeq', ['CSeq:!']],
    ['CSeq names another method', ['CSeq: 1 INVITE']],
    ['cseq: no number below 2^32 and method', ['CSeq: -1 OPTIONS']],
    ['cseq: no number below 2^32 and method', ['CSeq: 4294967296 OPTIONS']],
    ['cseq: no number below 2^32 and method', ['CSeq: 1OPTIONS']],
    ['cseq: no number below 2^32 and method', ['CSeq: 1 OPTIONS x']],
    ['call-id: no word, or more than one', ['Call-ID: a b']],
    ['call-id: no word, or more than one', ['Call-ID:']],
    ['max-forwards: no number from 0 to 255', ['Max-Forwards: 256']],
    ['max-forwards: no number from 0 to 255', ['Max-Forwards: -1']],
    ['content-length: no number', ['Content-Length: -1']],
    ['content-length: no number', ['Content-Length: 1.0']],
    ['content-length: no number', ['Content-Length: 99999999999']],
    ['Content-Length beyond the datagram', ['Content-Length: 5']],
    ['from stands twice', ['From: <sip:a@b>', 'f: <sip:a@b>']],
    ['to stands twice', ['To: <sip:a@b>', 'To: <sip:a@b>']],
    ['expires stands twice', ['Expires: 1', 'Expires: 2']],
    ['content-type stands twice', ['Content-Type: a/b', 'c: a/b']],
    ['content-length stands twice', ['Content-Length: 0', 'l: 0']],
    ['from: something behind the address', ['From: <sip:a@b>, <sip:c@d>']],
    ['from: no URI where one belongs', ['From: nobody']],
    ['from: no URI between the brackets', ['From: <sip:>']],
    ['from: a parameter stands twice', ['From: <sip:a@b>;tag=1;tag=2']],
    ['Via: no host and port in a Via', ['Via: SIP/2.0/UDP a', 'Via: SIP/2.0/UDP ?']],
    ['Via: a parameter without the value it announces', ['Via: SIP/2.0/UDP a;branch=']],
  ])('%s (%j)', (reason, rows) => {
    const bytes = bytesWith(rows);
    expect(errorOf(bytes)).toMatchObject({ status: 400, reason });
    expect(verdictOf(bytes)).toBe(400);
  });

  test.each([
    ['a request line without its SIP version', 'OPTIONS sip:bob@example.com'],
    ['a request line without its SIP version', 'OPTIONS sip:bob@example.com HTTP/1.1'],
    ['Request-URI: the port is no number from 1 to 65535', 'OPTIONS sip:bob@example.com:99999 SIP/2.0'],
    ['no URI in the request line', 'OPTIONS sip: SIP/2.0'],
    ['no URI in the request line', 'OPTIONS bob SIP/2.0'],
    ['the method is too long', `${'A'.repeat(65)} sip:a@b SIP/2.0`],
  ])('%s', (reason, startLine) => {
    expect(errorOf(bytesWith([], '', startLine))?.reason).toBe(reason);
    expect(verdictOf(bytesWith([], '', startLine))).toBe(400);
  });

  test('a folded start line', () => {
    expect(errorOf(bytesWith([], '', 'OPTIONS sip:a@b\r\n SIP/2.0'))?.reason).toBe('a folded start line');
  });

  test('a head that never ends', () => {
    const bytes = bytesWith();
    expect(errorOf(bytes.subarray(0, -4))?.reason).toBe('no empty line behind the headers');
  });
});

test('an unknown version gets 505', () => {
  expect(verdictOf(bytesWith([], '', 'OPTIONS sip:a@b SIP/3.0'))).toBe(505);
});

describe('dropped without an answer:', () => {
  test.each([
    ['nothing', ''],
    ['line ends alone', '\r\n\r\n'],
    ['noise', '\u0000\u0001\u0002\u0003 x y'],
    ['another protocol', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['lines that end in LF alone', `${REQUEST.join('\n')}\n\n`],
  ])('%s', (_what, text) => {
    expect(verdictOf(latin1(text))).toBe('discard');
  });

  test('a request without a Via, for there is nowhere to send to', () => {
    expect(verdictOf(bytesWith(['Via:!']))).toBe('discard');
  });

  test('a broken ACK, which has no answer', () => {
    expect(verdictOf(bytesWith(['CSeq: 1 OPTIONS'], '', 'ACK sip:a@b SIP/2.0'))).toBe('discard');
  });
});

describe('bounds', () => {
  test('256 header rows and no more', () => {
    const rows = (count: number) => Array.from({ length: count }, (_, at) => `X-${at}: y`);
    expect(verdictOf(bytesWith(rows(251)))).toBe('accept');
    expect(errorOf(bytesWith(rows(252)))).toMatchObject({ code: 'ERR_SIP_LIMIT', status: 400 });
  });

  test('16,384 characters a row', () => {
    expect(verdictOf(bytesWith([`X: ${'y'.repeat(16_381)}`]))).toBe('accept');
    expect(errorOf(bytesWith([`X: ${'y'.repeat(16_382)}`]))).toMatchObject({ code: 'ERR_SIP_LIMIT' });
  });

  test('64 Vias', () => {
    const vias = (count: number) => [
      `Via: ${Array.from({ length: count }, () => 'SIP/2.0/UDP a').join(',')}`,
    ];
    expect(verdictOf(bytesWith(vias(64)))).toBe('accept');
    expect(errorOf(bytesWith(vias(65)))?.reason).toBe('Via: too many Via values');
  });

  test('32 parameters a value', () => {
    const from = (count: number) => [
      `From: <sip:a@b>${Array.from({ length: count }, (_, at) => `;p${at}`).join('')}`,
    ];
    expect(verdictOf(bytesWith(from(32)))).toBe('accept');
    expect(errorOf(bytesWith(from(33)))?.reason).toBe('from: too many parameters');
  });

  test('65,535 bytes', () => {
    expect(errorOf(new Uint8Array(65_536))).toMatchObject({ code: 'ERR_SIP_TOO_LARGE', status: 513 });
  });
});

describe('the body of a datagram', () => {
  const bodyOf = (bytes: Uint8Array) => Buffer.from(messageOf(bytes).body).toString('latin1');

  test('ends where Content-Length says', () => {
    expect(bodyOf(bytesWith(['Content-Length: 3'], 'abcdef'))).toBe('abc');
  });

  test('is the rest without Content-Length', () => {
    expect(bodyOf(bytesWith([], 'abc\r\n\r\ndef'))).toBe('abc\r\n\r\ndef');
  });
});

describe('what is left of a broken request', () => {
  test('is enough for an answer: the Via that says where to, and the rows to repeat', () => {
    const request = errorOf(bytesWith(['From: nobody', 'Via: SIP/2.0/UDP h:7;;bad']))?.request;
    expect(request).toMatchObject({
      method: 'OPTIONS',
      vias: [{ host: 'h', port: 7, text: 'SIP/2.0/UDP h:7', params: [] }],
      from: { uri: '', text: '' },
      callId: 'a@b',
    });
  });

  test('takes nothing of the input into its reason', () => {
    const reason = errorOf(bytesWith(['Evil\u0001Name: x']))?.reason;
    expect(reason).toBe('a header name that is no token');
  });
});
