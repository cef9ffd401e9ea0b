// docs/lsp-entry.md by its vectors, which are made by the page's words without the code (test/support/entry-vectors.ts).
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { buildEntries } from '../../../src/record/build.ts';
import { formatKeyRecord, keyRecordName, parseKeyRecord } from '../../../src/record/dns-keys.ts';
import { DomainKeys } from '../../../src/record/domain-keys.ts';
import {
  coreIn,
  decodeOwnEntry,
  payloadIn,
  signatureInput,
  withoutPayload,
} from '../../../src/record/entry-codec.ts';
import { identityFromSeed } from '../../../src/record/identity.ts';
import { nameKeys, seriesOf } from '../../../src/record/keys.ts';
import { RECORD_LIMITS } from '../../../src/record/limits.ts';
import { settle } from '../../../src/record/merge.ts';
import { RecordStore } from '../../../src/record/store.ts';
import { EntryVerifier } from '../../../src/record/verify.ts';
import { canonicalContact } from '../../../src/uri/compare.ts';
import { locationName } from '../../../src/uri/name.ts';
import { buildEntryVectors } from '../../support/entry-vectors.ts';

// A change of these bytes is a change of the protocol: docs/lsp-entry.md and every other implementation know them.
const vectors = JSON.parse(readFileSync(new URL('../../vectors/entry.json', import.meta.url), 'utf8'));
const { given, derived } = vectors;
const unhex = (text: string): Uint8Array => Buffer.from(text, 'hex');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const identity = identityFromSeed(unhex(given.seed), { domain: given.name.domain, selector: given.selector });
const keys = nameKeys(given.name);
const own = { domains: [given.name.domain], selector: given.selector, publicKey: identity.publicKey };
const verifier = new EntryVerifier({ keys: new DomainKeys({ own: [own] }), overlayId: given.overlayId });

const digestHeld = async (entry: string): Promise<string> => {
  const store = new RecordStore({ verifier, wallMs: () => given.wallMs });
  await store.absorb(keys.key, [unhex(entry)]);
  return hex(store.digest(keys.key) ?? new Uint8Array());
};

describe('test/vectors/entry.json', () => {
  test('the file is what the page says (npx vitest run test/unit/record/vectors.test.ts -u writes it anew)', async () => {
    const text = `${JSON.stringify(buildEntryVectors(), undefined, 2)}\n`;
    await expect(text).toMatchFileSnapshot('../../vectors/entry.json');
  });

  test.each<{ uri: string; key: string }>(vectors.names)('the name of $uri', ({ uri, key, ...parts }) => {
    const name = locationName(uri);
    expect(name).toEqual({ ok: true, value: parts });
    expect(name.ok && nameKeys(name.value).key).toBe(key);
  });

  test.each<{ contact: string; canonical: string }>(vectors.contacts)(
    'the canonical form of $contact',
    ({ contact, canonical }) => {
      expect(canonicalContact(contact)).toBe(canonical);
    },
  );

  test('the DNS record of the key', () => {
    const { name, text } = vectors.keyRecord;
    expect(keyRecordName(given.name.domain, given.selector)).toBe(name);
    expect(formatKeyRecord(identity.publicKey)).toBe(text);
    expect(hex(parseKeyRecord(text) ?? new Uint8Array())).toBe(hex(identity.publicKey));
  });

  test('what is derived from the name and the key', async () => {
    expect({
      publicKey: hex(identity.publicKey),
      userHash: hex(keys.userHash),
      key: keys.key,
      secret: hex(keys.secret),
      series: hex(seriesOf(keys.secret, given.series)),
      digestOfKey: await digestHeld(vectors.entries[0].entry),
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

  test.each<{ title: string; entry: string; withoutPayload: string }>(vectors.later)(
    'verified and kept byte for byte: $title',
    async ({ entry, withoutPayload: dropped }) => {
      const read = decodeOwnEntry(unhex(entry));
      expect(settle([read], RECORD_LIMITS).map(({ bytes }) => hex(bytes))).toEqual([entry]);
      expect(hex(withoutPayload(read).bytes)).toBe(dropped);
      expect((await verifier.verify(unhex(entry), { key: keys.key })).ok).toBe(true);
    },
  );

  for (const vector of vectors.refused) {
    test(`refused: ${vector.title}`, async () => {
      expect(await verifier.verify(unhex(vector.entry), { key: keys.key })).toEqual({
        ok: false,
        error: vector.error,
      });
    });
  }
});
