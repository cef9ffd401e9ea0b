// lookup, publish, withdraw and ring against a running member, and the library that they are made of.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LspClient } from '../../../src/index.ts';
import { generateKeyPem } from '../../../src/record/identity.ts';
import { formatEndpoint } from '../../../src/runtime/datagram.ts';
import { type CliRun, runCommand } from '../../support/cli.ts';
import { chordial } from '../../support/commands.ts';
import { makeDomain, startServer, type TestServer, trustOf } from '../../support/servers.ts';
import { SipClient } from '../../support/sip-client.ts';

const biloxi = makeDomain('biloxi.example');
const folder = mkdtempSync(join(tmpdir(), 'chordial-commands-'));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const trust = `biloxi.example: { 0: "${Buffer.from(biloxi.publicKey).toString('base64')}" }\n`;
const [trustFile, key, strangerKey] = [
  file('trust.yaml', trust),
  file('key.pem', biloxi.pem),
  file('stranger.pem', generateKeyPem().pem),
];

let server: TestServer;
let phone: SipClient;
beforeAll(async () => {
  server = await startServer({ domain: biloxi, trust: trustOf([biloxi]) });
  await server.app.ready;
  phone = await SipClient.open();
});
afterAll(async () => {
  await phone.close();
  await server.app.stop();
  rmSync(folder, { recursive: true });
});

const via = (): string => formatEndpoint(server.overlay ?? { host: '', port: 0 });
const run = (...args: readonly string[]): Promise<CliRun> =>
  runCommand([...args, '--via', via(), '--trust.file', trustFile, '--trust.dns', 'false']);
const rows = ({ stdout }: CliRun): readonly string[] => stdout.trim().split('\n').slice(1);

describe('lookup', () => {
  test('shows what a phone registered, and ends with 4 for who is not there', async () => {
    const contact = '<sip:alice@192.0.2.4:5060;ob>;q=0.5;+sip.ice';
    expect((await phone.register(server.sip, 'sip:alice@biloxi.example', { contact })).status).toBe(200);
    const text = await run('lookup', 'sip:alice@biloxi.example');
    expect(text.code).toBe(0);
    expect(rows(text)).toEqual([
      expect.stringMatching(/^sip:alice@192\.0\.2\.4:5060;ob\t0\.5\t3\d{3} s\t-$/),
    ]);
    const none = await run('lookup', 'sip:nobody@biloxi.example', '--json');
    expect(none.code).toBe(4);
    expect(JSON.parse(none.stdout)).toEqual({ uri: 'sip:nobody@biloxi.example', bindings: [] });
  });

  test('--json shows bindings as the admin API does', async () => {
    const json = JSON.parse((await run('lookup', 'sip:alice@biloxi.example', '--json')).stdout) as {
      bindings: readonly object[]; // our own JSON
    };
    const api = await fetch(
      `http://${formatEndpoint(server.admin)}/api/v1/lookup?uri=sip:alice@biloxi.example`,
    );
    const { bindings } = (await api.json()) as { bindings: readonly object[] }; // our own JSON
    const timeless = (all: readonly object[]) => all.map((one) => ({ ...one, expiresSec: 0 }));
    expect(timeless(json.bindings)).toEqual(timeless(bindings));
  });
});

test('what nobody vouches for is told from nothing: lookup and trace say so, and still end with 4', async () => {
  const uri = 'sip:alice@biloxi.example';
  const other = file('other.yaml', `biloxi.example: { 0: "${Buffer.alloc(32, 9).toString('base64')}" }\n`);
  const words = (...flags: readonly string[]): Promise<CliRun> =>
    runCommand([...flags, uri, '--via', via(), '--trust.dns', 'false']);
  for (const command of ['lookup', 'trace']) {
    const untold = await words(command);
    expect([untold.code, untold.stderr]).toEqual([
      4,
      expect.stringMatching(/1 binding is there, but nobody vouches .* DNS is not asked .*, no trust file/),
    ]);
    const wrong = await words(command, '--trust.file', other);
    expect([wrong.code, wrong.stderr]).toEqual([
      4,
      expect.stringMatching(/1 binding is there, .*other\.yaml has none/),
    ]);
  }
  expect((await words('trace')).stdout).toContain('1 signed by keys that nobody vouches for');
  const nothing = await runCommand(['lookup', 'sip:nobody@biloxi.example', '--via', via()]);
  expect([nothing.code, nothing.stderr]).toEqual([4, expect.stringContaining('nobody is registered as')]);
});

