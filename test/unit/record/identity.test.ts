import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  generateKeyPem,
  identityFromPem,
  identityFromSeed,
  verifySignature,
} from '../../../src/record/identity.ts';

const whose = { domain: 'biloxi.com', selector: 3 };
const hex = (text: string) => Buffer.from(text, 'hex');

describe('identities', () => {
  test('sign as RFC 8032 §7.1 test 2', () => {
    const identity = identityFromSeed(
      hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'),
      whose,
    );
    expect(Buffer.from(identity.publicKey).toString('hex')).toBe(
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    );
    expect(Buffer.from(identity.sign(hex('72'))).toString('hex')).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
  });

  test('a generated key signs what its public half verifies, and nothing else', () => {
    const { pem, publicKey } = generateKeyPem();
    const read = identityFromPem(pem, whose);
    expect(read.ok && Buffer.from(read.value.publicKey).equals(publicKey)).toBe(true);
    const signature = read.ok ? read.value.sign(hex('00')) : hex('');
    expect(verifySignature(publicKey, hex('00'), signature)).toBe(true);
    expect(verifySignature(publicKey, hex('01'), signature)).toBe(false);
    expect(verifySignature(publicKey.subarray(1), hex('00'), signature)).toBe(false);
    expect(verifySignature(new Uint8Array(32).fill(255), hex('00'), signature)).toBe(false);
  });

  test('what is no Ed25519 key is refused in words', () => {
    const other = generateKeyPairSync('x25519')
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString();
    expect(identityFromPem(other, whose)).toEqual({ ok: false, error: 'the key is x25519, not Ed25519' });
    const junk = identityFromPem('hello', whose);
    expect(!junk.ok && junk.error).toMatch(/^not a PKCS#8 private key in PEM form/);
  });
});
