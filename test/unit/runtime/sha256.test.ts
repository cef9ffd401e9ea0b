import { createHash, createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { hmacSha256, sha256, sha256Hex } from '../../../src/runtime/sha256.ts';

// RFC 4231 §4: key, data, HMAC-SHA-256.
test.each([
  ['0b'.repeat(20), '4869205468657265', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
  [
    '4a656665',
    '7768617420646f2079612077616e7420666f72206e6f7468696e673f',
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  ],
  [
    'aa'.repeat(131),
    '54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374',
    '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  ],
])('RFC 4231 with the key %s', (key, data, mac) => {
  expect(hmacSha256(Buffer.from(key, 'hex'), Buffer.from(data, 'hex')).toString('hex')).toBe(mac);
});

test.each([0, 1, 63, 64, 65, 200])('a key of %i bytes gives what node:crypto gives', (length) => {
  const key = Buffer.alloc(length, 0xe9);
  expect(hmacSha256(key, 'grüße')).toEqual(createHmac('sha256', key).update('grüße').digest());
});

test('text is hashed as UTF-8', () => {
  expect(sha256('grüße')).toEqual(createHash('sha256').update('grüße').digest());
  expect(sha256Hex(Buffer.from('grüße'))).toBe(sha256('grüße').toString('hex'));
});
