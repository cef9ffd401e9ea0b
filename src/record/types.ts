// The data model of the Location Service as seen by those who use it: names in, signed entries through, bindings out.
import type { LocationName, Param } from '../uri/types.ts';

/** One signed, sealed entry exactly as transmitted (docs/lsp.md, "Entry"). Never re-encoded. */
export type EntryBytes = Uint8Array;

/** One contact of a name, as it was registered. */
export interface BoundContact {
  /** The contact URI as registered, byte for byte. */
  readonly contact: string;
  /** Its canonical form: equal contacts (RFC 3261 §19.1.4) give equal strings. */
  readonly canonicalContact: string;
  /** `+sip.instance` (unquoted) and `reg-id`: together they name the binding (RFC 5626). */
  readonly instance?: string;
  readonly regId?: number;
  /** 0 to 1. */
  readonly q?: number;
  /** The other Contact parameters, as registered, without q and expires. */
  readonly params: readonly Param[];
  /** Path header values (RFC 3327), topmost first. */
  readonly path: readonly string[];
  /** Cut to 64 bytes. */
  readonly userAgent?: string;
}

/** What a REGISTER (or another protocol's publication) says about one contact. */
export interface BindingChange extends BoundContact {
  /** 0 removes the binding. */
  readonly expiresSec: number;
}

/** A binding as readers see it: opened, verified, unexpired. */
export interface Binding extends BoundContact {
  /** Wall time, ms: version's ms + lifetime, as signed. */
  readonly expiresAtMs: number;
}

/** One publication: everything in it takes effect together or not at all. */
export interface Publication {
  readonly name: LocationName;
  /** What orders updates of one source: for SIP the Call-ID (hashed before it leaves us). */
  readonly series: string;
  /** Order within the series: for SIP the CSeq number. */
  readonly seq: number;
  /** The changes, or `all`: remove every binding of the name (`Contact: *`). */
  readonly changes: readonly BindingChange[] | 'all';
}

/** Milliseconds and counter of a hybrid logical clock in one number: ms·2^16 + counter, as a bigint. */
export type Version = bigint;

/** Where a domain's public key comes from; `unknown` means nobody vouches for one. */
export type KeyAnswer =
  | {
      readonly kind: 'key';
      readonly publicKey: Uint8Array;
      /** Further keys of the selector, while it is being rotated. */
      readonly alternates?: readonly Uint8Array[];
      /** Past its caching time, because the source can't be asked: good for what was accepted before, not for a first time. */
      readonly stale?: true;
    }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unavailable' };

/** The key that `domain` publishes under `selector` (DESIGN §6). Never throws; answers from bounded caches. */
export interface DomainKeyResolver {
  resolve(domain: string, selector: number): Promise<KeyAnswer>;
}

/** Ed25519 identity of this process: what signs its entries and is its node's identity. */
export interface Identity {
  readonly domain: string;
  readonly selector: number;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64-byte Ed25519 signature (RFC 8032). */
  sign(message: Uint8Array): Uint8Array;
}
