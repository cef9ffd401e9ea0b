// The members that one process is, together: who of them is meant, what they hold, how they come in and go.
import type { Id } from '../record/id.ts';
import type { Clock } from '../runtime/clock.ts';
import { jittered, type Random } from '../runtime/random.ts';
import { sameHost } from './hosts.ts';
import { closestFirst } from './lookup.ts';
import type { Member } from './member.ts';
import type { MemberLocator } from './member-locator.ts';
import { cutOff } from './serve.ts';
import { medianEstimate } from './size-estimate.ts';
import type { Tasks } from './tasks.ts';
import type { FindOutcome, Peer, RecordStorePort, Request } from './types.ts';
import type { Locator } from './write.ts';

/** How often a member waits for the one before it to have come in. */
const TURN_MS = 100;
/** A look-up that found nobody is tried again so often, after waits that double: with a process several members go at once. */
const AGAIN_MAX = 4;
const AGAIN_MS = 50;

export class Members {
  readonly first: Member;
  // BOUNDED: by VNODE_MAX + 1.
  readonly all: readonly Member[];
  readonly #others: readonly Member[];
  readonly #deps: { readonly clock: Clock; readonly random: Random; readonly tasks: Tasks };

  constructor(
    [first, ...others]: readonly [Member, ...Member[]],
    deps: { readonly clock: Clock; readonly random: Random; readonly tasks: Tasks },
  ) {
    this.first = first;
    this.#others = others;
    this.all = [first, ...others];
    this.#deps = deps;
  }

  /** Each is in the ring, with enough others, and has fetched what it should hold. */
  get ready(): boolean {
    return this.all.every(({ ready }) => ready);
  }

  get settled(): boolean {
    return this.all.every(({ replication }) => replication.settled);
  }

  /** Alone and not entitled to be: asking ourselves until the deadline would not change that. */
  get forsaken(): boolean {
    const { ring } = this.first;
    return ring.joined && this.#alone() && (!ring.ready || cutOff(ring));
  }

  get counts(): RecordStorePort['counts'] {
    const sum = { keys: 0, entries: 0, bytes: 0 };
    for (const { store } of this.all) {
      sum.keys += store.counts.keys;
      sum.entries += store.counts.entries;
      sum.bytes += store.counts.bytes;
    }
    return sum;
  }

  /** From the surroundings of each: their median is less chance than one's. */
  ownSizeEstimate(): number {
    const [one = 1, ...more] = this.all
      .filter(({ ring }) => ring.joined)
      .map(({ ring }) => ring.ownSizeEstimate());
    return medianEstimate(one, more);
  }

  /** One life of a member that one of ours has in its table. */
  held(id: Id, bootSequence: number): Peer | undefined {
    return this.all.flatMap(({ ring }) => ring.held(id, bootSequence) ?? [])[0];
  }

  isSelf(id: Id): boolean {
    return this.all.some(({ ring }) => ring.self.id === id);
  }

  /** Whom a request means; undefined if there is no such member here. */
  addressed(request: Request): Member | undefined {
    if (request.vnode !== undefined) return this.all[request.vnode];
    return 'key' in request ? this.placed(request.key) : this.first;
  }

  /** The one that knows most of `key`: holds it, sees who does, or is the last before it. */
  placed(key: Id): Member {
    if (this.all.length === 1) return this.first;
    const joined = this.all.filter(({ ring }) => ring.joined);
    const selves = joined.map(({ ring }) => ring.self);
    const [nearest] = closestFirst(key, selves);
    return (
      joined.find(({ ring }) => ring.isMine(key)) ??
      joined.find(({ ring }) => ring.replicaSet(key).length > 0) ??
      joined.find(({ ring }) => ring.self === nearest) ??
      this.first
    );
  }

  get locator(): Locator {
    return {
      believed: (key) => this.placed(key).locator.believed(key),
      recheck: (key) => this.placed(key).locator.recheck(key),
      relocate: (key, hints, deadlineMs) =>
        this.#located(key, deadlineMs, (one, leftMs) => one.relocate(key, hints, leftMs)),
    };
  }

  find(key: Id, deadlineMs: number): Promise<FindOutcome> {
    return this.#located(key, deadlineMs, (one, leftMs) => one.find(key, leftMs));
  }

  /** Returns when the first begins to found or join a ring; the others come in after it. */
  async start(): Promise<void> {
    await this.first.start();
    if (this.#others.length > 0) this.#deps.tasks.run('vnodes', () => this.#startInTurn());
  }

  /** Hands over, then leaves: all at once, so that none takes over what another gives up. */
  async leave(deadlineMs: number): Promise<void> {
    await Promise.all(this.all.map((member) => member.handOver(deadlineMs)));
    await Promise.all(this.all.map(({ ring }) => ring.leave()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map((member) => member.stop()));
  }

  #alone(): boolean {
    const { ring } = this.first;
    return ring.members().every((peer) => sameHost(peer, ring.self));
  }

  async #located(
    key: Id,
    deadlineMs: number,
    ask: (locator: MemberLocator, leftMs: number) => Promise<FindOutcome>,
  ): Promise<FindOutcome> {
    const { clock, random, tasks } = this.#deps;
    const endMs = clock.monoMs() + deadlineMs;
    for (let again = 0; ; again += 1) {
      const found = await ask(this.placed(key).locator, Math.max(1, endMs - clock.monoMs()));
      const waitMs = jittered(random, AGAIN_MS * 2 ** again);
      if (found.replicas.length > 0 || again >= AGAIN_MAX || clock.monoMs() + waitMs >= endMs) return found;
      if (tasks.stopping || !this.first.ring.joined || this.#alone()) return found;
      await tasks.sleep(waitMs);
    }
  }

  // One after the other: each comes into a ring that has the one before.
  async #startInTurn(): Promise<void> {
    const { tasks } = this.#deps;
    let before = this.first;
    for (const member of this.#others) {
      while (!before.ring.joined && !tasks.stopping) await tasks.sleep(TURN_MS);
      if (tasks.stopping) return;
      await member.start();
      before = member;
    }
  }
}
