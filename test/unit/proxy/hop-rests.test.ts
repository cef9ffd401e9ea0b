import { expect, test } from 'vitest';
import { HopRests, retryAfterMs } from '../../../src/proxy/hop-rests.ts';

const hop = (port: number) => ({ transport: 'udp', host: '192.0.2.7', port }) as const;

test('a server rests as long as it asked, at most five minutes', () => {
  const rests = new HopRests();
  rests.rest(hop(1), 10_000, 1000);
  rests.rest(hop(2), 86_400_000, 1000);
  expect([rests.rests(hop(1), 10_999), rests.rests(hop(1), 11_000)]).toEqual([true, false]);
  expect([rests.rests(hop(2), 300_999), rests.rests(hop(2), 301_000)]).toEqual([true, false]);
});

test('a server that answers rests no more, and another port is another server', () => {
  const rests = new HopRests();
  rests.rest(hop(1), 10_000, 0);
  expect(rests.rests(hop(2), 1)).toBe(false);
  rests.wake(hop(1));
  expect(rests.rests(hop(1), 1)).toBe(false);
});

test.each([
  ['120', 120_000],
  [' 18000;duration=3600', 18_000_000],
  ['120 (in a meeting)', 120_000],
  ['soon', 0],
  ['-5', 0],
  [undefined, 0],
])('Retry-After: %s is %i ms', (value, ms) => {
  expect(retryAfterMs(value)).toBe(ms);
});
