// Where an answer goes whose flow is gone or unknown: to what the Via says (RFC 3261 §18.2.2, RFC 3263 §5).
import { isIP } from 'node:net';
import type { NextHop, Transport, Via } from '../sip/types.ts';
import { findParam } from '../uri/params.ts';
import type { SipUri } from '../uri/types.ts';
import { mayReach } from './next-hop-scope.ts';
import { type ResolveContext, resolveHops } from './resolve.ts';
import { portOf } from './services.ts';

const TRANSPORTS: Readonly<Record<string, Transport>> = {
  UDP: 'udp',
  TCP: 'tcp',
  TLS: 'tls',
  WS: 'ws',
  WSS: 'wss',
};

/** To the address that the request came from, as the server wrote it into the Via. Nothing for a name. */
const waysToSource = (via: Via, transport: Transport): readonly NextHop[] => {
  const host = findParam(via.params, 'received')?.value ?? via.host;
  if (isIP(host) === 0) return [];
  // RFC 3261 §18.2.2: "using the port in the "sent-by" value, or the default port for that transport".
  const sentBy = { transport, host, port: via.port ?? portOf(transport) };
  const rport = Number(findParam(via.params, 'rport')?.value ?? Number.NaN);
  if (!Number.isInteger(rport)) return [sentBy];
  // RFC 3581 §4: to the port in `rport`. Over a stream that is the connection itself, as long as it is open.
  const source = { transport, host, port: rport };
  return transport === 'udp' ? [source] : [source, sentBy];
};

/** The places to try, best first: first the one that the request came from, then those that its sent-by names. */
export async function* waysBack(via: Via, context: ResolveContext): AsyncGenerator<NextHop> {
  const transport = TRANSPORTS[via.transport];
  if (transport === undefined) return;
  const known = waysToSource(via, transport);
  yield* known;
  // A WebSocket is opened by its browser alone (RFC 7118 §5).
  if (transport === 'ws' || transport === 'wss') return;
  // RFC 3263 §5: sent-by with an address or a port is taken as it is; a name alone is asked for by SRV, "the transport
  // from the topmost Via header ("TLS" implies that the transport protocol in the SRV query is TCP)".
  const sentBy: SipUri = {
    scheme: 'sip',
    host: via.host.toLowerCase(),
    params: [{ name: 'transport', value: transport }],
    headers: '',
    ...(via.port === undefined ? {} : { port: via.port }),
  };
  for await (const hop of resolveHops(sentBy, context)) {
    const tried = known.some(({ host, port }) => hop.host === host && hop.port === port);
    // Whoever names a place as his own gets no more by it than by asking for it himself.
    if (!tried && mayReach(known[0]?.host ?? '', hop.host)) yield hop;
  }
}
