// What others published or an operator wrote is a stranger's text too: no value made of it holds CR, LF or NUL.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatChallenge } from '../../../src/auth/digest.ts';
import { shown } from '../../../src/bridge/contact-change.ts';
import { contactHeaders } from '../../../src/bridge/contact-list.ts';
import { contactsFor } from '../../../src/redirect/targets.ts';
import { isWritable, writeResponse } from '../../../src/sip/codec.ts';
import { readMessage } from '../../../src/sip/reader.ts';
import { warning } from '../../../src/sip/warning.ts';
import { aorOf } from '../../../src/uri/name.ts';
import { createSelf } from '../../../src/uri/self.ts';
import { requestOf } from '../../support/sip-request.ts';

const self = createSelf({
  domains: ['biloxi.com'],
  aliases: [],
  listeners: [{ bound: { host: '192.0.2.1', port: 5060 }, advertised: { host: '192.0.2.1', port: 5060 } }],
});

/** Any text, with what ends rows and strings in it more often than chance would. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\r',
        '\n',
        '\r\n',
        '\0',
        '\\\0',
        '"',
        '\\',
        '>',
        ';',
        ',',
        'Injected: yes',
        '\u010a',
        '\u2028',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
      fc.constantFrom('sip:bob@192.0.2.4', '<', '@', '%0d%0a', ':5060', ';x='),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));
/** Mostly a contact that would be told if it were sound. */
const contact = fc.oneof(
  hostile,
  hostile.map((text) => `sip:bob@192.0.2.4${text}`),
  hostile.map((text) => `sip:${text}@192.0.2.4`),
  fc.constant('sip:bob@192.0.2.4:5070'),
);
const param = fc
  .record({ name: fc.oneof(hostile, fc.constant('x')), value: fc.option(hostile, { nil: undefined }) })
  .map(({ name, value }) => (value === undefined ? { name } : { name, value }));

const sound = (text: string): void => {
  expect(isWritable(text)).toBe(true);
  // isWritable by other words: no row ends here, no string is cut short, and every character is a byte.
  for (const [index, char] of [...text].entries()) {
    expect(['\r', '\n']).not.toContain(char);
    if (char === '\0') expect([...text][index - 1]).toBe('\\');
    expect(char.codePointAt(0) ?? 0).toBeLessThan(0x100);
  }
};

describe('no CR, LF or NUL', () => {
  test('in the Contacts of a 302, whatever was published', () => {
    const uri = { scheme: 'sip', user: 'bob', host: 'biloxi.com', params: [] } as const;
    fc.assert(
      fc.property(fc.array(fc.record({ contact, path: fc.array(hostile) })), (bindings) => {
        for (const value of contactsFor(bindings, uri, self)) sound(value);
      }),
      { numRuns: 500 },
    );
  });

  test('in the Contacts of a 200 to REGISTER, whatever another registrar of the domain published', () => {
    const binding = fc.record({
      contact,
      canonicalContact: contact,
      params: fc.array(param, { maxLength: 3 }),
      path: fc.constant([]),
      expiresAtMs: fc.integer({ min: 1, max: 1e6 }),
      instance: hostile,
      q: fc.constant(0.5),
    });
    fc.assert(
      fc.property(fc.array(binding, { maxLength: 4 }), fc.boolean(), (bindings, datagram) => {
        const headers = contactHeaders(bindings, { nowMs: 0, granted: new Map(), datagram });
        for (const [, value] of headers) sound(value);
        // Read back, there are as many contacts as were written and nothing else.
        const request = requestOf();
        const bytes = writeResponse({
          status: 200,
          reason: 'OK',
          rows: [
            ...request.rows,
            { as: 'From', value: '<sip:a@b>' },
            { as: 'To', value: '<sip:a@b>' },
            { as: 'Call-ID', value: 'c' },
            { as: 'CSeq', value: '1 REGISTER' },
            ...headers.map(([as, value]) => ({ as, value })),
          ],
          body: new Uint8Array(),
        });
        const read = readMessage(bytes);
        if (!read.ok) throw new Error(read.error.reason);
        expect(read.value.rows.filter(({ name }) => name === 'contact')).toHaveLength(headers.length);
        expect(read.value.rows.filter(({ name }) => name === 'injected')).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('in a reason, a Warning, a challenge or an address of record', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        sound(shown(text));
        const [, value] = warning(text);
        sound(value);
        sound(aorOf({ scheme: 'sip', user: text, domain: 'biloxi.com' }));
      }),
      { numRuns: 500 },
    );
    fc.assert(
      // A realm is a domain of the configuration, a nonce our own.
      fc.property(fc.domain(), fc.base64String(), (realm, nonce) => {
        sound(formatChallenge({ realm, nonce, algorithm: 'MD5', stale: true }));
      }),
    );
  });
});
