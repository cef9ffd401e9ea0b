// From a SIP URI to the addresses it is reached at, in the order to try them (RFC 3263 §4).
import { isIP } from 'node:net';
import type { Dns, SrvRecord } from '../runtime/dns.ts';
import type { NextHop, Transport } from '../sip/types.ts';
import { findParam } from '../uri/params.ts';
import type { SipUri } from '../uri/types.ts';
import { askedTransport, chooseServices, portOf } from './services.ts';
import { srvOrder } from './srv-order.ts';

export interface ResolveContext {
  readonly dns: Dns;
  /** True if we have a listener to send from by this transport and address family. */
  readonly supports: (transport: Transport, family: 4 | 6) => boolean;
  /** What chance is drawn from: the same for every retransmission of a request. */
  readonly seed: string;
}

/** A chain of dead addresses is not followed for ever. */
export const HOPS_MAX = 8;
const FAMILIES = [4, 6] as const;

/** The hops to try, best first, found as they are asked for: a request that goes out at once costs no further question. */
export async function* resolveHops(uri: SipUri, context: ResolveContext): AsyncGenerator<NextHop> {
  // RFC 5922 §7.1: the certificate has to be for the domain of the URI, whatever server DNS named for it.
  const name = isIP(uri.host) === 0 ? { serverName: uri.host } : {};
  let count = 0;
  for await (const hop of allHops(uri, context)) {
    yield { ...hop, ...name };
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
      yield { transport: plain, host: target, port: uri.port ?? portOf(plain) };
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
  const { services, otherwise } = await chooseServices(target, { asked, secure, usable, dns: context.dns });
  const answers = await Promise.all(services.map(({ name }) => context.dns.srv(name)));
  let found = false;
  for (const [index, { transport }] of services.entries()) {
    const answer = answers[index];
    if (answer?.kind !== 'found') continue;
    found = true;
    yield* atServers(transport, answer.records, context);
  }
  // RFC 3263 §4.2: "If no SRV records were found, the client performs an A or AAAA record lookup of the domain name."
  if (!found) yield* atHost(otherwise, target, portOf(otherwise), context);
}

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
