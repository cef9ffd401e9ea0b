import { describe, expect, test } from 'vitest';
import { DomainKeys } from '../../../src/record/domain-keys.ts';
import { selfCertifiedKey, selfCertifyingDomain } from '../../../src/record/self-certifying.ts';
import { parseTrustFile } from '../../../src/record/trust-file.ts';
import type { DomainKeyResolver } from '../../../src/record/types.ts';
import { registrar, trust } from '../../support/record-world.ts';

const publicKey = registrar(3).publicKey;
const base64 = Buffer.from(publicKey).toString('base64');

describe('who is asked', () => {
  const asked: string[] = [];
  const dns: DomainKeyResolver = {
    resolve: async (domain, selector) => {
      asked.push(`${selector} ${domain}`);
      return { kind: 'unknown' };
    },
  };
  const keys = new DomainKeys({ own: [{ domains: ['localhost'], selector: 2, publicKey }], trust, dns });

  test('ourselves for our own domain and selector, whatever it is called', async () => {
    expect(await keys.resolve('localhost', 2)).toEqual({ kind: 'key', publicKey });
  });

  test.each(['localhost', 'phone.local', 'x.invalid', '192.0.2.1', '2001:db8::1'])(
    'nobody but the operator’s files for %s',
    async (domain) => {
      expect(await keys.resolve(domain, 0)).toEqual({ kind: 'unknown' });
      expect(asked).toEqual([]);
    },
  );

  test('the trust file alone for a domain it lists', async () => {
    expect(await keys.resolve('biloxi.com', 3)).toEqual({ kind: 'key', publicKey });
    expect(await keys.resolve('biloxi.com', 99)).toEqual({ kind: 'unknown' });
    expect(asked).toEqual([]);
  });

  test('the name itself for a self-certifying domain', async () => {
    expect(await keys.resolve(selfCertifyingDomain(publicKey), 7)).toEqual({
      kind: 'key',
      publicKey: new Uint8Array(publicKey),
    });
    expect(await keys.resolve('short.lsp.alt', 0)).toEqual({ kind: 'unknown' });
    expect(asked).toEqual([]);
  });

  test('DNS for all others', async () => {
    await keys.resolve('atlanta.com', 1);
    expect(asked).toEqual(['1 atlanta.com']);
  });
});

describe('self-certifying names', () => {
  test('are the key in base32 (RFC 4648), in one spelling only', () => {
    const domain = selfCertifyingDomain(new Uint8Array(32));
    expect(domain).toBe(`${'a'.repeat(52)}.lsp.alt`);
    expect(selfCertifiedKey(domain)).toEqual(new Uint8Array(32));
    // The last character carries one bit of the key; the four others are padding and must be zero.
    expect(selfCertifiedKey(`${'a'.repeat(51)}b.lsp.alt`)).toBeUndefined();
    expect(selfCertifiedKey(`${'a'.repeat(51)}1.lsp.alt`)).toBeUndefined();
    expect(selfCertifiedKey(`${'a'.repeat(51)}q.lsp.alt`)?.at(-1)).toBe(1);
  });
});

describe('the trust file', () => {
  test('gives keys by domain and selector', () => {
    const parsed = parseTrustFile(`Biloxi.com: { 0: ${base64}, 15: "${base64}" }\n`);
    const selectors = parsed.ok ? parsed.value.get('biloxi.com') : undefined;
    expect([...(selectors?.keys() ?? [])]).toEqual([0, 15]);
    expect(Buffer.from(selectors?.get(0) ?? []).equals(publicKey)).toBe(true);
  });

  test('may be empty', () => {
    expect(parseTrustFile('# nobody yet\n')).toEqual({ ok: true, value: new Map() });
  });

  test('tells all that is wrong with it', () => {
    expect(parseTrustFile(`a.com: { 16: ${base64}, 1: short }\nb.com: x\n`)).toEqual({
      ok: false,
      error: [
        'a.com: the key of selector 1 must be base64 of 32 bytes',
        'a.com: selector 16 must be 0 to 15',
        'b.com: must be a mapping of selectors to keys',
      ],
    });
    expect(parseTrustFile('- a\n')).toEqual({ ok: false, error: ['must be a mapping of domains'] });
    const bomb = parseTrustFile('a: &a [x]\nb: [*a, *a]\n');
    expect(!bomb.ok && bomb.error[0]).toMatch(/^not YAML/);
  });
});
