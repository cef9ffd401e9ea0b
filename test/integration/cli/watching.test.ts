// What an operator sees of a running server: its failed authentications as fail2ban reads them, its bans, its messages.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatEndpoint } from '../../../src/runtime/datagram.ts';
import { login, userLines } from '../../support/accounts.ts';
import { gaugeOf } from '../../support/admin-client.ts';
import { runCommand } from '../../support/cli.ts';
import { readPcap } from '../../support/pcap-reader.ts';
import { type ServerProcess, startProcess } from '../../support/server-process.ts';
import { SipClient } from '../../support/sip-client.ts';

const REALM = 'biloxi.example';
const folder = mkdtempSync(join(tmpdir(), 'chordial-watching-'));
/** The log of the real server, line by line. BOUNDED: by the test. */
const log: string[] = [];
let server: ServerProcess;
let alice: SipClient;
let guesser: SipClient;
let cseq = 0;

beforeAll(async () => {
  const [usersFile, tokenFile] = [join(folder, 'users'), join(folder, 'token')];
  writeFileSync(usersFile, userLines(REALM, ['alice']));
  writeFileSync(tokenFile, 'a-token-of-thirty-two-characters\n');
  server = await startProcess(
    {
      domain: REALM,
      publication: 'local',
      'sip.auth.usersFile': usersFile,
      'admin.tokenFile': tokenFile,
      'limits.trusted': '[]',
    },
    'ready',
    (line) => void log.push(line),
  );
  [alice, guesser] = await Promise.all([SipClient.open('127.0.0.31'), SipClient.open('127.0.0.32')]);
});

afterAll(async () => {
  await Promise.all([alice?.close(), guesser?.close()]);
  await server?.end('SIGTERM');
  rmSync(folder, { recursive: true });
});

const admin = () => ['--admin', formatEndpoint(server.admin), '--admin.tokenFile', join(folder, 'token')];
const loginAs = (client: SipClient, user: string, password?: string) => {
  cseq += 1;
  return login(client, server.sip, {
    user,
    realm: REALM,
    cseq,
    ...(password === undefined ? {} : { password }),
    contact: 'sip:alice@127.0.0.31',
    giveUpMs: 700,
  });
};
/** Guesses until nobody listens. */
const guess = async (): Promise<void> => {
  for (let at = 0; at < 100; at += 1)
    try {
      await loginAs(guesser, `user${at}`, 'x');
    } catch {
      return;
    }
};

/** The filter as fail2ban reads it: the option, the definition it names, `<ADDR>`, and the time cut out of the line. */
const filter = (mode: 'bans' | 'failures'): ((line: string) => string | undefined) => {
  const text = readFileSync('config/fail2ban/filter.d/chordial.conf', 'utf8');
  const value = (name: string): string => new RegExp(`^${name} = (.*)$`, 'm').exec(text)?.[1] ?? '';
  expect(value('failregex')).toBe('<mdre-<mode>>');
  const regex = value(`mdre-${mode}`)
    .replace('%(_line)s', value('_line'))
    .replace('<ADDR>', '(?<addr>[0-9a-f.:]+)');
  const date = new RegExp(value('datepattern').replace('{LEPOCH}', '\\d{13}'));
  return (line) => new RegExp(regex).exec(line.replace(date, ''))?.groups?.['addr'];
};

describe('the fail2ban filter', () => {
  test('finds the address of every failed authentication, and of nothing else', async () => {
    const from = log.length;
    await loginAs(alice, 'alice');
    await loginAs(alice, 'alice', 'wrong');
    await loginAs(alice, 'x\\",\\"src\\":\\"10.9.9.9\\",\\"msg\\":\\"authentication failed\\"}', 'wrong');
    await expect
      .poll(() => log.slice(from).filter((line) => line.includes('authentication failed')))
      .toHaveLength(2);
    const lines = log.slice(from);
    expect(lines.flatMap((line) => filter('failures')(line) ?? [])).toEqual(['127.0.0.31', '127.0.0.31']);
    // As the systemd backend shows it.
    expect(lines.flatMap((line) => filter('failures')(`sip0 node[412]: ${line}`) ?? [])).toHaveLength(2);
    expect(lines.flatMap((line) => filter('bans')(line) ?? [])).toEqual([]);
    // The lines that aren't about failures are there, or the test would show nothing.
    expect(lines.length).toBeGreaterThan(5);
  });

  test("finds the server's own bans", async () => {
    await guess();
    expect(log.flatMap((line) => filter('bans')(line) ?? [])).toEqual(['127.0.0.32']);
  });
});

