// Who we are (DESIGN §3): which URIs mean this server, and which lead back to it.
import type { Endpoint } from '../runtime/datagram.ts';
import { canonicalHost, isLoopback, isWildcard } from './hosts.ts';
import { findParam } from './params.ts';
import type { SipUri } from './types.ts';

export interface SelfOptions {
  /** The domains this registrar is authoritative for; the first is the one IP literals and aliases stand for. */
  readonly domains: readonly [string, ...string[]];
  /** Further names of the first domain. */
  readonly aliases: readonly string[];
  /** Further names of any of them: alias → domain. */
  readonly aliasesOf?: ReadonlyMap<string, string>;
  /** Where we listen, as bound and as others reach us. */
  readonly listeners: readonly { readonly bound: Endpoint; readonly advertised: Endpoint }[];
  /** This machine's addresses: what a wildcard listener answers on besides loopback. */
  readonly localAddresses?: readonly string[];
}

/** Prepared once at start, asked for every request. */
export interface Self {
  /** Domain or alias → the canonical domain. BOUNDED: by the configuration. */
  readonly domains: ReadonlyMap<string, string>;
  readonly first: string;
  /** Every listener's port, bound and advertised. BOUNDED: by the configuration. */
  readonly ports: ReadonlySet<number>;
  /** `host port` of every listener, bound and advertised. BOUNDED: listeners × addresses of the machine. */
  readonly places: ReadonlySet<string>;
  /** Ports of listeners that are bound to every address. BOUNDED: by the configuration. */
  readonly wildcardPorts: ReadonlySet<number>;
}

/** `host` canonical. An IPv4 address mapped into IPv6 leads to that IPv4 address. */
const placeOf = (host: string, port: number): string =>
  `${host.startsWith('::ffff:') && host.includes('.') ? host.slice('::ffff:'.length) : host} ${port}`;

/** What `localhost` stands for (RFC 6761 §6.3). */
const LOCALHOST: ReadonlySet<string> = new Set(['127.0.0.1', '::1']);

export const createSelf = (options: SelfOptions): Self => {
  const first = canonicalHost(options.domains[0]);
  const domains = new Map<string, string>();
  for (const alias of options.aliases) domains.set(canonicalHost(alias), first);
  for (const [alias, domain] of options.aliasesOf ?? [])
    domains.set(canonicalHost(alias), canonicalHost(domain));
  for (const domain of options.domains) domains.set(canonicalHost(domain), canonicalHost(domain));
  const ports = new Set<number>();
  const places = new Set<string>();
  const wildcardPorts = new Set<number>();
  for (const { bound, advertised } of options.listeners) {
    for (const end of [bound, advertised]) {
      ports.add(end.port);
      if (!isWildcard(end.host)) places.add(placeOf(canonicalHost(end.host), end.port));
      if (LOCALHOST.has(canonicalHost(end.host))) places.add(placeOf('localhost', end.port));
    }
    if (!isWildcard(bound.host)) continue;
    wildcardPorts.add(bound.port);
    for (const address of options.localAddresses ?? [])
      places.add(placeOf(canonicalHost(address), bound.port));
  }
  return { domains, first, ports, places, wildcardPorts };
};

/** RFC 3261 §19.1.2 and RFC 7118 §8: the port that a URI without one means. */
export const defaultPort = (uri: Pick<SipUri, 'scheme' | 'params'>): number => {
  switch (findParam(uri.params, 'transport')?.value?.toLowerCase()) {
    case 'tls':
      return 5061;
    case 'ws':
      return uri.scheme === 'sips' ? 443 : 80;
    case 'wss':
      return 443;
    default:
      return uri.scheme === 'sips' ? 5061 : 5060;
  }
};

/**
 * The canonical domain if this URI is ours. "A domain name (or alias) is us without a port or with one of our ports.
 * An IP literal or host name is us only together with one of our listener or advertised ports (absent port = the
 * transport's default)."
 */
export const ownDomain = (
  uri: Pick<SipUri, 'scheme' | 'host' | 'port' | 'params'>,
  self: Self,
): string | undefined => {
  const host = canonicalHost(uri.host);
  const domain = self.domains.get(host);
  if (domain !== undefined && (uri.port === undefined || self.ports.has(uri.port))) return domain;
  const port = uri.port ?? defaultPort(uri);
  if (self.places.has(placeOf(host, port))) return self.first;
  return self.wildcardPorts.has(port) && isLoopback(host) ? self.first : undefined;
};

/** Whether a request to this URI would come back here. RFC 3261 §19.1.1: maddr overrides where a URI leads. */
export const isOwnContactAddress = (uri: SipUri, self: Self): boolean => {
  const maddr = findParam(uri.params, 'maddr')?.value;
  const host = maddr === undefined ? uri.host : maddr.replace(/^\[(.*)\]$/, '$1');
  return ownDomain({ ...uri, host }, self) !== undefined;
};
