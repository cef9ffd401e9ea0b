// The client that a stranger wrote in Python from docs/lsp.md and docs/lsp-entry.md alone, against a live ring of three.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateKeyPem } from '../../../src/record/identity.ts';
import { formatEndpoint } from '../../../src/runtime/datagram.ts';
import { type CliRun, runCommand } from '../../support/cli.ts';
import { ServerRing } from '../../support/server-ring.ts';
import { makeDomain, type TestServer } from '../../support/servers.ts';

const hasPython =
  spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 11))']).status === 0;
const domains = ['biloxi.example', 'atlanta.example', 'chicago.example'].map((name) => makeDomain(name));
const [biloxi] = domains;

const python = (args: readonly string[]): Promise<CliRun> =>
  new Promise((resolve) => {
    const options = { cwd: 'examples', env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } };
    execFile('python3', args, options, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });

// A machine without Python has nothing to try the example with; .ci/run sees to it that there is one.
describe.skipIf(!hasPython)('examples/lsp_client.py', () => {
  const ring = new ServerRing(domains);
  const folder = mkdtempSync(join(tmpdir(), 'chordial-example-'));
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const keyFile = file('key.pem', biloxi?.pem ?? '');
  const strangerFile = file('stranger.pem', generateKeyPem().pem);
  const trustLines = domains.map(
    ({ domain, publicKey }) => `${domain}: { 0: "${Buffer.from(publicKey).toString('base64')}" }\n`,
  );
  const trust = file('trust.yaml', trustLines.join(''));
  let servers: readonly TestServer[] = [];
  beforeAll(async () => {
    servers = await ring.startAll(domains);
  }, 60_000);
  afterAll(async () => {
    await ring.end();
    rmSync(folder, { recursive: true });
  });

  const via = (): string => formatEndpoint(servers[1]?.overlay ?? { host: '', port: 0 });
  const client = (...args: readonly string[]): Promise<CliRun> =>
    python(['lsp_client.py', ...args, '--via', via()]);
  const theirs = (uri: string): Promise<CliRun> => client('lookup', uri, '--trust', trust);
  const ours = (...args: readonly string[]): Promise<CliRun> =>
    runCommand([...args, '--via', via(), '--trust.file', trust, '--trust.dns', 'false']);
  const contacts = ({ stdout }: CliRun): readonly string[] =>
    stdout
      .split('\n')
      .slice(1)
      .flatMap((line) => line.split('\t')[0] || []);

  test('passes its own test', async () => {
    const { code, stderr } = await python(['-m', 'unittest', 'test_lsp_client']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/\nOK\n$/) });
  }, 60_000);

  test('names the replicas that chordial names', async () => {
    const found = await client('find', 'sip:bob@biloxi.example');
    const ids = found.stdout.split('\n').flatMap((line) => line.split('\t')[0] || []);
    const json = (await ours('find', 'sip:bob@biloxi.example', '--json')).stdout;
    const located = JSON.parse(json) as { readonly replicas: readonly { readonly id: string }[] }; // our own JSON
    expect(ids).toHaveLength(3);
    expect(ids).toEqual(located.replicas.map(({ id }) => id));
  });

  test('publishes what chordial finds, and takes it back', async () => {
    const uri = 'sip:bob@biloxi.example';
    const contact = 'sip:bob@192.0.2.4:5061;transport=tcp';
    const signed = ['--key', keyFile];
    expect((await client('publish', uri, contact, '--expires', '600', '--q', '0.5', ...signed)).code).toBe(0);
    const seen = await ours('lookup', uri);
    expect(seen.stdout.split('\n')[1]).toMatch(/^sip:bob@192\.0\.2\.4:5061;transport=tcp\t0\.5\t\d{3} s/);
    expect(contacts(await theirs(uri))).toEqual([contact]);
    expect((await client('withdraw', uri, contact, ...signed)).code).toBe(0);
    expect((await ours('lookup', uri)).code).toBe(4);
    expect((await theirs(uri)).code).toBe(4);
  }, 30_000);

  test('finds what chordial published, and withdraws it', async () => {
    const uri = 'xmpp:alice@biloxi.example';
    const publish = (contact: string): Promise<CliRun> =>
      ours('publish', uri, contact, '--key', keyFile, '--expires', '600');
    expect((await publish('xmpp:alice@192.0.2.5')).code).toBe(0);
    expect((await publish('sip:alice@192.0.2.6')).code).toBe(0);
    expect(contacts(await theirs(uri))).toEqual(['sip:alice@192.0.2.6', 'xmpp:alice@192.0.2.5']);
    expect((await client('withdraw', uri, 'sip:alice@192.0.2.6', '--key', keyFile)).code).toBe(0);
    expect(contacts(await ours('lookup', uri))).toEqual(['xmpp:alice@192.0.2.5']);
    expect((await client('withdraw', uri, '--key', keyFile)).code).toBe(0);
    expect((await ours('lookup', uri)).code).toBe(4);
  }, 30_000);

  test('publishes in parts, and reads an answer in parts', async () => {
    const uri = 'sip:many@biloxi.example';
    const all = Array.from({ length: 8 }, (_, at) => `sip:many@192.0.2.${at + 1}`);
    expect((await client('publish', uri, ...all, '--expires', '600', '--key', keyFile)).code).toBe(0);
    expect([...contacts(await ours('lookup', uri))].sort()).toEqual(all);
    expect([...contacts(await theirs(uri))].sort()).toEqual(all);
  }, 30_000);

  test('is refused (5) with a key that the domain doesn’t publish, and told (3) that the overlay is another', async () => {
    const uri = 'sip:eve@biloxi.example';
    const wrong = await client('publish', uri, 'sip:eve@h.example', '--expires', '60', '--key', strangerFile);
    expect(wrong.code).toBe(5);
    expect((await theirs(uri)).code).toBe(4);
    expect((await client('lookup', uri, '--trust', trust, '--overlay', 'other')).code).toBe(3);
  }, 30_000);
});
