// Telling the others: every change goes to every live member of a small ring (to the neighbours in a large one) until each
// has confirmed it.
import type { Id } from '../record/id.ts';
import type { RingCore } from './ring-core.ts';
import type { RingStabilise } from './ring-stabilise.ts';
import type { Tasks } from './tasks.ts';
import type { Peer } from './types.ts';

export class RingPush {
  readonly #core: RingCore;
  readonly #rounds: RingStabilise;
  readonly #tasks: Tasks;
  /** The membership version that each has confirmed. BOUNDED: by the targets of the last push. */
  #confirmed = new Map<Id, number>();
  /** Members of the lists that all targets have been told of. BOUNDED: by the lists. */
  #told: ReadonlySet<Peer> = new Set();
  // BOUNDED: by the targets.
  readonly #telling = new Set<Id>();

  constructor(core: RingCore, rounds: RingStabilise, tasks: Tasks) {
    this.#core = core;
    this.#rounds = rounds;
    this.#tasks = tasks;
  }

  /**
   * One try for everybody who lacks something, each on its own: one that is dead does not keep the news from the others.
   * Who does not confirm is found dead by that, or is told again at the next run.
   */
  run(): void {
    if (this.#core.phase !== 'joined') return;
    const targets = this.#targets();
    const ids = new Set(targets.map(({ id }) => id));
    this.#confirmed = new Map([...this.#confirmed].filter(([id]) => ids.has(id)));
    for (const peer of targets) {
      if (this.#lacks(peer) && !this.#telling.has(peer.id))
        this.#tasks.tryRun('push', () => this.#tell(peer));
    }
  }

  get pending(): boolean {
    return this.#core.phase === 'joined' && this.#targets().some((peer) => this.#lacks(peer));
  }

  /** A member told us its whole view: if it is ours, too, there is nothing to tell it. */
  viewOf(peer: Peer, members: readonly Peer[]): void {
    const { mode, table, membershipVersion } = this.#core;
    if (mode !== 'small' || members.length !== table.size) return;
    const own = this.#core.self;
    const same = members.every((one) => {
      const held = one.id === own.id ? own : table.get(one.id)?.peer;
      return held?.bootSequence === one.bootSequence;
    });
    if (same) this.#confirmed.set(peer.id, membershipVersion);
  }

  async #tell(peer: Peer): Promise<void> {
    this.#telling.add(peer.id);
    try {
      // What changes while it is being told is told next.
      while (this.#lacks(peer)) {
        const version = this.#core.membershipVersion;
        if (!(await this.#rounds.notify(peer, this.#news()))) return;
        this.#confirmed.set(peer.id, version);
      }
      if (!this.pending) this.#told = new Set(this.#targets());
    } finally {
      this.#telling.delete(peer.id);
    }
  }

  /** Large rings: who is new in our lists; who was there before the others know, or learn when they ask. */
  #news(): readonly Peer[] | undefined {
    if (this.#core.mode === 'small') return undefined;
    return this.#targets().filter((peer) => !this.#told.has(peer));
  }

  #lacks(peer: Peer): boolean {
    return this.#confirmed.get(peer.id) !== this.#core.membershipVersion;
  }

  #targets(): readonly Peer[] {
    const { mode, table, neighbourhood } = this.#core;
    if (mode === 'small') return table.all().map(({ peer }) => peer);
    const lists = [...neighbourhood.predecessors, ...neighbourhood.successors];
    return [...new Map(lists.map((peer) => [peer.id, peer])).values()];
  }
}
