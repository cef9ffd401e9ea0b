import { decode, encode } from 'cborg';
import { describe, expect, test } from 'vitest';
import { buildEntries } from '../../../src/record/build.ts';
import {
  coreIn,
  decodeEntry,
  encodeEntry,
  encodePayload,
  payloadIn,
  sealedIn,
  sealHashIn,
  signatureIn,
  signedIn,
  userHashIn,
  withoutPayload,
} from '../../../src/record/entry-codec.ts';
import { versionFromMs } from '../../../src/record/hybrid-clock.ts';
import { ENTRY_BYTES_MAX } from '../../../src/record/limits.ts';
import {
  BOB_KEYS,
  contact,
  countingRandom,
  entriesOf,
  entryOf,
  NOW_MS,
  OVERLAY,
  publication,
  registrar,
} from '../../support/record-world.ts';

const A = 'sip:bob@192.0.2.1:5060';
const entry = entryOf({ changes: [contact(A)], seq: 7 });
const error = (bytes: Uint8Array) => {
  const result = decodeEntry(bytes);
  return result.ok ? 'ok' : result.error;
};
/** The entry's outer array with other items. */
const rebuilt = (core: Uint8Array, hash: Uint8Array | null = sealHashIn(entry) ?? null) =>
  encodeEntry(encodePayload(core, hash), signatureIn(entry), sealedIn(entry) ?? null);
const fields = (): Map<number, unknown> => decode(coreIn(entry), { useMaps: true });
const withFields = (change: (map: Map<number, unknown>) => void) => {
  const map = fields();
  change(map);
  return rebuilt(encode(map));
};

