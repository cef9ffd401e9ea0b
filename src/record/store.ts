// The records a node holds, by key: verified, admitted, merged, bounded in bytes, and purged when their retention ends.
import { BoundedMap } from '../runtime/bounded-map.ts';
import { sha256 } from '../runtime/sha256.ts';
import { admit } from './admission.ts';
import { detached, type Entry, sealedIn, signatureIn, signedIn } from './entry-codec.ts';
import { type Fingerprint, fingerprintOf, NO_FINGERPRINT } from './fingerprint.ts';
import { versionMs } from './hybrid-clock.ts';
import type { Arc, Id } from './id.ts';
import { KeyIndex } from './key-index.ts';
import { RECORD_LIMITS, type RecordLimits } from './limits.ts';
import { liveRecords, merge, retainedUntilMs, visible } from './merge.ts';
import { quotaDomain } from './self-certifying.ts';
import type { EntryVerifier } from './verify.ts';

/** What became of a publication. `live`: what readers are shown now. */
export type StoreVerdict =
  | { readonly kind: 'stored'; readonly live: readonly Uint8Array[] }
  | { readonly kind: 'stale' }
  | { readonly kind: 'quota'; readonly detail: string }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'unavailable'; readonly detail: string };

export interface StoreOptions {
  readonly limits: RecordLimits;
  /** All that is held, with what each record costs beside its bytes. */
  readonly bytesMax: number;
  /** The share one domain may take; all self-certifying domains have one share together. */
  readonly domainBytesMax: number;
}

export const STORE_OPTIONS: StoreOptions = {
  limits: RECORD_LIMITS,
  bytesMax: 512 << 20,
  domainBytesMax: 256 << 20,
};

/** Measured (Node 20, names of one binding each): what objects, strings and maps cost beside the bytes of a record. */
const RECORD_OVERHEAD_BYTES = 1060;
const DIGEST_BYTES = 8;
const UNCERTAIN_MAX = 10_000;

interface Held {
  readonly records: readonly Entry[];
  readonly bytes: number;
  readonly domain: string;
  /** No record's retention ends before. */
  readonly purgeAtMs: number;
  /** Taken when it is first compared after a change. */
  fingerprint: Fingerprint | undefined;
}

const costOf = (records: readonly Entry[]): number =>
  records.reduce((sum, record) => sum + record.bytes.length + RECORD_OVERHEAD_BYTES, 0);

/** Structurally the RecordStorePort of dht/. Everything between two awaits is atomic. */
export class RecordStore {
  readonly #verifier: EntryVerifier;
  readonly #wallMs: () => number;
  readonly #options: StoreOptions;
  // BOUNDED: `bytesMax`, and `domainBytesMax` per domain; `recordsPerName` records a key.
  readonly #held = new Map<Id, Held>();
  readonly #index = new KeyIndex((key) => this.#fingerprint(key));
  // BOUNDED: by the domains of what is held.
  readonly #domainBytes = new Map<string, number>();
  // BOUNDED: UNCERTAIN_MAX, the oldest leaves: that one may be denied too early, by this node alone.
  /** Until when what was left out may still be alive (wall time). */
  readonly #uncertain = new BoundedMap<Id, number>(UNCERTAIN_MAX);
  #entries = 0;
  #bytes = 0;

  constructor(
    deps: { readonly verifier: EntryVerifier; readonly wallMs: () => number },
    options: Partial<StoreOptions> = {},
  ) {
    this.#verifier = deps.verifier;
    this.#wallMs = deps.wallMs;
    this.#options = { ...STORE_OPTIONS, ...options };
  }

