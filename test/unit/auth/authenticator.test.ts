import { describe, expect, test } from 'vitest';
import { AuthGuard } from '../../../src/auth/auth-guard.ts';
import { type AuthenticatorOptions, createAuthenticator } from '../../../src/auth/authenticator.ts';
import { addUser } from '../../../src/auth/user-edit.ts';
import { parseUserFile } from '../../../src/auth/user-file.ts';
import { UserTable } from '../../../src/auth/users.ts';
import type { Log, LogFields } from '../../../src/runtime/log.ts';
import { MetricsRegistry } from '../../../src/runtime/metrics.ts';
import { systemRandom } from '../../../src/runtime/random.ts';
import { type AnswerOptions, answerTo } from '../../support/digest-phone.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { fakeTransaction, headersOf, requestFrom } from '../../support/register-transaction.ts';

const PASSWORD = 'zanzibar';
const bob = { user: 'bob', password: PASSWORD };

const usersOf = (...names: string[]): UserTable => {
  let text = '';
  for (const user of names) {
    const added = addUser(text, {
      user,
      realm: 'biloxi.com',
      password: PASSWORD,
      algorithms: ['MD5', 'SHA-256'],
    });
    if (added.ok) text = added.value.text;
  }
  const parsed = parseUserFile(text);
  return new UserTable(parsed.ok ? parsed.value : []);
};

const world = (
  options: Partial<AuthenticatorOptions> = {},
  users = usersOf('bob', 'ann'),
  { trusted = false } = {},
) => {
  const clock = new ManualClock();
  const guard = new AuthGuard(clock, { banSec: 300, isTrusted: () => trusted });
  const lines: { fields: LogFields; message: string }[] = [];
  const log: Log = {
    debug: () => undefined,
    info: (fields, message) => void lines.push({ fields, message }),
    warn: (fields, message) => void lines.push({ fields, message }),
    error: (fields, message) => void lines.push({ fields, message }),
    child: () => log,
  };
  const metrics = new MetricsRegistry();
  const build = (more: Partial<AuthenticatorOptions> = {}) =>
    createAuthenticator(
      {
        users,
        clock,
        random: systemRandom,
        log,
        metrics,
        guard,
        isOurs: (uri) => uri === 'sip:192.0.2.60:5060',
      },
      {
        mode: 'digest',
        algorithms: ['MD5'],
        nonceLifetimeSec: 300,
        secret: Buffer.from('secret'),
        ...options,
        ...more,
      },
    );
  const authenticator = build();
  const check = (given: {
    authorization?: string | undefined;
    source?: string;
    method?: string;
    uri?: string;
    proxy?: boolean;
    at?: ReturnType<typeof build>;
  }) => {
    const { proxy = false, method = 'REGISTER', uri = 'sip:biloxi.com' } = given;
    const request = requestFrom([
      `${method} ${uri} SIP/2.0`,
      'From: <sip:bob@biloxi.com>;tag=1',
      'To: <sip:bob@biloxi.com>',
      'Call-ID: c1',
      `CSeq: 1 ${method}`,
      ...(given.authorization === undefined
        ? []
        : [`${proxy ? 'Proxy-Authorization' : 'Authorization'}: ${given.authorization}`]),
    ]);
    const transaction = fakeTransaction(request, { host: given.source ?? '192.0.2.4' });
    return (given.at ?? authenticator).check(transaction, { realm: 'biloxi.com', proxy });
  };
  /** Asks without credentials, then answers the challenge. */
  const login = (
    account = bob,
    options: AnswerOptions & { source?: string; at?: ReturnType<typeof build> } = {},
  ) => {
    const { source, at, ...answer } = options;
    const where = { ...(source === undefined ? {} : { source }), ...(at === undefined ? {} : { at }) };
    const asked = check(where);
    const challenge = asked.kind === 'ok' ? undefined : headersOf(asked.reply, 'WWW-Authenticate')[0];
    return check({ ...where, authorization: answerTo(challenge, account, answer) });
  };
  const challengeOf = (outcome: ReturnType<typeof check>, name = 'WWW-Authenticate') =>
    outcome.kind === 'ok' ? [] : headersOf(outcome.reply, name);
  return { clock, lines, metrics, guard, build, check, login, challengeOf };
};

