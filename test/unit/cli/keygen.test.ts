import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { identityFromPem } from '../../../src/record/identity.ts';
import { selfCertifyingDomain } from '../../../src/record/self-certifying.ts';
import { parseTrustFile } from '../../../src/record/trust-file.ts';
import { runCommand } from '../../support/cli.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chordial-keygen-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const keygen = (...flags: readonly string[]) => runCommand(['keygen', ...flags]);

test('a key file for its owner alone, the DNS record and the trust-file entry of the same key', async () => {
  const keyFile = join(folder, 'biloxi-1.pem');
  const made = await keygen('--domain', 'Biloxi.example', '--selector', '1', '--out', keyFile);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect(statSync(keyFile).mode & 0o777).toBe(0o600);
  const identity = identityFromPem(readFileSync(keyFile, 'utf8'), { domain: 'biloxi.example', selector: 1 });
  if (!identity.ok) throw new Error(identity.error);
  const key = Buffer.from(identity.value.publicKey).toString('base64');
  expect(made.stdout).toContain(`1._lsp.biloxi.example.  IN TXT  "v=LSP1; k=ed25519; p=${key}"`);
  const entry = parseTrustFile(made.stdout.slice(made.stdout.lastIndexOf('\n  ')));
  if (!entry.ok) throw new Error(entry.error.join('\n'));
  expect(entry.value.get('biloxi.example')?.get(1)).toEqual(Buffer.from(identity.value.publicKey));

  const again = await keygen('--domain', 'biloxi.example', '--selector', '1', '--key', keyFile);
  expect(again.stdout.trim()).toBe(made.stdout.slice(made.stdout.indexOf('Publish')).trim());

  const overwritten = await keygen('--domain', 'biloxi.example', '--out', keyFile);
  expect(overwritten).toMatchObject({ code: 1, stderr: expect.stringContaining('EEXIST') });
});

test('a self-certifying domain is told with its key', async () => {
  const { code, stdout } = await keygen('--self-certifying', '--json');
  const { pem, domain, dns } = JSON.parse(stdout);
  const identity = identityFromPem(pem, { domain, selector: 0 });
  expect({ code, dns, domain }).toEqual({
    code: 0,
    dns: undefined,
    domain: identity.ok ? selfCertifyingDomain(identity.value.publicKey) : identity.error,
  });
});

test.each([
  ['no domain', []],
  ['a name that is no domain', ['--domain', 'a b']],
  ['two answers to whose key it is', ['--domain', 'a.example', '--self-certifying']],
  ['a selector above 15', ['--domain', 'a.example', '--selector', '16']],
  ['a key to read that is not there', ['--domain', 'a.example', '--key', 'absent.pem']],
])('%s is refused with 2', async (_what, flags) => {
  const { code, stdout, stderr } = await keygen(...flags);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^chordial: /);
});
