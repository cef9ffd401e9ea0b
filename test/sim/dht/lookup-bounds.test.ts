// Lookups: never in circles, never past their bound, whoever answers; and in an ideal ring they name the true owner.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lookup, stepsMax } from '../../../src/dht/lookup.ts';
import type { Peer } from '../../../src/dht/types.ts';
import { between, hashToId, type Id } from '../../../src/record/id.ts';
import { SimOverlay } from '../../../src/sim/sim-overlay.ts';
import { SimWorld } from '../../../src/sim/sim-world.ts';
import { ownersOf } from '../../support/overlay-ideal.ts';
import { peerAt } from '../../support/zave-code.ts';

const ASKED_AT_ONCE = 2;
const PLACES = 400;

test('whatever the peers say: nobody is asked twice, each one asked is nearer than whoever named it, and it ends', async () => {
  const peers = Array.from({ length: PLACES }, (_, place) => peerAt(place));
  const pick = fc.integer({ min: 0, max: PLACES - 1 });
  await fc.assert(
    fc.asyncProperty(
      pick,
      fc.array(pick, { minLength: 1, maxLength: 8 }),
      fc.array(fc.array(pick, { maxLength: 8 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 64 }),
      async (target, first, answers, sizeEstimate) => {
        const world = new SimWorld(1);
        const { clock } = world.boot('10.0.0.1');
        const key = peers[target]?.id ?? hashToId(Buffer.of(0));
        const some = (places: readonly number[]): Peer[] => places.flatMap((place) => peers[place] ?? []);
        const asked: Id[] = [];
        const named = new Map<Id, readonly Id[]>();
        for (const { id } of some(first)) named.set(id, []);
        const ask = async (peer: Peer) => {
          const told = some(answers[asked.length % answers.length] ?? []);
          asked.push(peer.id);
          for (const { id } of told) named.set(id, [...(named.get(id) ?? []), peer.id]);
          const answer = { type: 'found' as const, replicas: [], closest: told };
          return { ok: true as const, answer, meta: { from: { host: '', port: 1 }, rttMs: 1, sizeEstimate } };
        };
        const start = some(first);
        const { steps } = await world.settle(lookup({ ask, clock, sizeEstimate }, key, start, 10_000));
        expect(new Set(asked).size).toBe(asked.length);
        expect(asked.length).toBeLessThanOrEqual(ASKED_AT_ONCE * stepsMax(sizeEstimate));
        for (const id of asked) {
          const known = start.some((peer) => peer.id === id);
          const nearer = (named.get(id) ?? []).some((by) => id === key || between(by, id, key));
          expect(known || nearer).toBe(true);
        }
        expect(steps).toHaveLength(asked.length);
      },
    ),
    { numRuns: 300 },
  );
});

describe('in an ideal ring', () => {
  test.each([1, 2, 3, 9, 10, 60])('of %i every member finds the true replicas of any key', async (count) => {
    const overlay = new SimOverlay({ seed: `lookups ${count}`, minMembers: 1 });
    await overlay.bootIdeal(count);
    await overlay.world.runFor(30_000);
    const bound = Math.log2(Math.max(2, count)) + 5;
    for (let index = 0; index < 60; index += 1) {
      const key = hashToId(Buffer.from(`key ${index}`));
      const member = overlay.members[index % count];
      if (member === undefined) throw new Error('no member');
      const found = await overlay.world.settle(member.node.find(key, 5000));
      expect(found.replicas.map(({ id }) => id)).toEqual(ownersOf(overlay, key));
      expect(found.roundTrips).toBeLessThanOrEqual(bound);
      expect(new Set(found.steps.map(({ peer }) => peer.id)).size).toBe(found.steps.length);
    }
    expect(overlay.faults).toEqual([]);
  });
});
