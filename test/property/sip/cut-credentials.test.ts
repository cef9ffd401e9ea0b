import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutCredentials } from '../../../src/sip/cut-credentials.ts';

const cut = (text: string): string =>
  Buffer.from(cutCredentials(Buffer.from(text, 'latin1'))).toString('latin1');

/** Pieces that headers with credentials are made of, whole and broken. */
const piece = fc.constantFrom(
  'Digest ',
  'Basic ',
  'username=',
  'response=',
  'nonce = ',
  '"',
  '\\"',
  ',',
  ' ',
  '\r\n ',
  '=',
  'realm="b"',
  'sip:a:b@c',
  'abc',
);
const SECRET = '5f4dcc3b5aa765d61d8327deb882cf99';

test('a message keeps its length and its line ends, whatever it is', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ unit: 'binary' }))), (pieces) => {
      const text = Buffer.from(`REGISTER x SIP/2.0\r\nAuthorization: ${pieces.join('')}`, 'latin1').toString(
        'latin1',
      );
      const shown = cut(text);
      expect(shown).toHaveLength(text.length);
      expect(shown.replace(/[^\r\n]/g, '.')).toBe(text.replace(/[^\r\n]/g, '.'));
    }),
  );
});

test('what was cut once stays as it is', () => {
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const once = cut(`REGISTER x SIP/2.0\r\nAuthorization: Digest ${pieces.join('')}`);
      expect(cut(once)).toBe(once);
    }),
  );
});

test('a response never shows, whatever stands before and behind it', () => {
  const clean = fc.constantFrom('realm="b", ', 'nonce="n",', 'qop=auth , ', 'uri="sip:b",\r\n ', ',', ' ');
  fc.assert(
    fc.property(fc.array(clean), fc.array(piece), fc.boolean(), (before, behind, quoted) => {
      const response = quoted ? `"${SECRET}"` : SECRET;
      const shown = cut(
        `REGISTER x SIP/2.0\r\nAuthorization: Digest ${before.join('')}response=${response},${behind.join('')}\r\n\r\n`,
      );
      expect(shown).not.toContain(SECRET);
    }),
  );
});
