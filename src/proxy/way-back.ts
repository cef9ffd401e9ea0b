// Where an answer goes whose request nobody remembers: to what the server wrote into the Via when the request came.
import { isIP } from 'node:net';

import type { NextHop, Transport, Via } from '../sip/types.ts';
import { findParam } from '../uri/params.ts';

const TRANSPORTS: Readonly<Record<string, Transport>> = {
  UDP: 'udp',
  TCP: 'tcp',
  TLS: 'tls',
  WS: 'ws',
  WSS: 'wss',
};
/** RFC 3261 §18.2.2 and table 1 of §19.1.1. */
const defaultPort = (transport: Transport | undefined): number => (transport === 'tls' ? 5061 : 5060);

/**
 * RFC 3261 §18.2.2: to the address in `received`, or else of sent-by, and RFC 3581 §4: to the port in `rport`, or else
 * of sent-by. Undefined for a name: the server would have added `received`.
 */
export const wayBack = (via: Via): NextHop | undefined => {
  const transport = TRANSPORTS[via.transport];
  const host = findParam(via.params, 'received')?.value ?? via.host;
  const rport = Number(findParam(via.params, 'rport')?.value ?? Number.NaN);
  const port = Number.isInteger(rport) ? rport : (via.port ?? defaultPort(transport));
  return transport === undefined || isIP(host) === 0 ? undefined : { transport, host, port };
};