  get counts(): { readonly keys: number; readonly entries: number; readonly bytes: number } {
    return { keys: this.#held.size, entries: this.#entries, bytes: this.#bytes };
  }

  /** Verifies, admits and merges all entries of one key, or none. */
  async publish(key: Id, entries: readonly Uint8Array[]): Promise<StoreVerdict> {
    const { limits } = this.#options;
    if (entries.length === 0 || entries.length > limits.recordsPerName) {
      return { kind: 'refused', detail: `1 to ${limits.recordsPerName} entries, not ${entries.length}` };
    }
    const verified: Entry[] = [];
    for (const bytes of entries) {
      const result = await this.#verifier.verify(bytes, { key, first: true });
      if (result.ok && !isWhole(result.value))
        return { kind: 'refused', detail: 'a binding without payload' };
      if (result.ok) verified.push(result.value);
      else if (result.error === 'ERR_ENTRY_SIGNER_UNAVAILABLE') {
        return { kind: 'unavailable', detail: 'the domain key can not be looked up now' };
      } else return { kind: 'refused', detail: result.error };
    }
    // From here on without a pause: what is admitted is judged against what it is merged into.
    const wallMs = this.#wallMs();
    const held = this.#retained(key, wallMs);
    const admission = admit(verified, held, { wallMs, limits });
    if (admission.kind !== 'admitted') return admission;
    const full = this.#put(key, held, verified);
    if (full !== undefined) return { kind: 'quota', detail: full };
    return { kind: 'stored', live: this.live(key) };
  }

  /** Merges records another replica holds, without admission; what does not verify or is out of bounds is left out. */
  async absorb(key: Id, records: readonly Uint8Array[]): Promise<number> {
    const { limits } = this.#options;
    const verified: Entry[] = [];
    let doubtful = false;
    for (const bytes of records.slice(0, limits.recordsPerName)) {
      const result = await this.#verifier.verify(bytes, { key });
      if (result.ok) verified.push(result.value);
      else if (result.error === 'ERR_ENTRY_SIGNER_UNAVAILABLE') doubtful = true;
    }
    const wallMs = this.#wallMs();
    // Another node's clock admitted it and may be SKEW ahead of true time, the signer's SKEW ahead of that, ours behind.
    const latestMs = wallMs + 4 * limits.skewMs;
    const sane = verified.filter(
      (entry) =>
        entry.lifetimeSec <= limits.lifetimeMaxSec &&
        versionMs(entry.version) <= latestMs &&
        retainedUntilMs(entry, limits) > wallMs,
    );
    // A key that can't be looked up, a clock that is behind, no room: what was left out may be good all the same.
    if (verified.some((entry) => versionMs(entry.version) > latestMs)) doubtful = true;
    if (doubtful) this.#doubt(key, wallMs);
    else this.#uncertain.delete(key);
    const held = this.#retained(key, wallMs);
    const before = new Map(held.map((entry) => [recordName(entry), entry]));
    const isNews = (entry: Entry): boolean => {
      const known = before.get(recordName(entry));
      return known === undefined || (sealedIn(known) === undefined && sealedIn(entry) !== undefined);
    };
    if (!sane.some(isNews)) return 0;
    if (this.#put(key, held, sane) !== undefined) {
      this.#doubt(key, wallMs);
      return 0;
    }
    return this.#entriesOf(key).filter(isNews).length;
  }

  /** For readers: the newest unexpired bindings, and the removals and expired states that decide against other copies. */
  live(key: Id): readonly Uint8Array[] {
    return liveRecords(this.#entriesOf(key), this.#wallMs(), this.#options.limits).map(
      (entry) => entry.bytes,
    );
  }

  /** Is a reader shown any binding of what is live? */
  shows(key: Id): boolean {
    const { limits } = this.#options;
    return visible(this.#entriesOf(key), this.#wallMs(), limits).length > 0;
  }

  /** Was everything taken in that others gave of this key, or left out for good? */
  certain(key: Id): boolean {
    return (this.#uncertain.get(key) ?? 0) <= this.#wallMs();
  }

  /** Everything kept for merge. */
  records(key: Id): readonly Uint8Array[] {
    return this.#entriesOf(key).map((entry) => entry.bytes);
  }

  /** The exclusive or of the records' hashes: the same on every replica that holds the same. */
  digest(key: Id): Uint8Array | undefined {
    const held = this.#held.get(key);
    return held === undefined ? undefined : digestOf(held.records);
  }

  /** Keys held in the arc, clockwise from arc.from. */
  keysIn(arc: Arc): readonly Id[] {
    return this.#index.within(arc);
  }

  /** What all that is held in the arc comes to, 8 bytes: the same on every node that holds the same there. */
  arcDigest(arc: Arc): Uint8Array {
    return this.#index.fingerprint(arc);
  }

  drop(key: Id): void {
    this.#set(key, []);
  }

  /** Lets go of what is past retention; returns how many records that was. Cheap for keys with nothing due. */
  expire(nowMs: number): number {
    const before = this.#entries;
    for (const [key, held] of this.#held) {
      if (held.purgeAtMs <= nowMs) this.#set(key, this.#retained(key, nowMs));
    }
    return before - this.#entries;
  }

  #fingerprint(key: Id): Fingerprint {
    const held = this.#held.get(key);
    if (held === undefined) return NO_FINGERPRINT;
    held.fingerprint ??= fingerprintOf(key, digestOf(held.records));
    return held.fingerprint;
  }

  #doubt(key: Id, nowMs: number): void {
    const { lifetimeMaxSec, skewMs } = this.#options.limits;
    this.#uncertain.set(key, nowMs + lifetimeMaxSec * 1000 + 4 * skewMs);
  }

  #entriesOf(key: Id): readonly Entry[] {
    return this.#held.get(key)?.records ?? [];
  }

