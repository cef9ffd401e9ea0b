import { describe, expect, test } from 'vitest';
import { RECORD_LIMITS } from '../../../src/record/limits.ts';
import { visible } from '../../../src/record/merge.ts';
import { openBindings, readEntries } from '../../../src/record/read.ts';
import type { KeyAnswer } from '../../../src/record/types.ts';
import { EntryVerifier } from '../../../src/record/verify.ts';
import {
  BOB_KEYS,
  contact,
  entriesOf,
  NOW_MS,
  OVERLAY,
  registrar,
  testVerifier,
} from '../../support/record-world.ts';

const keys = BOB_KEYS;
const limits = RECORD_LIMITS;
const A = 'sip:bob@192.0.2.1';
const B = 'sip:bob@192.0.2.2';
const read = async (entries: Uint8Array[], verifier = testVerifier()) => {
  const result = await readEntries(entries, { keys, verifier, limits });
  const bindings = openBindings(result.records, { keys, nowMs: NOW_MS, limits });
  return { ...result, contacts: bindings.map((binding) => binding.contact) };
};

describe('what replicas answered', () => {
  test('is merged: the replica that missed a removal does not win', async () => {
    const old = entriesOf({ changes: [contact(A), contact(B)], seq: 1 });
    const removal = entriesOf({ changes: [contact(A, { expiresSec: 0 })], seq: 2, atMs: 1 });
    expect((await read([...old, ...removal])).contacts).toEqual([B]);
  });

  test('is ordered by q, a missing one counting as 1', async () => {
    const entries = entriesOf({ changes: [contact(A, { q: 0.3 }), contact(B)] });
    expect((await read(entries)).contacts).toEqual([B, A]);
  });

  test('does not count when forged', async () => {
    const entries = entriesOf({ changes: [contact(A)] });
    const forger: KeyAnswer = { kind: 'key', publicKey: registrar(9).publicKey };
    const verifier = new EntryVerifier({ keys: { resolve: async () => forger }, overlayId: OVERLAY });
    expect(await read([...entries, Uint8Array.of(0)], verifier)).toMatchObject({ contacts: [], refused: 2 });
  });

  test('a lifetime above LMAX is no longer life, it is refused', async () => {
    const entries = entriesOf({ changes: [contact(A, { expiresSec: 7200 })] });
    expect(await read(entries)).toMatchObject({ contacts: [], refused: 1 });
  });

  test('by signers whom nobody vouches for counts as refused, and is shown apart', async () => {
    const unknown = new EntryVerifier({
      keys: { resolve: async () => ({ kind: 'unknown' }) },
      overlayId: OVERLAY,
    });
    const bound = entriesOf({ changes: [contact(A)], seq: 1 });
    const gone = entriesOf({ changes: [contact(B)], seq: 2 });
    const removed = entriesOf({ changes: [contact(B, { expiresSec: 0 })], seq: 3, atMs: 1 });
    const result = await read([...bound, ...gone, ...removed], unknown);
    expect(result).toMatchObject({ contacts: [], refused: 3, unavailable: 0 });
    expect(visible(result.unvouched, NOW_MS, limits)).toHaveLength(1);
  });

  test('that can’t be checked now is told apart from nothing', async () => {
    const verifier = new EntryVerifier({
      keys: { resolve: async () => ({ kind: 'unavailable' }) },
      overlayId: OVERLAY,
    });
    const entries = entriesOf({ changes: [contact(A)] });
    expect(await read(entries, verifier)).toMatchObject({ contacts: [], unavailable: 1 });
  });
});
