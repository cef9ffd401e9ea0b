// Who guesses passwords is slowed, then banned; a phone with a wrong one is slowed and never costs its neighbours anything.
import { networkOf, sourceOf } from '../runtime/address-ranges.ts';
import { BoundedMap } from '../runtime/bounded-map.ts';
import type { Clock } from '../runtime/clock.ts';
import { RateLimiter } from '../runtime/rate-limiter.ts';
import { BanList, type BanOptions } from './ban-list.ts';

export interface Attempt {
  /** The IP literal it came from. */
  readonly source: string;
  /** The user name as sent. */
  readonly user: string;
}

/** What may be done with credentials: look at them, or leave them unread. */
export type GuardVerdict = 'look' | 'slowed';

interface Pair {
  /** Failures in a row that were looked at. */
  failures: number;
  attempts: number;
  lastMs: number;
  nextLookMs: number;
}

interface Source {
  /** Failures, of which FAILURES_MAX leak away in FORGET_MS. */
  readonly level: number;
  readonly atMs: number;
  /** Users who have shown the right password since the level rose from 0. BOUNDED: RIGHT_USERS_MAX. */
  readonly right: Set<string>;
}

/** Wrong passwords of one user from one source that are looked at without delay: a person mistypes, a phone retries. */
const FREE_FAILURES = 6;
/** After these the next look is 1 s away, then 2 s … at most this: a guesser gets some 1,400 tries a day. */
const SLOW_MS_MAX = 60_000;
/** A pair without failures for this long is forgotten. */
const FORGET_MS = 600_000;
/**
 * Failures of one source within FORGET_MS or so that ban it. One pair adds at most PAIR_SHARE_MAX of them, so it takes
 * more than five users with wrong passwords: one phone (baresip sends 16 REGISTERs in a row) can't ban an office.
 */
const FAILURES_MAX = 50;
const PAIR_SHARE_MAX = 9;
/** An IPv6 network of 65,536 sources is one source of ten times the size. */
const NETWORK_FACTOR = 10;
/**
 * Each user with the right password behind the address lets it have the failures of one more with a wrong one: where 50
 * phones work, ten that don't are no attack. Who guesses has few accounts of his own to show.
 */
const RIGHT_USERS_MAX = 64;
/**
 * Attempts of one pair without a pause of FORGET_MS after which nothing of it is looked at for `banSec`. A phone with
 * a wrong password makes some 80 in ten minutes (baresip: 16 at a time, at longer and longer intervals).
 */
const PAIR_ATTEMPTS_MAX = 200;
const TABLE_MAX = 20_000;

/**
 * Every table but the last two holds only who failed, or succeeded, on a nonce that was given to the very address it
 * came from: nobody fills them, or gets anybody banned, by sending in the name of others.
 */
export class AuthGuard {
  readonly bans: BanList;
  readonly #clock: Pick<Clock, 'monoMs'>;
  readonly #options: BanOptions;
  // BOUNDED: TABLE_MAX; the one that failed longest ago goes first.
  readonly #pairs = new BoundedMap<string, Pair>(TABLE_MAX);
  // BOUNDED: TABLE_MAX; the one that failed longest ago goes first.
  readonly #sources = new BoundedMap<string, Source>(TABLE_MAX);
  // BOUNDED: TABLE_MAX keys each. A right password on a nonce we didn't issue is told by `stale=true`, which would make
  // nonces of one's own a way to guess without being counted: such attempts are few a minute, or get no such hint. Who
  // sends in the name of 20,000 others to be forgotten here gets 8 guesses for it.
  readonly #foreignPairs = new RateLimiter({ perSec: 0.1, burst: 8, maxKeys: TABLE_MAX });
  readonly #foreignSources = new RateLimiter({ perSec: 2, burst: 500, maxKeys: TABLE_MAX });

  /** `options` are read when they are needed: they may change while the server runs. */
  constructor(clock: Pick<Clock, 'monoMs' | 'wallMs'>, options: BanOptions) {
    this.#clock = clock;
    this.#options = options;
    this.bans = new BanList(clock, options);
  }

