// Who guesses passwords is slowed, then banned; a phone with a wrong one is slowed and never costs its neighbours anything.
import { sourceOf } from '../runtime/address-ranges.ts';
import { BoundedMap } from '../runtime/bounded-map.ts';
import { RateLimiter } from '../runtime/rate-limiter.ts';

/** Read when they are needed: both may change while the server runs. */
export interface AuthGuardOptions {
  /** How long a ban lasts; 0: nobody is banned, guesses are still slowed. */
  readonly banSec: number;
  /** Addresses that are never banned (a pair of address and user is slowed there too). */
  readonly isTrusted: (host: string) => boolean;
}

export interface Attempt {
  /** The IP literal it came from. */
  readonly source: string;
  /** The user name as sent. */
  readonly user: string;
}

/** What may be done with credentials: look at them, leave them unread, or don't answer as usual at all. */
export type GuardVerdict =
  | { readonly kind: 'look' }
  | { readonly kind: 'slowed' }
  | { readonly kind: 'banned'; readonly forMs: number };

/** What a failure led to beyond itself. */
export type GuardConsequence = 'none' | 'banned';

interface Pair {
  /** Failures in a row that were looked at. */
  failures: number;
  attempts: number;
  lastMs: number;
  nextLookMs: number;
}

interface Source {
  failures: number;
  sinceMs: number;
  bannedUntilMs: number;
}

/** Wrong passwords of one user from one source that are looked at without delay: a person mistypes, a phone retries. */
const FREE_FAILURES = 6;
/** After these the next look is 1 s away, then 2 s … at most this: a guesser gets some 1,400 tries a day. */
const SLOW_MS_MAX = 60_000;
/** A pair without failures for this long is forgotten. */
const FORGET_MS = 600_000;
/**
 * Failures of one source within FORGET_MS that ban it. One pair adds at most PAIR_SHARE_MAX of them, so it takes more
 * than five users with wrong passwords: one phone (baresip sends 16 REGISTERs in a row) can't ban an office.
 */
const SOURCE_FAILURES_MAX = 50;
const PAIR_SHARE_MAX = 9;
/**
 * Attempts of one pair without a pause of FORGET_MS after which nothing of it is looked at for `banSec`. A phone with
 * a wrong password makes some 80 in ten minutes (baresip: 16 at a time, at longer and longer intervals).
 */
const PAIR_ATTEMPTS_MAX = 200;
const TABLE_MAX = 20_000;

export class AuthGuard {
  readonly #options: AuthGuardOptions;
  // BOUNDED: TABLE_MAX; the one that failed longest ago goes first.
  readonly #pairs = new BoundedMap<string, Pair>(TABLE_MAX);
  // BOUNDED: TABLE_MAX.
  readonly #sources = new BoundedMap<string, Source>(TABLE_MAX);
  // BOUNDED: TABLE_MAX keys each. A right password on a nonce we didn't issue is told by `stale=true`, which would make
  // nonces of one's own a way to guess without being counted: such attempts are few a minute, or get no such hint.
  readonly #foreignPairs = new RateLimiter({ perSec: 0.1, burst: 8, maxKeys: TABLE_MAX });
  readonly #foreignSources = new RateLimiter({ perSec: 2, burst: 500, maxKeys: TABLE_MAX });

  constructor(options: AuthGuardOptions) {
    this.#options = options;
  }

  get #banMs(): number {
    return this.#options.banSec * 1000;
  }

  /** Milliseconds that the source stays banned; 0 if it isn't. */
  bannedMs(source: string, monoMs: number): number {
    const known = this.#sources.get(sourceOf(source));
    return known === undefined || this.#options.isTrusted(source)
      ? 0
      : Math.max(0, known.bannedUntilMs - monoMs);
  }

  /** Asked for credentials whose nonce we issued to this very source: nobody can make it count against another. */
  ask(attempt: Attempt, monoMs: number): GuardVerdict {
    const forMs = this.bannedMs(attempt.source, monoMs);
    if (forMs > 0) return { kind: 'banned', forMs };
    const pair = this.#pairs.get(pairKey(attempt));
    if (pair === undefined || monoMs - pair.lastMs > FORGET_MS || pair.failures < FREE_FAILURES)
      return { kind: 'look' };
    if (monoMs >= pair.nextLookMs) return { kind: 'look' };
    pair.attempts += 1;
    pair.lastMs = monoMs;
    if (pair.attempts > PAIR_ATTEMPTS_MAX && this.#banMs > 0) {
      pair.attempts = 0;
      pair.nextLookMs = monoMs + this.#banMs;
    }
    return { kind: 'slowed' };
  }

  /** The credentials were wrong, on a nonce we issued to this source. */
  failed(attempt: Attempt, monoMs: number): GuardConsequence {
    const key = pairKey(attempt);
    const before = this.#pairs.get(key);
    const pair: Pair =
      before === undefined || monoMs - before.lastMs > FORGET_MS
        ? { failures: 0, attempts: 0, lastMs: monoMs, nextLookMs: monoMs }
        : before;
    pair.failures += 1;
    pair.attempts += 1;
    pair.lastMs = monoMs;
    const over = pair.failures - FREE_FAILURES;
    if (over >= 0) pair.nextLookMs = monoMs + Math.min(SLOW_MS_MAX, 1000 * 2 ** Math.min(over, 10));
    this.#pairs.set(key, pair);
    return pair.failures > PAIR_SHARE_MAX ? 'none' : this.#countSource(attempt.source, monoMs);
  }

  #countSource(host: string, monoMs: number): GuardConsequence {
    if (this.#banMs === 0 || this.#options.isTrusted(host)) return 'none';
    const key = sourceOf(host);
    const before = this.#sources.get(key);
    const source: Source =
      before === undefined || monoMs - before.sinceMs > FORGET_MS
        ? { failures: 0, sinceMs: monoMs, bannedUntilMs: 0 }
        : before;
    source.failures += 1;
    const banned = source.failures >= SOURCE_FAILURES_MAX;
    if (banned) {
      source.failures = 0;
      source.sinceMs = monoMs;
      source.bannedUntilMs = monoMs + this.#banMs;
    }
    this.#sources.set(key, source);
    return banned ? 'banned' : 'none';
  }

  /** The right password ends the slow-down of its pair; what the source owes for other users stays. */
  succeeded(attempt: Attempt): void {
    this.#pairs.delete(pairKey(attempt));
  }

  /** Asked for credentials on a nonce that isn't ours: false if they must stay unread. */
  mayLookAtForeign(attempt: Attempt, monoMs: number): boolean {
    return (
      this.#foreignPairs.take(pairKey(attempt), monoMs) &&
      this.#foreignSources.take(sourceOf(attempt.source), monoMs)
    );
  }
}

// User names come from the network: cut, so that a key is bounded too.
const pairKey = ({ source, user }: Attempt): string => `${sourceOf(source)} ${user.slice(0, 128)}`;
