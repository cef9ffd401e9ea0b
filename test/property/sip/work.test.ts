// The reader's work, counted in characters looked at, grows no faster than its input: also where npm sip's is cubic.
import { describe, expect, test } from 'vitest';
import { parseCredentials } from '../../../src/sip/credentials.ts';
import { StreamFramer } from '../../../src/sip/framer.ts';
import { parseTokens } from '../../../src/sip/header-values.ts';
import { parseContacts, parseNameAddr } from '../../../src/sip/name-addr.ts';
import { readMessage } from '../../../src/sip/reader.ts';
import type { Work } from '../../../src/sip/scanner.ts';
import { readVias } from '../../../src/sip/via-reader.ts';
import { filled, HOSTILE, messageWith } from '../../support/hostile-shapes.ts';
import { requestText } from '../../support/sip-request.ts';
import { latin1 } from '../../support/sip-verdict.ts';

/** A row of text is searched for CR, LF and NUL, cut, trimmed and then read with blanks looked at from both sides. */
const STEPS_PER_CHARACTER = 12;
const SIZES = [2000, 4000, 8000, 16_000, 32_000, 64_000];

const stepsOf = (text: string): number => {
  const work: Work = { steps: 0 };
  const read = readMessage(latin1(text), work);
  const rows = read.ok ? read.value.rows : (read.error.request?.rows ?? []);
  parseContacts(rows, work);
  parseTokens(rows, 'supported', work);
  for (const { name, value } of rows) if (name === 'authorization') parseCredentials(value, work);
  return work.steps;
};

describe('a datagram with', () => {
  test.each(Object.entries(HOSTILE))('%s is read in linear work', (_what, hostile) => {
    for (const size of SIZES) {
      // One row of everything, and the same cut into rows that stay under the bound of a row.
      const one = messageWith([hostile(size)]);
      const many = messageWith(
        Array.from({ length: Math.ceil(size / 8000) }, () => hostile(Math.min(size, 8000))),
      );
      expect(stepsOf(one)).toBeLessThan(STEPS_PER_CHARACTER * one.length);
      expect(stepsOf(many)).toBeLessThan(STEPS_PER_CHARACTER * many.length);
    }
  });
});

describe('one value of 64,000 characters, past the bound of a row, is read in linear work:', () => {
  test.each(Object.entries(HOSTILE).filter(([what]) => !/fold|bare|NUL|rows/.test(what)))(
    '%s',
    (_what, hostile) => {
      for (const size of SIZES) {
        const row = hostile(size);
        const name = row.slice(0, row.indexOf(':')).toLowerCase();
        const value = row.slice(row.indexOf(':') + 2);
        const work: Work = { steps: 0 };
        const rows = [{ name, as: name, value }];
        if (name === 'via') readVias(value, [], work);
        else if (name === 'authorization') parseCredentials(value, work);
        else if (name === 'supported') parseTokens(rows, name, work);
        else if (name === 'contact') parseContacts(rows, work);
        else parseNameAddr(value, work);
        expect(work.steps).toBeLessThan(STEPS_PER_CHARACTER * row.length);
      }
    },
  );
});

test.each([
  ['a long head', (size: number) => requestText({ headers: [`X: ${'y'.repeat(Math.min(size, 16_000))}`] })],
  ['a long body', (size: number) => requestText({ body: 'z'.repeat(size) })],
  [
    'many rows',
    (size: number) =>
      requestText({ headers: Array.from({ length: 200 }, () => `X: ${'y'.repeat(size / 250)}`) }),
  ],
  ['pings', (size: number) => '\r\n\r\n'.repeat(size / 4)],
  ['no end of a head', (size: number) => filled('x\r\n', size)],
])('a stream with %s that comes byte by byte is framed in linear work', (_what, stream) => {
  for (const size of [2000, 8000, 32_000]) {
    const work: Work = { steps: 0 };
    const framer = new StreamFramer({ messageBytesMax: 65_535, work });
    const bytes = latin1(stream(size));
    for (let at = 0; at < bytes.length; at += 1) {
      framer.push(bytes.slice(at, at + 1));
      while (framer.next() !== undefined);
    }
    // Each byte is searched when it comes (with three before it), copied when the buffer grows, and read once.
    expect(work.steps).toBeLessThan((STEPS_PER_CHARACTER + 12) * bytes.length);
  }
});
