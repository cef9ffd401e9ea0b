import { describe, expect, test } from 'vitest';
import { aorOf, locationName, sipLocationName } from '../../../src/uri/name.ts';
import { parseSipUri } from '../../../src/uri/parse.ts';

const name = (scheme: string, user: string, domain: string) => ({
  ok: true,
  value: { scheme, user, domain },
});

describe('the name of a URI', () => {
  test.each([
    ['sip:bob@biloxi.com', name('sip', 'bob', 'biloxi.com')],
    ['sips:bob@biloxi.com', name('sip', 'bob', 'biloxi.com')],
    ['SIP:Bob@BILOXI.com.', name('sip', 'Bob', 'biloxi.com')],
    ['sip:bob:pw@biloxi.com:5070;user=phone?x=y', name('sip', 'bob', 'biloxi.com')],
    ['sip:%75se%72@example.com', name('sip', 'user', 'example.com')],
    ['sip:null-%00-null@example.com', name('sip', 'null-\u0000-null', 'example.com')],
    ['sip:a%2541@example.com', name('sip', 'a%41', 'example.com')],
    ['sip:j%C3%BCrgen@example.com', name('sip', 'jürgen', 'example.com')],
    ['sip:user;par=u%40example.net@example.com', name('sip', 'user;par=u@example.net', 'example.com')],
    ['sip:bob@[2001:DB8:0::1]', name('sip', 'bob', '2001:db8::1')],
    ['sip:bob@192.0.2.4', name('sip', 'bob', '192.0.2.4')],
    ['sip:bob@münchen.example', name('sip', 'bob', 'xn--mnchen-3ya.example')],
    ['sip:bob@MÜNCHEN.example:5070;lr', name('sip', 'bob', 'xn--mnchen-3ya.example')],
    ['xmpp:romeo@Montague.net/orchard', name('xmpp', 'romeo', 'montague.net')],
    ['xmpp:jürgen@münchen.example?message', name('xmpp', 'jürgen', 'xn--mnchen-3ya.example')],
    ['h323:bob@example.com:1720;x', name('h323', 'bob', 'example.com')],
    ['mailto:bob@[::1]', name('mailto', 'bob', '::1')],
  ])('%s', (text, expected) => {
    expect(locationName(text)).toEqual(expected);
  });

  test.each([
    ['', 'not a URI'],
    ['bob', 'not a URI'],
    ['sip:biloxi.com', 'names no user'],
    ['sip:b%FFb@biloxi.com', 'not UTF-8'],
    ['sip:jürgen@biloxi.com', 'user part'],
    ['soap.beep://192.0.2.103:3002', 'user@domain'],
    ['xmpp:@example.com', 'names no user'],
    ['xmpp:a%@example.com', 'hex digits'],
    ['xmpp:bob@exa mple.com', 'no host name'],
    ['xmpp:bob@', 'no host name'],
    [`xmpp:${'a'.repeat(600)}@example.com`, 'too long'],
    [`xmpp:${'a'.repeat(9000)}@example.com`, 'too long'],
  ])('%j has none: %s', (text, why) => {
    const read = locationName(text);
    expect(read.ok).toBe(false);
    expect(!read.ok && read.error).toContain(why);
  });

  test('of a tel: URI is refused with what to write instead', () => {
    const read = locationName('tel:+4989123;phone-context=x');
    expect(!read.ok && read.error).toContain('sip:+4989123@DOMAIN;user=phone');
  });

  test('comes alike from a parsed SIP URI', () => {
    const uri = parseSipUri('sips:%62ob@BILOXI.com.;x');
    expect(uri.ok && sipLocationName(uri.value)).toEqual(name('sip', 'bob', 'biloxi.com'));
  });
});

describe('the text of a name', () => {
  test.each([
    [{ scheme: 'sip', user: 'bob', domain: 'biloxi.com' }, 'sip:bob@biloxi.com'],
    [{ scheme: 'sip', user: 'a b@c:d%', domain: '::1' }, 'sip:a%20b%40c%3Ad%25@[::1]'],
    [{ scheme: 'sip', user: 'jürgen', domain: 'x.de' }, 'sip:j%C3%BCrgen@x.de'],
    [{ scheme: 'xmpp', user: 'romeo', domain: 'x.de' }, 'xmpp:romeo@x.de'],
  ])('%j is %s and reads back', (given, text) => {
    expect(aorOf(given)).toBe(text);
    expect(locationName(text)).toEqual({ ok: true, value: given });
  });
});
