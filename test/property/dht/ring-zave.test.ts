// Zave's model of Chord over our list functions: her invariant after every step, the ideal ring when nothing happens any more
// (research B.2–B.6; "How to Make Chord Correct", arXiv 1502.06461).
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  adoptSuccessors,
  isBetterPredecessor,
  isBetterSuccessor,
  isJoinPoint,
  NO_LISTS,
  type RingLists,
  rectify,
  without,
} from '../../../src/dht/ring-state.ts';
import type { Peer } from '../../../src/dht/types.ts';
import { between, clockwiseFrom, hashToId, type Id } from '../../../src/record/id.ts';

const R = 2;
const peerOf = (index: number): Peer => ({
  id: hashToId(Buffer.from(`zave ${index}`)),
  domain: `d${index}.example`,
  selector: 0,
  vnode: 0,
  publicKey: new Uint8Array(32),
  endpoints: [],
  bootSequence: 1,
  encoded: new Uint8Array(0),
});
const POOL = Array.from({ length: 9 }, (_, index) => peerOf(index));

interface Member {
  lists: RingLists;
  /** STABILIZE-1 saw this better successor; STABILIZE-2 has yet to ask it. */
  saved: Peer | undefined;
}

interface Variant {
  /** Ask the candidate before it is adopted. Without it original Chord's bug comes back. */
  readonly asks: boolean;
}

class Model {
  readonly members = new Map<Id, Member>();
  readonly #variant: Variant;

  constructor(founders: number, variant: Variant = { asks: true }) {
    this.#variant = variant;
    const first = POOL.slice(0, founders);
    for (const { id } of first) {
      const order = clockwiseFrom(id);
      const others = first.filter((peer) => peer.id !== id).sort((a, b) => order(a.id, b.id));
      const predecessors = [...others].reverse().slice(0, 1);
      this.members.set(id, { lists: { successors: others.slice(0, R), predecessors }, saved: undefined });
    }
  }

  alive(id: Id | undefined): Member | undefined {
    return id === undefined ? undefined : this.members.get(id);
  }

  bestSuccessor(id: Id): Id | undefined {
    return this.alive(id)?.lists.successors.find((peer) => this.members.has(peer.id))?.id;
  }

  principals(): readonly Id[] {
    return [...this.members.keys()].filter((p) =>
      [...this.members].every(([m, { lists }]) => {
        const extended = [m, ...lists.successors.map(({ id }) => id)];
        return extended.every((from, index) => {
          const to = extended[index + 1];
          return to === undefined || !between(from, p, to);
        });
      }),
    );
  }

  join(peer: Peer): void {
    if (this.members.has(peer.id)) return;
    const point = [...this.members].find(
      ([id, { lists }]) => lists.successors.length === R && isJoinPoint(id, lists, peer.id),
    );
    if (point === undefined) return;
    const [at, { lists }] = point;
    const host = POOL.filter(({ id }) => id === at);
    this.members.set(peer.id, {
      lists: { successors: lists.successors, predecessors: host },
      saved: undefined,
    });
  }

  /** Only where the assumptions allow it: nobody is left without a live entry, and r + 1 principals remain. */
  fail(id: Id): void {
    const member = this.members.get(id);
    if (member === undefined) return;
    const principal = this.principals().includes(id);
    if (principal && this.principals().length <= R + 1) return;
    this.members.delete(id);
    const orphaned = [...this.members.keys()].some((one) => this.bestSuccessor(one) === undefined);
    if (orphaned) this.members.set(id, member);
  }

  stabilise(id: Id): void {
    const member = this.members.get(id);
    if (member === undefined) return;
    if (member.saved !== undefined) {
      this.#second(id, member, member.saved);
      return;
    }
    const head = member.lists.successors[0];
    if (head === undefined) return;
    const answer = this.alive(head.id);
    if (answer === undefined) {
      member.lists = without(member.lists, head.id);
      this.notify(member.lists.successors[0]?.id, id);
      return;
    }
    this.#adopt(id, member, head, answer.lists);
    const candidate = answer.lists.predecessors[0];
    if (candidate !== undefined && isBetterSuccessor(id, member.lists, candidate.id))
      member.saved = candidate;
    else this.notify(head.id, id);
  }

  #second(id: Id, member: Member, candidate: Peer): void {
    member.saved = undefined;
    const answer = this.alive(candidate.id);
    if (answer !== undefined) this.#adopt(id, member, candidate, answer.lists);
    else if (!this.#variant.asks) this.#adopt(id, member, candidate, NO_LISTS);
    this.notify(member.lists.successors[0]?.id, id);
  }

