import { describe, expect, test } from 'vitest';
import { FlowTokens } from '../../../src/auth/flow-token.ts';

const HOUR_MS = 3_600_000;
const nowMs = 1_800_000_000_000;
const dialog = { callId: 'a84b4c76e66710', callerTag: '1928301774' };
const tokens = new FlowTokens(Buffer.from('secret'));

describe('the token of a dialog', () => {
  test('is accepted for its dialog', () => {
    expect(tokens.check(tokens.sign(dialog, nowMs), dialog, nowMs)).toBe(true);
  });

  test('is the same for a retransmission', () => {
    expect(tokens.sign(dialog, nowMs + 30_000)).toBe(tokens.sign(dialog, nowMs));
  });

  test('consists of characters that a SIP user part may have', () => {
    expect(tokens.sign(dialog, nowMs)).toMatch(/^[A-Za-z0-9._-]{16,40}$/);
  });

  test('is accepted by another registrar with the same secret', () => {
    const other = new FlowTokens(Buffer.from('secret'));
    expect(other.check(tokens.sign(dialog, nowMs), dialog, nowMs)).toBe(true);
  });

  test.each([
    ['another Call-ID', { ...dialog, callId: 'other' }],
    ['another tag', { ...dialog, callerTag: 'other' }],
    ['fields that give the same text when joined', { callId: 'a84b4c76e667', callerTag: '101928301774' }],
  ])('is refused for %s', (_, other) => {
    expect(tokens.check(tokens.sign(dialog, nowMs), other, nowMs)).toBe(false);
  });

  test.each([
    ['within a day', 23 * HOUR_MS, true],
    ['after more than a day', 26 * HOUR_MS, false],
    ['from a clock an hour ahead', -HOUR_MS, true],
    ['from a clock far ahead', -3 * HOUR_MS, false],
  ])('%s', (_, ageMs, accepted) => {
    expect(tokens.check(tokens.sign(dialog, nowMs), dialog, nowMs + ageMs)).toBe(accepted);
  });

  test.each([
    ['nothing', ''],
    ['a user name', 'alice'],
    ['a token under another secret', new FlowTokens(Buffer.from('other')).sign(dialog, nowMs)],
    ['a token with a later hour', tokens.sign(dialog, nowMs).replace(/^d1\.\w+/, 'd1.zzzzzz')],
    ['a token with more behind it', `${tokens.sign(dialog, nowMs)}x`],
    [
      'a token with one bit changed',
      tokens.sign(dialog, nowMs).replace(/.$/, (end) => (end === 'A' ? 'B' : 'A')),
    ],
  ])('%s is none', (_, forged) => {
    expect(tokens.check(forged, dialog, nowMs)).toBe(false);
  });
});
