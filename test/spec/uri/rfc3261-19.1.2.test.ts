// RFC 3261 §19.1.2, what must be escaped in a URI: every sentence and every example, by the reader of URIs and at a registrar over UDP.
import { expect } from 'vitest';
import { parseSipUri } from '../../../src/uri/parse.ts';
import type { SipUri } from '../../../src/uri/types.ts';
import { clause } from '../../support/clause.ts';
import { isUri, nameOf, useUriRegistrar } from '../../support/uri-registrar.ts';

const { sameUser, statusOf } = useUriRegistrar();

clause('RFC 3261 §19.1.2 Character Escaping Requirements', [
  {
    id: '19.1.2-1',
    says: 'URIs MUST NOT contain unescaped space and control characters.',
    shows: () => {
      const bad = [
        'sip:a b@c',
        'sip:a@c d',
        'sip:a\t@c',
        'sip:a\x7f@c',
        'sip:a@c;x=\x01',
        'sip:a\0@c',
        'sip:a@c?x=a b',
      ];
      expect(bad.filter(isUri)).toEqual([]);
    },
  },
  {
    id: '19.1.2-2',
    says: 'For each component, the set of valid BNF expansions defines exactly which characters may appear unescaped. All other characters MUST be escaped.',
    shows: () => {
      // §25.1, component by component: unreserved is alphanum and mark; what each adds to it is in the test's first column.
      const mark = "-_.!~*'()";
      const ascii = Array.from({ length: 94 }, (_, at) => String.fromCharCode(0x21 + at));
      const allowed = (added: string) =>
        ascii.filter((char) => /[A-Za-z0-9]/.test(char) || (mark + added).includes(char));
      const taken = (uriWith: (char: string) => string, part: (uri: SipUri) => string | undefined) =>
        ascii.filter((char) => {
          const uri = parseSipUri(uriWith(char));
          return uri.ok && part(uri.value) === `x${char}x`;
        });
      expect(
        taken(
          (char) => `sip:x${char}x@b`,
          ({ user }) => user,
        ),
      ).toEqual(allowed('&=+$,;?/'));
      expect(
        taken(
          (char) => `sip:u:x${char}x@b`,
          ({ password }) => password,
        ),
      ).toEqual(allowed('&=+$,'));
      expect(
        taken(
          (char) => `sip:u@b;p=x${char}x`,
          ({ params }) => params[0]?.value,
        ),
      ).toEqual(allowed('[]/:&+$'));
      expect(
        taken(
          (char) => `sip:u@b?h=x${char}x`,
          ({ headers }) => headers?.slice(2),
        ),
      ).toEqual(
        // & and = stand between headers, so in a value they only look as if they were of it.
        [...allowed('[]/?:+$&=')].sort(),
      );
    },
  },
  {
    id: '19.1.2-3',
    says: 'the user "j@s0n" must have at least the @ sign encoded, as in "j%40s0n".',
    shows: async () => {
      expect(isUri('sip:j@s0n@biloxi.com')).toBe(false);
      expect(nameOf('sip:j%40s0n@biloxi.com')).toBe('sip:j%40s0n@biloxi.com');
      expect(await sameUser('sip:j%40s0n@biloxi.com', 'sip:%6A%40s0n@biloxi.com')).toBe(true);
    },
  },
  {
    id: '19.1.2-4',
    says: 'character escaping is not allowed in the host component of a SIP or SIPS URI',
    shows: async () => {
      expect(isUri('sip:bob@%62iloxi.com')).toBe(false);
      expect(await statusOf('sip:bob@%62iloxi.com')).toBe(400);
    },
  },
  {
    id: '19.1.2-5',
    says: 'Current implementations MUST NOT attempt to improve robustness by treating received escaped characters in the host component as literally equivalent to their unescaped counterpart. The behavior required to meet the requirements of IDN may be significantly different.',
    when: 'a domain with letters beyond ASCII is its A-label',
    shows: async () => {
      expect(await sameUser('sip:bob@xn--bcher-kva.example', 'sip:bob@XN--Bcher-KVA.example')).toBe(true);
      expect(await statusOf('sip:bob@b%C3%BCcher.example')).toBe(400);
      expect(await statusOf('sip:bob@b\xc3\xbccher.example')).toBe(400);
      // Who types it means the A-label.
      expect(nameOf('sip:bob@BÜCHER.example')).toBe('sip:bob@xn--bcher-kva.example');
    },
  },
]);
