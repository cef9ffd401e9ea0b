// Who vouches for a domain's key (DESIGN §6): ourselves for our own, the name itself, the trust file, DNS; in that order.
import { isIP } from 'node:net';
import { isSelfCertifying, selfCertifiedKey } from './self-certifying.ts';
import type { TrustMap } from './trust-file.ts';
import type { DomainKeyResolver, KeyAnswer } from './types.ts';

/** A key that we sign with, and the domains it is for. */
export interface OwnKey {
  readonly domains: readonly string[];
  readonly selector: number;
  readonly publicKey: Uint8Array;
}

export interface DomainKeySources {
  /** "A registrar always trusts its own key for its own domain"; each domain may have one of its own. */
  readonly own?: readonly OwnKey[];
  readonly trust?: TrustMap;
  readonly dns?: DomainKeyResolver;
  /** On loopback: what nodes of this machine say of themselves, believed for local names alone. */
  readonly told?: TrustMap;
}

const UNKNOWN: KeyAnswer = { kind: 'unknown' };

/** Names that mean something else on every machine: DNS has no say, only the operator's own files. */
const isLocalName = (domain: string): boolean =>
  isIP(domain) !== 0 || /(?:^|\.)(?:localhost|local|invalid)$/.test(domain);

export class DomainKeys implements DomainKeyResolver {
  readonly #sources: DomainKeySources;

  constructor(sources: DomainKeySources) {
    this.#sources = sources;
  }

  resolve(domain: string, selector: number): Promise<KeyAnswer> {
    const { own, trust, dns, told } = this.#sources;
    const ours = own?.find((key) => key.selector === selector && key.domains.includes(domain));
    if (ours !== undefined) return Promise.resolve(keyAnswer(ours.publicKey));
    if (isSelfCertifying(domain)) return Promise.resolve(keyAnswer(selfCertifiedKey(domain)));
    // A domain that the file names is the file's alone: a closed overlay must not be opened through DNS.
    const listed = trust?.get(domain);
    if (listed !== undefined) return Promise.resolve(keyAnswer(listed.get(selector)));
    if (isLocalName(domain)) return Promise.resolve(keyAnswer(told?.get(domain)?.get(selector)));
    if (dns === undefined) return Promise.resolve(UNKNOWN);
    return dns.resolve(domain, selector);
  }
}

const keyAnswer = (publicKey: Uint8Array | undefined): KeyAnswer =>
  publicKey === undefined ? UNKNOWN : { kind: 'key', publicKey };
