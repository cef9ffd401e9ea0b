// What sipvicious learns from a server with default limits: under its own name, under another, and once it is banned;
// and what sngrep and fail2ban make of what the server tells of it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDomain } from './support/domains.ts';
import { Place } from './support/place.ts';
import { requirePrograms } from './support/program.ts';
import { Registrar } from './support/registrar.ts';
import { Sipvicious } from './support/sipvicious.ts';

const BIN = join(import.meta.dirname, '../../bin/chordial.js');
const FILTER = join(import.meta.dirname, '../../config/fail2ban/filter.d/chordial.conf');
const SERVER = '10.1.0.10';
const DISCREET = '10.1.0.20';
/** Where all tools run from, unless told otherwise. */
const SCANNER = '10.1.0.1';
const EXTENSIONS = Array.from({ length: 10 }, (_, index) => String(1000 + index));

/** Seconds without an answer after which svcrack ends. */
const PATIENCE = ['--maximumtime', '2'];

let place: Place;
let server: Registrar;
let discreet: Registrar;
let tools: Sipvicious;
/** A folder's file with these lines. */
const listOf = (name: string, lines: readonly string[]): string => {
  const path = join(place.folder, name);
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return path;
};
/** The admin address, as the server said it. */
const adminOf = (registrar: Registrar): string =>
  /"admin":"([^"]+)"/.exec(
    registrar.program.lines.find((line) => line.includes('"msg":"ready"')) ?? '',
  )?.[1] ?? '';
const logged = (pattern: RegExp): string[] => server.program.lines.filter((line) => pattern.test(line));
const failures = () => logged(/"msg":"authentication failed"/).length;
const chordial = async (...args: string[]): Promise<string> => {
  const program = place.start('chordial', [process.execPath, BIN, ...args]);
  await program.exit();
  return program.lines.join('\n');
};

beforeAll(async () => {
  requirePrograms('sngrep', 'fail2ban-regex');
  place = await Place.open();
  const domainAt = (name: string, address: string) =>
    makeDomain(place.folder, { name, address, users: EXTENSIONS });
  const trust = { dns: false };
  server = new Registrar(place, domainAt('atlanta.example', SERVER), { config: { trust } });
  discreet = new Registrar(place, domainAt('biloxi.example', DISCREET), {
    config: {
      trust,
      sip: { auth: { usersFile: join(place.folder, 'biloxi.example.users'), hideUsers: true } },
    },
  });
  await server.start();
  await discreet.start();
  tools = new Sipvicious(place);
});

afterAll(() => place?.close());

describe.concurrent('under its own name it learns nothing', () => {
  test.each([
    ['svmap', [SERVER], 'found nothing'],
    ['svwar', ['--force', '-m', 'REGISTER', '-e', '1000-1009', SERVER], 'found nothing'],
    ['svwar', ['--force', '-m', 'INVITE', '-e', '1000-1009', SERVER], 'found nothing'],
    ['svcrack', ['-u', '1000', '-r', '1-20', ...PATIENCE, SERVER], 'found nothing'],
  ] as const)('%s %j', async (tool, args, result) => {
    expect(await tools.run(tool, args, { renamed: false })).toContain(result);
  });
});

describe.concurrent('under another name', () => {
  test('svmap finds that there is a SIP server, and not which', async () => {
    expect(await tools.run('svmap', [SERVER])).toMatch(new RegExp(`${SERVER}:5060 *\\| unknown`));
  });

  test.each([SERVER, DISCREET])('svwar finds no user by REGISTER: %s', async (address) => {
    const names = listOf('names', ['999', ...EXTENSIONS, '1010']);
    const said = await tools.run('svwar', ['--force', '-m', 'REGISTER', '-d', names, address]);
    expect(said).toContain('found nothing');
  });

  test.each(['INVITE', 'OPTIONS'])(
    'svwar finds users by %s where a wrong number is told so, the default',
    async (method) => {
      const said = await tools.run('svwar', ['-m', method, '-e', '998-1011', SERVER]);
      expect([...said.matchAll(/^\| (\d+) /gm)].map(([, name]) => name).sort()).toEqual(
        [...EXTENSIONS].sort(),
      );
    },
  );

  test.each(['INVITE', 'OPTIONS'])('svwar finds none by %s with hideUsers', async (method) => {
    const said = await tools.run('svwar', ['-m', method, '-e', '998-1011', DISCREET]);
    expect(said).toContain('found nothing');
  });

  test('svcrack has a few passwords looked at, whatever it sends, and never the one that comes late', async () => {
    const passwords = listOf('passwords', [
      ...Array.from({ length: 300 }, (_, index) => `guess${index}`),
      'secret-of-1009',
    ]);
    const before = failures();
    expect(await tools.run('svcrack', ['-u', '1009', '-d', passwords, ...PATIENCE, SERVER])).toContain(
      'found nothing',
    );
    const looked = failures() - before;
    expect(looked).toBeGreaterThanOrEqual(6);
    expect(looked).toBeLessThan(12);
  });
});

describe('once it has tried many users', () => {
  test('it is banned, and finds nothing any more; others are heard', async () => {
    const capture = join(place.folder, 'scan.pcap');
    const trace = place.start('chordial sip-trace', [
      process.execPath,
      BIN,
      'sip-trace',
      '--source',
      SCANNER,
      '--out',
      capture,
      '--admin',
      adminOf(server),
    ]);
    await trace.line(/tracing/);
    // Each name has six tries looked at; on a busy machine svcrack gives up before it had them all.
    for (let first = 1000; first < 1030 && logged(/"msg":"source banned"/).length === 0; first += 5)
      await Promise.all(
        [0, 1, 2, 3, 4].map((index) =>
          tools.run('svcrack', ['-u', String(first + index), '-r', '1-12', ...PATIENCE, SERVER]),
        ),
      );
    expect(logged(/"msg":"source banned"/)).toHaveLength(1);
    expect(await tools.run('svmap', [SERVER])).toContain('found nothing');
    expect(await tools.run('svmap', ['-b', '10.1.0.2', SERVER])).toContain(`${SERVER}:5060`);
    await trace.end('SIGINT');

    // sngrep reads what was said, and writes the dialogs that it understood.
    const understood = join(place.folder, 'understood.pcap');
    const sngrep = place.start('sngrep', ['sngrep', '-N', '-I', capture, '-O', understood]);
    expect(await sngrep.exit()).toBe(0);
    expect(readFileSync(understood).length).toBeGreaterThan(10_000);
    const text = readFileSync(capture, 'latin1');
    expect(text).toContain('username="1000"');
    expect(text).not.toMatch(/(?:response|nonce)="[^"]*[^"x]/);
  });

  test('an operator sees it, and lets it in again', async () => {
    const admin = ['--admin', adminOf(server)];
    expect(await chordial('bans', ...admin)).toMatch(new RegExp(`^${SCANNER}\\t`, 'm'));
    expect(await chordial('bans', '--lift', SCANNER, ...admin)).toContain('1 ban lifted');
    expect(await tools.run('svmap', [SERVER])).toContain(`${SERVER}:5060`);
  });

  test.each(['bans', 'failures'])('fail2ban finds its %s in the log', async (mode) => {
    const path = listOf('log', server.program.lines);
    const fail2ban = place.start('fail2ban-regex', [
      'fail2ban-regex',
      '-o',
      'ip',
      path,
      `${FILTER}[mode=${mode}]`,
    ]);
    await fail2ban.exit();
    expect(new Set(fail2ban.lines)).toEqual(new Set([SCANNER]));
    expect(fail2ban.lines).toHaveLength(mode === 'bans' ? 1 : failures());
  });
});
