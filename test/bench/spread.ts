// How long it takes until everybody knows of a join or a death: asked of a sample of the members every second, for onehop.ts.
import type { Peer } from '../../src/dht/types.ts';
import type { SimMember } from '../../src/sim/sim-overlay.ts';

const SAMPLE = 256;
/** After so long one that does not know it is counted as such, and not looked at any more. */
const PATIENCE_MS = 180_000;

interface Event {
  readonly kind: 'join' | 'death';
  readonly peer: Peer;
  readonly atMs: number;
  unaware: readonly SimMember[];
}

export class Spread {
  readonly #sample: readonly SimMember[];
  readonly #delays: Readonly<Record<Event['kind'], number[]>> = { join: [], death: [] };
  readonly #never: Record<Event['kind'], number> = { join: 0, death: 0 };
  // BOUNDED: by the events of PATIENCE_MS.
  #open: Event[] = [];

  /** `members`: of those that are there at the start some are asked as long as they live. */
  constructor(members: readonly SimMember[]) {
    const step = Math.max(1, Math.floor(members.length / SAMPLE));
    this.#sample = members.filter((_, index) => index % step === 0);
  }

  begin(kind: Event['kind'], peer: Peer, atMs: number): void {
    const unaware = this.#sample.filter(({ node }) => node.self?.id !== peer.id);
    this.#open.push({ kind, peer, atMs, unaware });
  }

  /** `living`: by host. */
  look(nowMs: number, living: ReadonlySet<string>): void {
    for (const event of this.#open) {
      const { kind, peer, atMs } = event;
      const alive = event.unaware.filter(({ host }) => living.has(host));
      event.unaware = alive.filter(
        ({ node }) => (node.held(peer.id, peer.bootSequence) !== undefined) === (kind === 'death'),
      );
      const learned = alive.length - event.unaware.length;
      for (let n = 0; n < learned; n += 1) this.#delays[kind].push(nowMs - atMs);
    }
    this.#open = this.#open.filter((event) => {
      if (nowMs - event.atMs < PATIENCE_MS) return event.unaware.length > 0;
      this.#never[event.kind] += event.unaware.length;
      return false;
    });
  }

  get pending(): number {
    return this.#open.length;
  }

  toString(): string {
    return (['join', 'death'] as const)
      .map((kind) => {
        const sorted = [...this.#delays[kind]].sort((a, b) => a - b);
        const at = (share: number): string =>
          (
            (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN) / 1000
          ).toFixed(0);
        const within = [10, 20, 30, 60].map((sec) => {
          const share = sorted.filter((ms) => ms <= 1000 * sec).length / Math.max(1, sorted.length);
          return `${sec} s ${(100 * share).toFixed(1)} %`;
        });
        return `${kind} known to a member after: median ${at(0.5)} s, p99 ${at(0.99)} s, last ${at(1)} s of ${sorted.length}, ${this.#never[kind]} never; ${within.join(', ')}`;
      })
      .join('\n');
  }
}
