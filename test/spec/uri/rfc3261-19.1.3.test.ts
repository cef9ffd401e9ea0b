// RFC 3261 §19.1.3, the examples of URIs: every sentence and every example, by the reader of URIs and at a registrar over UDP.
import { expect } from 'vitest';
import { sipLocationName } from '../../../src/uri/name.ts';
import { formatSipUri } from '../../../src/uri/parse.ts';
import { clause } from '../../support/clause.ts';
import { parsed, useUriRegistrar } from '../../support/uri-registrar.ts';

const { register } = useUriRegistrar();

clause('RFC 3261 §19.1.3 Example SIP and SIPS URIs', [
  ...[
    'sip:alice@atlanta.com',
    'sip:alice:secretword@atlanta.com;transport=tcp',
    'sips:alice@atlanta.com?subject=project%20x&priority=urgent',
    'sip:+1-212-555-1212:1234@gateway.com;user=phone',
    'sips:1212@gateway.com',
    'sip:alice@192.0.2.4',
    'sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com',
    'sip:alice;day=tuesday@atlanta.com',
  ].map((uri, index) => ({
    id: `19.1.3-${index + 1}`,
    says: uri,
    shows: async () => {
      expect(formatSipUri(parsed(uri))).toBe(uri);
      // As a contact it comes back byte for byte.
      expect((await register(`sip:example${index}@biloxi.com`, uri)).header('Contact').join()).toContain(
        `<${uri}>`,
      );
    },
  })),
  {
    id: '19.1.3-9',
    says: 'The last sample URI above has a user field value of "alice;day=tuesday".',
    shows: () => {
      const uri = parsed('sip:alice;day=tuesday@atlanta.com');
      expect(uri).toMatchObject({ user: 'alice;day=tuesday', params: [] });
      expect(sipLocationName(uri)).toMatchObject({ value: { user: 'alice;day=tuesday' } });
    },
  },
]);
