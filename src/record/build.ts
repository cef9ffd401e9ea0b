// From a publication to its signed entries: one per change, all with one version, so that they stand or fall together.

import type { Random } from '../runtime/random.ts';
import { fail, ok, type Result } from '../runtime/result.ts';
import { type CoreParts, encodeCore, encodeEntry, encodePayload, signatureInput } from './entry-codec.ts';
import { versionMs } from './hybrid-clock.ts';
import { contactIdOf, instanceIdOf, type NameKeys, seriesOf } from './keys.ts';
import { ENTRY_BYTES_MAX, RECORD_LIMITS } from './limits.ts';
import { SEAL_RANDOM_BYTES, seal, sealHashOf } from './seal.ts';
import type { BindingChange, EntryBytes, Identity, Publication, Version } from './types.ts';

export interface Signing {
  readonly identity: Identity;
  readonly overlayId: string;
  readonly version: Version;
  /** Now: the lifetime runs from here, however far the version is ahead. */
  readonly wallMs: number;
  readonly random: Random;
}

/** RFC 5626 §6: instance-id and reg-id name a binding where both are present, else its contact does (RFC 3261 §10.3). */
const bindingIdOf = (secret: Uint8Array, change: BindingChange, contactId: Uint8Array): Uint8Array =>
  change.instance !== undefined && change.regId !== undefined
    ? instanceIdOf(secret, change.instance, change.regId)
    : contactId;

const sign = (core: Uint8Array, sealed: Uint8Array | null, signing: Signing): EntryBytes => {
  const payload = encodePayload(core, sealed === null ? null : sealHashOf(sealed));
  const signature = signing.identity.sign(signatureInput(signing.overlayId, payload));
  return encodeEntry(payload, signature, sealed);
};

// A version ahead of the wall clock must not lengthen what was asked for.
const lifetimeOf = (expiresSec: number, signing: Signing): number =>
  Math.max(1, expiresSec - Math.ceil(Math.max(0, versionMs(signing.version) - signing.wallMs) / 1000));

/** The entries of one publication; an error says in words what cannot be published. */
export const buildEntries = (
  publication: Publication,
  keys: NameKeys,
  signing: Signing,
): Result<EntryBytes[]> => {
  const { name, changes } = publication;
  const common = {
    domain: name.domain,
    userHash: keys.userHash,
    selector: signing.identity.selector,
    series: seriesOf(keys.secret, publication.series),
    seq: publication.seq,
    version: signing.version,
  };
  if (changes === 'all') {
    return ok([sign(encodeCore({ kind: 'all', lifetimeSec: 0, ...common }), null, signing)]);
  }
  if (changes.length > RECORD_LIMITS.recordsPerName) {
    return fail(`${changes.length} contacts in one publication; at most ${RECORD_LIMITS.recordsPerName}`);
  }
  const entries: EntryBytes[] = [];
  for (const change of changes) {
    const removal = change.expiresSec === 0;
    const contactId = contactIdOf(keys.secret, change.canonicalContact);
    const parts: CoreParts = {
      kind: removal ? 'tombstone' : 'binding',
      bindingId: bindingIdOf(keys.secret, change, contactId),
      contactId,
      lifetimeSec: removal ? 0 : lifetimeOf(change.expiresSec, signing),
      ...common,
    };
    const core = encodeCore(parts);
    const sealed = removal
      ? null
      : seal(change, { secret: keys.secret, core, random: signing.random.bytes(SEAL_RANDOM_BYTES) });
    const entry = sign(core, sealed, signing);
    if (entry.length > ENTRY_BYTES_MAX) {
      return fail(
        `contact too long: its entry takes ${entry.length} bytes, at most ${ENTRY_BYTES_MAX} (shorten the URI, its parameters or the Path)`,
      );
    }
    entries.push(entry);
  }
  return ok(entries);
};
