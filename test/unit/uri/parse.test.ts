import { describe, expect, test } from 'vitest';
import { formatSipUri, parseHostPort, parseSipUri, schemeOf } from '../../../src/uri/parse.ts';
import type { SipUri } from '../../../src/uri/types.ts';

const WELL_FORMED: readonly (readonly [string, SipUri])[] = [
  ['sip:example.com', { scheme: 'sip', host: 'example.com', params: [] }],
  ['sip:alice@example.com', { scheme: 'sip', user: 'alice', host: 'example.com', params: [] }],
  [
    'sips:alice:secretword@example.com:5061;transport=tcp',
    {
      scheme: 'sips',
      user: 'alice',
      password: 'secretword',
      host: 'example.com',
      port: 5061,
      params: [{ name: 'transport', value: 'tcp' }],
    },
  ],
  ['sip:[2001:db8::10]:5070', { scheme: 'sip', host: '2001:db8::10', port: 5070, params: [] }],
  ['sip:[2001:db8::10:5070]', { scheme: 'sip', host: '2001:db8::10:5070', params: [] }],
  [
    'sip:user;par=u%40example.net@example.com',
    { scheme: 'sip', user: 'user;par=u%40example.net', host: 'example.com', params: [] },
  ],
  [
    'sip:a@b.de;lr;maddr=[::1]?subject=x%20y&to=z',
    {
      scheme: 'sip',
      user: 'a',
      host: 'b.de',
      params: [{ name: 'lr' }, { name: 'maddr', value: '[::1]' }],
      headers: 'subject=x%20y&to=z',
    },
  ],
  ['sip:a:@b', { scheme: 'sip', user: 'a', password: '', host: 'b', params: [] }],
];

describe('a well-formed URI', () => {
  test.each(WELL_FORMED)('%s is read and written back', (text, uri) => {
    expect(parseSipUri(text)).toEqual({ ok: true, value: uri });
    expect(formatSipUri(uri)).toBe(text);
  });

  test('has scheme and host in any case, and parameter names in lower case', () => {
    const read = parseSipUri('SIP:Alice@EXAMPLE.Com;Transport=TCP');
    expect(read).toEqual({
      ok: true,
      value: {
        scheme: 'sip',
        user: 'Alice',
        host: 'example.com',
        params: [{ name: 'transport', value: 'TCP' }],
      },
    });
  });

  test('may say the same parameter twice alike, as baresip does', () => {
    const read = parseSipUri('sip:bob@127.0.0.1:35060;transport=udp;transport=udp');
    expect(read.ok && read.value.params).toEqual([{ name: 'transport', value: 'udp' }]);
  });

  test('may have the third colon of RFC 5118 §4.10', () => {
    const read = parseSipUri('sip:user@[2001:db8:::192.0.2.1]');
    expect(read.ok && read.value.host).toBe('2001:db8::192.0.2.1');
  });
});

describe('a malformed URI is refused:', () => {
  test.each([
    [''],
    ['sip:'],
    ['alice@example.com'],
    ['tel:+123'],
    ['sip:@example.com'],
    ['sip:a@'],
    ['sip:a@b@c'],
    ['sip:a b@c'],
    ['sip:a@b c'],
    ['sip:a%zz@b'],
    ['sip:a%4@b'],
    ['sip:a@2001:db8::10'],
    ['sip:a@[2001:db8::10'],
    ['sip:a@[example.com]'],
    ['sip:a@[::1]x'],
    ['sip:a@b:0'],
    ['sip:a@b:65536'],
    ['sip:a@b:'],
    ['sip:a@b:5060x'],
    ['sip:a@b;'],
    ['sip:a@b;;lr'],
    ['sip:a@b; lr'],
    ['sip:a@b;x='],
    ['sip:a@b;transport=udp;transport=tcp'],
    ['sip:a@b?'],
    ['sip:a@b?x="y"'],
    ['sip:a@b\r\nVia: x'],
    ['sip:a\u0000@b'],
    ['sip:ü@b'],
    ['<sip:a@b>'],
    ['sip:a@1.2.3.999'],
    [`sip:a@b;${Array.from({ length: 33 }, (_, at) => `p${at}`).join(';')}`],
    [`sip:a@b?${Array.from({ length: 33 }, (_, at) => `h${at}=x`).join('&')}`],
    [`sip:${'a'.repeat(9000)}@b`],
  ])('%j', (text) => {
    const read = parseSipUri(text);
    expect(read.ok).toBe(false);
  });
});

test('a scheme is what stands before the first colon, in lower case', () => {
  expect(schemeOf('SiPs:x')).toBe('sips');
  expect(schemeOf('soap.beep://192.0.2.103:3002')).toBe('soap.beep');
  expect(schemeOf('1a:x')).toBeUndefined();
  expect(schemeOf('a b:x')).toBeUndefined();
  expect(schemeOf('x')).toBeUndefined();
  expect(schemeOf(`${'a'.repeat(65)}:x`)).toBeUndefined();
});

test('host and port are read as in a listener or a Via', () => {
  expect(parseHostPort('[::1]:5060')).toEqual({ ok: true, value: { host: '::1', port: 5060 } });
  expect(parseHostPort('Example.com')).toEqual({ ok: true, value: { host: 'example.com' } });
  expect(parseHostPort('::1').ok).toBe(false);
});
