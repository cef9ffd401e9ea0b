import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeReply, writeRequest, writeResponse } from '../../../src/sip/codec.ts';
import { parseCredentials } from '../../../src/sip/credentials.ts';
import { parseTokens } from '../../../src/sip/header-values.ts';
import { parseContacts, parseNameAddrs } from '../../../src/sip/name-addr.ts';
import { readMessage } from '../../../src/sip/reader.ts';
import type { SipMessage } from '../../../src/sip/types.ts';
import { corpusBytes, mutatedBytes } from '../../support/sip-mutations.ts';

/** Everything that is ever read of a message. */
const readAll = (bytes: Uint8Array): SipMessage | undefined => {
  const read = readMessage(bytes);
  const message = read.ok ? read.value : read.error.request;
  if (message === undefined) return undefined;
  parseContacts(message.rows);
  for (const name of ['route', 'record-route', 'path']) parseNameAddrs(message.rows, name);
  for (const name of ['require', 'supported', 'allow']) parseTokens(message.rows, name);
  for (const { value } of message.rows) parseCredentials(value);
  return message;
};

const rowsOf = (message: SipMessage) =>
  message.rows.filter(({ name }) => name !== 'content-length').map(({ name, value }) => ({ name, value }));

describe('the reader', () => {
  test('never throws, whatever the bytes, and whoever can be answered is', () => {
    fc.assert(
      fc.property(fc.oneof(mutatedBytes, fc.uint8Array({ maxLength: 300 })), (bytes) => {
        const message = readAll(bytes);
        if (message?.kind === 'request') writeReply(message, { status: 400 }, { toTag: 'x' });
      }),
      { numRuns: 1500 },
    );
  });

  test('lets no CR, LF or bare NUL into a value', () => {
    fc.assert(
      fc.property(mutatedBytes, (bytes) => {
        for (const { as, value } of readAll(bytes)?.rows ?? []) {
          expect(value).not.toMatch(/[\r\n]/);
          expect(value).not.toMatch(/(?:^|[^\\])\0/);
          expect(as).toMatch(/^[\w\-.!%*+`'~]+$/);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('the codec', () => {
  test('writes what was read: rows in order and verbatim, body and start line too', () => {
    fc.assert(
      fc.property(fc.oneof(corpusBytes, mutatedBytes), (bytes) => {
        const read = readMessage(bytes);
        if (!read.ok) return;
        const message = read.value;
        const again = readMessage(
          message.kind === 'request' ? writeRequest(message) : writeResponse(message),
        );
        if (!again.ok) throw new Error(again.error.reason);
        expect(rowsOf(again.value)).toEqual(rowsOf(message));
        expect(Buffer.from(again.value.body).equals(message.body)).toBe(true);
        if (message.kind === 'request')
          expect(again.value).toMatchObject({ method: message.method, uri: message.uri });
        else expect(again.value).toMatchObject({ status: message.status, reason: message.reason });
      }),
      { numRuns: 1000 },
    );
  });

  test('writes the same bytes twice', () => {
    fc.assert(
      fc.property(corpusBytes, (bytes) => {
        const read = readMessage(bytes);
        if (!read.ok || read.value.kind !== 'request') return;
        const once = writeRequest(read.value);
        const again = readMessage(once);
        if (!again.ok || again.value.kind !== 'request') throw new Error('unreadable');
        expect(Buffer.from(writeRequest(again.value)).equals(once)).toBe(true);
      }),
    );
  });
});
