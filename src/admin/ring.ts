// The ring as the API and the status page show it: a walk from member to member, not repeated for every visitor.
import { type RingWalk, sharesOf } from '../dht/index.ts';
import type { Clock } from '../runtime/clock.ts';
import { formatEndpoint } from '../runtime/datagram.ts';
import type { AdminRing, AdminRingMember } from './types.ts';

/** A walk asks every member twice: visitors within this time are shown the same one. */
const FRESH_MS = 2000;
const PERCENT = 100;

const rounded = (value: number): number => Math.round(value * PERCENT) / PERCENT;

export interface RingContext {
  readonly overlay: string;
  readonly mode: 'small' | 'full';
  readonly sizeEstimate: number;
  /** Which member is this server. */
  readonly domain: string;
  readonly selector: number;
}

const rowsOf = ({ members }: RingWalk, { domain, selector }: RingContext): readonly AdminRingMember[] =>
  members.map(({ peer, endpoint, rttMs, status, sizeEstimate }, index) => {
    const { lookups } = status;
    const { owns, holds } = sharesOf(members, index);
    return {
      id: peer.id,
      domain: peer.domain,
      selector: peer.selector,
      vnode: peer.vnode,
      address: formatEndpoint(endpoint),
      self: peer.domain === domain && peer.selector === selector,
      ownsPercent: owns * PERCENT,
      rttMs: rounded(rttMs),
      keys: status.keys,
      version: status.version,
      entries: status.entries,
      holdsPercent: holds === undefined ? null : holds * PERCENT,
      uptimeSec: status.uptimeSec,
      ready: status.ready,
      lease: status.lease ?? null,
      settled: status.settled ?? null,
      sizeEstimate,
      table: status.table ?? null,
      roundTrips:
        lookups === undefined || lookups.count === 0 ? null : rounded(lookups.roundTrips / lookups.count),
      disagreements: status.disagreements ?? null,
      bytes: status.bytes ?? null,
    };
  });

export const adminRing = (walk: RingWalk, context: RingContext): AdminRing => ({
  overlay: context.overlay,
  mode: context.mode,
  joined: walk.members.length > 0,
  sizeEstimate: context.sizeEstimate,
  members: rowsOf(walk, context),
  broken: walk.problems,
});

/** `walk`, once at a time, and not again within FRESH_MS of its end. */
export const rarely = (walk: () => Promise<RingWalk>, clock: Clock): (() => Promise<RingWalk>) => {
  let last: Promise<RingWalk> | undefined;
  let endedMs: number | undefined;
  return () => {
    if (last !== undefined && (endedMs === undefined || clock.monoMs() - endedMs <= FRESH_MS)) return last;
    endedMs = undefined;
    last = walk().finally(() => {
      endedMs = clock.monoMs();
    });
    return last;
  };
};
