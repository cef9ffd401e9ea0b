import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errandsOf, holdMs, type Load, messagesOf, versionOf } from '../../../src/dht/event-spread.ts';
import { RingOrder } from '../../../src/dht/ring-order.ts';
import type { MemberEvent, Peer } from '../../../src/dht/types.ts';
import { hashToId, type Id } from '../../../src/record/id.ts';
import { atlanta } from '../../support/lsp-samples.ts';

const member = (n: number): Peer => ({ ...atlanta, id: hashToId(Buffer.from(`member ${n}`)) });

/** Carries one event from `origin` round to `subject`, each member by its own table; how often each was told, and the hops. */
const spread = (tables: ReadonlyMap<Id, RingOrder>, origin: Id, subject: Id) => {
  const told = new Map<Id, number>();
  const event: MemberEvent = { kind: 'leave', id: subject, bootSequence: 1 };
  let hops = 0;
  let wave: { readonly at: Id; readonly load: Load }[] = [
    { at: origin, load: { event, until: subject, from: origin } },
  ];
  while (wave.length > 0) {
    const next: typeof wave = [];
    for (const { at, load } of wave) {
      const table = tables.get(at) ?? new RingOrder();
      for (const { to, batches } of errandsOf([load], (until, from) => table.between(until, from))) {
        told.set(to.id, (told.get(to.id) ?? 0) + 1);
        for (const { until } of batches) next.push({ at: to.id, load: { event, until, from: to.id } });
      }
    }
    if (next.length > 0) hops += 1;
    wave = next;
  }
  return { told, hops };
};

const tablesOf = (peers: readonly Peer[], lacks: (who: Peer, whom: Peer) => boolean) =>
  new Map(
    peers.map((who) => {
      const order = new RingOrder();
      for (const whom of peers) if (whom !== who && !lacks(who, whom)) order.set(whom);
      return [who.id, order] as const;
    }),
  );

describe('an event', () => {
  test('reaches everybody once in an ideal ring of any size, in at most log₂N hops', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 130 }), fc.nat(129), (count, first) => {
        const peers = Array.from({ length: count }, (_, n) => member(n)).sort((a, b) =>
          a.id < b.id ? -1 : 1,
        );
        const at = first % count;
        const origin = peers[at];
        const subject = peers[(at + 1) % count];
        if (origin === undefined || subject === undefined) return;
        const living = peers.filter((peer) => peer !== subject);
        const { told, hops } = spread(
          tablesOf(living, () => false),
          origin.id,
          subject.id,
        );
        const others = living.filter((peer) => peer !== origin);
        expect(others.map(({ id }) => told.get(id))).toEqual(others.map(() => 1));
        expect(told.size).toBe(others.length);
        expect(hops).toBeLessThanOrEqual(Math.ceil(Math.log2(count)));
      }),
      { numRuns: 60 },
    );
  });

  test('is told to nobody twice, and misses only whom a carrier near it does not know, whatever gaps tables have', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 90 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 9 })),
        (count, luck) => {
          const peers = Array.from({ length: count }, (_, n) => member(n)).sort((a, b) =>
            a.id < b.id ? -1 : 1,
          );
          const [subject] = peers.splice(0, 1);
          const origin = peers.at(-1);
          if (origin === undefined || subject === undefined) return;
          // Far gaps at random; the two members before itself everybody knows, as its lists do.
          const near = (who: Peer, whom: Peer): boolean => {
            const gap = (peers.indexOf(who) - peers.indexOf(whom) + peers.length) % peers.length;
            return gap <= 2;
          };
          const tables = tablesOf(peers, (who, whom) => !near(who, whom) && luck.next().value === 0);
          const { told } = spread(tables, origin.id, subject.id);
          const others = peers.filter((peer) => peer !== origin);
          expect(others.map(({ id }) => told.get(id))).toEqual(others.map(() => 1));
        },
      ),
      { numRuns: 40 },
    );
  });

  test.each([
    [{ kind: 'join', peer: { ...atlanta, bootSequence: 5 } }, 10],
    [{ kind: 'leave', id: atlanta.id, bootSequence: 5 }, 11],
    [{ kind: 'join', peer: { ...atlanta, bootSequence: 6 } }, 12],
  ] as const)('%# of a member counts by its life, and ends that life after it began', (event, version) => {
    expect(versionOf(event)).toBe(version);
  });
});

test.each([
  [0, 1000],
  [0.5, 3000],
  [1e9, 5000],
])('at %f events a second they wait %i ms for company', (perSec, ms) => {
  expect(Math.round(holdMs(perSec))).toBe(ms);
});

test('messages are cut at the most events that one may have, and lose none', () => {
  const events = Array.from(
    { length: 50 },
    (_, n): MemberEvent => ({ kind: 'leave', id: atlanta.id, bootSequence: n }),
  );
  const batches = [
    { until: member(1).id, events: events.slice(0, 20) },
    { until: member(2).id, events: events.slice(20) },
  ];
  const sizes = messagesOf(batches, 34).map((message) => message.map((batch) => batch.events.length));
  expect(sizes).toEqual([[20, 14], [16]]);
});
