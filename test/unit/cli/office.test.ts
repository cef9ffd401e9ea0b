// config/office.yaml, set up by the commands that its comments name.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runCommand } from '../../support/cli.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chordial-office-'));
  for (const name of Object.keys(process.env)) if (name.startsWith('CHORDIAL_')) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

test('the example of two tenants is complete once its commands were run, and not before', async () => {
  const at = (name: string): string => join(folder, name);
  copyFileSync('config/office.yaml', at('office.yaml'));
  const chordial = (...args: string[]) => runCommand([...args, '-c', at('office.yaml')]);
  const before = await chordial('check-config');
  expect(before.code).toBe(2);
  const missing = before.stderr.split('\n').filter((line) => line.includes('cannot read'));
  expect(missing.map((line) => line.trim().split(':')[0])).toEqual([
    'sip.auth.usersFile',
    'domains.south.example.auth.usersFile',
    'sip.auth.secretFile',
    'domains.south.example.auth.secretFile',
    'identity.keyFile',
    'domains.south.example.identity.keyFile',
  ]);

  const comments = readFileSync('config/office.yaml', 'utf8');
  for (const domain of ['north', 'south']) {
    const made = ['keygen', '--domain', `${domain}.example`, '--selector', '0', '--out'];
    expect(comments).toContain(`chordial ${made.join(' ')} config/${domain}-0.pem`);
    expect((await runCommand([...made, at(`${domain}-0.pem`)])).code).toBe(0);
    writeFileSync(at(`${domain}.nonce-secret`), 'thirty-two bytes that are random');
    // `users add` asks for a password, which has tests of its own.
    writeFileSync(at(`${domain}.users`), `alice:${domain}.example:${'0'.repeat(32)}\n`);
  }
  writeFileSync(at('north.users'), `a.smith:north.example:${'0'.repeat(32)}\n`, { flag: 'a' });
  for (const args of [
    ['users', 'alias', '101', 'alice'],
    ['users', 'login', 'a.smith', 'alice'],
  ]) {
    expect(comments).toContain(`chordial ${args.join(' ')} -c config/office.yaml`);
    expect((await chordial(...args)).code).toBe(0);
  }
  expect(await chordial('check-config')).toMatchObject({ code: 0, stderr: '' });
  expect((await chordial('users', 'list')).stdout).toBe(
    [
      'user\tdomain\thash',
      'alice\tnorth.example\tMD5',
      'a.smith\tnorth.example\tMD5',
      '101\tnorth.example\talias of alice',
      'a.smith\tnorth.example\tlogin of alice',
      'alice\tsouth.example\tMD5',
      '',
    ].join('\n'),
  );
});
