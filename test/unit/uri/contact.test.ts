import { expect, test } from 'vitest';
import { parseContactUri } from '../../../src/uri/contact.ts';

test.each(['sip:bob@192.0.2.4', 'sips:bob@biloxi.com;transport=tcp'])('%s is a SIP URI, parsed', (text) => {
  expect(parseContactUri(text)).toMatchObject({ ok: true, value: { user: 'bob' } });
});

test.each(['tel:+15551234', 'mailto:bob@biloxi.com', 'xmpp:bob@biloxi.com/desk', 'urn:x:%22'])(
  '%s is a URI of another scheme',
  (text) => {
    expect(parseContactUri(text)).toEqual({ ok: true, value: undefined });
  },
);

test.each([
  '',
  'bob',
  'sip:',
  'sip:bob@',
  'sip:bob@two words',
  'x:a\r\nContact: y:b',
  'x:a>',
  'x:"a"',
  'x:\u010a',
  'x:\u00fc',
  `x:${'y'.repeat(9000)}`,
])('%j is none', (text) => {
  expect(parseContactUri(text).ok).toBe(false);
});
