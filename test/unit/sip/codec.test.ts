import { describe, expect, test } from 'vitest';
import { isWritable, writeReply, writeRequest, writeResponse } from '../../../src/sip/codec.ts';
import { readMessage } from '../../../src/sip/reader.ts';
import { corpusMessage } from '../../support/corpus.ts';
import { requestText } from '../../support/sip-request.ts';
import { latin1, requestFrom, responseFrom } from '../../support/sip-verdict.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const EMPTY = new Uint8Array();

describe('a reply of ours', () => {
  const request = requestFrom(
    latin1(
      requestText({
        cseq: 4,
        via: 'SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bKa;rport',
        headers: ['Via: SIP/2.0/UDP b;x, SIP/2.0/UDP c', 'Timestamp: 54', 'Subject: hi'],
      }),
    ),
  );

  test('repeats what RFC 3261 §8.2.6.2 says, adds our tag and headers, and ends in a right length', () => {
    const bytes = writeReply(
      request,
      {
        status: 401,
        headers: [
          ['WWW-Authenticate', 'Digest a'],
          ['WWW-Authenticate', 'Digest b'],
          ['Allow', 'INVITE, ACK'],
        ],
        body: latin1('b\u00e4dy'),
      },
      { toTag: 'ours' },
    );
    expect(text(bytes)).toBe(
      [
        'SIP/2.0 401 Unauthorized',
        'Via: SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bKa;rport',
        'Via: SIP/2.0/UDP b;x',
        'Via: SIP/2.0/UDP c',
        'From: <sip:alice@example.net>;tag=a1',
        'To: <sip:bob@example.com>;tag=ours',
        'Call-ID: call-1',
        'CSeq: 4 INVITE',
        'WWW-Authenticate: Digest a',
        'WWW-Authenticate: Digest b',
        'Allow: INVITE, ACK',
        'Content-Length: 4',
        '',
        'b\u00e4dy',
      ].join('\r\n'),
    );
  });

  test('leaves a To tag that is there, and sets none where none is given', () => {
    const tagged = requestFrom(latin1(requestText({ toTag: 'theirs' })));
    expect(text(writeReply(tagged, { status: 200 }, { toTag: 'ours' }))).toContain(
      'To: <sip:bob@example.com>;tag=theirs\r\n',
    );
    expect(text(writeReply(request, { status: 200 }))).toContain('To: <sip:bob@example.com>\r\n');
  });

  test('repeats Timestamp in a 100 alone', () => {
    expect(text(writeReply(request, { status: 100 }))).toContain('Timestamp: 54\r\n');
    expect(text(writeReply(request, { status: 180 }))).not.toContain('Timestamp');
  });

  test('may say why in its own words', () => {
    expect(text(writeReply(request, { status: 400, reason: 'no To' }))).toMatch(/^SIP\/2\.0 400 no To\r\n/);
  });

  test('goes to what is left of a broken request, once each and without what was broken', () => {
    const read = readMessage(corpusMessage('rfc4475/multi01.dat').bytes);
    if (read.ok || read.error.request === undefined) throw new Error('not the message it was');
    const answer = text(writeReply(read.error.request, { status: 400 }, { toTag: 'x' }));
    expect(answer.match(/^(From|To|Call-ID|CSeq):/gm)).toEqual(['From:', 'To:', 'Call-ID:', 'CSeq:']);
    const bad = readMessage(corpusMessage('rfc4475/badinv01.dat').bytes);
    if (bad.ok || bad.error.request === undefined) throw new Error('not the message it was');
    expect(text(writeReply(bad.error.request, { status: 400 }))).toContain('Via: SIP/2.0/UDP 192.0.2.15\r\n');
  });

  test('repeats a NUL that came as a quoted pair (RFC 4475 §3.1.1.2)', () => {
    const odd = requestFrom(corpusMessage('rfc4475/intmeth.dat').bytes);
    expect(responseFrom(writeReply(odd, { status: 501 })).to.display).toBe(odd.to.display);
  });
});

describe('a message that passes through', () => {
  const rows = (...pairs: readonly (readonly [string, string])[]) =>
    pairs.map(([as, value]) => ({ name: as.toLowerCase(), as, value }));

  test('keeps rows in order and as spelt, whatever they are called', () => {
    const bytes = writeRequest({
      method: 'INVITE',
      uri: 'sip:bob@example.com;transport=udp',
      rows: rows(
        ['Via', '1'],
        ['x-lower', 'a'],
        ['VIA', '2'],
        ['42', 'b'],
        ['__proto__', 'c'],
        ['constructor', 'd'],
        ['content-length', '99'],
        ['X-Lower', 'e'],
        ['Route', '<sip:r1>'],
        ['v', '3'],
        ['Route', '<sip:r2>'],
        ['L', '7'],
        ['Subject', ''],
      ),
      body: latin1('12345'),
    });
    expect(text(bytes)).toBe(
      [
        'INVITE sip:bob@example.com;transport=udp SIP/2.0',
        'Via: 1',
        'x-lower: a',
        'VIA: 2',
        '42: b',
        '__proto__: c',
        'constructor: d',
        'X-Lower: e',
        'Route: <sip:r1>',
        'v: 3',
        'Route: <sip:r2>',
        'Subject: ',
        'Content-Length: 5',
        '',
        '12345',
      ].join('\r\n'),
    );
  });

  test('keeps its body byte for byte', () => {
    const body = Uint8Array.from({ length: 256 }, (_, at) => at);
    const bytes = writeResponse({ status: 200, reason: 'OK', rows: rows(['Via', 'x']), body });
    expect(Buffer.from(bytes).subarray(-256).equals(body)).toBe(true);
    expect(text(bytes)).toContain('Content-Length: 256\r\n');
  });
});

describe('what would become another header is never written:', () => {
  test.each(['a\r\nVia: x', 'a\nb', 'a\rb', '\u0000', 'a\u0000b', 'a\u010ab', '\u{1f600}'])('%j', (value) => {
    const request = requestFrom(latin1(requestText({})));
    const row = { name: 'x', as: 'X', value };
    expect(isWritable(value)).toBe(false);
    expect(() => writeReply(request, { status: 200, headers: [['X', value]] })).toThrow();
    expect(() => writeReply(request, { status: 200, reason: value })).toThrow();
    expect(() => writeRequest({ method: 'INVITE', uri: 'sip:a@b', rows: [row], body: EMPTY })).toThrow();
    expect(() => writeRequest({ method: 'INVITE', uri: `sip:${value}`, rows: [], body: EMPTY })).toThrow();
    expect(() => writeReply(request, { status: 200, headers: [[`X${value}`, 'y']] })).toThrow();
  });

  test.each(['', 'plain', 'tab\tand blank', '\u00fc\u00ff', '"\\\u0000"'])('but %j is', (value) => {
    expect(isWritable(value)).toBe(true);
  });
});
