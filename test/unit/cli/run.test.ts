// What every command has in common, and the commands that need no server.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { runCommand } from '../../support/cli.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chordial-cli-'));
  for (const name of Object.keys(process.env)) if (name.startsWith('CHORDIAL_')) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});
const at = (name: string): string => join(folder, name);

test.each([
  [['chek-config'], 'there is no command chek-config'],
  [['lookp', 'sip:bob@biloxi.example'], 'there is no command lookp'],
  [['serve', '--sip.lsten', 'udp:127.0.0.1:0'], 'unknown: --sip.lsten'],
  [['--sip.lsten=x'], 'unknown: --sip.lsten'],
  [['serve', 'extra'], 'unknown: extra'],
])('what %j has too much is told by name', async (args, said) => {
  const { stderr } = await runCommand(args);
  expect(stderr).toBe(`chordial: ${said}\nchordial --help tells what there is.\n`);
});

describe('a wrong command line ends with 2, in words, and prints nothing to stdout', () => {
  test.each<readonly string[]>([
    ['frobnicate'],
    ['lookp', 'sip:bob@biloxi.example'],
    ['serve', 'extra'],
    ['serve', '--bogus', '1'],
    ['serve', '--config'],
    ['check-config', '--sip.advertise'],
    ['check-config', '--sip.nothing', 'x'],
    ['check-config', '-c', '/nonexistent/chordial.yaml'],
    ['check-config', '-c', '/'],
    ['lookup'],
    ['lookup', 'sip:a@b.example', 'sip:c@d.example'],
    ['lookup', 'bob', '--via', '127.0.0.1:7184'],
    ['lookup', 'tel:+15551234', '--via', '127.0.0.1:7184'],
    ['lookup', 'sip:bob@biloxi.example', '--via', 'nowhere'],
    ['lookup', 'sip:bob@biloxi.example', '--via', '127.0.0.1:0'],
    ['lookup', 'sip:bob@biloxi.example', '--via'],
    ['ring', '--via', '127.0.0.1:70000'],
    ['ring', '--via', '127.0.0.1:7184', '--looks', '0'],
    ['find'],
    ['find', 'bob', '--via', '127.0.0.1:7184'],
    ['trace'],
    ['trace', 'tel:+15551234', '--via', '127.0.0.1:7184'],
    ['sim', '--nodes', '0'],
    ['sim', '--nodes', 'many'],
    ['sim', '--minutes', '1.5'],
    ['sim', '--loss', '2'],
    ['sim', '100'],
    ['publish', 'sip:bob@biloxi.example'],
    ['publish', 'sip:bob@biloxi.example', 'sip:bob@192.0.2.4'],
    ['publish', 'sip:bob@biloxi.example', 'sip:bob@192.0.2.4', '--key', '/nonexistent/key.pem'],
    ['withdraw'],
    ['users'],
    ['users', 'frobnicate'],
    ['users', 'list'],
    ['users', 'add', '--file', 'users'],
    ['users', 'add', 'bob', 'password', '--file', 'users'],
    ['ping', 'nowhere'],
  ])('chordial %s %s %s %s %s', async (...args) => {
    const { code, stdout, stderr } = await runCommand(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^chordial: .+\n/);
    expect(stderr).not.toContain('    at ');
  });
});

