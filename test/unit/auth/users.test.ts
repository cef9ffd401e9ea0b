import { describe, expect, test } from 'vitest';
import { UserTable, userOf } from '../../../src/auth/users.ts';

const line = (user: string, ha1: string, algorithm: 'MD5' | 'SHA-256' = 'MD5') => ({
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
    expect([bob?.user, bob?.ha1('MD5'), bob?.ha1('SHA-256')]).toEqual(['bob', 'm', 's']);
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
    expect(found.map((user) => [user?.user, user?.ha1('MD5')])).toEqual([
      ['alice', 'a'],
      ['alice', 'b'],
      ['alice', 'c'],
    ]);
  });

  test('finds a name beyond ASCII by the bytes that a message carries, and as a URI names it', () => {
    const users = new UserTable([line('jürgen', 'x')]);
    const sent = Buffer.from('jürgen', 'utf8').toString('latin1');
    expect(users.find(sent, 'biloxi.com')?.user).toBe('jürgen');
    expect(users.size).toBe(1);
    expect(users.find('jürgen', 'biloxi.com')?.user).toBe('jürgen');
  });

  test('a new file replaces the old one whole', () => {
    const users = new UserTable([line('bob', 'm')]);
    users.replace([line('ann', 'n')]);
    expect(users.find('bob', 'biloxi.com')).toBeUndefined();
    expect(users.find('ann', 'biloxi.com')?.ha1('MD5')).toBe('n');
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
