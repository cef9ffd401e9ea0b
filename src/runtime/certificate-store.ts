// The certificates in force, chosen by the name a client asks for (SNI); each may be exchanged at any time.
import type { SecureContext } from 'node:tls';
import type { Certificate } from './certificate.ts';
import type { TlsServerIdentity } from './tls-stream.ts';

/** Stands for whoever asks for no name, or for one that no other certificate speaks for. */
export const COMMON = 'default';

export class CertificateStore implements TlsServerIdentity {
  // BOUNDED: by the certificates of the configuration.
  readonly #byDomain = new Map<string, Certificate>();

  /** In force for every handshake from now on; open connections keep what they have agreed on. */
  put(domain: string | undefined, certificate: Certificate): void {
    this.#byDomain.set(domain ?? COMMON, certificate);
  }

  /** Only these are left. */
  keep(domains: readonly (string | undefined)[]): void {
    const kept = new Set(domains.map((domain) => domain ?? COMMON));
    for (const domain of this.#byDomain.keys()) if (!kept.has(domain)) this.#byDomain.delete(domain);
  }

  /** By domain. */
  get all(): ReadonlyMap<string, Certificate> {
    return this.#byDomain;
  }

  contextFor(serverName: string | undefined): SecureContext | undefined {
    const common = this.#byDomain.get(COMMON);
    if (serverName === undefined) return common?.context;
    const name = serverName.toLowerCase();
    const own = name === COMMON ? undefined : this.#byDomain.get(name);
    if (own !== undefined) return own.context;
    // Phones ask for the host they were given (sip.example.com), which need not be the domain's own name.
    for (const [domain, certificate] of this.#byDomain)
      if (domain !== COMMON && certificate.speaksFor(name)) return certificate.context;
    return common?.context;
  }
}
