// RFC 3261 §19.1.6, SIP URIs and tel URLs: every sentence and every example, by the reader of URIs and at a registrar over UDP.
import { expect } from 'vitest';
import { clause } from '../../support/clause.ts';
import { parsed, useUriRegistrar } from '../../support/uri-registrar.ts';

const { invite, pair, register, statusOf } = useUriRegistrar();

clause('RFC 3261 §19.1.6 Relating SIP URIs and tel URLs', [
  {
    id: '19.1.6-1',
    says: 'the entire telephone-subscriber portion of the tel URL, including any parameters, is placed into the userinfo part',
    shows: () => {
      expect(parsed('sip:+358-555-1234567;postd=pp22@foo.com;user=phone')).toMatchObject({
        user: '+358-555-1234567;postd=pp22',
        params: [{ name: 'user', value: 'phone' }],
      });
    },
  },
  pair(
    '19.1.6-2',
    'are not [equivalent]',
    'sip:+358-555-1234567;postd=pp22@foo.com;user=phone',
    'sip:+358-555-1234567;POSTD=PP22@foo.com;user=phone',
    false,
  ),
  pair(
    '19.1.6-3',
    'are not [equivalent]',
    'sip:+358-555-1234567;postd=pp22;isub=1411@foo.com;user=phone',
    'sip:+358-555-1234567;isub=1411;postd=pp22@foo.com;user=phone',
    false,
  ),
  {
    id: '19.1.6-4',
    says: 'elements constructing telephone-subscriber fields … SHOULD fold any case-insensitive portion … to lower case, and order the telephone-subscriber parameters',
    notOurs:
      'no tel: URI is turned into a SIP URI here: whoever asks for one is told to write sip:NUMBER@DOMAIN;user=phone',
  },
  {
    id: '19.1.6-5',
    says: 'When a tel URL (RFC 2806 [9]) is converted to a SIP or SIPS URI',
    when: 'a tel: Contact is kept and told, and no 302 names it; a tel: To is no address of record of ours',
    shows: async () => {
      expect(
        (await register('sip:kim@biloxi.com', 'tel:+358-555-1234567')).header('Contact').join(),
      ).toContain('<tel:+358-555-1234567>');
      expect((await invite('sip:kim@biloxi.com')).status).toBe(480);
      expect(await statusOf('tel:+358-555-1234567')).toBe(400);
    },
  },
]);
