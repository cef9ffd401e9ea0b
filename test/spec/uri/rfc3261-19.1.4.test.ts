// RFC 3261 §19.1.4: every example of the section, and how the canonical contact text follows it.
import { describe, expect, test } from 'vitest';
import { canonicalContact, sipUriEquals } from '../../../src/uri/compare.ts';
import { parseSipUri } from '../../../src/uri/parse.ts';

const equal = (left: string, right: string): boolean => {
  const [a, b] = [parseSipUri(left), parseSipUri(right)];
  if (!a.ok || !b.ok) throw new Error('an example that is no URI');
  return sipUriEquals(a.value, b.value);
};

const EQUAL = [
  ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
  [
    'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
    'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
  ],
  [
    'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
    'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
  ],
] as const;

/** Equal by the rule, held apart by a text that keeps every parameter (src/uri/compare.ts says why). */
const EQUAL_BUT_PARTED = [
  ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
  ['sip:carol@chicago.com', 'sip:carol@chicago.com;security=on'],
  ['sip:carol@chicago.com;newparam=5', 'sip:carol@chicago.com;security=on'],
] as const;

const DIFFERENT = [
  ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
  ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
  ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
  ['sip:a@b', 'sips:a@b'],
  ['sip:a@b', 'sip:a:pw@b'],
  ['sip:a@b', 'sip:a@b;maddr=c'],
  ['sip:a@b', 'sip:a@b;user=ip'],
  ['sip:a@b', 'sip:a@b;ttl=1'],
  ['sip:a@b', 'sip:a@b;method=INVITE'],
  ['sip:a@b;security=on', 'sip:a@b;security=off'],
  ['sip:%00@b', 'sip:%00%00@b'],
] as const;

describe('RFC 3261 §19.1.4', () => {
  test.each(EQUAL)('%s equals %s', (left, right) => {
    expect(equal(left, right)).toBe(true);
    expect(equal(right, left)).toBe(true);
    expect(canonicalContact(left)).toBe(canonicalContact(right));
  });

  test.each(EQUAL_BUT_PARTED)('%s equals %s, with another canonical text', (left, right) => {
    expect(equal(left, right)).toBe(true);
    expect(equal(right, left)).toBe(true);
    expect(canonicalContact(left)).not.toBe(canonicalContact(right));
  });

  test.each(DIFFERENT)('%s differs from %s', (left, right) => {
    expect(equal(left, right)).toBe(false);
    expect(equal(right, left)).toBe(false);
    expect(canonicalContact(left)).not.toBe(canonicalContact(right));
  });

  test('is not transitive, which no canonical text can follow', () => {
    expect(equal('sip:a@b;x=1', 'sip:a@b')).toBe(true);
    expect(equal('sip:a@b', 'sip:a@b;x=2')).toBe(true);
    expect(equal('sip:a@b;x=1', 'sip:a@b;x=2')).toBe(false);
  });
});

test.each([
  ['tel:+123', 'tel:+123'],
  ['xmpp:Romeo@x.de', 'xmpp:Romeo@x.de'],
  ['sip:broken@', 'sip:broken@'],
  ['sip:a@EXAMPLE.com.;B=C;a', 'sip:a@example.com;a;b=c'],
  ['sip:a%40%41%3b@[2001:DB8:0:0::1]:5060', 'sip:a%40A%3B@[2001:db8::1]:5060'],
])('the canonical text of %s is %s', (text, canonical) => {
  expect(canonicalContact(text)).toBe(canonical);
});
