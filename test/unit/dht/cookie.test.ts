import { describe, expect, test } from 'vitest';
import { COOKIE_WINDOW_MS, cookieJar } from '../../../src/dht/cookie.ts';

const jar = cookieJar(new Uint8Array(32).fill(1));
const source = { host: '192.0.2.1', port: 4000 };
const cookie = jar.make(source, 0);

describe('a cookie', () => {
  test.each([
    ['in its window', COOKIE_WINDOW_MS - 1, 'current'],
    ['in the next', COOKIE_WINDOW_MS, 'previous'],
    ['at the end of the next', 2 * COOKIE_WINDOW_MS - 1, 'previous'],
    ['after that', 2 * COOKIE_WINDOW_MS, 'invalid'],
    ['256 windows later, when its number comes round', 256 * COOKIE_WINDOW_MS, 'invalid'],
  ])('%s is good or not', (_, atMs, verdict) => {
    expect(jar.check(cookie, source, atMs)).toBe(verdict);
  });

  test.each([
    ['another host', { host: '192.0.2.2', port: 4000 }],
    ['another port', { host: '192.0.2.1', port: 4001 }],
    ['a host and port that read alike', { host: '192.0.2.1 4', port: 0 }],
  ])('is nothing from %s', (_, other) => {
    expect(jar.check(cookie, other, 0)).toBe('invalid');
  });

  test('is nothing to another process', () => {
    expect(cookieJar(new Uint8Array(32).fill(2)).check(cookie, source, 0)).toBe('invalid');
  });

  test('of a window yet to come is refused', () => {
    expect(jar.check(jar.make(source, COOKIE_WINDOW_MS), source, 0)).toBe('invalid');
  });

  test('is nothing with any bit changed', () => {
    for (let bit = 0; bit < 128; bit += 1) {
      const forged = Uint8Array.from(cookie);
      forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(jar.check(forged, source, 0)).toBe('invalid');
    }
  });

  test.each([0, 15, 17, 1000])('of %d bytes is none', (length) => {
    expect(jar.check(new Uint8Array(length), source, 0)).toBe('invalid');
  });
});
