// Seeds as configured are hosts and ports; sockets need IP literals.
import { isIP } from 'node:net';
import type { Endpoint } from '../runtime/datagram.ts';

/** The IP literals of a host name; empty if there are none now. Never rejects. */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

const ADDRESSES_MAX = 64;

export const resolveSeeds = async (
  resolveHost: ResolveHost,
  seeds: readonly Endpoint[],
): Promise<readonly Endpoint[]> => {
  const resolved = await Promise.all(
    seeds.map(async ({ host, port }) =>
      isIP(host) === 0
        ? (await resolveHost(host)).map((literal) => ({ host: literal, port }))
        : [{ host, port }],
    ),
  );
  return resolved.flat().slice(0, ADDRESSES_MAX);
};
