// Sources that aren't heard for a while: who is on the list, for how long, and how to get off it.
import { networkOf, sourceOf } from '../runtime/address-ranges.ts';
import { BoundedMap } from '../runtime/bounded-map.ts';
import type { Clock } from '../runtime/clock.ts';

/** Read when they are needed: both may change while the server runs. */
export interface BanOptions {
  /** How long a ban lasts; 0: nobody is banned. */
  readonly banSec: number;
  /** Addresses that are never banned. */
  readonly isTrusted: (host: string) => boolean;
}

export interface Ban {
  /** An IPv4 address, an IPv6 /64 or a /48. */
  readonly source: string;
  readonly sinceWallMs: number;
  readonly leftMs: number;
}

interface Entry {
  readonly sinceWallMs: number;
  readonly untilMs: number;
}

/**
 * Far more than are banned at once in practice. Nobody gets onto the list in the name of another (auth-guard.ts), so it
 * takes that many addresses to push a ban off it.
 */
const BANS_MAX = 20_000;

export class BanList {
  readonly #clock: Pick<Clock, 'monoMs' | 'wallMs'>;
  readonly #options: BanOptions;
  // BOUNDED: BANS_MAX, the oldest leaves; one that has ended leaves when it is asked for or listed.
  readonly #bans = new BoundedMap<string, Entry>(BANS_MAX);

  constructor(clock: Pick<Clock, 'monoMs' | 'wallMs'>, options: BanOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** How long a ban lasts now. */
  get forSec(): number {
    return this.#options.banSec;
  }

  /** Asked for every datagram, so it costs nothing while nobody is banned. */
  isBanned(host: string): boolean {
    if (this.#bans.size === 0) return false;
    const source = sourceOf(host);
    const network = networkOf(source);
    const banned = this.#holds(source) || (network !== undefined && this.#holds(network));
    // Asked now, not when it was banned: to add an office to the trusted ranges ends its ban.
    return banned && this.#options.banSec > 0 && !this.#options.isTrusted(host);
  }

  /** `source` as `sourceOf` or `networkOf` writes it. */
  ban(source: string): void {
    this.#bans.set(source, {
      sinceWallMs: this.#clock.wallMs(),
      untilMs: this.#clock.monoMs() + this.#options.banSec * 1000,
    });
  }

  /** Those in force, the oldest first. */
  list(): readonly Ban[] {
    const nowMs = this.#clock.monoMs();
    const bans: Ban[] = [];
    for (const [source, { sinceWallMs, untilMs }] of [...this.#bans.entries()])
      if (untilMs > nowMs) bans.push({ source, sinceWallMs, leftMs: untilMs - nowMs });
      else this.#bans.delete(source);
    return bans;
  }

  /** Ends the bans that an address falls under, or the one that the list names so; true if there was one. */
  lift(host: string): boolean {
    const source = sourceOf(host);
    const keys = [host, source, networkOf(source) ?? source];
    return keys.map((key) => this.#bans.delete(key)).includes(true);
  }

  #holds(source: string): boolean {
    const entry = this.#bans.get(source);
    if (entry === undefined) return false;
    if (entry.untilMs > this.#clock.monoMs()) return true;
    this.#bans.delete(source);
    return false;
  }

  /** Ends all bans; tells how many there were. */
  liftAll(): number {
    const count = this.list().length;
    this.#bans.clear();
    return count;
  }
}