  /** Pairs and sources that are remembered. */
  get size(): number {
    return this.#pairs.size + this.#sources.size;
  }

  /** Asked for credentials whose nonce we issued to this very source. */
  ask(attempt: Attempt): GuardVerdict {
    const nowMs = this.#clock.monoMs();
    const pair = this.#pairs.get(pairKey(attempt));
    if (pair === undefined || nowMs - pair.lastMs > FORGET_MS || pair.failures < FREE_FAILURES) return 'look';
    if (nowMs >= pair.nextLookMs) return 'look';
    pair.attempts += 1;
    pair.lastMs = nowMs;
    const { banSec } = this.#options;
    if (pair.attempts > PAIR_ATTEMPTS_MAX && banSec > 0) {
      pair.attempts = 0;
      pair.nextLookMs = nowMs + banSec * 1000;
    }
    return 'slowed';
  }

  /** The credentials were wrong, on a nonce we issued to this source. Tells what was banned for it, if anything. */
  failed(attempt: Attempt): string | undefined {
    const nowMs = this.#clock.monoMs();
    const key = pairKey(attempt);
    const before = this.#pairs.get(key);
    const pair: Pair =
      before === undefined || nowMs - before.lastMs > FORGET_MS
        ? { failures: 0, attempts: 0, lastMs: nowMs, nextLookMs: nowMs }
        : before;
    pair.failures += 1;
    pair.attempts += 1;
    pair.lastMs = nowMs;
    const over = pair.failures - FREE_FAILURES;
    if (over >= 0) pair.nextLookMs = nowMs + Math.min(SLOW_MS_MAX, 1000 * 2 ** Math.min(over, 10));
    this.#pairs.set(key, pair);
    const { banSec, isTrusted } = this.#options;
    if (pair.failures > PAIR_SHARE_MAX || banSec === 0 || isTrusted(attempt.source)) return undefined;
    const source = sourceOf(attempt.source);
    const network = networkOf(source);
    if (network !== undefined && this.#isTooMany(network, NETWORK_FACTOR * FAILURES_MAX, nowMs))
      return this.#ban(network);
    return this.#isTooMany(source, FAILURES_MAX, nowMs) ? this.#ban(source) : undefined;
  }

  /** The right password ends the slow-down of its pair, and speaks for its source. */
  succeeded(attempt: Attempt): void {
    this.#pairs.delete(pairKey(attempt));
    const source = sourceOf(attempt.source);
    for (const key of [source, networkOf(source)]) {
      const right = key === undefined ? undefined : this.#sources.get(key)?.right;
      if (right !== undefined && right.size < RIGHT_USERS_MAX) right.add(userKey(attempt.user));
    }
  }

  /** Asked for credentials on a nonce that isn't ours: false if they must stay unread. */
  mayLookAtForeign(attempt: Attempt): boolean {
    const nowMs = this.#clock.monoMs();
    return (
      this.#foreignPairs.take(pairKey(attempt), nowMs) &&
      this.#foreignSources.take(sourceOf(attempt.source), nowMs)
    );
  }

  /** Counts one more failure; true if `failuresMax` is reached, what the right users allow included. */
  #isTooMany(key: string, failuresMax: number, nowMs: number): boolean {
    const before = this.#sources.get(key);
    const leaked = before === undefined ? 0 : ((nowMs - before.atMs) * failuresMax) / FORGET_MS;
    const level = Math.max(0, (before?.level ?? 0) - leaked);
    const right = before === undefined || level === 0 ? new Set<string>() : before.right;
    this.#sources.set(key, { level: level + 1, atMs: nowMs, right });
    return level + 1 >= failuresMax + PAIR_SHARE_MAX * right.size;
  }

  #ban(source: string): string {
    // The level stays, and leaks: who goes on right after the ban is banned sooner.
    this.bans.ban(source);
    return source;
  }
}

// User names come from the network: cut, so that a key is bounded too.
const userKey = (user: string): string => user.slice(0, 128);
const pairKey = ({ source, user }: Attempt): string => `${sourceOf(source)} ${userKey(user)}`;
