import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AuthGuard } from '../../../src/auth/auth-guard.ts';
import { digestHa1, digestResponse, responseMatches } from '../../../src/auth/digest.ts';
import { Nonces } from '../../../src/auth/nonce.ts';
import { addLink, addUser, removeUser } from '../../../src/auth/user-edit.ts';
import { parseUserFile } from '../../../src/auth/user-file.ts';
import { systemRandom } from '../../../src/runtime/random.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const algorithm = fc.constantFrom('MD5' as const, 'SHA-256' as const);
const user = fc
  .string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
  .filter(
    (text) => !/[:\p{Cc}\u2028\u2029\ufeff]/u.test(text) && text.trim() === text && !text.startsWith('#'),
  );
const domain = fc.constantFrom('biloxi.com', 'atlanta.com', '2001:db8::1');

describe('the user file', () => {
  test('holds what was added, whatever stood in it, and nothing after it was removed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ user, realm: domain, password: fc.string({ minLength: 1 }) }), { maxLength: 8 }),
        (accounts) => {
          let text = '# kept\n';
          const expected = new Map<string, string>();
          for (const account of accounts) {
            const added = addUser(text, { ...account, algorithms: ['MD5', 'SHA-256'] });
            if (!added.ok) throw new Error(added.error);
            text = added.value.text;
            expected.set(`${account.user}:${account.realm}`, digestHa1('MD5', account));
          }
          const parsed = parseUserFile(text);
          if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
          const held = parsed.value.flatMap((line) =>
            line.kind === 'password' && line.algorithm === 'MD5' ? [line] : [],
          );
          expect(new Map(held.map((line) => [`${line.user}:${line.realm}`, line.ha1]))).toEqual(expected);
          for (const account of accounts) text = removeUser(text, account).text;
          expect(text).toBe('# kept\n');
        },
      ),
    );
  });

  test('changed by any commands in any order is one that can be read', () => {
    const name = fc.constantFrom('alice', 'alice@', 'bob', '101', '102', 'a.smith');
    const realm = fc.constantFrom('a.example', 'b.example');
    const change = fc.oneof(
      fc.record({ what: fc.constant('add' as const), user: name, realm }),
      fc.record({ what: fc.constantFrom('alias' as const, 'login' as const), user: name, realm, of: name }),
      fc.record({
        what: fc.constant('remove' as const),
        user: name,
        realm: fc.option(realm, { nil: undefined }),
      }),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        let text = '';
        for (const one of changes) {
          if (one.what === 'remove') text = removeUser(text, one).text;
          else {
            const changed =
              one.what === 'add'
                ? addUser(text, { ...one, password: 'x', algorithms: ['MD5'] })
                : addLink(text, { ...one, kind: one.what });
            if (changed.ok) text = changed.value.text;
          }
          const parsed = parseUserFile(text);
          expect(parsed.ok ? [] : parsed.error, `${text} after ${JSON.stringify(one)}`).toEqual([]);
        }
      }),
    );
  });

  test('is read or refused, never thrown at', () => {
    const pieces = fc.constantFrom(
      ':',
      '\n',
      '\r',
      'bob',
      'é',
      '#',
      ' ',
      '\0',
      'SHA-256',
      '0'.repeat(32),
      'f',
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 60, unit: pieces }), (text) => {
        const parsed = parseUserFile(text);
        expect(parsed.ok || parsed.error.length > 0).toBe(true);
      }),
    );
  });
});

describe('digest', () => {
  const credentials = fc.record({
    username: fc.string(),
    realm: fc.string(),
    nonce: fc.string(),
    uri: fc.string(),
    cnonce: fc.string(),
    nc: fc.constant('00000001'),
    qop: fc.constant('auth'),
    response: fc.constant(''),
  });

  test('the response made with a password fits that password, and no other', () => {
    fc.assert(
      fc.property(algorithm, credentials, fc.string(), fc.string(), (kind, given, right, wrong) => {
        const ha1 = (password: string) =>
          digestHa1(kind, { user: given.username, realm: given.realm, password });
        const response = digestResponse(kind, ha1(right), 'REGISTER', given) ?? '';
        expect(responseMatches(kind, ha1(right), 'REGISTER', { ...given, response })).toBe(true);
        expect(responseMatches(kind, ha1(wrong), 'REGISTER', { ...given, response })).toBe(wrong === right);
      }),
    );
  });

  test('a nonce is good only for whom, where and when it was made', () => {
    const nonces = new Nonces({ secret: Buffer.from('s'), lifetimeSec: 300, random: systemRandom });
    fc.assert(
      fc.property(
        fc.ipV4(),
        fc.ipV4(),
        fc.integer({ min: 0, max: 2 ** 47 }),
        fc.integer({ min: 0, max: 600_000 }),
        (source, other, nowMs, ageMs) => {
          const nonce = nonces.issue({ realm: 'biloxi.com', source }, nowMs);
          const verdict = nonces.judge(nonce, { realm: 'biloxi.com', source: other }, nowMs + ageMs);
          expect(verdict).toBe(source !== other ? 'foreign' : ageMs <= 300_000 ? 'good' : 'expired');
        },
      ),
    );
  });

  test('what was made up is never good', () => {
    const nonces = new Nonces({ secret: Buffer.from('s'), lifetimeSec: 300, random: systemRandom });
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (nonce) => {
        expect(nonces.judge(nonce, { realm: 'b', source: '192.0.2.1' }, 0)).toBe('foreign');
      }),
    );
  });
});

describe('the guard', () => {
  const failure = fc.record({
    source: fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1'),
    user: fc.constantFrom('ann', 'bob'),
    pauseMs: fc.nat(30_000),
  });

  test('never bans a source for two users, however they fail', () => {
    fc.assert(
      fc.property(fc.array(failure, { maxLength: 300 }), (failures) => {
        const clock = new ManualClock();
        const guard = new AuthGuard(clock, { banSec: 300, isTrusted: () => false });
        for (const { pauseMs, ...attempt } of failures) {
          // Within one window: over days, a source owes nothing for old failures.
          clock.advance(pauseMs % 100);
          if (guard.ask(attempt) === 'look') expect(guard.failed(attempt)).toBeUndefined();
        }
      }),
    );
  });

  test('looks again at every pair within a minute unless it never paused', () => {
    fc.assert(
      fc.property(fc.array(failure, { maxLength: 100 }), (failures) => {
        const clock = new ManualClock();
        const guard = new AuthGuard(clock, { banSec: 300, isTrusted: () => false });
        for (const { pauseMs, ...attempt } of failures) {
          clock.advance(pauseMs);
          if (guard.ask(attempt) === 'look') guard.failed(attempt);
        }
        clock.advance(60_000);
        for (const { source, user: who } of failures) expect(guard.ask({ source, user: who })).toBe('look');
      }),
    );
  });
});
