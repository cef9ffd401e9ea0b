// chordial check-config: keys and files have their problems told together.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runCommand } from '../../support/cli.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chordial-check-'));
  for (const name of Object.keys(process.env)) if (name.startsWith('CHORDIAL_')) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const checked = async (yaml: string) => {
  const path = join(folder, 'c.yaml');
  writeFileSync(path, yaml);
  const { code, stderr } = await runCommand(['check-config', '-c', path]);
  return { code, said: stderr.trimEnd().split('\n') };
};

test('a wrong key, a wrong relation and a wrong file are told at once', async () => {
  const { code, said } = await checked(
    'log: {level: loud}\nregistrar: {maxExpiresSec: 7200}\nsip: {auth: {usersFile: nosuch}}',
  );
  expect(code).toBe(2);
  expect(said).toEqual([
    'chordial: 3 problems with the configuration:',
    '  log.level: must be one of trace, debug, info, warn, error, silent',
    expect.stringMatching(/^ {2}registrar\.maxExpiresSec: the ring keeps nothing longer/),
    `  sip.auth.usersFile: cannot read ${join(folder, 'nosuch')}: ENOENT: no such file or directory`,
  ]);
});

test('users are not called a stranger’s where the list of domains itself is wrong', async () => {
  writeFileSync(join(folder, 'users'), `bob:b.example:${'0'.repeat(32)}\n`);
  const { said } = await checked(
    'domain: ["a b"]\ndomains: {a.example: {auth: {usersFile: users}}}\nsip: {auth: {usersFile: nosuch}}',
  );
  expect(said.filter((line) => line.includes('users'))).toEqual([]);
});
