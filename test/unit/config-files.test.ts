import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { type LoadedFiles, loadFiles } from '../../src/config-files.ts';
import { generateKeyPem } from '../../src/record/identity.ts';
import { selfCertifyingDomain } from '../../src/record/self-certifying.ts';
import { fail, type Result } from '../../src/runtime/result.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chordial-files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Writes a file into the folder of this test and gives its path. */
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const filesOf = (tree: object, keep = true): Result<LoadedFiles, readonly string[]> => {
  const config = parseConfig(tree);
  return config.ok ? loadFiles(config.value, { keep }) : fail(config.error);
};

test('the problems of all files are told together, each with its key', () => {
  const loaded = filesOf({
    sip: { auth: { usersFile: file('users', 'not a user\n'), secretFile: file('secret', 'short') } },
    identity: { keyFile: file('key.pem', 'no key') },
    trust: { file: file('trust.yaml', '- a list\n') },
    admin: { tokenFile: join(folder, 'absent') },
  });
  expect(loaded.ok ? [] : loaded.error.map((problem) => problem.slice(0, problem.indexOf(':')))).toEqual([
    'sip.auth.usersFile',
    'trust.file',
    'sip.auth.secretFile',
    'admin.tokenFile',
    'identity.keyFile',
  ]);
});

test('on loopback a missing key is made once and then kept', () => {
  const identity = { keyFile: join(folder, 'new.pem') };
  const [first, second] = [filesOf({ identity }), filesOf({ identity })];
  expect(first.ok && second.ok).toBe(true);
  if (first.ok && second.ok) expect(second.value.identity.publicKey).toEqual(first.value.identity.publicKey);
});

test('checking a configuration makes no file', () => {
  const keyFile = join(folder, 'new.pem');
  expect(filesOf({ identity: { keyFile } }, false)).toMatchObject({ ok: true });
  expect(existsSync(keyFile)).toBe(false);
});

test('beyond loopback a missing key is a problem: keygen makes it', () => {
  const loaded = filesOf({
    overlay: { listen: '192.0.2.1:7184' },
    identity: { keyFile: join(folder, 'new.pem') },
  });
  expect(loaded).toMatchObject({ ok: false, error: [expect.stringMatching(/^identity\.keyFile: .*ENOENT/)] });
});

describe('a self-certifying domain', () => {
  const { pem, publicKey } = generateKeyPem();

  test('goes with its own key', () => {
    const domain = selfCertifyingDomain(publicKey);
    expect(filesOf({ domain, identity: { keyFile: file('own.pem', pem) } })).toMatchObject({ ok: true });
  });

  test('is refused with another key, and the right name is told', () => {
    const domain = selfCertifyingDomain(generateKeyPem().publicKey);
    expect(filesOf({ domain, identity: { keyFile: file('own.pem', pem) } })).toEqual(
      fail([`domain: the key in identity.keyFile is the domain ${selfCertifyingDomain(publicKey)}`]),
    );
  });
});

describe('a domain beside the first', () => {
  const [first, other] = [generateKeyPem(), generateKeyPem()];
  const tree = (own: object) => ({
    domain: ['a.example', 'b.example'],
    identity: { keyFile: file('first.pem', first.pem) },
    domains: { 'b.example': own },
  });

  test('signs with its own key under its own selector', () => {
    const loaded = filesOf(tree({ identity: { keyFile: file('own.pem', other.pem), selector: 4 } }));
    const tenants = loaded.ok ? loaded.value.tenants : [];
    expect(tenants?.map(({ domain, selector, publicKey }) => ({ domain, selector, publicKey }))).toEqual([
      { domain: 'b.example', selector: 4, publicKey: other.publicKey },
    ]);
  });

  test('signs with the first one’s without it, on loopback', () => {
    expect(filesOf(tree({}))).toMatchObject({ ok: true, value: { tenants: [] } });
  });

  test('has its problems told with its own keys', () => {
    const auth = { secretFile: file('secret', 'short'), usersFile: file('users', 'nobody') };
    const loaded = filesOf({
      ...tree({ identity: { keyFile: file('own.pem', 'no key') }, auth }),
      sip: { auth: { usersFile: file('common', '') } },
    });
    expect(loaded.ok ? [] : loaded.error.map((problem) => problem.slice(0, problem.indexOf(': ')))).toEqual([
      'domains.b.example.auth.usersFile',
      'domains.b.example.auth.secretFile',
      'domains.b.example.identity.keyFile',
    ]);
  });

  test('may have a secret of its own for nonces', () => {
    const loaded = filesOf(tree({ auth: { secretFile: file('own', 'twenty-four bytes or more') } }));
    expect(loaded.ok && loaded.value.nonceSecrets?.get('b.example')?.length).toBe(25);
  });

  test('that is a key goes with that key', () => {
    const domain = ['a.example', selfCertifyingDomain(other.publicKey)];
    const keyed = (pem: string) =>
      filesOf({
        domain,
        identity: { keyFile: file('first.pem', first.pem) },
        domains: { [domain[1] ?? '']: { identity: { keyFile: file('own.pem', pem) } } },
      });
    expect(keyed(other.pem)).toMatchObject({ ok: true });
    expect(keyed(generateKeyPem().pem)).toMatchObject({
      ok: false,
      error: [expect.stringMatching(/^domain: the key in domains\..*\.identity\.keyFile is the domain /)],
    });
  });
});

describe('the secret of nonces', () => {
  const secretOf = (path: string) => {
    const loaded = filesOf({ sip: { auth: { secretFile: path } } });
    return loaded.ok ? loaded.value.nonceSecret?.toString() : loaded.error;
  };

  test('is the bytes of the file, which need not be text', () => {
    const secret = Uint8Array.from({ length: 32 }, (_, index) => 0xff - index);
    writeFileSync(join(folder, 'secret'), secret);
    const loaded = filesOf({ sip: { auth: { secretFile: join(folder, 'secret') } } });
    expect(loaded.ok && [...(loaded.value.nonceSecret ?? [])]).toEqual([...secret]);
  });

  test('is the same whether or not an editor left a line end', () => {
    const text = 'twenty-four bytes or more';
    expect(secretOf(file('one', text))).toEqual(secretOf(file('other', `${text}\r\n`)));
  });
});

test('a token that no Authorization header carries is a problem', () => {
  const loaded = filesOf({ admin: { tokenFile: file('token', 'two words\n') } });
  expect(loaded.ok ? [] : loaded.error).toEqual([expect.stringMatching(/^admin\.tokenFile: /)]);
});

test('a file that is a folder is named, which the system does not', () => {
  const loaded = filesOf({ sip: { auth: { secretFile: folder } } });
  expect(loaded.ok ? [] : loaded.error).toEqual([expect.stringContaining(folder)]);
});
