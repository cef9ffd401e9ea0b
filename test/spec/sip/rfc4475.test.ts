// RFC 4475: every torture message, as far as the reader decides; none goes against the RFC. What the reader accepts, the
// server judges further.
import { describe, expect, test } from 'vitest';
import { parseCredentials } from '../../../src/sip/credentials.ts';
import { parseTokens } from '../../../src/sip/header-values.ts';
import { parseContacts } from '../../../src/sip/name-addr.ts';
import { headerValue } from '../../../src/sip/rows.ts';
import { locationName } from '../../../src/uri/name.ts';
import { findParam } from '../../../src/uri/params.ts';
import { corpusFolder, corpusMessage, corpusVerdicts } from '../../support/corpus.ts';
import { type ReaderVerdict, requestFrom, responseFrom, verdictOf } from '../../support/sip-verdict.ts';

interface Row {
  readonly section: string;
  readonly file: string;
  readonly verdict: ReaderVerdict;
}

const TABLE: readonly Row[] = [
  { section: '3.1.1.1', file: 'wsinv', verdict: 'accept' },
  { section: '3.1.1.2', file: 'intmeth', verdict: 'accept' },
  { section: '3.1.1.3', file: 'esc01', verdict: 'accept' },
  { section: '3.1.1.4', file: 'escnull', verdict: 'accept' },
  { section: '3.1.1.5', file: 'esc02', verdict: 'accept' },
  { section: '3.1.1.6', file: 'lwsdisp', verdict: 'accept' },
  { section: '3.1.1.7', file: 'longreq', verdict: 'accept' },
  { section: '3.1.1.8', file: 'dblreq', verdict: 'accept' },
  { section: '3.1.1.9', file: 'semiuri', verdict: 'accept' },
  { section: '3.1.1.10', file: 'transports', verdict: 'accept' },
  { section: '3.1.1.11', file: 'mpart01', verdict: 'accept' },
  { section: '3.1.1.12', file: 'unreason', verdict: 'accept' },
  { section: '3.1.1.13', file: 'noreason', verdict: 'accept' },
  { section: '3.1.2.1', file: 'badinv01', verdict: 400 },
  { section: '3.1.2.2', file: 'clerr', verdict: 400 },
  { section: '3.1.2.3', file: 'ncl', verdict: 400 },
  { section: '3.1.2.4', file: 'scalar02', verdict: 400 },
  { section: '3.1.2.5', file: 'scalarlg', verdict: 'discard' },
  { section: '3.1.2.6', file: 'quotbal', verdict: 400 },
  { section: '3.1.2.7', file: 'ltgtruri', verdict: 400 },
  { section: '3.1.2.8', file: 'lwsruri', verdict: 400 },
  { section: '3.1.2.9', file: 'lwsstart', verdict: 400 },
  { section: '3.1.2.10', file: 'trws', verdict: 400 },
  { section: '3.1.2.11', file: 'escruri', verdict: 400 },
  { section: '3.1.2.12', file: 'baddate', verdict: 'accept' },
  // 400 when the registrar reads its Contact.
  { section: '3.1.2.13', file: 'regbadct', verdict: 'accept' },
  { section: '3.1.2.14', file: 'badaspec', verdict: 400 },
  { section: '3.1.2.15', file: 'baddn', verdict: 400 },
  { section: '3.1.2.16', file: 'badvers', verdict: 505 },
  { section: '3.1.2.17', file: 'mismatch01', verdict: 400 },
  { section: '3.1.2.18', file: 'mismatch02', verdict: 501 },
  { section: '3.1.2.19', file: 'bigcode', verdict: 'discard' },
  { section: '3.2.1', file: 'badbranch', verdict: 'accept' },
  { section: '3.3.1', file: 'insuf', verdict: 400 },
  // The server's: 416, 416, 400 for a To that is no SIP URI, 420.
  { section: '3.3.2', file: 'unkscm', verdict: 'accept' },
  { section: '3.3.3', file: 'novelsc', verdict: 'accept' },
  { section: '3.3.4', file: 'unksm2', verdict: 'accept' },
  { section: '3.3.5', file: 'bext01', verdict: 'accept' },
  { section: '3.3.6', file: 'invut', verdict: 'accept' },
  { section: '3.3.7', file: 'regaut01', verdict: 'accept' },
  { section: '3.3.8', file: 'multi01', verdict: 400 },
  { section: '3.3.9', file: 'mcl01', verdict: 400 },
  // A response to a broadcast address: well-formed, and not ours to send on.
  { section: '3.3.10', file: 'bcast', verdict: 'accept' },
  { section: '3.3.11', file: 'zeromf', verdict: 'accept' },
  { section: '3.3.12', file: 'cparam01', verdict: 'accept' },
  { section: '3.3.13', file: 'cparam02', verdict: 'accept' },
  { section: '3.3.14', file: 'regescrt', verdict: 'accept' },
  { section: '3.3.15', file: 'sdp01', verdict: 'accept' },
  { section: '3.4.1', file: 'inv2543', verdict: 'accept' },
  // In the RFC's archive, described nowhere in it; without a Via nobody can be told.
  { section: '(not described)', file: 'test', verdict: 'discard' },
];