describe('a realm among several', () => {
  const realms = new Map([
    ['biloxi.com', { secret: Buffer.from('of biloxi alone'), algorithms: ['SHA-256', 'MD5'] as const }],
    ['atlanta.com', {}],
  ]);

  test('is challenged by its own algorithms', () => {
    const { check, challengeOf } = world({ realms });
    expect(challengeOf(check({})).map((value) => /algorithm=([^,]+)/.exec(value)?.[1])).toEqual([
      'SHA-256',
      'MD5',
    ]);
  });

  test('is answered by its own algorithms, whatever stands before that', () => {
    const own = new Map([['biloxi.com', { algorithms: ['SHA-256'] as const }]]);
    const { check, challengeOf } = world({ realms: own, algorithms: ['MD5'] });
    const right = answerTo(challengeOf(check({}))[0], bob);
    const remembered = right.replace('algorithm=SHA-256', 'algorithm=MD5');
    expect(check({ authorization: `${remembered}\r\nAuthorization: ${right}` })).toEqual({
      kind: 'ok',
      users: ['bob'],
    });
  });

  test('takes no nonce that was made with the common secret, and registrars that share its own do', () => {
    const { check, challengeOf, build } = world({ realms });
    const [nonceless, sharing] = [build({ realms: new Map() }), build({ secret: Buffer.from('another') })];
    const answerFrom = (at: ReturnType<typeof build>) =>
      answerTo(
        challengeOf(check({ at })).find((value) => value.includes('MD5')),
        bob,
      );
    expect(check({ authorization: answerFrom(nonceless) })).toMatchObject({ kind: 'challenge', stale: true });
    expect(check({ authorization: answerFrom(sharing) })).toEqual({ kind: 'ok', users: ['bob'] });
  });
});

describe('challenges', () => {
  test('401 with WWW-Authenticate, for a realm that is the domain', () => {
    const { check, challengeOf } = world();
    const outcome = check({});
    expect(outcome).toMatchObject({ kind: 'challenge', stale: false, reply: { status: 401 } });
    expect(challengeOf(outcome)).toEqual([
      expect.stringMatching(/^Digest realm="biloxi.com", nonce="[\w-]{40}", algorithm=MD5, qop="auth"$/),
    ]);
  });

  test('407 with Proxy-Authenticate for what is forwarded', () => {
    const { check, challengeOf } = world();
    const outcome = check({ proxy: true, method: 'INVITE' });
    expect(outcome).toMatchObject({ kind: 'challenge', reply: { status: 407 } });
    const authorization = answerTo(challengeOf(outcome, 'Proxy-Authenticate')[0], bob, { method: 'INVITE' });
    expect(check({ proxy: true, method: 'INVITE', authorization })).toEqual({ kind: 'ok', users: ['bob'] });
  });

  test('one per algorithm, in the order configured (RFC 8760 2.3)', () => {
    const { check, challengeOf } = world({ algorithms: ['SHA-256', 'MD5'] });
    expect(challengeOf(check({})).map((value) => /algorithm=([^,]+)/.exec(value)?.[1])).toEqual([
      'SHA-256',
      'MD5',
    ]);
  });

  test('never the same nonce for two requests', () => {
    const { check, challengeOf } = world();
    expect(challengeOf(check({}))).not.toEqual(challengeOf(check({})));
  });

  test('nobody is asked under mode none', () => {
    expect(world({ mode: 'none' }).check({})).toEqual({ kind: 'ok', users: undefined });
  });
});

