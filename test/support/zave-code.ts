// Our pure list functions driven through Zave's steps, to be compared with her model after each.
import {
  adoptSuccessors,
  isBetterPredecessor,
  isBetterSuccessor,
  isJoinPoint,
  NO_LISTS,
  type RingLists,
  rectify,
  without,
} from '../../src/dht/ring-state.ts';
import type { Peer } from '../../src/dht/types.ts';
import { between, type Id, idFromBytes } from '../../src/record/id.ts';
import type { Place, Ring } from './zave-model.ts';

/** A peer at a place: its id sorts as the place does. */
export const peerAt = (place: Place): Peer => ({
  id: idFromBytes(Buffer.from((place + 1).toString(16).padStart(40, '0'), 'hex')),
  domain: `d${place}.example`,
  selector: 0,
  vnode: 0,
  publicKey: new Uint8Array(32),
  endpoints: [],
  bootSequence: 1,
  encoded: new Uint8Array(0),
});

export const placeOf = (id: Id): Place => Number.parseInt(id, 16) - 1;

interface CodeMember {
  readonly peer: Peer;
  lists: RingLists;
  saved: Peer | undefined;
}

export class CodeRing {
  readonly #r: number;
  readonly #buries: boolean;
  // BOUNDED: by the test.
  readonly #members = new Map<Id, CodeMember>();

  /** `buries`: a predecessor found dead leaves both lists, as in RingCore; hers leaves none but its own place. */
  constructor(founders: readonly Place[], r: number, options: { readonly buries: boolean }) {
    this.#r = r;
    this.#buries = options.buries;
    const sorted = [...founders].sort((a, b) => a - b).map(peerAt);
    for (const [index, peer] of sorted.entries()) {
      const others = [...sorted.slice(index + 1), ...sorted.slice(0, index)];
      const lists = { successors: others.slice(0, r), predecessors: others.slice(-1) };
      this.#members.set(peer.id, { peer, lists, saved: undefined });
    }
  }

  /** As the checks want it: by place, with nobody in the middle of anything. */
  asRing(ids: number): Ring {
    return Array.from({ length: ids }, (_, place) =>
      this.#members.has(peerAt(place).id)
        ? {
            succ: this.successorsOf(place),
            prdc: this.predecessorOf(place),
            doing: { what: 'nothing' as const },
          }
        : undefined,
    );
  }

  successorsOf(place: Place): readonly Place[] {
    return this.#at(place).lists.successors.map(({ id }) => placeOf(id));
  }

  predecessorOf(place: Place): Place | undefined {
    const head = this.#at(place).lists.predecessors[0];
    return head === undefined ? undefined : placeOf(head.id);
  }

  savedOf(place: Place): Place | undefined {
    const { saved } = this.#at(place);
    return saved === undefined ? undefined : placeOf(saved.id);
  }

  takesIn(place: Place, joiner: Place): boolean {
    return isJoinPoint(peerAt(place).id, this.#at(place).lists, peerAt(joiner).id);
  }

  /** As RingBootstrap enters a ring in full mode. */
  join(joiner: Place, at: Place): void {
    const peer = peerAt(joiner);
    const host = this.#at(at);
    const [head = host.peer, ...tail] = host.lists.successors;
    const { peers } = adoptSuccessors(peer.id, head, tail, this.#r);
    const lists = { successors: peers, predecessors: [host.peer] };
    this.#members.set(peer.id, { peer, lists, saved: undefined });
  }

  fail(place: Place): void {
    this.#members.delete(peerAt(place).id);
  }

  /** STABILIZE-1, as RingStabilise does it: the head is asked, or found dead and left out. */
  first(place: Place): void {
    const member = this.#at(place);
    const head = member.lists.successors[0];
    if (head === undefined) return;
    const answer = this.#members.get(head.id);
    if (answer === undefined) {
      member.lists = without(member.lists, head.id);
      return;
    }
    this.#adopt(member, head, answer.lists.successors);
    const candidate = answer.lists.predecessors[0];
    if (candidate !== undefined && isBetterSuccessor(member.peer.id, member.lists, candidate.id))
      member.saved = candidate;
  }

  second(place: Place): void {
    const member = this.#at(place);
    const { saved } = member;
    member.saved = undefined;
    const answer = saved === undefined ? undefined : this.#members.get(saved.id);
    if (saved !== undefined && answer !== undefined) this.#adopt(member, saved, answer.lists.successors);
  }

  /** NOTIFY and RECTIFY. */
  notify(place: Place, at: Place): void {
    const { peer } = this.#at(place);
    const notified = this.#members.get(peerAt(at).id);
    if (notified === undefined) return;
    const self = notified.peer.id;
    const head = notified.lists.predecessors[0];
    if (head !== undefined && !this.#members.has(head.id) && !between(head.id, peer.id, self)) {
      const left = without(notified.lists, head.id);
      notified.lists = this.#buries ? left : { ...notified.lists, predecessors: left.predecessors };
    }
    if (isBetterPredecessor(self, notified.lists, peer.id))
      notified.lists = rectify(self, { ...notified.lists, predecessors: [] }, peer, 1);
  }

  #adopt(member: CodeMember, head: Peer, tail: readonly Peer[]): void {
    const { peers } = adoptSuccessors(member.peer.id, head, tail, this.#r);
    member.lists = { ...member.lists, successors: peers };
  }

  #at(place: Place): CodeMember {
    return this.#members.get(peerAt(place).id) ?? { peer: peerAt(place), lists: NO_LISTS, saved: undefined };
  }
}
