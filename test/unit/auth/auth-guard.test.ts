import { describe, expect, test } from 'vitest';
import { type Attempt, AuthGuard } from '../../../src/auth/auth-guard.ts';

const guard = (options: { banSec?: number; trusted?: boolean } = {}) =>
  new AuthGuard({ banSec: options.banSec ?? 300, isTrusted: () => options.trusted ?? false });
const from = (source: string, user: string): Attempt => ({ source, user });

/** Sends wrong passwords every `everyMs`; tells how many were looked at. */
const guess = (one: AuthGuard, attempt: Attempt, count: number, everyMs: number, startMs = 0): number => {
  let looked = 0;
  for (let at = 0; at < count; at += 1) {
    const nowMs = startMs + at * everyMs;
    if (one.ask(attempt, nowMs).kind !== 'look') continue;
    looked += 1;
    one.failed(attempt, nowMs);
  }
  return looked;
};

describe('one user from one source', () => {
  test('is looked at while the failures are few', () => {
    expect(guess(guard(), from('192.0.2.7', 'bob'), 6, 10)).toBe(6);
  });

  test('is slowed then: a burst is left unread', () => {
    expect(guess(guard(), from('192.0.2.7', 'bob'), 16, 10)).toBe(6);
  });

  test('is slowed more and more, to one guess a minute', () => {
    const one = guard({ banSec: 0 });
    expect(guess(one, from('192.0.2.7', 'bob'), 3600, 1000)).toBeLessThan(75);
  });

  test('is looked at again after the pause, and free after the right password', () => {
    const one = guard();
    const bob = from('192.0.2.7', 'bob');
    guess(one, bob, 16, 10);
    expect(one.ask(bob, 2_000).kind).toBe('look');
    one.succeeded(bob);
    expect(guess(one, bob, 6, 10, 2_000)).toBe(6);
  });

  test('is left unread for the time of a ban if it never pauses', () => {
    const one = guard();
    const bob = from('192.0.2.7', 'bob');
    guess(one, bob, 1000, 10);
    expect(one.ask(bob, 10_000 + 60_000).kind).toBe('slowed');
    expect(one.ask(bob, 10_000 + 300_000).kind).toBe('look');
  });

  test('costs the neighbours at the same address nothing, however long it goes on', () => {
    const one = guard();
    guess(one, from('192.0.2.7', 'bob'), 20_000, 100);
    expect(one.ask(from('192.0.2.7', 'ann'), 2_000_000)).toEqual({ kind: 'look' });
    expect(one.ask(from('192.0.2.8', 'bob'), 2_000_000)).toEqual({ kind: 'look' });
  });
});

describe('many users from one source', () => {
  const spray = (one: AuthGuard, source: string, users: number) => {
    for (let at = 0; at < users; at += 1) guess(one, from(source, `user${at}`), 6, 1);
  };

  test('get the source banned for the time configured', () => {
    const one = guard();
    spray(one, '192.0.2.7', 10);
    expect(one.ask(from('192.0.2.7', 'ann'), 1_000)).toEqual({ kind: 'banned', forMs: expect.any(Number) });
    expect(one.bannedMs('192.0.2.7', 1_000)).toBeGreaterThan(298_000);
    expect(one.bannedMs('192.0.2.7', 300_006)).toBe(0);
    expect(one.bannedMs('192.0.2.8', 1_000)).toBe(0);
  });

  test('get a whole IPv6 /64 banned, and not the next', () => {
    const one = guard();
    for (let at = 0; at < 10; at += 1) guess(one, from(`2001:db8::${at}`, `user${at}`), 6, 1);
    expect(one.bannedMs('2001:db8:0:0:ffff::1', 1_000)).toBeGreaterThan(0);
    expect(one.bannedMs('2001:db8:0:1::1', 1_000)).toBe(0);
  });

  test('never get a trusted range banned', () => {
    const one = guard({ trusted: true });
    spray(one, '192.0.2.7', 100);
    expect(one.bannedMs('192.0.2.7', 1_000)).toBe(0);
  });

  test('get nobody banned when bans are off', () => {
    const one = guard({ banSec: 0 });
    spray(one, '192.0.2.7', 100);
    expect(one.bannedMs('192.0.2.7', 1_000)).toBe(0);
  });
});

describe('nonces that are not ours', () => {
  test('give few guesses and are never counted against the source', () => {
    const one = guard();
    const bob = from('192.0.2.7', 'bob');
    const looked = Array.from({ length: 100 }, () => one.mayLookAtForeign(bob, 0)).filter(Boolean).length;
    expect(looked).toBe(8);
    expect(one.mayLookAtForeign(bob, 10_000)).toBe(true);
    expect(one.ask(bob, 0)).toEqual({ kind: 'look' });
  });
});
