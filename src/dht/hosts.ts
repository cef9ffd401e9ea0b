// Members by the process they run in: a process is several members where it has virtual nodes, and the copies of a key lie in
// distinct ones. All lists here are in the order in which they are met, going one way round the ring. Pure.
import { VNODE_MAX } from './descriptor.ts';
import { PEERS_MAX } from './messages.ts';
import type { Peer } from './types.ts';

type Named = Pick<Peer, 'domain' | 'selector'>;

/** A key and a place in its domain are one process: its virtual nodes differ in nothing but their number. */
export const hostOf = ({ domain, selector }: Named): string => `${domain} ${selector}`;

export const sameHost = (a: Named, b: Named): boolean => a.selector === b.selector && a.domain === b.domain;

/** The first member met of each of the first `count` hosts: going clockwise from a key, its replica set. */
export const firstHosts = (ordered: readonly Peer[], count: number): readonly Peer[] => {
  const first: Peer[] = [];
  for (const peer of ordered) {
    if (first.length >= count) break;
    if (!first.some((one) => sameHost(one, peer))) first.push(peer);
  }
  return first;
};

export interface Reach {
  /** The first of each other host, `replicas` at most, and our own next member if it comes before the last of them. */
  readonly members: readonly Peer[];
  /** The last of them is that bound. False: the list ended before. */
  readonly ended: boolean;
}

/**
 * How far the keys go that `self` shares. Backwards: from the last one on they have `replicas` hosts, or a member of our own,
 * before us. Forwards: these are the ones that our coming pushed out of replica sets.
 */
export const reachOf = (self: Named, ordered: readonly Peer[], replicas: number): Reach => {
  const members: Peer[] = [];
  for (const peer of ordered) {
    if (sameHost(peer, self)) return { members: [...members, peer], ended: true };
    if (members.some((one) => sameHost(one, peer))) continue;
    members.push(peer);
    if (members.length >= replicas) return { members, ended: true };
  }
  return { members, ended: false };
};

/**
 * What a member keeps and tells of its surroundings one way: `atLeast` members, as many more as hold `hosts` hosts other than
 * its own, and the last of these whole, so that whoever is next but for members of its own is in it.
 * A list cut by this rule is enough for the neighbour to make its own list from.
 */
export const keptOf = (
  self: Named,
  ordered: readonly Peer[],
  room: { readonly atLeast: number; readonly hosts: number },
): readonly Peer[] => {
  const kept: Peer[] = [];
  const hosts = new Set<string>();
  let last: string | undefined;
  for (const peer of ordered) {
    const host = hostOf(peer);
    const enough = kept.length >= room.atLeast && hosts.size >= room.hosts && host !== last;
    if (enough || kept.length >= PEERS_MAX) break;
    kept.push(peer);
    if (!sameHost(peer, self)) hosts.add(host);
    last = host;
  }
  return kept;
};

/**
 * Virtual nodes of one process in an overlay of so many copies. Among (replicas − 1) · vnodes + 1 members of other hosts there
 * are always `replicas` hosts, so that many a list of PEERS_MAX must have room for.
 */
export const vnodesMax = (replicas: number): number =>
  Math.min(VNODE_MAX + 1, Math.floor((PEERS_MAX - 1) / Math.max(1, replicas - 1)));

/** The nearest member of another host: those whose word our lease goes by. */
export const nearestForeign = (self: Named, ordered: readonly Peer[]): Peer | undefined =>
  ordered.find((peer) => !sameHost(peer, self));

/** How many hosts there are, `self` included; counting ends at `max`. */
export const countHosts = (self: Named, peers: Iterable<Peer>, max = Number.POSITIVE_INFINITY): number => {
  const hosts = new Set([hostOf(self)]);
  for (const peer of peers) {
    if (hosts.size >= max) break;
    hosts.add(hostOf(peer));
  }
  return hosts.size;
};
