import { describe, expect, test } from 'vitest';
import { type Attempt, AuthGuard } from '../../../src/auth/auth-guard.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const world = (options: { banSec?: number; trusted?: boolean } = {}) => {
  const clock = new ManualClock();
  const guard = new AuthGuard(clock, {
    banSec: options.banSec ?? 300,
    isTrusted: () => options.trusted ?? false,
  });
  /** Sends wrong passwords every `everyMs`, as long as it is heard; tells how many were looked at. */
  const guess = (attempt: Attempt, count: number, everyMs: number): number => {
    let looked = 0;
    for (let at = 0; at < count; at += 1) {
      if (!guard.bans.isBanned(attempt.source) && guard.ask(attempt) === 'look') {
        looked += 1;
        guard.failed(attempt);
      }
      clock.advance(everyMs);
    }
    return looked;
  };
  /** Six wrong passwords for each of so many users. */
  const spray = (source: string, users: number): void => {
    for (let at = 0; at < users; at += 1) guess(from(source, `user${at}`), 6, 1);
  };
  return { clock, guard, guess, spray, isBanned: (host: string) => guard.bans.isBanned(host) };
};
const from = (source: string, user: string): Attempt => ({ source, user });

describe('one user from one source', () => {
  test('is looked at while the failures are few', () => {
    expect(world().guess(from('192.0.2.7', 'bob'), 6, 10)).toBe(6);
  });

  test('is slowed then: a burst is left unread', () => {
    expect(world().guess(from('192.0.2.7', 'bob'), 16, 10)).toBe(6);
  });

  test('is slowed more and more, to one guess a minute', () => {
    expect(world({ banSec: 0 }).guess(from('192.0.2.7', 'bob'), 3600, 1000)).toBeLessThan(75);
  });

  test('is looked at again after the pause, and free after the right password', () => {
    const { guard, guess, clock } = world();
    const bob = from('192.0.2.7', 'bob');
    guess(bob, 16, 10);
    clock.advance(1_000);
    expect(guard.ask(bob)).toBe('look');
    guard.succeeded(bob);
    expect(guess(bob, 6, 10)).toBe(6);
  });

  test('is left unread for the time of a ban if it never pauses', () => {
    const { guard, guess, clock } = world();
    const bob = from('192.0.2.7', 'bob');
    guess(bob, 1000, 10);
    clock.advance(60_000);
    expect(guard.ask(bob)).toBe('slowed');
    clock.advance(240_000);
    expect(guard.ask(bob)).toBe('look');
  });

  test('costs the neighbours at the same address nothing, however long it goes on', () => {
    const { guard, guess, isBanned } = world();
    guess(from('192.0.2.7', 'bob'), 20_000, 100);
    expect(isBanned('192.0.2.7')).toBe(false);
    expect(guard.ask(from('192.0.2.7', 'ann'))).toBe('look');
    expect(guard.ask(from('192.0.2.8', 'bob'))).toBe('look');
  });
});

