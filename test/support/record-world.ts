// Signers, names and entries for the tests of record/ and location/: everything from fixed seeds.
import { buildEntries } from '../../src/record/build.ts';
import { DomainKeys } from '../../src/record/domain-keys.ts';
import { decodeOwnEntry, type Entry } from '../../src/record/entry-codec.ts';
import { versionFromMs } from '../../src/record/hybrid-clock.ts';
import { identityFromSeed } from '../../src/record/identity.ts';
import { nameKeys } from '../../src/record/keys.ts';
import type { BindingChange, Identity, Publication } from '../../src/record/types.ts';
import { EntryVerifier } from '../../src/record/verify.ts';
import type { Random } from '../../src/runtime/random.ts';
import type { LocationName } from '../../src/uri/types.ts';

export const OVERLAY = 'lsp-test';
export const NOW_MS = 1_800_000_000_000;
export const BOB: LocationName = { scheme: 'sip', user: 'bob', domain: 'biloxi.com' };
export const BOB_KEYS = nameKeys(BOB);

/** Bytes 0, 1, 2, … : the same every time. */
export const countingRandom: Random = {
  bytes: (count) => Uint8Array.from({ length: count }, (_, index) => index & 255),
  float: () => 0.5,
};

export const registrar = (selector = 0, domain = 'biloxi.com'): Identity =>
  identityFromSeed(new Uint8Array(32).fill(selector + 1), { domain, selector });

/** A second domain of registrar 0, with a key and a selector of its own. */
export const TENANT = registrar(5, 'second.example');

/** Vouches for registrars 0 to 15 of biloxi.com, and for the second domain. */
export const trust = new Map([
  ['biloxi.com', new Map(Array.from({ length: 16 }, (_, n) => [n, registrar(n).publicKey] as const))],
  [TENANT.domain, new Map([[TENANT.selector, TENANT.publicKey]])],
]);

export const testVerifier = (overlayId = OVERLAY): EntryVerifier =>
  new EntryVerifier({ keys: new DomainKeys({ trust }), overlayId });

export const contact = (uri: string, more: Partial<BindingChange> = {}): BindingChange => ({
  contact: uri,
  canonicalContact: uri,
  params: [],
  path: [],
  expiresSec: 3600,
  ...more,
});

export interface EntryWish {
  readonly changes: readonly BindingChange[] | 'all';
  readonly series?: string;
  readonly seq?: number;
  /** Milliseconds after NOW_MS. */
  readonly atMs?: number;
  readonly selector?: number;
  readonly name?: LocationName;
}

export const publication = (wish: EntryWish): Publication => ({
  name: wish.name ?? BOB,
  series: wish.series ?? 'call-1',
  seq: wish.seq ?? 1,
  changes: wish.changes,
});

/** Signed entries as bytes; throws when they can't be built. */
export const entriesOf = (wish: EntryWish): Uint8Array[] => {
  const wallMs = NOW_MS + (wish.atMs ?? 0);
  const built = buildEntries(publication(wish), nameKeys(wish.name ?? BOB), {
    identity: registrar(wish.selector ?? 0),
    overlayId: OVERLAY,
    version: versionFromMs(wallMs),
    wallMs,
    random: countingRandom,
  });
  if (!built.ok) throw new Error(built.error);
  return built.value;
};

/** The one entry of a publication with one change. */
export const entryOf = (wish: EntryWish): Entry => {
  const [bytes] = entriesOf(wish);
  if (bytes === undefined) throw new Error('no entry');
  return decodeOwnEntry(bytes);
};
