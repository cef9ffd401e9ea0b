// Those that were members: remembered by the life that ended, looked for while they may come back, and told to others.
import type { Id } from '../record/id.ts';
import { BoundedMap } from '../runtime/bounded-map.ts';
import {
  afterLoss,
  afterReturn,
  type Departed,
  type EndOfLife,
  isMassLoss,
  type LossWatch,
  NO_LOSS,
} from './membership.ts';
import type { RingTiming } from './ring-options.ts';
import type { Gone, Peer } from './types.ts';

const DEPARTED_MAX = 512;
/** Enough for a partition of any small ring, within the wire's 64. */
const TOLD_MAX = 32;

export class Departures {
  readonly #timing: RingTiming;
  // BOUNDED: DEPARTED_MAX, the oldest leaves.
  readonly #departed = new BoundedMap<Id, Departed>(DEPARTED_MAX);
  #losses: LossWatch = NO_LOSS;

  constructor(timing: RingTiming) {
    this.#timing = timing;
  }

  get(id: Id): Departed | undefined {
    return this.#departed.get(id);
  }

  /** An end that is confirmed again keeps its time, so that it does not stay recent for ever. */
  note(peer: Peer, cause: EndOfLife, nowMs: number): void {
    const before = this.#departed.get(peer.id);
    const again = before?.peer.bootSequence === peer.bootSequence;
    const atMs = again ? before.atMs : nowMs;
    this.#departed.set(peer.id, { peer, cause, atMs, checkedMs: nowMs });
  }

  /** A process fell silent; `hostsLeft` with ours. */
  lost(host: string, nowMs: number, hostsLeft: number): void {
    this.#losses = afterLoss(this.#losses, host, { nowMs, hostsLeft, repairMs: this.#timing.repairMs });
  }

  /** `host`: the process that is back with it; undefined for a member of our own. */
  returned(id: Id, host: string | undefined): void {
    this.#departed.delete(id);
    if (host !== undefined) this.#losses = afterReturn(this.#losses, host);
  }

  /** More than half of the processes were lost at once and are not back: what they held may exist elsewhere. */
  massLoss(nowMs: number): boolean {
    return isMassLoss(this.#losses, nowMs, this.#timing.lmaxMs);
  }

  /** Those that may come back with the life they had: they fell silent. */
  silent(nowMs: number, recently: boolean): readonly Departed[] {
    return this.#all().filter(
      ({ cause, atMs }) => cause === 'silent' && (!recently || atMs >= nowMs - this.#timing.recentMs),
    );
  }

  /** For NOTIFY and NEIGHBOURS: ends of late, the latest first. */
  toTell(nowMs: number): readonly Gone[] {
    return this.#all()
      .filter(({ atMs }) => atMs >= nowMs - this.#timing.recentMs)
      .slice(-TOLD_MAX)
      .reverse()
      .map(({ peer }) => ({ id: peer.id, bootSequence: peer.bootSequence }));
  }

  #all(): readonly Departed[] {
    return [...this.#departed.entries()].map(([, one]) => one);
  }
}