  #retained(key: Id, nowMs: number): readonly Entry[] {
    const held = this.#held.get(key);
    if (held === undefined) return [];
    if (held.purgeAtMs > nowMs) return held.records;
    return held.records.filter((entry) => retainedUntilMs(entry, this.#options.limits) > nowMs);
  }

  /** Undefined when stored, else the quota that is in the way. */
  #put(key: Id, held: readonly Entry[], entries: readonly Entry[]): string | undefined {
    const { limits, bytesMax, domainBytesMax } = this.#options;
    const records = merge(held, entries, limits).map(detached);
    const domain = records[0]?.domain;
    if (domain === undefined) return undefined;
    const old = this.#held.get(key);
    const growth = costOf(records) - (old?.bytes ?? 0);
    if (growth > 0 && this.#bytes + growth > bytesMax) return 'this node is full';
    const share = this.#domainBytes.get(quotaDomain(domain)) ?? 0;
    if (growth > 0 && share + growth > domainBytesMax)
      return `the share of ${quotaDomain(domain)} is used up`;
    this.#set(key, records);
    return undefined;
  }

  #set(key: Id, records: readonly Entry[]): void {
    const old = this.#held.get(key);
    const domain = quotaDomain(records[0]?.domain ?? old?.domain ?? '');
    const bytes = costOf(records);
    const growth = bytes - (old?.bytes ?? 0);
    this.#bytes += growth;
    this.#entries += records.length - (old?.records.length ?? 0);
    const share = (this.#domainBytes.get(domain) ?? 0) + growth;
    if (share > 0) this.#domainBytes.set(domain, share);
    else this.#domainBytes.delete(domain);
    if (records.length === 0) {
      this.#held.delete(key);
      this.#index.delete(key);
      return;
    }
    if (old === undefined) this.#index.add(key);
    else this.#index.changed(key);
    const purgeAtMs = Math.min(...records.map((entry) => retainedUntilMs(entry, this.#options.limits)));
    this.#held.set(key, { records, bytes, domain, purgeAtMs, fingerprint: undefined });
  }
}

const isWhole = (entry: Entry): boolean => entry.kind !== 'binding' || sealedIn(entry) !== undefined;

const recordName = (entry: Entry): string => Buffer.from(signatureIn(entry)).toString('latin1');

const WITHOUT = Buffer.from('-');
const WITH = Buffer.from('+');

// Whether the payload is there counts too: a state that lost it to the order of arrival gets it back by SYNC.
const digestOf = (records: readonly Entry[]): Uint8Array => {
  const digest = new Uint8Array(DIGEST_BYTES);
  for (const record of records) {
    const hash = sha256(Buffer.concat([signedIn(record), sealedIn(record) === undefined ? WITHOUT : WITH]));
    for (let i = 0; i < DIGEST_BYTES; i += 1) digest[i] = (digest[i] ?? 0) ^ (hash[i] ?? 0);
  }
  return digest;
};