describe('publish and withdraw', () => {
  const uri = 'xmpp:bob@biloxi.example';

  test('of any scheme: stored, found, taken back one by one and all together', async () => {
    const publish = (contact: string) => run('publish', uri, contact, '--key', key, '--expires', '60');
    expect(rows(await publish('xmpp:bob@192.0.2.4'))).toHaveLength(1);
    expect(rows(await publish('sip:bob@192.0.2.5'))).toHaveLength(2);
    expect(rows(await publish('sip:bob@192.0.2.6'))).toHaveLength(3);
    expect(rows(await run('withdraw', uri, 'sip:bob@192.0.2.5', '--key', key))).toHaveLength(2);
    expect((await run('withdraw', uri, '--key', key)).code).toBe(0);
    expect((await run('lookup', uri)).code).toBe(4);
  });

  test.each<[string, readonly string[], number, string]>([
    ['a key that nobody vouches for', ['--key', strangerKey], 5, 'not the key that the domain publishes'],
    ['a selector that nobody knows', ['--key', key, '--selector', '7'], 5, 'nobody vouches'],
    ['an expiry beyond what the ring keeps', ['--key', key, '--expires', '3601'], 2, 'from 1 to 3600'],
    ['a preference above 1', ['--key', key, '--q', '1.5'], 2, 'from 0 to 1'],
    ['a key file that is none', ['--key', trustFile], 2, 'private key'],
  ])('%s', async (_, flags, status, words) => {
    const { code, stderr } = await run('publish', uri, 'sip:bob@192.0.2.4', ...flags);
    expect(code).toBe(status);
    expect(stderr).toContain(words);
  });

  test.each([
    ['words', 'not a URI'],
    ['a line end', 'sip:bob@192.0.2.4\r\nX: y'],
    ['what no header carries', 'xmpp:b\u010ab@192.0.2.4'],
    ['a SIP URI that is none', 'sip:bob@'],
  ])('%s is no contact', async (_, contact) => {
    const { code, stderr } = await run('publish', uri, contact, '--key', key);
    expect(code).toBe(2);
    expect(stderr).toContain('contact');
  });

  test('a contact too long for an entry is refused', async () => {
    const { code } = await run('publish', uri, `sip:${'b'.repeat(800)}@192.0.2.4`, '--key', key);
    expect(code).toBe(5);
  });
});

describe('ring', () => {
  test('shows the members, their arcs, keys, RTT, version and the size estimate', async () => {
    const json = await run('ring', '--json');
    expect(json.code).toBe(0);
    expect(JSON.parse(json.stdout)).toEqual({
      members: [
        {
          id: expect.stringMatching(/^[0-9a-f]{40}$/),
          domain: 'biloxi.example',
          selector: 0,
          vnode: 0,
          address: via(),
          bootSequence: expect.any(Number),
          arc: expect.objectContaining({ from: expect.any(String), to: expect.any(String) }),
          ownsPercent: 100,
          holdsPercent: 100,
          keys: expect.any(Number),
          entries: expect.any(Number),
          rttMs: expect.any(Number),
          mode: 'small',
          ready: true,
          lease: true,
          settled: true,
          version: expect.any(String),
          uptimeSec: expect.any(Number),
          sizeEstimate: 1,
          predecessor: null,
          successor: null,
          replicas: 3,
          successors: 8,
          table: 0,
          storedBytes: expect.any(Number),
          disagreements: 0,
          roundTrips: expect.any(Number),
          moved: { pulled: 0, pushed: 0 },
          bytes: { in: expect.any(Number), out: expect.any(Number) },
          traffic: expect.arrayContaining([expect.objectContaining({ kind: 'status', asked: 0 })]),
        },
      ],
      problems: [],
      changing: [],
      notes: [],
    });
    expect((await run('ring')).stdout).toContain('one ring of 1\n');
  });
});

