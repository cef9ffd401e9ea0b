// What RFC 3263 makes of a URI and a zone, in one line a hop.
import { resolveHops } from '../../src/proxy/resolve.ts';
import type { NextHop, Transport } from '../../src/sip/types.ts';
import { parseSipUri } from '../../src/uri/parse.ts';
import { type Zone, zoneDns } from './zone-dns.ts';

/** Transports with their address family, as `udp4`. */
const USUAL = ['udp4', 'tcp4'] as const;
export const WITH_TLS = ['udp4', 'tcp4', 'tls4'] as const;

interface Hops {
  /** `transport host port`, in the order they are tried. */
  readonly found: readonly string[];
  /** What DNS was asked, in order. */
  readonly asked: readonly string[];
  readonly hops: readonly NextHop[];
}

export const hopsOf = async (
  text: string,
  zone: Zone = {},
  { supported = USUAL, seed = 's' }: { readonly supported?: readonly string[]; readonly seed?: string } = {},
): Promise<Hops> => {
  const uri = parseSipUri(text);
  if (!uri.ok) throw new Error(uri.error);
  const dns = zoneDns(zone);
  const supports = (transport: Transport, family: 4 | 6) => supported.includes(`${transport}${family}`);
  const hops: NextHop[] = [];
  for await (const hop of resolveHops(uri.value, { dns, supports, seed })) hops.push(hop);
  const found = hops.map(({ transport, host, port }) => `${transport} ${host} ${port}`);
  return { found, asked: dns.asked, hops };
};
