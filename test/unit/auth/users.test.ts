import { describe, expect, test } from 'vitest';
import { userOf } from '../../../src/auth/user-line.ts';
import { UserTable, userRealms } from '../../../src/auth/users.ts';
import { atOnce } from '../../../src/runtime/in-turns.ts';

const line = (user: string, ha1: string, algorithm: 'MD5' | 'SHA-256' = 'MD5') => ({
  kind: 'password' as const,
  user,
  realm: 'biloxi.com',
  algorithm,
  ha1,
});

describe('the user table', () => {
  test('finds a user by name and realm, and the hash by algorithm', () => {
    const users = new UserTable([line('bob', 'm'), line('bob', 's', 'SHA-256')]);
    const bob = users.find('bob', 'biloxi.com');
    expect(users.size).toBe(1);
    expect([bob?.users, bob?.ha1('MD5'), bob?.ha1('SHA-256')]).toEqual([['bob'], 'm', 's']);
  });

  test.each([
    ['Bob', 'biloxi.com'],
    ['bob', 'atlanta.com'],
    ['', 'biloxi.com'],
    ['__proto__', 'biloxi.com'],
  ])('does not find %j in %j', (user, realm) => {
    expect(new UserTable([line('bob', 'm')]).find(user, realm)).toBeUndefined();
  });

  test('knows a spelling that has a line of its own as the user it stands for', () => {
    const users = new UserTable([line('alice', 'a'), line('alice@', 'b'), line('alice@biloxi.com', 'c')]);
    const found = ['alice', 'alice@', 'alice@biloxi.com'].map((name) => users.find(name, 'biloxi.com'));
    expect(found.map((user) => [user?.users, user?.ha1('MD5')])).toEqual([
      [['alice'], 'a'],
      [['alice'], 'b'],
      [['alice'], 'c'],
    ]);
  });

  test('finds a name beyond ASCII by the bytes that a message carries, and as a URI names it', () => {
    const users = new UserTable([line('jürgen', 'x')]);
    const sent = Buffer.from('jürgen', 'utf8').toString('latin1');
    expect(users.find(sent, 'biloxi.com')?.users).toEqual(['jürgen']);
    expect(users.size).toBe(1);
    expect(users.userFor({ scheme: 'sip', user: 'jürgen', domain: 'biloxi.com' })?.user).toBe('jürgen');
  });

  test.each([[['é', 'Ã©']], [['Ã©', 'é']]])(
    'never takes one user for another whose name reads like its bytes: %j',
    (names) => {
      const users = new UserTable(names.map((name) => line(name, `password of ${name}`)));
      for (const name of names) {
        const found = users.find(Buffer.from(name, 'utf8').toString('latin1'), 'biloxi.com');
        expect([found?.users, found?.ha1('MD5')]).toEqual([[name], `password of ${name}`]);
      }
    },
  );

  test('a new file replaces the old one whole', () => {
    const users = new UserTable([line('bob', 'm')]);
    users.replace(atOnce(userRealms([line('ann', 'n')])));
    expect(users.find('bob', 'biloxi.com')).toBeUndefined();
    expect(users.find('ann', 'biloxi.com')?.ha1('MD5')).toBe('n');
  });
});

describe('aliases and authentication names', () => {
  const link = (kind: 'alias' | 'login', user: string, of: string) => ({
    kind,
    user,
    realm: 'biloxi.com',
    of,
  });
  const users = new UserTable([
    line('alice', 'a'),
    line('bob', 'b'),
    link('alias', '101', 'alice'),
    line('101', 'c'),
    line('a.smith', 'd'),
    link('login', 'a.smith', 'alice'),
    link('login', 'a.smith', 'carol'),
    line('d@other.example', 'e'),
    link('login', 'd@other.example', 'dora'),
  ]);
  const userFor = (user: string, domain = 'biloxi.com') =>
    users.userFor({ scheme: 'sip', user, domain })?.user;

  test.each([
    ['alice', 'alice'],
    ['101', 'alice'],
    ['carol', 'carol'],
    ['dora', 'dora'],
    ['a.smith', undefined],
    ['d', undefined],
    ['eve', undefined],
  ])('calls to %s are for %s', (asked, meant) => {
    expect(userFor(asked)).toBe(meant);
  });

  test('mean nothing in another domain', () => {
    expect([userFor('101', 'atlanta.com'), userFor('alice', 'atlanta.com')]).toEqual([undefined, undefined]);
  });

  test.each([
    ['alice', ['alice']],
    ['101', ['alice']],
    ['101@biloxi.com', undefined],
    ['a.smith', ['alice', 'carol']],
    ['d@other.example', ['dora']],
  ])('the credentials of %s are for %j', (username, whose) => {
    expect(users.find(username, 'biloxi.com')?.users).toEqual(whose);
  });

  test('only those count as users who can be called', () => {
    expect(users.size).toBe(4);
  });
});

test.each([
  ['alice', 'alice'],
  ['alice@', 'alice'],
  ['alice@BILOXI.com', 'alice'],
  ['alice@atlanta.com', 'alice@atlanta.com'],
  ['@', '@'],
  ['@biloxi.com', '@biloxi.com'],
])('the user name %j stands for %j', (sent, user) => {
  expect(userOf(sent, 'biloxi.com')).toBe(user);
});