describe('right passwords', () => {
  test.each([
    ['with qop', {}],
    ['without qop, as RFC 2069 phones do', { qop: undefined }],
    ['with any count: nc is not tracked', { nc: '0000002a' }],
    ['with the realm where the Request-URI has an address', { uri: 'sip:biloxi.com;transport=udp' }],
  ])('%s', (_, options) => {
    expect(world().login(bob, options)).toEqual({ kind: 'ok', users: ['bob'] });
  });

  test('by SHA-256 where it is offered (RFC 8760)', () => {
    expect(world({ algorithms: ['SHA-256'] }).login()).toEqual({ kind: 'ok', users: ['bob'] });
  });

  test('one nonce serves again and again within its lifetime', () => {
    const { check, challengeOf } = world();
    const authorization = answerTo(challengeOf(check({}))[0], bob);
    expect([check({ authorization }).kind, check({ authorization }).kind]).toEqual(['ok', 'ok']);
  });

  test('on a nonce of another registrar that shares the secret', () => {
    const { check, challengeOf, build } = world();
    const authorization = answerTo(challengeOf(check({}))[0], bob);
    expect(check({ authorization, at: build() }).kind).toBe('ok');
  });

  test('of a spelling with a line of its own stand for the user', () => {
    const { login } = world({}, usersOf('bob', 'bob@', 'bob@biloxi.com'));
    expect(login({ user: 'bob@', password: PASSWORD })).toEqual({ kind: 'ok', users: ['bob'] });
    expect(login({ user: 'bob@biloxi.com', password: PASSWORD })).toEqual({ kind: 'ok', users: ['bob'] });
  });

  test('among credentials for other realms', () => {
    const { check, challengeOf } = world();
    const right = answerTo(challengeOf(check({}))[0], bob);
    const other = right.replace('realm="biloxi.com"', 'realm="atlanta.com"');
    expect(
      check({ authorization: `${other}\r\nAuthorization: Basic abc\r\nAuthorization: ${right}` }).kind,
    ).toBe('ok');
  });
});

describe('stale (RFC 7616 3.3): the digest is right, the nonce is not good', () => {
  test('because it is too old', () => {
    const { check, challengeOf, clock } = world();
    const authorization = answerTo(challengeOf(check({}))[0], bob);
    clock.advance(300_001);
    const outcome = check({ authorization });
    expect(outcome).toMatchObject({ kind: 'challenge', stale: true });
    expect(challengeOf(outcome)[0]).toMatch(/stale=true/);
  });

  test('because the phone has another address now', () => {
    const { check, challengeOf } = world();
    const authorization = answerTo(challengeOf(check({}))[0], bob);
    expect(check({ authorization, source: '192.0.2.99' })).toMatchObject({ kind: 'challenge', stale: true });
  });

  test('because it was made under another secret, or by nobody', () => {
    const { check, challengeOf, build } = world();
    const authorization = answerTo(challengeOf(check({}))[0], bob);
    const other = build({ secret: Buffer.from('other') });
    expect(check({ authorization, at: other })).toMatchObject({ kind: 'challenge', stale: true });
    const made = answerTo(challengeOf(check({}))[0], bob, { nonce: 'made-up' });
    expect(check({ authorization: made })).toMatchObject({ kind: 'challenge', stale: true });
  });

  test('is not said to a wrong password', () => {
    const { check, challengeOf, clock } = world();
    const authorization = answerTo(challengeOf(check({}))[0], { user: 'bob', password: 'wrong' });
    clock.advance(300_001);
    expect(check({ authorization })).toMatchObject({ kind: 'challenge', stale: false });
    expect(check({ authorization, source: '192.0.2.99' })).toMatchObject({ kind: 'challenge', stale: false });
  });

  test('is said to a few guesses only, or made-up nonces were a way to guess without being counted', () => {
    const { check, challengeOf } = world();
    const challenge = challengeOf(check({}))[0];
    for (let at = 0; at < 8; at += 1)
      check({ authorization: answerTo(challenge, { user: 'bob', password: `p${at}` }, { nonce: 'x' }) });
    expect(check({ authorization: answerTo(challenge, bob, { nonce: 'x' }) })).toMatchObject({
      stale: false,
    });
  });
});