test('where no member answers, each ends with 3', async () => {
  const nowhere = ['--via', '127.0.0.1:1'];
  const uri = 'sip:alice@biloxi.example';
  const ended = await Promise.all([
    chordial(['lookup', uri, '--json', ...nowhere]),
    chordial(['publish', uri, 'sip:alice@192.0.2.4', '--key', key, ...nowhere]),
    chordial(['ring', ...nowhere]),
  ]);
  expect(ended.map(({ code, stdout }) => ({ code, stdout }))).toEqual([
    { code: 3, stdout: `${JSON.stringify({ uri, bindings: [] })}\n` },
    { code: 3, stdout: '' },
    { code: 3, stdout: '' },
  ]);
});

describe('ping', () => {
  test('gets the answer that a phone gets, and ends with 1 without one', async () => {
    expect(await runCommand(['ping', formatEndpoint(server.sip)])).toMatchObject({
      code: 0,
      stdout: 'SIP/2.0 200 OK\n',
    });
    expect((await runCommand(['ping', '127.0.0.1:1'])).code).toBe(1);
  });
});

describe('users add', () => {
  test('takes the password from the first line of a pipe', async () => {
    const users = join(folder, 'users');
    const flags = ['--file', users, '--domain', 'biloxi.example'];
    const added = await chordial(
      ['users', 'add', 'bob', '--sha256', '--sha512-256', ...flags],
      'zanzibar\r\nsecond line\n',
    );
    expect(added).toMatchObject({ code: 0, stderr: '' });
    // So that no code of ours judges itself: printf 'bob:biloxi.example:zanzibar' | md5sum, openssl dgst -sha256, -sha512-256
    expect(readFileSync(users, 'utf8').split('\n').slice(0, 3)).toEqual([
      'bob:biloxi.example:52764fa139e4159ef2ccde9868b45646',
      'bob:biloxi.example:SHA-256:b4e8cee2ed9324f4a75d9ff28449ba60326a939f6b0a330f2d84419459d570ad',
      'bob:biloxi.example:SHA-512-256:2b615a76bbd80a09e758a3d4b5e94675ea49bdbc0b7225bbc672886031a5b5ee',
    ]);
    const empty = await chordial(['users', 'add', 'al', ...flags], '\n');
    expect(empty.code).toBe(2);
    expect(readFileSync(users, 'utf8')).not.toContain('al:');
  });
});

describe('the library', () => {
  test('publishes, finds, locates and withdraws', async () => {
    const client = new LspClient({
      via: server.overlay === undefined ? [] : [server.overlay],
      trust,
      dns: false,
      key: { pem: biloxi.pem, domain: 'biloxi.example', selector: 0 },
    });
    await client.start();
    try {
      const uri = 'sip:gateway@biloxi.example';
      const stored = await client.publish(uri, { contact: 'sip:gw@192.0.2.7', expiresSec: 60, q: 0.1 });
      expect(stored.kind).toBe('stored');
      expect(await client.lookup(uri)).toMatchObject({
        kind: 'found',
        bindings: [{ contact: 'sip:gw@192.0.2.7' }],
      });
      expect((await client.find(uri)).replicas).toMatchObject([{ domain: 'biloxi.example' }]);
      expect((await client.withdraw(uri)).kind).toBe('stored');
      expect((await client.lookup(uri)).kind).toBe('none');
      // Within the same second.
      const again = await client.publish(uri, { contact: 'sip:gw@192.0.2.8', expiresSec: 60 });
      expect(again).toMatchObject({ kind: 'stored', bindings: [{ contact: 'sip:gw@192.0.2.8' }] });
      expect((await client.withdraw(uri)).kind).toBe('stored');
      await expect(client.lookup('nobody')).rejects.toMatchObject({ code: 'ERR_URI' });
    } finally {
      await client.stop();
    }
  });

  test('says at once what it cannot work with', () => {
    const key = { pem: 'no key', domain: 'biloxi.example', selector: 0 };
    expect(() => new LspClient({ via: [], key })).toThrow(expect.objectContaining({ code: 'ERR_KEY' }));
    expect(() => new LspClient({ via: [], trust: '- a list' })).toThrow(
      expect.objectContaining({ code: 'ERR_TRUST' }),
    );
  });
});
