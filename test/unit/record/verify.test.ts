import { describe, expect, test } from 'vitest';
import { DomainKeys } from '../../../src/record/domain-keys.ts';
import { decodeOwnEntry, withoutPayload } from '../../../src/record/entry-codec.ts';
import { nameKeys } from '../../../src/record/keys.ts';
import type { DomainKeyResolver, KeyAnswer } from '../../../src/record/types.ts';
import { EntryVerifier } from '../../../src/record/verify.ts';
import {
  BOB,
  BOB_KEYS,
  contact,
  entriesOf,
  OVERLAY,
  registrar,
  testVerifier,
} from '../../support/record-world.ts';

const [bytes = new Uint8Array()] = entriesOf({ changes: [contact('sip:bob@192.0.2.1')] });
const key = BOB_KEYS.key;
const answering = (answer: KeyAnswer): EntryVerifier =>
  new EntryVerifier({ keys: { resolve: async () => answer }, overlayId: OVERLAY });
const publicKey = registrar().publicKey;
const errorOf = async (verifier: EntryVerifier, first = false, what = bytes) => {
  const result = await verifier.verify(what, { key, first });
  return result.ok ? 'ok' : result.error;
};

describe('an entry stands', () => {
  test('when the domain key signed it for this key and overlay', async () => {
    expect(await errorOf(testVerifier())).toBe('ok');
  });

  test('also without its payload', async () => {
    expect(await errorOf(testVerifier(), false, withoutPayload(decodeOwnEntry(bytes)).bytes)).toBe('ok');
  });

  test('under a further key while the selector is rotated', async () => {
    const rotating = answering({ kind: 'key', publicKey: registrar(5).publicKey, alternates: [publicKey] });
    expect(await errorOf(rotating)).toBe('ok');
  });
});

describe('an entry does not stand', () => {
  test('in another overlay', async () => {
    expect(await errorOf(testVerifier('other'))).toBe('ERR_ENTRY_SIGNATURE');
  });

  test('under the key of another user', async () => {
    const other = nameKeys({ ...BOB, user: 'rob' }).key;
    const result = await testVerifier().verify(bytes, { key: other });
    expect(result).toEqual({ ok: false, error: 'ERR_ENTRY_WRONG_KEY' });
  });

  test('signed by a key that is not the domain’s', async () => {
    expect(await errorOf(answering({ kind: 'key', publicKey: registrar(5).publicKey }))).toBe(
      'ERR_ENTRY_SIGNATURE',
    );
  });

  test('with any byte changed', async () => {
    const verifier = testVerifier();
    await verifier.verify(bytes, { key });
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await errorOf(verifier, false, changed)).not.toBe('ok');
    }
  });

  test('when nobody vouches, or nobody can be asked', async () => {
    expect(await errorOf(answering({ kind: 'unknown' }))).toBe('ERR_ENTRY_SIGNER_UNKNOWN');
    expect(await errorOf(answering({ kind: 'unavailable' }))).toBe('ERR_ENTRY_SIGNER_UNAVAILABLE');
  });

  test('on a stale key when it is accepted for the first time; read it may be', async () => {
    const stale = answering({ kind: 'key', publicKey, stale: true });
    expect(await errorOf(stale, true)).toBe('ERR_ENTRY_SIGNER_UNAVAILABLE');
    expect(await errorOf(stale, false)).toBe('ok');
  });

  test('once its key was revoked, although it had been verified before', async () => {
    let answer: KeyAnswer = { kind: 'key', publicKey };
    const keys: DomainKeyResolver = { resolve: async () => answer };
    const verifier = new EntryVerifier({ keys, overlayId: OVERLAY });
    expect(await errorOf(verifier)).toBe('ok');
    answer = { kind: 'key', publicKey: registrar(5).publicKey };
    expect(await errorOf(verifier)).toBe('ERR_ENTRY_SIGNATURE');
    answer = { kind: 'unknown' };
    expect(await errorOf(verifier)).toBe('ERR_ENTRY_SIGNER_UNKNOWN');
  });
});

test('a registrar trusts its own key for its own domains', async () => {
  const own = { domains: ['localhost', 'biloxi.com'], selector: 0, publicKey };
  const verifier = new EntryVerifier({ keys: new DomainKeys({ own: [own] }), overlayId: OVERLAY });
  expect(await errorOf(verifier)).toBe('ok');
});
