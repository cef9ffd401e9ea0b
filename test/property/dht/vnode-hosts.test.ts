// Replica sets on distinct processes: rings of hosts with any number of virtual nodes, against the definition.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firstHosts, hostOf, keptOf, reachOf, vnodesMax } from '../../../src/dht/hosts.ts';
import { arcOf } from '../../../src/dht/neighbourhood.ts';
import { hostsFrom, inArc, membersFrom } from '../../../src/dht/range.ts';
import { isWhole, type RingLists, replicasAmong } from '../../../src/dht/ring-state.ts';
import type { Peer } from '../../../src/dht/types.ts';
import { hashToId, type Id } from '../../../src/record/id.ts';

const idOf = (name: string): Id => hashToId(Buffer.from(name));
const peerOf = (salt: number, host: number, vnode: number): Peer => ({
  id: idOf(`${salt} ${host} ${vnode}`),
  domain: `d${host >> 1}.example`,
  // Two processes a domain: the selector tells them apart.
  selector: host & 1,
  vnode,
  publicKey: new Uint8Array(32),
  endpoints: [],
  bootSequence: 1,
  encoded: new Uint8Array(0),
});

interface Ring {
  readonly replicas: number;
  readonly hosts: number;
  readonly members: readonly Peer[];
  readonly keys: readonly Id[];
}

/** At most as many virtual nodes as an overlay of so many copies allows; often one process has many and the others one. */
const ring: fc.Arbitrary<Ring> = fc
  .record({
    salt: fc.nat(),
    replicas: fc.integer({ min: 1, max: 5 }),
    counts: fc.array(fc.oneof(fc.integer({ min: 1, max: 16 }), fc.constantFrom<number>(1, 1, 1, 16)), {
      minLength: 1,
      maxLength: 12,
    }),
  })
  .map(({ salt, replicas, counts }) => {
    const max = vnodesMax(replicas);
    const members = counts.flatMap((count, host) =>
      Array.from({ length: Math.min(count, max) }, (_, vnode) => peerOf(salt, host, vnode)),
    );
    const keys = Array.from({ length: 40 }, (_, n) => idOf(`${salt} key ${n}`));
    return { replicas, hosts: counts.length, members, keys: [...keys, ...members.map(({ id }) => id)] };
  });

/** Everybody else, nearest first, both ways. */
const around = (self: Peer, members: readonly Peer[]): RingLists => {
  const successors = membersFrom(self.id, members).slice(1);
  return { successors, predecessors: [...successors].reverse() };
};

const SUCCESSORS = 8;
const cut = (self: Peer, { successors, predecessors }: RingLists, replicas: number): RingLists => ({
  successors: keptOf(self, successors, { atLeast: SUCCESSORS, hosts: replicas }),
  predecessors: keptOf(self, predecessors, { atLeast: 0, hosts: replicas }),
});

const setOf = ({ members, replicas }: Ring, key: Id): readonly Peer[] =>
  firstHosts(membersFrom(key, members), replicas);
const arcIn = (self: Peer, { members, replicas }: Ring) =>
  arcOf(self, around(self, members), { replicas, whole: true });
const ids = (peers: readonly Peer[]): readonly Id[] => peers.map(({ id }) => id);

describe('a key', () => {
  test('has min(replicas, hosts) holders in as many processes, found in one pass as well', () => {
    fc.assert(
      fc.property(ring, (one) => {
        for (const key of one.keys) {
          const set = setOf(one, key);
          expect(new Set(set.map(hostOf)).size).toBe(Math.min(one.replicas, one.hosts));
          expect(ids(hostsFrom(key, [...one.members].reverse(), one.replicas))).toEqual(ids(set));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('is in the arc of a member if and only if that member is in its replica set', () => {
    fc.assert(
      fc.property(ring, (one) => {
        const arcs = one.members.map((member) => ({ id: member.id, arc: arcIn(member, one) }));
        for (const key of one.keys) {
          const holders = arcs.filter(({ arc }) => inArc(arc, key)).map(({ id }) => id);
          // So the arcs of one process never overlap.
          expect(holders.sort()).toEqual([...ids(setOf(one, key))].sort());
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('the lists of a member in a large ring', () => {
  test('are enough for its arc, and for the replica set of every key in it', () => {
    fc.assert(
      fc.property(ring, (one) => {
        // Below that everybody knows everybody.
        fc.pre(one.members.length > SUCCESSORS + 1 && one.replicas <= SUCCESSORS);
        for (const member of one.members) {
          const lists = cut(member, around(member, one.members), one.replicas);
          const whole = lists.successors.length >= SUCCESSORS && isWhole(lists);
          const arc = arcOf(member, lists, { replicas: one.replicas, whole });
          expect(arc).toEqual(arcIn(member, one));
          const room = { count: one.replicas, allMin: SUCCESSORS };
          for (const key of one.keys.filter((key) => inArc(arc, key)))
            expect(ids(replicasAmong(member, lists, key, room))).toEqual(ids(setOf(one, key)));
        }
      }),
      { numRuns: 60 },
    );
  });

  test("come whole out of the neighbour's lists", () => {
    fc.assert(
      fc.property(ring, (one) => {
        fc.pre(one.members.length > 1);
        const until = (self: Peer, list: readonly Peer[]): readonly Peer[] => {
          const end = list.findIndex(({ id }) => id === self.id);
          return end < 0 ? list : list.slice(0, end);
        };
        for (const member of one.members) {
          const all = around(member, one.members);
          const own = cut(member, all, one.replicas);
          for (const way of ['successors', 'predecessors'] as const) {
            const [head] = all[way];
            if (head === undefined) continue;
            const told = cut(head, around(head, one.members), one.replicas)[way];
            const made = cut(
              member,
              { successors: [], predecessors: [], [way]: until(member, [head, ...told]) },
              one.replicas,
            );
            expect(ids(made[way])).toEqual(ids(own[way]));
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('have us in them where the nearest of another process asks whether we are there', () => {
    fc.assert(
      fc.property(ring, (one) => {
        for (const member of one.members) {
          const { successors, predecessors } = around(member, one.members);
          for (const [nearest, way] of [
            [successors.find((peer) => hostOf(peer) !== hostOf(member)), 'predecessors'],
            [predecessors.find((peer) => hostOf(peer) !== hostOf(member)), 'successors'],
          ] as const) {
            if (nearest === undefined) continue;
            const lists = cut(nearest, around(nearest, one.members), one.replicas);
            expect(ids(lists[way])).toContain(member.id);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

test('whoever leaves a replica set for a newcomer is one that the newcomer tells of itself', () => {
  fc.assert(
    fc.property(ring, fc.nat(), (one, which) => {
      const newcomer = one.members[which % one.members.length];
      fc.pre(newcomer !== undefined && one.members.length > 1);
      if (newcomer === undefined) return;
      const before = { ...one, members: one.members.filter((peer) => peer !== newcomer) };
      const told = reachOf(newcomer, around(newcomer, one.members).successors, one.replicas).members;
      for (const key of one.keys) {
        const now = ids(setOf(one, key));
        const left = setOf(before, key).filter(({ id }) => !now.includes(id));
        expect(ids(told)).toEqual(expect.arrayContaining([...ids(left)]));
      }
    }),
    { numRuns: 60 },
  );
});