describe('an entry comes back as it went out', () => {
  test('every field of a binding', () => {
    expect(entry).toMatchObject({
      domain: 'biloxi.com',
      selector: 0,
      kind: 'binding',
      seq: 7,
      version: versionFromMs(NOW_MS),
      lifetimeSec: 3600,
    });
    expect(Buffer.from(userHashIn(entry))).toEqual(Buffer.from(BOB_KEYS.userHash));
    expect(sealHashIn(entry)).toHaveLength(32);
  });

  test('removals have no payload, `*` no ids', () => {
    const removal = entryOf({ changes: [contact(A, { expiresSec: 0 })] });
    const star = entryOf({ changes: 'all' });
    expect([removal.kind, star.kind]).toEqual(['tombstone', 'all']);
    expect([sealedIn(removal), sealHashIn(removal), sealedIn(star)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([removal.bindingId, star.bindingId, star.contactId]).toEqual([removal.contactId, '', '']);
  });

  test('the first four items are a COSE_Sign1 of RFC 9052', () => {
    const [protectedHeader, unprotected, payload, signature] = decode(entry.bytes, { useMaps: true });
    expect(decode(protectedHeader, { useMaps: true })).toEqual(new Map([[1, -8]]));
    expect(unprotected).toEqual(new Map());
    expect(payload).toEqual(new Uint8Array(payloadIn(entry)));
    expect(signature).toHaveLength(64);
  });

  test('without payload the signed bytes are the same', () => {
    const bare = withoutPayload(entry);
    expect(Buffer.compare(signedIn(bare), signedIn(entry))).toBe(0);
    expect(sealedIn(bare)).toBeUndefined();
    expect(decodeEntry(bare.bytes)).toEqual({ ok: true, value: bare });
    expect(withoutPayload(bare)).toBe(bare);
  });

  test('unknown fields travel untouched', () => {
    const bytes = withFields((map) => map.set(77, { a: [1, 2n ** 60n, 'x', null, 1.5] }));
    const result = decodeEntry(bytes);
    expect(result.ok && Buffer.compare(result.value.bytes, bytes)).toBe(0);
  });
});

describe('a strict reader refuses', () => {
  const cases: Record<string, [Uint8Array, string]> = {
    'nothing at all': [new Uint8Array(), 'ERR_ENTRY_MALFORMED'],
    'more than 800 bytes': [new Uint8Array(ENTRY_BYTES_MAX + 1), 'ERR_ENTRY_TOO_LARGE'],
    'a byte too many': [Buffer.concat([entry.bytes, Buffer.of(0)]), 'ERR_ENTRY_MALFORMED'],
    'a byte too few': [entry.bytes.subarray(0, -1), 'ERR_ENTRY_MALFORMED'],
    'another algorithm': [
      Buffer.concat([Buffer.from('8543a10126a0', 'hex'), entry.bytes.subarray(6)]),
      'ERR_ENTRY_ALGORITHM',
    ],
    'unprotected headers': [
      Buffer.concat([Buffer.from('8543a10127a10401', 'hex'), entry.bytes.subarray(6)]),
      'ERR_ENTRY_ALGORITHM',
    ],
    'an indefinite array': [
      Buffer.concat([Buffer.of(0x9f), entry.bytes.subarray(1), Buffer.of(0xff)]),
      'ERR_ENTRY_MALFORMED',
    ],
    'a core that is no map': [rebuilt(encode([1, 2])), 'ERR_ENTRY_FIELDS'],
    'keys out of order': [
      rebuilt(Buffer.concat([Buffer.of(0xa2, 0x03, 0x00, 0x01), encode('biloxi.com')])),
      'ERR_ENTRY_FIELDS',
    ],
    'the same key twice': [rebuilt(Buffer.from('a203000300', 'hex')), 'ERR_ENTRY_FIELDS'],
    'a number in a longer form than needed': [rebuilt(Buffer.from('a1031800', 'hex')), 'ERR_ENTRY_FIELDS'],
    'a missing field': [withFields((map) => map.delete(8)), 'ERR_ENTRY_FIELDS'],
    'a domain in upper case': [withFields((map) => map.set(1, 'Biloxi.com')), 'ERR_ENTRY_FIELDS'],
    'a domain with a newline': [withFields((map) => map.set(1, 'biloxi.com\n')), 'ERR_ENTRY_FIELDS'],
    'selector 16': [withFields((map) => map.set(3, 16)), 'ERR_ENTRY_FIELDS'],
    'an unknown kind': [withFields((map) => map.set(4, 3)), 'ERR_ENTRY_FIELDS'],
    'a short id': [withFields((map) => map.set(5, new Uint8Array(15))), 'ERR_ENTRY_FIELDS'],
    'a negative seq': [withFields((map) => map.set(8, -1)), 'ERR_ENTRY_FIELDS'],
    'a binding without lifetime': [withFields((map) => map.set(10, 0)), 'ERR_ENTRY_FIELDS'],
    'a binding that signs no payload': [rebuilt(coreIn(entry), null), 'ERR_ENTRY_FIELDS'],
    'a removal with a payload': [withFields((map) => map.set(4, 1).set(10, 0)), 'ERR_ENTRY_FIELDS'],
    'unknown fields nested too deep': [withFields((map) => map.set(77, [[[[[1]]]]])), 'ERR_ENTRY_FIELDS'],
    'a count beyond the input': [rebuilt(Buffer.from('b9ffff', 'hex')), 'ERR_ENTRY_FIELDS'],
  };
  for (const [what, [bytes, expected]] of Object.entries(cases)) {
    test(what, () => expect(error(bytes)).toBe(expected));
  }

  test('every cut and never throws', () => {
    for (let end = 0; end < entry.bytes.length; end += 1) {
      expect(error(entry.bytes.subarray(0, end))).not.toBe('ok');
    }
  });
});

describe('what does not fit one entry', () => {
  const build = (uri: string) =>
    buildEntries(publication({ changes: [contact(A), contact(uri)] }), BOB_KEYS, {
      identity: registrar(),
      overlayId: OVERLAY,
      version: versionFromMs(NOW_MS),
      wallMs: NOW_MS,
      random: countingRandom,
    });

  test('is an error that says so, for the whole publication', () => {
    const built = build(`sip:${'x'.repeat(600)}@192.0.2.1`);
    expect(built.ok).toBe(false);
    expect(!built.ok && built.error).toMatch(/contact too long: its entry takes \d+ bytes, at most 800/);
  });

  test('a contact of 400 bytes fits', () => {
    expect(build(`sip:${'x'.repeat(400)}@192.0.2.1`).ok).toBe(true);
  });

  test('a version ahead of the clock does not lengthen the life', () => {
    const built = buildEntries(publication({ changes: [contact(A, { expiresSec: 600 })] }), BOB_KEYS, {
      identity: registrar(),
      overlayId: OVERLAY,
      version: versionFromMs(NOW_MS + 40_000),
      wallMs: NOW_MS,
      random: countingRandom,
    });
    const decoded = built.ok && built.value[0] !== undefined ? decodeEntry(built.value[0]) : undefined;
    expect(decoded?.ok && decoded.value.lifetimeSec).toBe(560);
  });

  test('all entries of a publication carry one version', () => {
    const both = entriesOf({ changes: [contact(A), contact('sip:b@192.0.2.9', { expiresSec: 0 })] });
    const versions = both.map((bytes) => decodeEntry(bytes)).map((one) => one.ok && one.value.version);
    expect(versions).toEqual([versionFromMs(NOW_MS), versionFromMs(NOW_MS)]);
  });
});
