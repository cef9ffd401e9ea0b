import { describe, expect, test } from 'vitest';
import { warning } from '../../../src/sip/warning.ts';

describe('a Warning', () => {
  test('is 399 with an agent and a quoted text (RFC 3261 20.43)', () => {
    expect(warning('host a.example is not ours')).toEqual([
      'Warning',
      '399 chordial "host a.example is not ours"',
    ]);
  });

  test.each([
    ['a quote', 'a"b', '399 chordial "a\\"b"'],
    ['a backslash at the end', 'a\\', '399 chordial "a\\\\"'],
    ['a line end', 'a\r\nVia: b', '399 chordial "a??Via: b"'],
    ['what is no ASCII', 'é\0', '399 chordial "??"'],
  ])('keeps %s from ending it', (_, text, value) => {
    expect(warning(text)[1]).toBe(value);
  });

  test('is cut', () => {
    expect(warning('"'.repeat(10_000))[1]).toHaveLength('399 chordial ""'.length + 400);
  });
});
