// From a SIP URI to the addresses it is reached at, in the order to try them (RFC 3263 §4).
import { isIP } from 'node:net';
import type { Dns, NaptrRecord, SrvRecord } from '../runtime/dns.ts';
import type { NextHop, Transport } from '../sip/types.ts';
import { findParam } from '../uri/params.ts';
import type { SipUri } from '../uri/types.ts';
import { srvOrder } from './srv-order.ts';

export interface ResolveContext {
  readonly dns: Dns;
  /** True if we have a listener to send from by this transport and address family. */
  readonly supports: (transport: Transport, family: 4 | 6) => boolean;
  /** What chance is drawn from: the same for every retransmission of a request. */
  readonly seed: string;
}

/** A chain of dead addresses is not followed for ever. */
const HOPS_MAX = 8;
const FAMILIES = [4, 6] as const;
/** In the order we like them where nobody says otherwise: what every phone has first. */
const TRANSPORTS: readonly Transport[] = ['udp', 'tcp', 'tls'];

const defaultPort = (transport: Transport): number => {
  if (transport === 'tls') return 5061;
  if (transport === 'ws') return 80;
  return transport === 'wss' ? 443 : 5060;
};

/** The transport that a URI asks for; `none` if it names one we do not know or that its scheme forbids. */
const askedTransport = (uri: SipUri): Transport | 'any' | 'none' => {
  const secure = uri.scheme === 'sips';
  switch (findParam(uri.params, 'transport')?.value?.toLowerCase()) {
    case undefined:
      return 'any';
    case 'udp':
      return secure ? 'none' : 'udp';
    // RFC 3261 §26.2.2: with sips, tcp means TLS over TCP.
    case 'tcp':
      return secure ? 'tls' : 'tcp';
    case 'tls':
      return 'tls';
    case 'ws':
      return secure ? 'wss' : 'ws';
    default:
      return 'none';
  }
};

interface Service {
  readonly transport: Transport;
  readonly name: string;
}

const serviceName = (transport: Transport, host: string): string =>
  transport === 'tls' ? `_sips._tcp.${host}` : `_sip._${transport}.${host}`;

const NAPTR_SERVICES: Readonly<Record<string, Transport>> = {
  'sip+d2u': 'udp',
  'sip+d2t': 'tcp',
  'sips+d2t': 'tls',
};

const naptrServices = (
  records: readonly NaptrRecord[],
  usable: (transport: Transport) => boolean,
): Service[] =>
  [...records]
    .sort((a, b) => a.order - b.order || a.preference - b.preference)
    .flatMap((record) => {
      const transport = NAPTR_SERVICES[record.service.toLowerCase()];
      // RFC 3263 §4.1: "a client MUST discard any service fields that identify a resolution service whose value is not
      // "D2X", for values of X that indicate transport protocols supported by the client."
      return transport !== undefined && record.flags.toLowerCase() === 's' && usable(transport)
        ? [{ transport, name: record.replacement }]
        : [];
    });

/** The hops to try, best first, found as they are asked for: a request that goes out at once costs no further question. */
export async function* resolveHops(uri: SipUri, context: ResolveContext): AsyncGenerator<NextHop> {
  let count = 0;
  for await (const hop of allHops(uri, context)) {
    yield hop;
    count += 1;
    if (count >= HOPS_MAX) return;
  }
}

async function* allHops(uri: SipUri, context: ResolveContext): AsyncGenerator<NextHop> {
  const asked = askedTransport(uri);
  if (asked === 'none') return;
  const secure = uri.scheme === 'sips';
  // RFC 3263 §4: "We define TARGET as the value of the maddr parameter of the URI, if present, otherwise, the host value".
  const target =
    findParam(uri.params, 'maddr')
      ?.value?.replace(/^\[|\]$/g, '')
      .toLowerCase() ?? uri.host;
  const plain = asked === 'any' ? (secure ? 'tls' : 'udp') : asked;
  const family = isIP(target);
  if (family === 4 || family === 6) {
    if (context.supports(plain, family))
      yield { transport: plain, host: target, port: uri.port ?? defaultPort(plain) };
    return;
  }
  // RFC 3263 §4.2: "If the TARGET was not a numeric IP address, but a port is present in the URI, the client performs an
  // A or AAAA record lookup of the domain name."
  if (uri.port !== undefined) {
    yield* atHost(plain, target, uri.port, context);
    return;
  }
  const usable = (transport: Transport): boolean =>
    (!secure || transport === 'tls') && FAMILIES.some((version) => context.supports(transport, version));
  const services = await servicesOf(target, asked, usable, context.dns);
  const answers = await Promise.all(services.map(({ name }) => context.dns.srv(name)));
  let found = false;
  for (const [index, { transport }] of services.entries()) {
    const answer = answers[index];
    if (answer?.kind !== 'found') continue;
    found = true;
    yield* atServers(transport, answer.records, context);
  }
  // RFC 3263 §4.2: "If no SRV records were found, the client performs an A or AAAA record lookup of the domain name."
  if (!found) yield* atHost(plain, target, defaultPort(plain), context);
}

const servicesOf = async (
  host: string,
  asked: Transport | 'any',
  usable: (transport: Transport) => boolean,
  dns: Dns,
): Promise<readonly Service[]> => {
  if (asked !== 'any') return usable(asked) ? [{ transport: asked, name: serviceName(asked, host) }] : [];
  const naptr = await dns.naptr(host);
  const services = naptr.kind === 'found' ? naptrServices(naptr.records, usable).slice(0, HOPS_MAX) : [];
  if (services.length > 0) return services;
  // RFC 3263 §4.1: "If no NAPTR records are found, the client constructs SRV queries for those transport protocols it
  // supports, and does a query for each."
  return TRANSPORTS.filter(usable).map((transport) => ({ transport, name: serviceName(transport, host) }));
};

async function* atServers(
  transport: Transport,
  records: readonly SrvRecord[],
  context: ResolveContext,
): AsyncGenerator<NextHop> {
  for (const { name, port } of srvOrder(records, context.seed).slice(0, HOPS_MAX))
    yield* atHost(transport, name, port, context);
}

async function* atHost(
  transport: Transport,
  name: string,
  port: number,
  { dns, supports }: ResolveContext,
): AsyncGenerator<NextHop> {
  for (const family of FAMILIES) {
    if (!supports(transport, family)) continue;
    const answer = await dns.addresses(name, family);
    if (answer.kind !== 'found') continue;
    // RFC 3263 §4.4: sorted, so that a retransmission finds the same first one.
    for (const host of [...answer.records].sort()) yield { transport, host, port };
  }
}
