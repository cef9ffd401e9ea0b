import { describe, expect, test } from 'vitest';
import { addUser, parseUserFile, removeUser } from '../../../src/auth/user-file.ts';

const MD5 = '12af60467a33e8518da5c68bbff12b11';
const SHA = 'a'.repeat(64);

describe('reading', () => {
  test('takes htdigest lines of both algorithms, and skips comments and empty lines', () => {
    const parsed = parseUserFile(
      `# staff\r\n\r\nbob:biloxi.com:${MD5}\r\nbob:biloxi.com:SHA-256:${SHA.toUpperCase()}\n`,
    );
    expect(parsed).toEqual({
      ok: true,
      value: [
        { user: 'bob', realm: 'biloxi.com', algorithm: 'MD5', ha1: MD5 },
        { user: 'bob', realm: 'biloxi.com', algorithm: 'SHA-256', ha1: SHA },
      ],
    });
  });

  test('takes an IPv6 literal as a realm', () => {
    const parsed = parseUserFile(`bob:2001:db8::1:${MD5}`);
    expect(parsed.ok && parsed.value[0]?.realm).toBe('2001:db8::1');
  });

  test.each([
    ['bob', /not user:realm:HA1/],
    [`bob:${MD5}`, /not user:realm:HA1/],
    [`:biloxi.com:${MD5}`, /user is empty/],
    [`bob::${MD5}`, /realm is empty/],
    ['bob:biloxi.com:secret', /32 hex digits/],
    [`bob:biloxi.com:SHA-256:${MD5}`, /64 hex digits/],
    [`bob:Biloxi.com:${MD5}`, /upper-case/],
    [`b\u0001b:biloxi.com:${MD5}`, /control character/],
    [`bob:${'x'.repeat(2000)}:${MD5}`, /longer than/],
  ])('says what is wrong with %j and on which line', (line, problem) => {
    const parsed = parseUserFile(`ann:biloxi.com:${MD5}\n${line}\n`);
    expect(parsed).toEqual({ ok: false, error: [{ line: 2, problem: expect.stringMatching(problem) }] });
  });

  test('reports every problem at once, and never a HA1', () => {
    const parsed = parseUserFile(
      `bob:biloxi.com:hunter2\nbob\nann:biloxi.com:${MD5}\nann:biloxi.com:${MD5}\n`,
    );
    expect(!parsed.ok && parsed.error.map(({ line }) => line)).toEqual([1, 2, 4]);
    expect(JSON.stringify(parsed)).not.toMatch(/hunter2|12af60/);
  });

  test('stops at a bound of lines', () => {
    const parsed = parseUserFile('\n'.repeat(500_001));
    expect(parsed.ok).toBe(false);
  });
});

describe('changing', () => {
  const file = `# staff\nbob:biloxi.com:${MD5}\nbob:atlanta.com:${MD5}\n`;

  test('adds a user whose password then fits', () => {
    const added = addUser('', {
      user: 'bob',
      realm: 'biloxi.com',
      password: 'zanzibar',
      algorithms: ['MD5', 'SHA-256'],
    });
    expect(added.ok && added.value.text).toMatch(
      /^bob:biloxi\.com:12af60467a33e8518da5c68bbff12b11\nbob:biloxi\.com:SHA-256:[0-9a-f]{64}\n$/,
    );
  });

  test('replaces the lines of this user in this realm and leaves the rest as it stands', () => {
    const added = addUser(file, { user: 'bob', realm: 'biloxi.com', password: 'new', algorithms: ['MD5'] });
    expect(added.ok && added.value.replaced).toBe(true);
    const text = added.ok ? added.value.text : '';
    expect(text.startsWith(`# staff\nbob:atlanta.com:${MD5}\nbob:biloxi.com:`)).toBe(true);
    expect(text.match(/biloxi/g)).toHaveLength(1);
  });

  test.each([
    ['b:b', 'biloxi.com', 'x'],
    ['', 'biloxi.com', 'x'],
    ['#bob', 'biloxi.com', 'x'],
    [' bob', 'biloxi.com', 'x'],
    ['bob', 'bil:oxi', 'x'],
    ['bob\n', 'biloxi.com', 'x'],
    ['bob', 'biloxi.com', ''],
  ])('refuses user %j in realm %j with password %j', (user, realm, password) => {
    expect(addUser(file, { user, realm, password, algorithms: ['MD5'] }).ok).toBe(false);
  });

  test('removes a user from one realm or from all', () => {
    expect(removeUser(file, { user: 'bob', realm: 'biloxi.com' })).toEqual({
      text: `# staff\nbob:atlanta.com:${MD5}\n`,
      removed: 1,
    });
    expect(removeUser(file, { user: 'bob', realm: undefined }).removed).toBe(2);
    expect(removeUser(file, { user: 'ann', realm: undefined })).toEqual({ text: file, removed: 0 });
  });

  test('what was added can be read again', () => {
    const added = addUser(file, { user: 'jürgen', realm: 'biloxi.com', password: 'é', algorithms: ['MD5'] });
    const parsed = parseUserFile(added.ok ? added.value.text : '');
    expect(parsed.ok && parsed.value.map(({ user }) => user)).toEqual(['bob', 'bob', 'jürgen']);
  });
});
