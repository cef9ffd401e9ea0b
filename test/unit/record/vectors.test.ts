import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { buildEntries } from '../../../src/record/build.ts';
import { DomainKeys } from '../../../src/record/domain-keys.ts';
import {
  coreIn,
  decodeOwnEntry,
  payloadIn,
  signatureInput,
  withoutPayload,
} from '../../../src/record/entry-codec.ts';
import { identityFromSeed } from '../../../src/record/identity.ts';
import { nameKeys } from '../../../src/record/keys.ts';
import { EntryVerifier } from '../../../src/record/verify.ts';

// A change of these bytes is a change of the protocol: docs/lsp-entry.md and every other implementation know them.
const vectors = JSON.parse(readFileSync(new URL('../../vectors/entry.json', import.meta.url), 'utf8'));
const { given, derived } = vectors;
const unhex = (text: string): Uint8Array => Buffer.from(text, 'hex');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const identity = identityFromSeed(unhex(given.seed), { domain: given.name.domain, selector: given.selector });
const keys = nameKeys(given.name);
const own = { domains: [given.name.domain], selector: given.selector, publicKey: identity.publicKey };
const verifier = new EntryVerifier({ keys: new DomainKeys({ own }), overlayId: given.overlayId });

describe('test/vectors/entry.json', () => {
  test('what is derived from the name and the key', () => {
    expect({
      publicKey: hex(identity.publicKey),
      userHash: hex(keys.userHash),
      key: keys.key,
      secret: hex(keys.secret),
    }).toEqual(derived);
  });

  for (const vector of vectors.entries) {
    test(`written and read: ${vector.title}`, async () => {
      const publication = { name: given.name, series: given.series, seq: given.seq, changes: vector.changes };
      const built = buildEntries(publication, keys, {
        identity,
        overlayId: given.overlayId,
        version: BigInt(given.version),
        wallMs: given.wallMs,
        random: { bytes: () => unhex(given.random), float: () => 0 },
      });
      expect(built.ok && built.value.map(hex)).toEqual([vector.entry]);
      const entry = decodeOwnEntry(unhex(vector.entry));
      expect(hex(coreIn(entry))).toBe(vector.core);
      expect(hex(signatureInput(given.overlayId, payloadIn(entry)))).toBe(vector.signed);
      expect(hex(withoutPayload(entry).bytes)).toBe(vector.withoutPayload);
      for (const bytes of [vector.entry, vector.withoutPayload]) {
        expect((await verifier.verify(unhex(bytes), { key: keys.key })).ok).toBe(true);
      }
    });
  }

  for (const vector of vectors.refused) {
    test(`refused: ${vector.title}`, async () => {
      expect(await verifier.verify(unhex(vector.entry), { key: keys.key })).toEqual({
        ok: false,
        error: vector.error,
      });
    });
  }
});
