import { describe, expect, test } from 'vitest';
import { addLink, addUser, removeUser } from '../../../src/auth/user-edit.ts';
import { parseUserFile } from '../../../src/auth/user-file.ts';

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
        { kind: 'password', user: 'bob', realm: 'biloxi.com', algorithm: 'MD5', ha1: MD5 },
        { kind: 'password', user: 'bob', realm: 'biloxi.com', algorithm: 'SHA-256', ha1: SHA },
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

describe('aliases and logins', () => {
  const alice = `alice:d.example:${MD5}\n`;
  const problemsOf = (text: string) => {
    const parsed = parseUserFile(text);
    return parsed.ok ? [] : parsed.error.map(({ line, problem }) => `${line}: ${problem}`);
  };

  test('say whom a name stands for', () => {
    const parsed = parseUserFile(
      `${alice}101:d.example:alias:alice\na.smith:d.example:${MD5}\na.smith:d.example:login:alice\n`,
    );
    expect(parsed.ok && parsed.value.slice(1)).toEqual([
      { kind: 'alias', user: '101', realm: 'd.example', of: 'alice' },
      { kind: 'password', user: 'a.smith', realm: 'd.example', algorithm: 'MD5', ha1: MD5 },
      { kind: 'login', user: 'a.smith', realm: 'd.example', of: 'alice' },
    ]);
  });

  test('may stand before the user, and in a domain that is an IPv6 address', () => {
    expect(problemsOf(`101:2001:db8::1:alias:bob\nbob:2001:db8::1:${MD5}\n`)).toEqual([]);
  });

  test.each([
    ['leads to nobody', '101:d.example:alias:carol', /no user carol in d\.example/],
    ['leads to a user of another domain', '101:other.example:alias:alice', /no user alice in other\.example/],
    ['is its own', '101:d.example:alias:101', /alias of itself/],
    ['stands twice', '101:d.example:alias:alice\n101:d.example:alias:alice', /same alias as line 2/],
    [
      'leads to an alias',
      '102:d.example:alias:101\n101:d.example:alias:alice',
      /101 is itself an alias \(of alice\)/,
    ],
    ['goes in a circle', '1:d.example:alias:2\n2:d.example:alias:1', /itself an alias/],
    [
      'leads to an authentication name',
      `x:d.example:${MD5}\nx:d.example:login:alice\n7:d.example:alias:x`,
      /no user x/,
    ],
    ['has no user', '101:d.example:alias:', /user after alias is empty/],
  ])('an alias that %s is refused with its line', (_, lines, problem) => {
    const said = problemsOf(`${alice}${lines}\n`);
    expect(said.join('\n')).toMatch(problem);
    expect(said.every((one) => /^[234]: /.test(one))).toBe(true);
  });

  test.each([
    ['without a password', 'a.smith:d.example:login:alice', /no password of a\.smith/],
    [
      'that leads to an alias',
      `101:d.example:alias:alice\nx:d.example:${MD5}\nx:d.example:login:101`,
      /101 is itself an alias/,
    ],
    [
      'of what is an alias, too',
      `x:d.example:${MD5}\nx:d.example:alias:alice\nx:d.example:login:alice`,
      /x is an alias, too/,
    ],
  ])('a login %s is refused', (_, lines, problem) => {
    expect(problemsOf(`${alice}${lines}\n`).join('\n')).toMatch(problem);
  });

  test('what was cut off in the middle of a line is refused, not believed', () => {
    const whole = `${alice}bob:d.example:${MD5}\n101:d.example:alias:alice\n`;
    const cut = Array.from({ length: whole.length - 1 }, (_, length) => whole.slice(0, length + 1));
    const read = cut.filter((text) => parseUserFile(text).ok);
    // Whole lines, with or without the line end.
    expect(read.map((text) => text.trimEnd())).toEqual(
      [1, 1, 2, 2, 3].map((count) => whole.split('\n').slice(0, count).join('\n')),
    );
  });

  test('an alias is set anew, a login is one more, and a wrong one changes nothing', () => {
    const text = `${alice}bob:d.example:${MD5}\nx:d.example:${MD5}\n`;
    const link = (before: string, kind: 'alias' | 'login', user: string, of: string) => {
      const added = addLink(before, { kind, user, realm: 'D.example', of });
      return added.ok ? added.value.text : added.error;
    };
    const one = link(text, 'alias', '101', 'alice');
    expect(link(one, 'alias', '101', 'bob')).toBe(`${text}101:d.example:alias:bob\n`);
    const login = link(text, 'login', 'x', 'alice');
    expect(link(login, 'login', 'x', 'bob')).toBe(`${text}x:d.example:login:alice\nx:d.example:login:bob\n`);
    expect(link(text, 'alias', '101', 'carol')).toBe('there is no user carol in d.example');
    expect(link(text, 'alias', 'a:b', 'alice')).toMatch(/colon/);
  });

  test('a password for an alias is told to be for the user that it means', () => {
    const text = `${alice}101:d.example:alias:alice\n`;
    const add = (user: string) =>
      addUser(text, { user, realm: 'D.example', password: 'x', algorithms: ['MD5'] });
    expect(add('101')).toMatchObject({ ok: true, value: { replaced: false, aliasOf: 'alice' } });
    expect(add('alice')).toMatchObject({ ok: true, value: { replaced: true, aliasOf: undefined } });
  });

  test('what refuses a link is told by itself, not what follows from it', () => {
    const text = `${alice}bob:d.example:${MD5}\n101:d.example:alias:alice\nx:d.example:${MD5}\nx:d.example:login:alice\n`;
    const added = addLink(text, { kind: 'alias', user: 'alice', realm: 'd.example', of: 'bob' });
    expect(added).toEqual({
      ok: false,
      error: "alice is a user of its own (a login leads to it), so it can't be an alias",
    });
    const circle = `${alice}bob:d.example:${MD5}\n101:d.example:alias:alice\n`;
    expect(addLink(circle, { kind: 'alias', user: 'alice', realm: 'd.example', of: 'bob' })).toMatchObject({
      ok: false,
      error: expect.stringMatching(/^line 3: alice is itself an alias \(of bob\)/),
    });
  });

  test.each([
    ['a user that becomes an alias', 'alias', 'bob', true],
    ['a user that becomes a login', 'login', 'bob', true],
    ['a new name', 'alias', '101', false],
    ['a login of another user, too', 'login', 'x', false],
  ] as const)('%s: was it a user of its own? %s %s: %s', (_, kind, user, wasUser) => {
    const text = `${alice}bob:d.example:${MD5}\ncarol:d.example:${MD5}\nx:d.example:${MD5}\nx:d.example:login:carol\n`;
    const added = addLink(text, { kind, user, realm: 'd.example', of: 'alice' });
    expect(added).toMatchObject({ ok: true, value: { wasUser } });
  });

  test('a login for two users stays when one of them goes', () => {
    const text = `${alice}bob:d.example:${MD5}\nx:d.example:${MD5}\nx:d.example:login:alice\nx:d.example:login:bob\n`;
    expect(removeUser(text, { user: 'alice', realm: 'd.example' }).text).toBe(
      `bob:d.example:${MD5}\nx:d.example:${MD5}\nx:d.example:login:bob\n`,
    );
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