  #adopt(id: Id, member: Member, head: Peer, lists: RingLists): void {
    const { peers } = adoptSuccessors(id, head, lists.successors, R);
    member.lists = { ...member.lists, successors: peers };
  }

  notify(to: Id | undefined, from: Id): void {
    const member = this.alive(to);
    const notifier = POOL.find(({ id }) => id === from);
    if (member === undefined || to === undefined || notifier === undefined) return;
    const head = member.lists.predecessors[0];
    const replace = isBetterPredecessor(to, member.lists, from) || this.alive(head?.id) === undefined;
    if (replace) member.lists = rectify(to, { ...member.lists, predecessors: [] }, notifier, 1);
  }

  /** What is broken, in Zave's words; undefined if her invariant and its consequences hold. */
  broken(): string | undefined {
    for (const [id, { lists }] of this.members) {
      const ids = lists.successors.map((peer) => peer.id);
      if (ids.includes(id)) return 'self in a list';
      if (new Set(ids).size !== ids.length) return 'a duplicate in a list';
      const sorted = [...ids].sort(clockwiseFrom(id));
      if (ids.some((one, index) => one !== sorted[index])) return 'a list is out of order';
      if (this.bestSuccessor(id) === undefined) return 'I1: no live successor';
    }
    if (this.principals().length < R + 1) return 'I2: too few principals';
    return this.#ringBroken();
  }

  #ringBroken(): string | undefined {
    const cycles = [...this.members.keys()].map((start) => {
      let at: Id | undefined = start;
      for (let step = 0; step < this.members.size && at !== undefined; step += 1) at = this.bestSuccessor(at);
      const cycle: Id[] = [];
      while (at !== undefined && !cycle.includes(at)) {
        cycle.push(at);
        at = this.bestSuccessor(at);
      }
      const least = cycle.indexOf([...cycle].sort()[0] ?? start);
      return [...cycle.slice(least), ...cycle.slice(0, least)];
    });
    if (new Set(cycles.map((cycle) => cycle.join())).size > 1) return 'OneOrderedRing: more than one ring';
    const cycle = cycles[0] ?? [];
    if (cycle.join() !== [...cycle].sort().join()) return 'OneOrderedRing: out of order';
    return undefined;
  }

  notIdeal(): string | undefined {
    const all = [...this.members.keys()].sort();
    for (const [id, { lists }] of this.members) {
      const others = all.filter((one) => one !== id).sort(clockwiseFrom(id));
      const want = others.slice(0, R).join();
      if (lists.successors.map((peer) => peer.id).join() !== want) return 'successors';
      if (lists.predecessors[0]?.id !== others.at(-1)) return 'predecessor';
    }
    return undefined;
  }
}

type Step = readonly ['join' | 'fail' | 'stabilise', number];
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.tuple(
    fc.constantFrom('join' as const, 'fail' as const, 'stabilise' as const, 'stabilise' as const),
    fc.nat(POOL.length - 1),
  ),
  { maxLength: 120 },
);

const play = (model: Model, script: readonly Step[]): string | undefined => {
  for (const [kind, index] of script) {
    const peer = POOL[index];
    if (peer === undefined) continue;
    if (kind === 'join') model.join(peer);
    else if (kind === 'fail') model.fail(peer.id);
    else model.stabilise(peer.id);
    const broken = model.broken();
    if (broken !== undefined) return broken;
  }
  return undefined;
};

describe("Zave's Chord", () => {
  test('her invariant and one ordered ring hold after every step, whatever the interleaving', () => {
    fc.assert(
      fc.property(steps, (script) => {
        expect(play(new Model(R + 2), script)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  test('when nothing joins or fails any more, stabilising makes the ring ideal and leaves it so', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const model = new Model(R + 2);
        play(model, script);
        for (let round = 0; round < 40; round += 1)
          for (const id of model.members.keys()) model.stabilise(id);
        expect(model.notIdeal()).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test('a candidate adopted unasked that died meanwhile breaks the invariant; asked first it does not (CCR 2012, figure 4)', () => {
    const founders = POOL.slice(0, R + 2).map((_, index): Step => ['stabilise', index]);
    const late = R + 2;
    // It joins and notifies its successor; its predecessor hears of it there; it dies before it is asked.
    const script: readonly Step[] = [
      ['join', late],
      ['stabilise', late],
      ...founders,
      ['fail', late],
      ...founders,
    ];
    expect(play(new Model(R + 2, { asks: false }), script)).toBe('I1: no live successor');
    expect(play(new Model(R + 2, { asks: true }), script)).toBeUndefined();
  });
});
