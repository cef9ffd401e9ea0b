// Addresses whose word for a caller is enough: a PBX or trunk, by range and, where one says so, by transport.
import { createAddressRanges } from '../runtime/address-ranges.ts';
import type { Flow, Transport } from '../sip/types.ts';

const TRANSPORTS: readonly Transport[] = ['udp', 'tcp', 'tls', 'ws', 'wss'];

export type IsPeer = (flow: Pick<Flow, 'transport' | 'remote'>) => boolean;

/** `192.0.2.50`: over any transport; `tcp:192.0.2.50`: over that one alone. */
export const createPeers = (peers: readonly string[]): IsPeer => {
  // BOUNDED: by the transports there are.
  const ranges = new Map<Transport, (host: string) => boolean>();
  for (const transport of TRANSPORTS) {
    const prefix = `${transport}:`;
    const own = peers.flatMap((peer) => {
      if (peer.startsWith(prefix)) return [peer.slice(prefix.length)];
      return TRANSPORTS.some((other) => peer.startsWith(`${other}:`)) ? [] : [peer];
    });
    if (own.length > 0) ranges.set(transport, createAddressRanges(own));
  }
  return ({ transport, remote }) => ranges.get(transport)?.(remote.host) ?? false;
};