describe('help and version', () => {
  test.each<readonly string[]>([
    ['--help'],
    ['serve', '--help'],
    ['check-config', '--help'],
    ['lookup', '--help'],
    ['publish', '--help'],
    ['withdraw', '--help'],
    ['ring', '--help'],
    ['find', '--help'],
    ['trace', '--help'],
    ['sim', '--help'],
    ['keygen', '--help'],
    ['users', '--help'],
    ['users', 'add', '--help'],
    ['ping', '--help'],
  ])('chordial %s %s %s', async (...args) => {
    const { code, stdout } = await runCommand(args);
    expect(code).toBe(0);
    expect(stdout).toContain('chordial');
  });

  test('-h is --help; users shows the flag for the domain, whose key the configuration has too', async () => {
    const { code, stdout } = await runCommand(['users', 'add', '-h']);
    expect(code).toBe(0);
    expect(stdout).toContain('--domain');
    expect(stdout).not.toContain('--sip.listen');
  });

  test('--version tells the version of the package', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }; // our own file
    expect(await runCommand(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('check-config', () => {
  test('tells every problem of file, environment and flags at once', async () => {
    writeFileSync(at('c.yaml'), 'nonsense: 1\nregistrar: {minExpiresSec: 0}\n');
    vi.stubEnv('CHORDIAL_SIP__NOPE', '1');
    const { code, stdout, stderr } = await runCommand([
      'check-config',
      '-c',
      at('c.yaml'),
      '--log.level',
      'loud',
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('4 problems');
    for (const path of ['nonsense:', 'registrar.minExpiresSec:', 'CHORDIAL_SIP__NOPE:', 'log.level:'])
      expect(stderr).toContain(path);
  });

  test('prints a configuration that it takes back, with flags over environment over file', async () => {
    writeFileSync(
      at('c.yaml'),
      'domain: file.example\naliases: [www.file.example]\nlimits: {banSec: 1, idleSec: 11}\n',
    );
    vi.stubEnv('CHORDIAL_LIMITS__BAN_SEC', '2');
    vi.stubEnv('CHORDIAL_LIMITS__IDLE_SEC', '22');
    vi.stubEnv('CHORDIAL_SERVICE_HOST', '10.0.0.1');
    const first = await runCommand(['check-config', '-c', at('c.yaml'), '--limits.idleSec', '33']);
    expect(first.code).toBe(0);
    expect(parse(first.stdout)).toMatchObject({
      domain: ['file.example'],
      aliases: ['www.file.example'],
      limits: { banSec: 2, idleSec: 33 },
    });
    vi.unstubAllEnvs();
    writeFileSync(at('again.yaml'), first.stdout);
    expect(await runCommand(['check-config', '-c', at('again.yaml')])).toEqual(first);
  });

  test('--json prints one document with the same content', async () => {
    const [yaml, json] = [await runCommand(['check-config']), await runCommand(['check-config', '--json'])];
    expect(JSON.parse(json.stdout)).toEqual(parse(yaml.stdout));
  });

  test('CHORDIAL_CONFIG names the file as -c does', async () => {
    writeFileSync(at('c.yaml'), 'domain: named.example\n');
    vi.stubEnv('CHORDIAL_CONFIG', at('c.yaml'));
    const { stdout } = await runCommand(['check-config']);
    expect(parse(stdout)).toMatchObject({ domain: ['named.example'] });
  });
});

describe('users', () => {
  const HA1 = '0'.repeat(32);

  test('list shows names and hashes’ kinds, never hashes, as text and as JSON', async () => {
    writeFileSync(
      at('users'),
      `# staff\nbob:biloxi.example:${HA1}\nal:biloxi.example:SHA-256:${HA1}${HA1}\n`,
    );
    const file = ['--file', at('users'), '--domain', 'biloxi.example'];
    const text = await runCommand(['users', 'list', ...file]);
    expect(text.stdout).toBe('user\tdomain\thash\nbob\tbiloxi.example\tMD5\nal\tbiloxi.example\tSHA-256\n');
    const json = await runCommand(['users', 'list', '--json', ...file]);
    expect(JSON.parse(json.stdout)).toEqual({
      users: [
        { user: 'bob', realm: 'biloxi.example', algorithm: 'MD5' },
        { user: 'al', realm: 'biloxi.example', algorithm: 'SHA-256' },
      ],
      links: [],
    });
  });

  test('on a terminal the list is a table', async () => {
    writeFileSync(at('users'), `bob:biloxi.example:${HA1}\n`);
    const { stdout } = await runCommand(
      ['users', 'list', '--file', at('users'), '--domain', 'biloxi.example'],
      {
        terminal: true,
      },
    );
    expect(stdout).toBe('\u001b[1muser  domain          hash\u001b[0m\nbob   biloxi.example  MD5\n');
  });

  test('remove leaves everything else, the file’s mode included, and tells 4 for who is not there', async () => {
    writeFileSync(at('users'), `# staff\nbob:biloxi.example:${HA1}\nal:biloxi.example:${HA1}\n`, {
      mode: 0o640,
    });
    const remove = (name: string) =>
      runCommand(['users', 'remove', name, '--file', at('users'), '--domain', 'biloxi.example']);
    expect((await remove('bob')).code).toBe(0);
    expect(readFileSync(at('users'), 'utf8')).toBe(`# staff\nal:biloxi.example:${HA1}\n`);
    expect(statSync(at('users')).mode & 0o777).toBe(0o640);
    expect((await remove('bob')).code).toBe(4);
  });

  test('alias and login say whom a name stands for, and go with the user', async () => {
    writeFileSync(at('users'), `alice:biloxi.example:${HA1}\na.smith:biloxi.example:${HA1}\n`);
    const users = (...args: string[]) =>
      runCommand(['users', ...args, '--file', at('users'), '--domain', 'biloxi.example']);
    expect((await users('alias', '101', 'alice')).stdout).toMatch(/^101@biloxi.example is an alias of alice/);
    expect((await users('login', 'a.smith', 'alice')).code).toBe(0);
    const nobody = await users('alias', '102', 'carol');
    expect({ code: nobody.code, words: nobody.stderr }).toEqual({
      code: 2,
      words: expect.stringContaining('there is no user carol in biloxi.example'),
    });
    const listed = await users('list');
    expect(listed.stdout).toContain('101\tbiloxi.example\talias of alice\n');
    expect(JSON.parse((await users('list', '--json')).stdout).links).toEqual([
      { kind: 'alias', name: '101', realm: 'biloxi.example', user: 'alice' },
      { kind: 'login', name: 'a.smith', realm: 'biloxi.example', user: 'alice' },
    ]);
    // Left alone, the password of a.smith would make a user of that name.
    expect((await users('remove', 'alice')).code).toBe(0);
    expect(readFileSync(at('users'), 'utf8')).toBe('');
  });

  test('the domain’s own file is the one that is changed, and all are listed', async () => {
    const office = `domain: [a.example, b.example]
publication: local
sip: {auth: {usersFile: common}}
domains: {b.example: {aliases: [sip.b.example], auth: {usersFile: own}}}`;
    writeFileSync(at('office.yaml'), office);
    writeFileSync(at('common'), `al:a.example:${HA1}\n`);
    writeFileSync(at('own'), `bob:b.example:${HA1}\n`);
    const users = (...args: string[]) => runCommand(['users', ...args, '-c', at('office.yaml')]);
    expect((await users('list')).stdout).toBe(
      'user\tdomain\thash\nal\ta.example\tMD5\nbob\tb.example\tMD5\n',
    );
    expect((await users('alias', '7', 'bob', '--domain', 'b.example')).code).toBe(0);
    expect(readFileSync(at('own'), 'utf8')).toBe(`bob:b.example:${HA1}\n7:b.example:alias:bob\n`);
    expect((await users('remove', 'al')).code).toBe(0);
    expect(readFileSync(at('common'), 'utf8')).toBe('');
    expect((await users('remove', 'bob', '--domain', 'sip.B.example')).code).toBe(0);
    const typo = await users('remove', 'bob', '--domain', 'c.example');
    expect([typo.code, typo.stderr]).toEqual([
      2,
      'chordial: c.example is not a domain or alias of the configuration (a.example, b.example)\n',
    ]);
  });
});

describe('sim', () => {
  test('--json prints the report, --plot writes the charts', async () => {
    const plot = at('out.svg');
    const flags = ['--nodes', '4', '--churn', '0', '--minutes', '1', '--bindings', '5', '--seed', '2'];
    const { code, stdout, stderr } = await runCommand(['sim', ...flags, '--json', '--plot', plot]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      options: { nodes: 4, sessionSec: 0, minutes: 1, seed: 2 },
      deaths: 0,
      bindings: { acknowledged: 5, found: 5 },
    });
    expect(readFileSync(plot, 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  });

  test('a plot that can not be written is told', async () => {
    const flags = ['--nodes', '1', '--churn', '0', '--minutes', '1', '--lookups', '0', '--bindings', '0'];
    const { code, stderr } = await runCommand(['sim', ...flags, '--plot', '/nonexistent/out.svg']);
    expect(code).toBe(1);
    expect(stderr).toContain('cannot write /nonexistent/out.svg');
  });
});
