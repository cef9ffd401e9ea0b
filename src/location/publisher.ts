// Publishing, whatever stands behind: sign, send, and look whether it took effect; once more past a faster clock.
import { buildEntries } from '../record/build.ts';
import { outrankedBy } from '../record/effect.ts';
import { decodeOwnEntry } from '../record/entry-codec.ts';
import { HybridClock } from '../record/hybrid-clock.ts';
import type { Id } from '../record/id.ts';
import { type NameKeys, nameKeys } from '../record/keys.ts';
import type { RecordLimits } from '../record/limits.ts';
import { visible } from '../record/merge.ts';
import { openBindings, readEntries } from '../record/read.ts';
import { asSealed } from '../record/seal.ts';
import type { Binding, BoundContact, EntryBytes, Identity, Publication } from '../record/types.ts';
import type { EntryVerifier } from '../record/verify.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { PublishResult } from './types.ts';

export interface PublisherDeps {
  readonly identity: Identity;
  /** The domains we sign for; each that has no key of its own publishes the identity's under its selector. */
  readonly domains: readonly string[];
  /** Keys that are one domain's own. */
  readonly tenants?: readonly Identity[];
  readonly overlayId: string;
  readonly verifier: EntryVerifier;
  readonly limits: RecordLimits;
  readonly clock: Clock;
  readonly random: Random;
}

/** What a store or a ring said to a set of entries. */
export type SendOutcome =
  | { readonly kind: 'stored'; readonly live: readonly EntryBytes[] }
  | { readonly kind: 'stale' }
  | { readonly kind: 'quota' | 'refused' | 'unavailable'; readonly detail: string };

/** `deadlineMs`: how long this sending may still take. */
export type Send = (key: Id, entries: readonly EntryBytes[], deadlineMs: number) => Promise<SendOutcome>;

/** Opened bindings, and how many more are there by whose signers nobody stands; or that they can't be checked now. */
export type ReadResult =
  | { readonly kind: 'read'; readonly bindings: readonly Binding[]; readonly unvouched: number }
  | { readonly kind: 'unavailable'; readonly reason: string };

const KEYS_UNAVAILABLE = 'the domain keys can not be looked up now';

export class Publisher {
  readonly #deps: PublisherDeps;
  readonly #hybridClock: HybridClock;

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
    this.#hybridClock = new HybridClock({ skewMs: deps.limits.skewMs });
  }

  /** Whose key signs for this domain of ours. */
  #identityOf(domain: string): Identity {
    return this.#deps.tenants?.find((one) => one.domain === domain) ?? this.#deps.identity;
  }

  /** Did this registrar sign it? Another one of the domain has another selector. */
  isBy({ domain, selector }: { readonly domain: string; readonly selector: number }): boolean {
    return this.isOurs(domain) && this.#identityOf(domain).selector === selector;
  }

  isOurs(domain: string): boolean {
    return this.#deps.domains.includes(domain);
  }

  async publish(publication: Publication, send: Send, deadlineMs: number): Promise<PublishResult> {
    const { domain } = publication.name;
    if (!this.isOurs(domain)) {
      return { kind: 'refused', reason: `${domain} is not a domain of ours`, cause: 'not-ours' };
    }
    const keys = nameKeys(publication.name);
    const endMs = this.#deps.clock.monoMs() + deadlineMs;
    // Once, and once more past a faster clock; who is still outranked then says so instead of racing on.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const leftMs = endMs - this.#deps.clock.monoMs();
      if (leftMs <= 0) return { kind: 'unavailable', reason: 'no time left' };
      const result = await this.#attempt(publication, keys, (key, entries) => send(key, entries, leftMs));
      if (result !== 'outranked') return result;
    }
    return { kind: 'unavailable', reason: "another registrar's clock is too far ahead" };
  }

  async #attempt(
    publication: Publication,
    keys: NameKeys,
    send: (key: Id, entries: readonly EntryBytes[]) => Promise<SendOutcome>,
  ): Promise<PublishResult | 'outranked'> {
    const { overlayId, random, clock, verifier, limits } = this.#deps;
    const identity = this.#identityOf(publication.name.domain);
    const wallMs = clock.wallMs();
    const version = this.#hybridClock.next(wallMs);
    const built = buildEntries(publication, keys, { identity, overlayId, version, wallMs, random });
    if (!built.ok) return { kind: 'refused', reason: built.error, cause: 'too-large' };
    const published = built.value.map(decodeOwnEntry);
    for (const entry of published) verifier.vouch(entry, { key: keys.key, publicKey: identity.publicKey });

    const outcome = await send(keys.key, built.value);
    if (outcome.kind === 'stale') return outcome;
    if (outcome.kind === 'unavailable') return { kind: 'unavailable', reason: outcome.detail };
    if (outcome.kind === 'quota') return { kind: 'refused', reason: outcome.detail, cause: 'quota' };
    if (outcome.kind !== 'stored') return { kind: 'refused', reason: outcome.detail };

    const read = await readEntries([...built.value, ...outcome.live], { keys, verifier, limits });
    const nowMs = clock.wallMs();
    const seen = outrankedBy(published, read.records, nowMs);
    if (seen !== undefined) {
      // "the registrar advances its hybrid clock past what it saw, re-signs and publishes once more, else 503"
      if (this.#hybridClock.observe(seen, nowMs)) return 'outranked';
      return { kind: 'unavailable', reason: "another registrar's clock is too far ahead" };
    }
    // A list that leaves out what could not be checked would not be the truth.
    if (read.unavailable > 0) return { kind: 'unavailable', reason: KEYS_UNAVAILABLE };
    const sealedHere = sealedBy(publication, built.value);
    return { kind: 'stored', bindings: openBindings(read.records, { keys, nowMs, limits, sealedHere }) };
  }

  /** Verifies, merges and opens what was found under a name. */
  async read(entries: readonly EntryBytes[], keys: NameKeys): Promise<ReadResult> {
    const { verifier, limits, clock } = this.#deps;
    const read = await readEntries(entries, { keys, verifier, limits });
    const nowMs = clock.wallMs();
    const bindings = openBindings(read.records, { keys, nowMs, limits });
    // Some that can be used are better than none; none at all must not be read as "not registered".
    if (bindings.length === 0 && read.unavailable > 0)
      return { kind: 'unavailable', reason: KEYS_UNAVAILABLE };
    return { kind: 'read', bindings, unvouched: visible(read.unvouched, nowMs, limits).length };
  }
}

/** What each of these entries says, which are one for each change. */
const sealedBy = (
  { changes }: Publication,
  entries: readonly EntryBytes[],
): ReadonlyMap<EntryBytes, BoundContact> => {
  const bindings = new Map<EntryBytes, BoundContact>();
  if (changes === 'all') return bindings;
  for (const [index, change] of changes.entries()) {
    const bytes = entries[index];
    if (bytes !== undefined) bindings.set(bytes, asSealed(change));
  }
  return bindings;
};
