import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LiveUsers } from '../../src/app-users.ts';
import { parseUserFile } from '../../src/auth/user-file.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import { type Log, type LogFields, silentLog } from '../../src/runtime/log.ts';
import { ManualClock } from '../support/manual-clock.ts';

const HA1 = '0'.repeat(32);
const line = (user: string, realm = 'a.example'): string => `${user}:${realm}:${HA1}\n`;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chordial-users-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const configOf = (tree: object): Config => {
  const parsed = parseConfig({ domain: ['a.example', 'b.example'], publication: 'local', ...tree });
  if (!parsed.ok) throw new Error(parsed.error.join('\n'));
  return parsed.value;
};

const start = async (config: Config, text: string) => {
  const clock = new ManualClock();
  const told: { message: string; fields: LogFields }[] = [];
  const tell = (fields: LogFields, message: string): void => void told.push({ fields, message });
  const log: Log = { ...silentLog, info: tell, error: tell };
  const running: Promise<unknown>[] = [];
  const parsed = parseUserFile(text);
  const users = new LiveUsers(
    {
      clock,
      log,
      random: { bytes: (count) => new Uint8Array(count), float: () => 0.5 },
      background: { background: (_, promise) => void running.push(promise) },
    },
    config,
    parsed.ok ? parsed.value : [],
  );
  await users.start();
  /** Two looks: one that sees the change, one that sees it stand still. */
  const settle = async (): Promise<void> => {
    for (let look = 0; look < 2; look += 1) {
      clock.advance(2_000);
      await Promise.all(running.splice(0));
    }
  };
  const has = (user: string, domain = 'a.example') =>
    users.table.userFor({ scheme: 'sip', user, domain })?.user ?? 'nobody';
  return { users, told, settle, has };
};

describe('the user file, changed while the server runs', () => {
  const config = () => configOf({ sip: { auth: { usersFile: at('users') } } });

  test('is taken over without a signal, aliases included', async () => {
    writeFileSync(at('users'), line('alice'));
    const { settle, has, told } = await start(config(), line('alice'));
    writeFileSync(at('users'), `${line('bob')}101:a.example:alias:bob\n`);
    await settle();
    expect([has('alice'), has('bob'), has('101')]).toEqual(['nobody', 'bob', 'bob']);
    expect(told).toEqual([{ message: 'users reloaded', fields: { users: 1 } }]);
  });

  test.each<[string, string, RegExp]>([
    ['half a line', `${line('bob')}carol:a.exa`, /users:2: not user:realm:HA1/],
    ['an alias of nobody', `${line('bob')}\n101:a.example:alias:carol\n`, /users:3: there is no user carol/],
    ['nothing at all', '', /users names no users/],
    ['only comments', '# staff\n', /users names no users/],
  ])('with %s leaves the users as they were, and one line says why', async (_, text, problem) => {
    writeFileSync(at('users'), line('alice'));
    const { settle, has, told } = await start(config(), line('alice'));
    writeFileSync(at('users'), text);
    await settle();
    await settle();
    expect([has('alice'), has('bob')]).toEqual(['alice', 'nobody']);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ message: 'the user file was not taken over', fields: { kept: 1 } });
    expect(String(told[0]?.fields['problems'])).toMatch(problem);
  });

  test('and gone leaves the users as they were', async () => {
    writeFileSync(at('users'), line('alice'));
    const { settle, has, told } = await start(config(), line('alice'));
    rmSync(at('users'));
    await settle();
    expect(has('alice')).toBe('alice');
    expect(told.map(({ message }) => message)).toEqual(['the user file was not taken over']);
  });

  test('with no users is believed when SIGHUP says so', async () => {
    writeFileSync(at('users'), line('alice'));
    const { users, has } = await start(config(), line('alice'));
    writeFileSync(at('users'), '');
    await users.reload(config());
    expect(has('alice')).toBe('nobody');
  });

  test('that is as it was is not read again', async () => {
    writeFileSync(at('users'), line('alice'));
    const { settle, told } = await start(config(), line('alice'));
    await settle();
    expect(told).toEqual([]);
  });
});

describe('several user files', () => {
  const config = () =>
    configOf({
      sip: { auth: { usersFile: at('common') } },
      domains: { 'b.example': { auth: { usersFile: at('own') } } },
    });

  test('are each one’s own: a mistake in one keeps its users, and the other is taken over', async () => {
    writeFileSync(at('common'), line('alice'));
    writeFileSync(at('own'), line('bob', 'b.example'));
    const { settle, has, told } = await start(config(), line('alice') + line('bob', 'b.example'));
    writeFileSync(at('common'), line('ann'));
    writeFileSync(at('own'), 'nonsense');
    await settle();
    expect([has('alice'), has('ann'), has('bob', 'b.example')]).toEqual(['nobody', 'ann', 'bob']);
    expect(told.map(({ message }) => message)).toEqual([
      'the user file was not taken over',
      'users reloaded',
    ]);
    writeFileSync(at('own'), line('ben', 'b.example'));
    await settle();
    expect([has('ann'), has('ben', 'b.example'), has('bob', 'b.example')]).toEqual(['ann', 'ben', 'nobody']);
  });

  test('are never emptied by one that was cut to nothing', async () => {
    writeFileSync(at('common'), line('alice'));
    writeFileSync(at('own'), line('bob', 'b.example'));
    const { settle, has, told } = await start(config(), line('alice') + line('bob', 'b.example'));
    writeFileSync(at('own'), '');
    await settle();
    expect([has('alice'), has('bob', 'b.example')]).toEqual(['alice', 'bob']);
    expect(String(told[0]?.fields['problems'])).toMatch(/own names no users; SIGHUP/);
  });

  test('that the configuration no longer names are forgotten', async () => {
    writeFileSync(at('common'), line('alice'));
    writeFileSync(at('own'), line('bob', 'b.example'));
    const { users, has } = await start(config(), line('alice') + line('bob', 'b.example'));
    await users.reload(configOf({ sip: { auth: { usersFile: at('common') } } }));
    expect([has('alice'), has('bob', 'b.example')]).toEqual(['alice', 'nobody']);
  });

  test.each([
    [
      'a tenant’s file with another tenant’s user',
      line('x'),
      line('bob', 'b.example') + line('eve'),
      /has eve of a\.example, and is for b\.example alone/,
    ],
    [
      'the common file with a user of a domain that has its own',
      line('x') + line('eve', 'b.example'),
      line('bob', 'b.example'),
      /has eve of b\.example, which has a file of its own/,
    ],
  ])('%s is refused', async (_, common, own, problem) => {
    writeFileSync(at('common'), common);
    writeFileSync(at('own'), own);
    const { users, told, has } = await start(config(), line('alice'));
    await users.reload(config());
    expect(String(told[0]?.fields['problems'])).toMatch(problem);
    expect([has('eve'), has('eve', 'b.example')]).toEqual(['nobody', 'nobody']);
  });
});
