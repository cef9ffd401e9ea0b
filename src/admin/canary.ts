// A publication of our own, read back through the overlay again and again: what tells a working node from a deaf one.
//
// A node may listen and answer while nothing it stores reaches anyone ("zombie" nodes stay unnoticed for days), so
// being ready is not asked of its sockets but of the whole way there and back.
import type { LocationService } from '../location/types.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Background } from '../runtime/lifecycle.ts';
import { jittered, type Random } from '../runtime/random.ts';

export interface CanaryDeps {
  readonly location: LocationService;
  readonly clock: Clock;
  readonly random: Random;
  readonly background: Background;
}

export interface CanaryOptions {
  /** A domain that we sign for. */
  readonly domain: string;
  /** A success counts this long (default 30 s, as /health/ready promises). */
  readonly freshMs?: number;
  /** Between two tries after a success (default 10 s) and after a failure (default 1 s), ± a quarter. */
  readonly periodMs?: number;
  readonly retryMs?: number;
}

const FRESH_MS = 30_000;
const PERIOD_MS = 10_000;
const RETRY_MS = 1_000;
/** Long enough to be read back, short enough to be gone soon after us. */
const EXPIRES_SEC = 60;
const TOKEN_BYTES = 8;

export class Canary {
  readonly #deps: CanaryDeps;
  readonly #options: Required<CanaryOptions>;
  #user = '';
  #series = '';
  #seq = 0;
  #lastGoodMs: number | undefined;
  #problem = 'the first canary publication is on its way';
  #timer: Timer | undefined;
  #running = false;

  constructor(deps: CanaryDeps, options: CanaryOptions) {
    this.#deps = deps;
    this.#options = { freshMs: FRESH_MS, periodMs: PERIOD_MS, retryMs: RETRY_MS, ...options };
  }

  /** What is wrong, in words; undefined while the last success is fresh. */
  problem(): string | undefined {
    const { freshMs } = this.#options;
    const fresh = this.#lastGoodMs !== undefined && this.#deps.clock.monoMs() - this.#lastGoodMs <= freshMs;
    return fresh ? undefined : this.#problem;
  }

  async start(): Promise<void> {
    // A name of our own that nobody guesses: one key of the ring for the life of this process.
    this.#user = `canary-${this.#token()}`;
    this.#series = this.#token();
    this.#running = true;
    this.#deps.background.background('canary', this.#round());
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#timer?.cancel();
  }

  #token(): string {
    return Buffer.from(this.#deps.random.bytes(TOKEN_BYTES)).toString('hex');
  }

  async #round(): Promise<void> {
    const startedMs = this.#deps.clock.monoMs();
    const problem = await this.#publishAndReadBack();
    if (!this.#running) return;
    if (problem === undefined) this.#lastGoodMs = startedMs;
    else this.#problem = problem;
    const { periodMs, retryMs } = this.#options;
    const delayMs = jittered(this.#deps.random, problem === undefined ? periodMs : retryMs, 0.25);
    this.#timer = this.#deps.clock.setTimer(delayMs, () =>
      this.#deps.background.background('canary', this.#round()),
    );
  }

  async #publishAndReadBack(): Promise<string | undefined> {
    const name = { scheme: 'canary', user: this.#user, domain: this.#options.domain };
    this.#seq += 1;
    // Another contact each time, of one binding (instance, reg-id): an old answer can't pass for the new one.
    const contact = `canary:${this.#token()}@${this.#options.domain}`;
    const published = await this.#deps.location.publish({
      name,
      series: this.#series,
      seq: this.#seq,
      changes: [
        {
          contact,
          canonicalContact: contact,
          instance: 'canary',
          regId: 1,
          params: [],
          path: [],
          expiresSec: EXPIRES_SEC,
        },
      ],
    });
    if (published.kind === 'stale') return 'the canary publication was answered as stale';
    if (published.kind !== 'stored') return `the canary publication failed: ${published.reason}`;
    const found = await this.#deps.location.query(name);
    switch (found.kind) {
      case 'found':
        return found.bindings.some((binding) => binding.contact === contact)
          ? undefined
          : 'the canary read back is an old one';
      case 'none':
        return 'the canary publication was stored but not found again';
      case 'timeout':
        return 'reading the canary back timed out';
      case 'unavailable':
        return `reading the canary back failed: ${found.reason}`;
    }
  }
}
