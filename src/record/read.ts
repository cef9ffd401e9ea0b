// From what replicas answered to bindings: verified, merged, opened, unexpired; best first.
import { coreIn, decodeEntry, type Entry, sealedIn } from './entry-codec.ts';
import type { NameKeys } from './keys.ts';
import type { RecordLimits } from './limits.ts';
import { expiresAtMs, settle, visible } from './merge.ts';
import { openSealed } from './seal.ts';
import type { Binding, BoundContact, EntryBytes } from './types.ts';
import type { EntryVerifier } from './verify.ts';

/** Answers of several replicas may be so many times what one holds. */
const ANSWERS_MAX = 8;
/** Whole, and of this key; only the signer is nobody's. */
const BY_NOBODY: ReadonlySet<string> = new Set(['ERR_ENTRY_SIGNER_UNKNOWN', 'ERR_ENTRY_SIGNATURE']);

export interface ReadEntries {
  /** Verified and merged. */
  readonly records: readonly Entry[];
  /** Left out because the signer's key can't be looked up now: "none" would be a guess. */
  readonly unavailable: number;
  /** Left out because they are not what the domain signed. */
  readonly refused: number;
  /** Of those the well-formed ones, merged, by whose signer nobody stands: for people, to tell them from nothing. */
  readonly unvouched: readonly Entry[];
}

/** Verifies and merges the union of several answers. */
export const readEntries = async (
  entries: readonly Uint8Array[],
  context: { readonly keys: NameKeys; readonly verifier: EntryVerifier; readonly limits: RecordLimits },
): Promise<ReadEntries> => {
  const { keys, verifier, limits } = context;
  const verified: Entry[] = [];
  const unvouched: Entry[] = [];
  let unavailable = 0;
  let refused = 0;
  // Replicas that agree send the same bytes: once is enough to look at them.
  const seen = new Set<string>();
  for (const bytes of entries.slice(0, ANSWERS_MAX * limits.recordsPerName)) {
    const spelling = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    if (seen.has(spelling)) continue;
    seen.add(spelling);
    const result = await verifier.verify(bytes, { key: keys.key });
    if (!result.ok && result.error === 'ERR_ENTRY_SIGNER_UNAVAILABLE') unavailable += 1;
    else if (!result.ok || result.value.lifetimeSec > limits.lifetimeMaxSec) {
      refused += 1;
      if (!result.ok && BY_NOBODY.has(result.error)) {
        const decoded = decodeEntry(bytes);
        if (decoded.ok) unvouched.push(decoded.value);
      }
    } else verified.push(result.value);
  }
  return { records: settle(verified, limits), unavailable, refused, unvouched: settle(unvouched, limits) };
};

/** A missing q counts as 1. */
const qOf = (binding: Binding): number => binding.q ?? 1;

/** The visible bindings of merged records, by q, of equal q the newest first. */
export const openBindings = (
  records: readonly Entry[],
  context: {
    readonly keys: NameKeys;
    readonly nowMs: number;
    readonly limits: RecordLimits;
    /** What this process has just sealed, by the entries' bytes: it need not be opened to be known. */
    readonly sealedHere?: ReadonlyMap<EntryBytes, BoundContact>;
  },
): Binding[] => {
  const bindings: Binding[] = [];
  const open = (entry: Entry): BoundContact | undefined => {
    const sealed = sealedIn(entry);
    return sealed === undefined
      ? undefined
      : openSealed(sealed, { secret: context.keys.secret, core: coreIn(entry) });
  };
  for (const entry of visible(records, context.nowMs, context.limits)) {
    const opened = context.sealedHere?.get(entry.bytes) ?? open(entry);
    if (opened !== undefined) bindings.push({ expiresAtMs: expiresAtMs(entry), ...opened });
  }
  // `visible` is newest first, and the sort is stable.
  return bindings.sort((a, b) => qOf(b) - qOf(a));
};
