// The files that a configuration names, as an operator leaves them: missing, empty, wrong, a folder, random bytes.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadFiles } from '../../src/config-files.ts';
import { loadConfig } from '../../src/config-sources.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chordial-files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, content: string | Uint8Array): void =>
  writeFileSync(join(folder, name), content);

const configOf = (text: string) => {
  const loaded = loadConfig({
    file: { path: join(folder, 'config.yaml'), text },
    environment: {},
    flags: {},
  });
  if (!loaded.ok) throw new Error(loaded.error.join('\n'));
  return loaded.value;
};

const load = (text: string, keep = false) => loadFiles(configOf(text), { keep });
const problems = (text: string): readonly string[] => {
  const files = load(text);
  return files.ok ? [] : files.error;
};

describe('problems', () => {
  test('of all files are told together, each with its key and its path', () => {
    write('key', 'no key');
    write('token', '\n');
    const said = problems(`sip: {auth: {usersFile: users, secretFile: .}}
identity: {keyFile: key}
trust: {file: trust}
admin: {tokenFile: token}`);
    expect(said.map((problem) => problem.split(': ')[0]).sort()).toEqual([
      'admin.tokenFile',
      'identity.keyFile',
      'sip.auth.secretFile',
      'sip.auth.usersFile',
      'trust.file',
    ]);
    // The system's own words for a folder don't name it.
    expect(said.find((problem) => problem.startsWith('sip.auth.secretFile'))).toContain(folder);
  });

  test('of the user file come with their line', () => {
    write('users', 'alice:localhost:00000000000000000000000000000000\nbob\n');
    expect(problems('sip: {auth: {usersFile: users}}')).toEqual([
      `sip.auth.usersFile: ${folder}/users:2: not user:realm:HA1 or user:realm:SHA-256:HA1`,
    ]);
  });

  test.each([
    ['a secret that can be guessed', 'sip: {auth: {secretFile: f}}', 'fifteen bytes..\r\n'],
    ['a token that no header carries', 'admin: {tokenFile: f}', 'two words'],
  ])('%s', (_, yaml, content) => {
    write('f', content);
    expect(problems(yaml)).toHaveLength(1);
  });
});

describe('the secret of nonces', () => {
  test('is the bytes of the file, which need not be text', () => {
    const secret = Uint8Array.from({ length: 32 }, (_, index) => 0xff - index);
    write('secret', secret);
    const files = load('sip: {auth: {secretFile: secret}}');
    expect(files.ok && [...(files.value.nonceSecret ?? [])]).toEqual([...secret]);
  });

  test('is the same whether or not an editor left a line end', () => {
    write('one', 'a secret of twenty-four c');
    write('other', 'a secret of twenty-four c\r\n');
    const [one, other] = ['one', 'other'].map((name) => load(`sip: {auth: {secretFile: ${name}}}`));
    expect(one?.ok && one.value.nonceSecret).toEqual(other?.ok && other.value.nonceSecret);
  });
});

describe('a key file that is not there', () => {
  const yaml = 'identity: {keyFile: key.pem}';

  test('is made at the first start on loopback, and read at the next', () => {
    const first = load(yaml, true);
    expect(readFileSync(join(folder, 'key.pem'), 'latin1')).toContain('PRIVATE KEY');
    const second = load(yaml, true);
    expect(first.ok && first.value.identity.publicKey).toEqual(second.ok && second.value.identity.publicKey);
  });

  test('is not made by a check of the configuration', () => {
    expect(load(yaml).ok).toBe(true);
    expect(existsSync(join(folder, 'key.pem'))).toBe(false);
  });

  test('is a problem beyond loopback: other members know the key it should hold', () => {
    expect(problems(`${yaml}\noverlay: {listen: "192.0.2.1:7184"}`)).toHaveLength(1);
  });
});
