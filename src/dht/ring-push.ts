// Telling the others: every change goes to every live member of a small ring (to the neighbours in a large one) until each
// has confirmed it.
import type { Id } from '../record/id.ts';
import type { RingCore } from './ring-core.ts';
import type { RingStabilise } from './ring-stabilise.ts';
import type { Peer } from './types.ts';

export class RingPush {
  readonly #core: RingCore;
  readonly #rounds: RingStabilise;
  /** The membership version that each has confirmed. BOUNDED: by the targets of the last push. */
  #confirmed = new Map<Id, number>();

  constructor(core: RingCore, rounds: RingStabilise) {
    this.#core = core;
    this.#rounds = rounds;
  }

  /** One try for everybody who lacks something; who does not confirm is found dead by that, or is told again. */
  async run(): Promise<void> {
    if (this.#core.phase !== 'joined') return;
    const version = this.#core.membershipVersion;
    const targets = this.#targets();
    const ids = new Set(targets.map(({ id }) => id));
    this.#confirmed = new Map([...this.#confirmed].filter(([id]) => ids.has(id)));
    await Promise.all(
      targets
        .filter(({ id }) => this.#confirmed.get(id) !== version)
        .map(async (peer) => {
          if (await this.#rounds.notify(peer)) this.#confirmed.set(peer.id, version);
        }),
    );
  }

  get pending(): boolean {
    const version = this.#core.membershipVersion;
    return (
      this.#core.phase === 'joined' && this.#targets().some(({ id }) => this.#confirmed.get(id) !== version)
    );
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

  #targets(): readonly Peer[] {
    const { mode, table, neighbourhood } = this.#core;
    if (mode === 'small') return table.all().map(({ peer }) => peer);
    const lists = [...neighbourhood.predecessors, ...neighbourhood.successors];
    return [...new Map(lists.map((peer) => [peer.id, peer])).values()];
  }
}