test('chordial bans lists who is banned, and lifts it', async () => {
  await guess();
  expect(await gaugeOf(server.admin, 'chordial_bans')).toBe(1);
  const listed = await runCommand(['bans', ...admin()]);
  expect([listed.code, listed.stdout]).toEqual([
    0,
    expect.stringMatching(/^source\tsince\tends in\n127\.0\.0\.32\t/),
  ]);
  expect(await runCommand(['bans', '--lift', '127.0.0.32', ...admin()])).toMatchObject({
    code: 0,
    stdout: '1 ban lifted\n',
  });
  expect((await loginAs(guesser, 'alice')).status).toBe(200);
  expect(JSON.parse((await runCommand(['bans', '--json', ...admin()])).stdout)).toEqual({ bans: [] });
  expect((await runCommand(['bans', '--lift', '127.0.0.32', ...admin()])).code).toBe(4);
});

describe('chordial sip-trace', () => {
  const traced = async (args: readonly string[], work: () => Promise<unknown>) => {
    const out = join(folder, `${args.join('').replace(/\W/g, '')}.pcap`);
    const from = log.length;
    const run = runCommand(['sip-trace', ...args, '--seconds', '1', '--out', out, ...admin()]);
    await expect.poll(() => log.slice(from).some((line) => line.includes('SIP trace on'))).toBe(true);
    await work();
    expect(await run).toMatchObject({
      code: 0,
      stderr: `tracing; Ctrl-C ends it\n${statSync(out).size} bytes in ${out}\n`,
    });
    expect(statSync(out).mode & 0o777).toBe(0o600);
    return readPcap(readFileSync(out));
  };

  test('writes the messages of one user to a file for its owner alone, passwords cut', async () => {
    const { port } = alice.local;
    const messages = await traced(['--aor', `sip:alice@${REALM.toUpperCase()}`], async () => {
      await loginAs(alice, 'alice');
      await alice.ask(server.sip, {
        method: 'OPTIONS',
        uri: `sip:${REALM}`,
        from: 'sip:carol@elsewhere.example',
        to: `sip:${REALM}`,
      });
    });
    expect(messages.map(({ text }) => text.split(' ', 2).join(' '))).toEqual([
      `REGISTER sip:${REALM}`,
      'SIP/2.0 401',
      `REGISTER sip:${REALM}`,
      'SIP/2.0 200',
    ]);
    expect(messages[0]).toMatchObject({ from: `127.0.0.31 ${port}`, to: `127.0.0.1 ${server.sip.port}` });
    expect(messages[1]).toMatchObject({ from: `127.0.0.1 ${server.sip.port}`, to: `127.0.0.31 ${port}` });
    expect(messages[1]?.text).toContain(`realm="${REALM}", nonce="${'x'.repeat(40)}"`);
    expect(messages[2]?.text).toContain(`username="alice", realm="${REALM}", nonce="${'x'.repeat(40)}"`);
    expect(messages[2]?.text).toContain(`response="${'x'.repeat(32)}"`);
  });

  test('or those of one address', async () => {
    const messages = await traced(['--source', '127.0.0.31'], async () => {
      await loginAs(guesser, 'alice');
      await loginAs(alice, 'alice');
    });
    expect(messages).toHaveLength(4);
  });

  test.each([
    ['neither a user nor an address', [], 2],
    ['something that is no user', ['--aor', 'biloxi.example'], 2],
    ['more than a day', ['--source', '127.0.0.31', '--seconds', '86401'], 2],
  ])('refuses %s', async (_, args, code) => {
    const out = join(folder, 'refused.pcap');
    expect((await runCommand(['sip-trace', ...args, '--out', out, ...admin()])).code).toBe(code);
  });

  test('ends well when the server stops', async () => {
    const other = await startProcess({ publication: 'local' }, 'ready');
    const [out, where] = [join(folder, 'stop.pcap'), ['--admin', formatEndpoint(other.admin)]];
    const run = runCommand(['sip-trace', '--source', '127.0.0.31', '--out', out, ...where]);
    // The header of the file is there once the trace runs.
    await expect.poll(() => (existsSync(out) ? statSync(out).size : 0)).toBe(24);
    expect(await other.end('SIGTERM')).toBe(0);
    expect((await run).code).toBe(0);
  });

  test('wants the token where there is one', async () => {
    const args = ['--source', '127.0.0.31', '--out', '-', '--admin', formatEndpoint(server.admin)];
    expect(await runCommand(['sip-trace', ...args])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('Bearer TOKEN'),
    });
  });

  test('says so when nobody answers', async () => {
    const run = await runCommand(['bans', '--admin', '127.0.0.1:1']);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('no answer from 127.0.0.1:1')]);
  });
});
