// Membership events on their way counter-clockwise round the ring: which are news, and who carries them on. Pure.
import type { Id } from '../record/id.ts';
import type { Stretch } from './ring-order.ts';
import type { EventBatch, MemberEvent, Peer } from './types.ts';

/** To be carried to all between `until` and `from`, both excluded, counter-clockwise from `from`. */
export interface Load {
  readonly event: MemberEvent;
  readonly until: Id;
  readonly from: Id;
}

/** One receiver's share: it carries each batch on as far as that says. */
export interface Errand {
  readonly to: Peer;
  readonly batches: readonly EventBatch[];
}

export const subjectOf = (event: MemberEvent): Id => (event.kind === 'join' ? event.peer.id : event.id);

const lifeOf = (event: MemberEvent): number =>
  event.kind === 'join' ? event.peer.bootSequence : event.bootSequence;

/** Of two events about one member the one with the higher version counts: a life ends after it began. */
export const versionOf = (event: MemberEvent): number => 2 * lifeOf(event) + (event.kind === 'leave' ? 1 : 0);
export const joinVersion = (bootSequence: number): number => 2 * bootSequence;
export const leaveVersion = (bootSequence: number): number => 2 * bootSequence + 1;

/**
 * Monnerat & Amorim's EDRA: the neighbours 1, 2, 4, 8 … places on get the event, each with the stretch up to the next of
 * them, so that each of n members hears it once and log₂ n hops after it began. Where EDRA sends a TTL and trusts that the
 * receiver counts the same members, this says where the stretch ends: two tables that differ by a few overlap or leave out nobody.
 */
export const errandsOf = (
  loads: readonly Load[],
  between: (until: Id, from: Id) => Stretch,
): readonly Errand[] => {
  const errands = new Map<Id, { readonly to: Peer; readonly batches: Map<Id, MemberEvent[]> }>();
  const stretches = new Map<string, readonly (readonly [to: Peer, until: Id])[]>();
  for (const { event, until, from } of loads) {
    const key: `${Id} ${Id}` = `${until} ${from}`;
    const targets = stretches.get(key) ?? targetsOf(until, between(until, from));
    stretches.set(key, targets);
    for (const [to, end] of targets) {
      const errand = errands.get(to.id) ?? { to, batches: new Map<Id, MemberEvent[]>() };
      errands.set(to.id, errand);
      const batch = errand.batches.get(end);
      if (batch === undefined) errand.batches.set(end, [event]);
      else batch.push(event);
    }
  }
  return [...errands.values()].map(({ to, batches }) => ({
    to,
    batches: [...batches].map(([until, events]) => ({ until, events })),
  }));
};

const targetsOf = (until: Id, stretch: Stretch): readonly (readonly [Peer, Id])[] => {
  const out: (readonly [Peer, Id])[] = [];
  for (let place = 1; place <= stretch.count; place *= 2) {
    const to = stretch.nth(place);
    if (to !== undefined) out.push([to, stretch.nth(2 * place)?.id ?? until]);
  }
  return out;
};

/** Cut so that no message has more than `max` events. */
export const messagesOf = (
  batches: readonly EventBatch[],
  max: number,
): readonly (readonly EventBatch[])[] => {
  const out: EventBatch[][] = [];
  let room = 0;
  for (const { until, events } of batches) {
    for (let at = 0; at < events.length; ) {
      if (room === 0) {
        out.push([]);
        room = max;
      }
      const some = events.slice(at, at + room);
      out.at(-1)?.push({ until, events: some });
      at += some.length;
      room -= some.length;
    }
  }
  return out;
};

const HOLD_MIN_MS = 1000;
const HOLD_MAX_MS = 5000;
/** Events a second at which the wait is half of what it can be more. */
const HALF_RATE = 0.5;

/** Θ: how long an event waits for others to share a datagram with. Alone it would wait for nothing. */
export const holdMs = (perSec: number): number =>
  HOLD_MIN_MS + ((HOLD_MAX_MS - HOLD_MIN_MS) * perSec) / (perSec + HALF_RATE);