describe('failures', () => {
  const wrong = { user: 'bob', password: 'wrong' };

  test('an unknown user and a wrong password get the same answer', () => {
    const { login } = world();
    const masked = (outcome: unknown) => JSON.stringify(outcome).replace(/nonce=\\"[\w-]{40}/, 'nonce');
    expect(masked(login({ user: 'nobody', password: 'x' }))).toBe(masked(login(wrong)));
  });

  test.each([
    [
      'an algorithm that was not offered',
      (value: string) => value.replace('algorithm=MD5', 'algorithm=SHA-512-256'),
    ],
    ['a session algorithm', (value: string) => value.replace('algorithm=MD5', 'algorithm=MD5-sess')],
    ['another method', (value: string) => value],
  ])('%s is a challenge', (what, change) => {
    const { check, challengeOf } = world();
    const authorization = change(
      answerTo(challengeOf(check({}))[0], bob, what === 'another method' ? { method: 'INVITE' } : {}),
    );
    expect(check({ authorization })).toMatchObject({ kind: 'challenge', stale: false });
  });

  test('a digest for a URI elsewhere is refused (RFC 8760 2.6 (6))', () => {
    expect(world().login(bob, { uri: 'sip:atlanta.com' }).kind).toBe('challenge');
    expect(world().login(bob, { uri: 'sip:192.0.2.61:5060' }).kind).toBe('challenge');
  });

  test('a digest for the address of this server is taken, as sipp sends it', () => {
    expect(world().login(bob, { uri: 'sip:192.0.2.60:5060' }).kind).toBe('ok');
  });

  test.each(['Basic Ym9iOnphbnppYmFy', 'Digest', 'Digest username="bob"', 'nonsense,,', ''])(
    'credentials %j count as none',
    (authorization) => {
      const { check, lines } = world();
      expect(check({ authorization })).toMatchObject({ kind: 'challenge', stale: false });
      expect(lines).toEqual([]);
    },
  );

  test('write one stable line with the source address, and no secret', () => {
    const { login, lines } = world();
    login(wrong);
    expect(lines).toEqual([
      {
        message: 'authentication failed',
        fields: {
          src: '192.0.2.4',
          transport: 'udp',
          method: 'REGISTER',
          user: 'bob',
          realm: 'biloxi.com',
          callId: 'c1',
          why: 'wrong-password',
        },
      },
    ]);
    expect(Object.keys(lines[0]?.fields ?? {})[0]).toBe('src');
  });

  test('on a nonce that was not given to this address write no line: anybody can send those in its name', () => {
    const { check, challengeOf, lines } = world();
    const authorization = answerTo(challengeOf(check({}))[0], wrong);
    check({ authorization, source: '192.0.2.99' });
    expect(lines).toEqual([]);
  });

  test('sixteen in a burst, then the right password: slowed, never banned', () => {
    const { login, clock, lines } = world();
    for (let at = 0; at < 16; at += 1) expect(login(wrong).kind).toBe('challenge');
    expect(lines).toHaveLength(6);
    expect(login({ user: 'ann', password: PASSWORD }).kind).toBe('ok');
    expect(login().kind).toBe('challenge');
    clock.advance(1_001);
    expect(login().kind).toBe('ok');
  });

  test('of many users ban the source, with a line', () => {
    const { login, guard, lines } = world();
    for (let at = 0; at < 50; at += 1) login({ user: `user${at}`, password: 'x' });
    expect(guard.bans.isBanned('192.0.2.4')).toBe(true);
    expect(guard.bans.isBanned('192.0.2.5')).toBe(false);
    expect(lines.at(-1)).toEqual({
      message: 'source banned',
      fields: { src: '192.0.2.4', forSec: 300, banned: '192.0.2.4' },
    });
  });

  test('of a trusted source never ban it', () => {
    const { login, guard } = world({}, usersOf('bob', 'ann'), { trusted: true });
    for (let at = 0; at < 200; at += 1) login({ user: `user${at}`, password: 'x' });
    expect(guard.bans.isBanned('192.0.2.4')).toBe(false);
    expect(login().kind).toBe('ok');
  });

  test('before any are known, requests without credentials or on nonces of others leave nothing behind', () => {
    const { check, guard } = world();
    const made = answerTo('Digest realm="biloxi.com", nonce="made-up"', bob);
    for (let at = 0; at < 2_000; at += 1) {
      check({ source: `192.0.2.${at % 250}` });
      check({ source: `192.0.2.${at % 250}`, authorization: made.replaceAll('bob', `user${at}`) });
    }
    expect([guard.size, guard.bans.list()]).toEqual([0, []]);
  });

  test('are counted by result', () => {
    const { login, metrics } = world();
    login(wrong);
    login();
    expect(metrics.text()).toMatch(/chordial_auth_total\{result="failed"\} 1/);
    expect(metrics.text()).toMatch(/chordial_auth_total\{result="ok"\} 1/);
  });
});
