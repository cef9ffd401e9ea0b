// Who vouches for a domain's key (DESIGN §6): ourselves for our own, the name itself, the trust file, DNS; in that order.
import { isIP } from 'node:net';
import { isSelfCertifying, selfCertifiedKey } from './self-certifying.ts';
import type { TrustMap } from './trust-file.ts';
import type { DomainKeyResolver, KeyAnswer } from './types.ts';

export interface DomainKeySources {
  /** "A registrar always trusts its own key for its own domain." */
  readonly own?: {
    readonly domains: readonly string[];
    readonly selector: number;
    readonly publicKey: Uint8Array;
  };
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
    if (own !== undefined && own.selector === selector && own.domains.includes(domain)) {
      return Promise.resolve({ kind: 'key', publicKey: own.publicKey });
    }
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
