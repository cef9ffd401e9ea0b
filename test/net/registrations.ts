// The records that the tests over real processes publish and read: one binding a user, whose contact tells which it is.
import type { LspClient, LspNode } from '../../src/dht/index.ts';
import { buildEntries } from '../../src/record/build.ts';
import { versionFromMs } from '../../src/record/hybrid-clock.ts';
import { identityFromSeed } from '../../src/record/identity.ts';
import { nameKeys } from '../../src/record/keys.ts';
import { RECORD_LIMITS } from '../../src/record/limits.ts';
import { openBindings, readEntries } from '../../src/record/read.ts';
import type { DomainKeyResolver, Identity } from '../../src/record/types.ts';
import { EntryVerifier } from '../../src/record/verify.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { sha256 } from '../../src/runtime/sha256.ts';

export const OVERLAY = 'net';
const DOMAINS = 5;
const EXPIRES_SEC = 3600;

const SUFFIX = '.example';

// BOUNDED: by the members and registrars of one test.
const identities = new Map<string, Identity>();

/** Made from its name, so that every process knows everybody's key. */
export const identityOf = (name: string): Identity => {
  const known = identities.get(name);
  if (known !== undefined) return known;
  const identity = identityFromSeed(new Uint8Array(sha256(name)), {
    domain: `${name}${SUFFIX}`,
    selector: 0,
  });
  identities.set(name, identity);
  return identity;
};

/** Vouches for every member and registrar of these tests. */
export const keys: DomainKeyResolver = {
  resolve: async (domain) => ({
    kind: 'key',
    publicKey: identityOf(domain.slice(0, -SUFFIX.length)).publicKey,
  }),
};

export const newVerifier = () => new EntryVerifier({ keys, overlayId: OVERLAY });

const signerOf = (user: number): string => `registrar${user % DOMAINS}`;
const nameOf = (user: number) => ({
  scheme: 'sip',
  user: `user${user}`,
  domain: identityOf(signerOf(user)).domain,
});

export const keyOfUser = (user: number) => nameKeys(nameOf(user)).key;

/** The contact of the `seq`th registration of a user. */
export const contactOf = (user: number, seq: number): string => `sip:user${user}@192.0.2.9:${5000 + seq}`;

type Overlay = Pick<LspNode | LspClient, 'publish' | 'query'>;

/** Publishes the `seq`th registration of a user: says what became of it. */
export const register = async (
  overlay: Overlay,
  user: number,
  seq: number,
  deadlineMs = 5000,
): Promise<string> => {
  const wallMs = systemClock.wallMs();
  const contact = contactOf(user, seq);
  const entries = buildEntries(
    {
      name: nameOf(user),
      series: `phone of ${user}`,
      seq,
      // The same instance each time: a registration replaces the one before.
      changes: [
        {
          contact,
          canonicalContact: contact,
          instance: `urn:uuid:${user}`,
          regId: 1,
          params: [],
          path: [],
          expiresSec: EXPIRES_SEC,
        },
      ],
    },
    nameKeys(nameOf(user)),
    {
      identity: identityOf(signerOf(user)),
      overlayId: OVERLAY,
      version: versionFromMs(wallMs),
      wallMs,
      random: systemRandom,
    },
  );
  if (!entries.ok) throw new Error(entries.error);
  return (await overlay.publish(keyOfUser(user), entries.value, deadlineMs)).kind;
};

export interface Found {
  /** `entries`, `none`, `unavailable` or `timeout`. */
  readonly kind: string;
  readonly contacts: readonly string[];
  readonly ms: number;
  /** Replicas whose answers are in it. */
  readonly answers: number;
}

export const lookUp = async (
  overlay: Overlay,
  user: number,
  verifier: EntryVerifier,
  deadlineMs = 5000,
): Promise<Found> => {
  const startedMs = systemClock.monoMs();
  const limits = RECORD_LIMITS;
  const names = nameKeys(nameOf(user));
  const outcome = await overlay.query(names.key, deadlineMs);
  const ms = systemClock.monoMs() - startedMs;
  if (outcome.kind !== 'entries') return { kind: outcome.kind, contacts: [], ms, answers: 0 };
  const read = await readEntries(outcome.entries, { keys: names, verifier, limits });
  const bindings = openBindings(read.records, { keys: names, nowMs: systemClock.wallMs(), limits });
  const contacts = bindings.map(({ contact }) => contact);
  return { kind: contacts.length > 0 ? 'entries' : 'none', contacts, ms, answers: outcome.answers };
};