const bytesOf = (file: string): Uint8Array => corpusMessage(`rfc4475/${file}.dat`).bytes;

describe('the table', () => {
  test('holds every message of the RFC under its section', () => {
    const known = corpusVerdicts()
      .filter(({ file }) => file.startsWith('rfc4475/'))
      .map(({ file, section }) => `${section} ${file}`);
    const listed = TABLE.map(({ file, section }) => `${section} rfc4475/${file}.dat`);
    expect([...listed].sort()).toEqual([...known].sort());
    expect([...new Set(TABLE.map(({ file }) => `rfc4475/${file}.dat`))].sort()).toEqual(
      corpusFolder('rfc4475').map(({ file }) => file),
    );
  });

  test.each(TABLE)('RFC 4475 §$section: $file is $verdict', ({ file, verdict }) => {
    expect(verdictOf(bytesOf(file))).toBe(verdict);
  });
});

describe('what is read, RFC 4475', () => {
  test('§3.1.1.1 wsinv: folds, blanks and mixed names give the values a tidy message would', () => {
    const request = requestFrom(bytesOf('wsinv'));
    expect(request.maxForwards).toBe(68);
    expect(request.cseq).toEqual({ seq: 9, method: 'INVITE' });
    expect(findParam(request.to.params, 'tag')?.value).toBe('1918181833n');
    expect(request.from).toMatchObject({ display: '"J Rosenberg \\\\\\""', uri: 'sip:jdrosen@example.com' });
    expect(findParam(request.from.params, 'tag')?.value).toBe('98asjd8');
    expect(request.vias.map(({ transport, host }) => `${transport} ${host}`)).toEqual([
      'UDP 192.0.2.2',
      'TCP spindle.example.com',
      'UDP 192.168.255.111',
    ]);
    expect(request.vias.map(({ params }) => findParam(params, 'branch')?.value)).toEqual([
      '390skdjuw',
      'z9hG4bK9ikj8',
      'z9hG4bK30239',
    ]);
    expect(headerValue(request.rows, 'newfangledheader')).toBe('newfangled value continued newfangled value');
    expect(headerValue(request.rows, 'unknownheaderwithunusualvalue')).toBe(';;,,;;,;');
    expect(headerValue(request.rows, 'subject')).toBe('');
    const contacts = parseContacts(request.rows);
    expect(contacts.ok && contacts.value).toMatchObject([
      {
        display: '"Quoted string \\"\\""',
        params: [
          { name: 'newparam', value: 'newvalue' },
          { name: 'secondparam' },
          { name: 'q', value: '0.33' },
        ],
      },
    ]);
    expect(request.body.length).toBe(150);
  });

  test('§3.1.1.2 intmeth: the method, NUL in quoted pairs and the Call-ID stay as sent', () => {
    const request = requestFrom(bytesOf('intmeth'));
    expect(request.method).toBe("!interesting-Method0123456789_*+`.%indeed'~");
    expect(request.to.display).toBe('"BEL:\\\u0007 NUL:\\\u0000 DEL:\\\u007f"');
    expect(request.from.display).toBe("token1~` token2'+_ token3*%!.-");
    expect(request.callId).toBe('intmeth.word%ZK-!.*_+\'@word`~)(><:\\/"][?}{');
  });

  test('§3.1.1.3 esc01: escapes are undone once and no more', () => {
    const request = requestFrom(bytesOf('esc01'));
    expect(locationName(request.uri)).toMatchObject({ value: { user: 'sips:user@example.com' } });
    expect(locationName(request.to.uri)).toMatchObject({ value: { user: 'user' } });
  });

  test('§3.1.1.4 escnull: two contacts with escaped NULs', () => {
    const contacts = parseContacts(requestFrom(bytesOf('escnull')).rows);
    expect(contacts.ok && contacts.value.map((one) => one !== '*' && one.uri)).toEqual([
      'sip:%00@host5.example.com',
      'sip:%00%00@host5.example.com',
    ]);
  });

  test('§3.1.1.5 esc02: % in a method or a header name is a %', () => {
    const request = requestFrom(bytesOf('esc02'));
    expect(request.method).toBe('RE%47IST%45R');
    expect(request.rows.map(({ name }) => name)).toContain('c%6fntact');
    const contacts = parseContacts(request.rows);
    expect(contacts.ok && contacts.value.length).toBe(2);
    expect(request.to.display).toBe('"%Z%45"');
  });

  test('§3.1.1.7 longreq: all 34 Vias', () => {
    expect(requestFrom(bytesOf('longreq')).vias).toHaveLength(34);
  });

  test('§3.1.1.8 dblreq: what follows the body in a datagram is not part of it', () => {
    const request = requestFrom(bytesOf('dblreq'));
    expect(request.method).toBe('REGISTER');
    expect(request.body.length).toBe(0);
  });

  test('§3.1.1.10 transports: known and unknown ones', () => {
    expect(requestFrom(bytesOf('transports')).vias.map(({ transport }) => transport)).toEqual([
      'UDP',
      'SCTP',
      'TLS',
      'UNKNOWN',
      'TCP',
    ]);
  });

  test('§3.1.1.11 mpart01: a binary body, byte for byte', () => {
    const bytes = bytesOf('mpart01');
    const request = requestFrom(bytes);
    expect(Buffer.from(bytes).subarray(-request.body.length).equals(request.body)).toBe(true);
    expect(request.body.length).toBe(Number(headerValue(request.rows, 'content-length')));
    expect(request.body.includes(0)).toBe(true);
  });

  test('§3.1.1.12 and 13: an unusual and an empty reason phrase', () => {
    expect(responseFrom(bytesOf('unreason')).reason.startsWith('= 2**3 * 5**2 ')).toBe(true);
    expect(responseFrom(bytesOf('noreason'))).toMatchObject({ status: 100, reason: '' });
  });

  test('§3.1.2.13 regbadct: a bare URI with ? is no Contact', () => {
    expect(parseContacts(requestFrom(bytesOf('regbadct')).rows).ok).toBe(false);
  });

  test('§3.3.5 bext01: option tags', () => {
    const { rows } = requestFrom(bytesOf('bext01'));
    expect(parseTokens(rows, 'require')).toEqual({
      ok: true,
      value: ['nothingSupportsThis', 'nothingSupportsThisEither'],
    });
    expect(parseTokens(rows, 'proxy-require')).toEqual({
      ok: true,
      value: ['noProxiesSupportThis', 'norDoAnyProxiesSupportThis'],
    });
  });

  test('§3.3.7 regaut01: an unknown scheme is told by its name', () => {
    const value = headerValue(requestFrom(bytesOf('regaut01')).rows, 'authorization') ?? '';
    expect(parseCredentials(value)).toMatchObject({ ok: true, value: { scheme: 'nooneknowsthisscheme' } });
  });

  test('§3.3.12 cparam01: a parameter behind a bare URI is the header’s', () => {
    const contacts = parseContacts(requestFrom(bytesOf('cparam01')).rows);
    expect(contacts.ok && contacts.value).toMatchObject([
      { uri: 'sip:+19725552222@gw1.example.net', params: [{ name: 'unknownparam' }] },
    ]);
  });

  test('§3.3.13 cparam02 and §3.3.14 regescrt: what stands between < and > is the URI’s', () => {
    const uriOf = (file: string) => {
      const contacts = parseContacts(requestFrom(bytesOf(file)).rows);
      const [first] = contacts.ok ? contacts.value : [];
      return first === '*' ? undefined : first?.uri;
    };
    expect(uriOf('cparam02')).toBe('sip:+19725552222@gw1.example.net;unknownparam');
    expect(uriOf('regescrt')).toBe('sip:user@example.com?Route=%3Csip:sip.example.com%3E');
  });

  test('§3.4.1 inv2543: without Content-Length the body is the rest of the datagram', () => {
    const request = requestFrom(bytesOf('inv2543'));
    expect(request.body.length).toBeGreaterThan(100);
    expect(request.maxForwards).toBeUndefined();
  });
});
