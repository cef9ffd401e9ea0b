// Which transport a URI is reached by, and under which SRV names its servers stand (RFC 3263 §4.1).
import type { Dns, NaptrRecord } from '../runtime/dns.ts';
import type { Transport } from '../sip/types.ts';
import { findParam } from '../uri/params.ts';
import type { SipUri } from '../uri/types.ts';

/** An SRV name and the transport that its servers speak. */
export interface Service {
  readonly transport: Transport;
  readonly name: string;
}

/** More SRV names than this are not asked for, whatever a zone says. */
const SERVICES_MAX = 8;
/** In the order we like them where nobody says otherwise: what every phone has first. */
const TRANSPORTS: readonly Transport[] = ['udp', 'tcp', 'tls'];

/** RFC 3261 §19.1.2 and RFC 7118 §8. */
export const portOf = (transport: Transport): number => {
  if (transport === 'tls') return 5061;
  if (transport === 'ws') return 80;
  return transport === 'wss' ? 443 : 5060;
};

/** The transport that a URI asks for; `none` if it names one we do not know or that its scheme forbids. */
export const askedTransport = (uri: SipUri): Transport | 'any' | 'none' => {
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
    case 'wss':
      return 'wss';
    default:
      return 'none';
  }
};

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
): readonly Service[] => {
  const matching = records.flatMap(({ order, preference, flags, service, regexp, replacement }) => {
    const transport = NAPTR_SERVICES[service.toLowerCase()];
    // RFC 3263 §4.1: "a client MUST discard any service fields that identify a resolution service whose value is not
    // "D2X", for values of X that indicate transport protocols supported by the client"; and "The resource record will
    // contain an empty regular expression and a replacement value".
    const fits = flags.toLowerCase() === 's' && regexp === '' && replacement !== '' && replacement !== '.';
    return transport !== undefined && fits && usable(transport)
      ? [{ order, preference, transport, name: replacement }]
      : [];
  });
  // RFC 3403 §4.1: "once a match is found the client MUST NOT consider records with a different Order but they MAY
  // process records with the same Order but different Preferences."
  const order = Math.min(...matching.map((one) => one.order));
  return matching
    .filter((one) => one.order === order)
    .sort((a, b) => a.preference - b.preference)
    .map(({ transport, name }) => ({ transport, name }));
};

export interface Chosen {
  readonly services: readonly Service[];
  /** What is spoken to the addresses of the name itself, where none of `services` has a server. */
  readonly otherwise: Transport;
}

/** For a name without a port. `usable`: a transport that we have and that the scheme of the URI allows. */
export const chooseServices = async (
  host: string,
  {
    asked,
    secure,
    usable,
    dns,
  }: {
    readonly asked: Transport | 'any';
    readonly secure: boolean;
    readonly usable: (transport: Transport) => boolean;
    readonly dns: Dns;
  },
): Promise<Chosen> => {
  if (asked !== 'any')
    return {
      services: usable(asked) ? [{ transport: asked, name: serviceName(asked, host) }] : [],
      otherwise: asked,
    };
  const naptr = await dns.naptr(host);
  const named = naptr.kind === 'found' ? naptrServices(naptr.records, usable).slice(0, SERVICES_MAX) : [];
  const [first] = named;
  // §4.2: without SRV records the host is contacted "using the transport protocol determined previously".
  if (first !== undefined) return { services: named, otherwise: first.transport };
  // §4.1: "If no NAPTR records are found, the client constructs SRV queries for those transport protocols it supports,
  // and does a query for each." Records of which none can be used leave no more than none do.
  return {
    services: TRANSPORTS.filter(usable).map((transport) => ({
      transport,
      name: serviceName(transport, host),
    })),
    otherwise: secure ? 'tls' : 'udp',
  };
};
