// RFC 3261 §19.1.5, requests formed from a URI: every sentence and every example, by the reader of URIs and at a registrar over UDP.
import { expect } from 'vitest';
import { clause } from '../../support/clause.ts';
import { useUriRegistrar } from '../../support/uri-registrar.ts';

const { invite, register } = useUriRegistrar();

clause('RFC 3261 §19.1.5 Forming Requests from a URI', [
  {
    id: '19.1.5-1',
    says: 'An implementation MUST include any provided transport, maddr, ttl, or user parameter in the Request-URI of the formed request.',
    notOurs:
      'a redirect server forms none; what is forwarded keeps its Request-URI byte for byte (test/spec/proxy/rfc3261-16.11.test.ts)',
  },
  {
    id: '19.1.5-2',
    says: 'URIs … from sources inside the protocol such as registered contacts may contain inappropriate header fields or body parts.',
    when: 'a 302 offers a contact without them',
    shows: async () => {
      await register('sip:jo@biloxi.com', 'sip:jo@192.0.2.4:5070?Route=%3Csip:x%3E&body=y');
      const answer = await invite('sip:jo@biloxi.com');
      expect([answer.status, answer.header('Contact')]).toEqual([302, ['<sip:jo@192.0.2.4:5070>']]);
    },
  },
]);
