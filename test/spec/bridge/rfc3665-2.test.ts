import { describe, expect, test } from 'vitest';
import { AuthGuard } from '../../../src/auth/auth-guard.ts';
import { createAuthenticator } from '../../../src/auth/authenticator.ts';
import { addUser } from '../../../src/auth/user-edit.ts';
import { parseUserFile } from '../../../src/auth/user-file.ts';
import { UserTable } from '../../../src/auth/users.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { MetricsRegistry } from '../../../src/runtime/metrics.ts';
import { systemRandom } from '../../../src/runtime/random.ts';
import { answerTo } from '../../support/digest-phone.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { type GivenRegister, registrarWorld } from '../../support/registrar-world.ts';

const world = () => {
  const added = addUser('', { user: 'bob', realm: 'biloxi.com', password: 'zanzibar', algorithms: ['MD5'] });
  const lines = parseUserFile(added.ok ? added.value.text : '');
  const clock = new ManualClock();
  const authenticator = createAuthenticator(
    {
      users: new UserTable(lines.ok ? lines.value : []),
      clock,
      random: systemRandom,
      log: silentLog,
      metrics: new MetricsRegistry(),
      guard: new AuthGuard(clock, { banSec: 300, isTrusted: () => false }),
      isOurs: () => false,
    },
    {
      mode: 'digest',
      algorithms: ['MD5'],
      nonceLifetimeSec: 300,
      secret: Buffer.from('secret'),
    },
  );
  const made = registrarWorld({ authenticator, clock });
  /** F1 to F4: asked, challenged, answered. */
  const login = async (given: GivenRegister = {}, password = 'zanzibar') => {
    const first = await made.register(given);
    const authorization = answerTo(first.header('WWW-Authenticate'), { user: 'bob', password });
    const second = await made.register({
      ...given,
      headers: [...(given.headers ?? []), `Authorization: ${authorization}`],
    });
    return { first, second, authorization };
  };
  return { ...made, login };
};

const BOB = 'Contact: <sips:bob@client.biloxi.example.com>';

describe('registration (RFC 3665 §2)', () => {
  test('successful new registration: 401, then 200 with the contact, RFC 3665 2.1', async () => {
    const { first, second } = await world().login({ headers: [BOB] });
    expect(first.status).toBe(401);
    expect(first.header('WWW-Authenticate')).toMatch(/^Digest realm="biloxi.com", .*qop="auth"/);
    expect([second.status, second.contacts]).toEqual([
      200,
      ['<sips:bob@client.biloxi.example.com>;expires=3600'],
    ]);
  });

  test('update of the contact list, with the credentials of before, RFC 3665 2.2', async () => {
    const { login, register } = world();
    const { authorization } = await login({ headers: [BOB] });
    const answer = await register({
      headers: ['Contact: mailto:bob@biloxi.example.com', `Authorization: ${authorization}`],
    });
    expect([answer.status, answer.contacts]).toEqual([
      200,
      ['<sips:bob@client.biloxi.example.com>;expires=3600', '<mailto:bob@biloxi.example.com>;expires=3600'],
    ]);
  });

  test('request for the current contact list, RFC 3665 2.3', async () => {
    const { login, register } = world();
    const { authorization } = await login({ headers: [BOB] });
    const answer = await register({ headers: [`Authorization: ${authorization}`] });
    expect([answer.status, answer.contacts]).toEqual([
      200,
      ['<sips:bob@client.biloxi.example.com>;expires=3600'],
    ]);
  });

  test('cancellation of the registration: 200 without Contact, RFC 3665 2.4', async () => {
    const { login, register } = world();
    const { authorization } = await login({ headers: [BOB] });
    const answer = await register({
      headers: ['Expires: 0', 'Contact: *', `Authorization: ${authorization}`],
    });
    expect([answer.status, answer.contacts]).toEqual([200, []]);
    expect((await register({ headers: [`Authorization: ${authorization}`] })).contacts).toEqual([]);
  });

  test('unsuccessful registration: another 401 with another nonce, nothing stored, RFC 3665 2.5', async () => {
    const { login, location } = world();
    const { first, second } = await login({ headers: [BOB] }, 'wrong');
    expect([first.status, second.status]).toEqual([401, 401]);
    expect(second.header('WWW-Authenticate')).not.toBe(first.header('WWW-Authenticate'));
    expect(second.header('WWW-Authenticate')).not.toMatch(/stale/);
    expect(location.published).toEqual([]);
  });

  test('the right password on the address of record of another is a 403, RFC 3261 10.3 step 4', async () => {
    const { second } = await world().login({ to: '<sip:ann@biloxi.com>', headers: [BOB] });
    expect(second.status).toBe(403);
  });

  test('a refresh after the nonce expired is told stale=true and succeeds with the new one', async () => {
    const { login, register, clock } = world();
    const { authorization } = await login({ headers: [BOB] });
    clock.advance(301_000);
    const stale = await register({ headers: [BOB, `Authorization: ${authorization}`] });
    expect(stale.header('WWW-Authenticate')).toMatch(/, stale=true$/);
    expect((await login({ headers: [BOB] })).second.status).toBe(200);
  });
});