describe('many users from one source', () => {
  test('get the source banned for the time configured', () => {
    const { spray, isBanned, clock, guard } = world();
    spray('192.0.2.7', 10);
    expect([isBanned('192.0.2.7'), isBanned('192.0.2.8')]).toEqual([true, false]);
    expect(guard.bans.list()).toEqual([
      { source: '192.0.2.7', sinceWallMs: expect.any(Number), leftMs: expect.any(Number) },
    ]);
    clock.advance(300_000);
    expect([isBanned('192.0.2.7'), guard.bans.list()]).toEqual([false, []]);
  });

  test('get a source that goes on after its ban banned sooner', () => {
    const { guard, clock, isBanned } = world();
    const failUntilBanned = (prefix: string): number => {
      for (let at = 1; ; at += 1) if (guard.failed(from('192.0.2.7', `${prefix}${at}`))) return at;
    };
    expect(failUntilBanned('a')).toBe(50);
    clock.advance(300_000);
    expect([failUntilBanned('b') < 50, isBanned('192.0.2.7')]).toEqual([true, true]);
  });

  test('are forgiven little by little', () => {
    const { guard, clock, isBanned } = world();
    for (let at = 0; at < 100; at += 1) {
      guard.failed(from('192.0.2.7', `user${at}`));
      clock.advance(13_000);
    }
    expect(isBanned('192.0.2.7')).toBe(false);
  });

  test('get a whole IPv6 /64 banned, and not the next', () => {
    const { guess, isBanned } = world();
    for (let at = 0; at < 10; at += 1) guess(from(`2001:db8::${at}`, `user${at}`), 6, 1);
    expect(isBanned('2001:db8:0:0:ffff::1')).toBe(true);
    expect(isBanned('2001:db8:0:1::1')).toBe(false);
  });

  test('get a whole IPv6 /48 banned that takes one /64 after the other', () => {
    const { guard, guess, isBanned } = world();
    for (let at = 0; at < 100; at += 1) guess(from(`2001:db8:7:${at.toString(16)}::1`, 'bob'), 6, 1);
    expect(isBanned('2001:db8:7:ffff::1')).toBe(true);
    expect(isBanned('2001:db8:8::1')).toBe(false);
    expect(guard.bans.list().map(({ source }) => source)).toEqual(['2001:db8:7::/48']);
  });

  test('are an office when more of its users know their passwords', () => {
    const office = world();
    const open = world();
    for (let at = 0; at < 10; at += 1) {
      for (const { guess } of [office, open]) guess(from('192.0.2.7', `wrong${at}`), 16, 10);
      for (let right = 0; right < 4; right += 1)
        office.guard.succeeded(from('192.0.2.7', `right${at}-${right}`));
    }
    expect([office.isBanned('192.0.2.7'), open.isBanned('192.0.2.7')]).toEqual([false, true]);
  });

  test('are an attack although the guesser has accounts of its own', () => {
    const { guard, spray, isBanned } = world();
    guard.failed(from('192.0.2.7', 'first'));
    for (let at = 0; at < 1000; at += 1) guard.succeeded(from('192.0.2.7', `own${at % 3}`));
    spray('192.0.2.7', 20);
    expect(isBanned('192.0.2.7')).toBe(true);
  });

  test('never get a trusted range banned', () => {
    const { spray, isBanned } = world({ trusted: true });
    spray('192.0.2.7', 100);
    expect(isBanned('192.0.2.7')).toBe(false);
  });

  test('get nobody banned when bans are off', () => {
    const { spray, isBanned } = world({ banSec: 0 });
    spray('192.0.2.7', 100);
    expect(isBanned('192.0.2.7')).toBe(false);
  });
});

describe('a ban', () => {
  test.each(['192.0.2.7', '::ffff:192.0.2.7'])('is lifted by the address %s', (host) => {
    const { spray, isBanned, guard } = world();
    spray('192.0.2.7', 10);
    expect([guard.bans.lift(host), isBanned('192.0.2.7'), guard.bans.lift(host)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test.each(['2001:db8::/64', '2001:db8::5'])('of an IPv6 source is lifted by %s', (host) => {
    const { spray, isBanned, guard } = world();
    spray('2001:db8::1', 10);
    expect([guard.bans.lift(host), isBanned('2001:db8::1')]).toEqual([true, false]);
  });

  test('ends with all others at once', () => {
    const { spray, isBanned, guard } = world();
    spray('192.0.2.7', 10);
    spray('192.0.2.8', 10);
    expect([guard.bans.liftAll(), isBanned('192.0.2.7'), isBanned('192.0.2.8')]).toEqual([2, false, false]);
  });

  test('of a source that became trusted is not in force', () => {
    const clock = new ManualClock();
    let trusted = false;
    const guard = new AuthGuard(clock, { banSec: 300, isTrusted: () => trusted });
    for (let at = 0; at < 50; at += 1) guard.failed(from('192.0.2.7', `user${at}`));
    expect(guard.bans.isBanned('192.0.2.7')).toBe(true);
    trusted = true;
    expect(guard.bans.isBanned('192.0.2.7')).toBe(false);
  });
});

describe('nonces that are not ours', () => {
  test('give few guesses and are never counted against the source', () => {
    const { guard, clock } = world();
    const bob = from('192.0.2.7', 'bob');
    const looked = Array.from({ length: 100 }, () => guard.mayLookAtForeign(bob)).filter(Boolean).length;
    expect(looked).toBe(8);
    clock.advance(10_000);
    expect(guard.mayLookAtForeign(bob)).toBe(true);
    expect([guard.ask(bob), guard.size]).toEqual(['look', 0]);
  });
});
