// URIs and names as data: what a SIP URI is made of, and the name under which bindings are kept.

/** One `;name=value`; `name` in lower case, `value` as written (absent for a flag). */
export interface Param {
  readonly name: string;
  readonly value?: string;
}

/** A sip: or sips: URI (RFC 3261 §19.1). Strings are as written; `host` is lower-cased, IPv6 without brackets. */
export interface SipUri {
  readonly scheme: 'sip' | 'sips';
  readonly user?: string;
  readonly password?: string;
  readonly host: string;
  readonly port?: number;
  readonly params: readonly Param[];
  /** What stands after `?`, as written, or absent. */
  readonly headers?: string;
}

/**
 * Whose bindings these are, in any scheme: canonical, so that equal names are equal strings.
 * `scheme` is `sip` for sip and sips; `user` is unescaped once; `domain` is a lower-case A-label or an IP literal
 * (IPv6 without brackets).
 */
export interface LocationName {
  readonly scheme: string;
  readonly user: string;
  readonly domain: string;
}

/** A canonical address of record, `sip:user@domain`: the text form of a LocationName of scheme sip. */
export type Aor = string & { readonly aor: unique symbol };
