// Both Location Services at once (DESIGN §5.1): our own store answers for us, the ring tells the others and is told.
import type { OverlayClient, PublishOutcome } from '../dht/index.ts';
import type { Entry } from '../record/entry-codec.ts';
import type { Id } from '../record/id.ts';
import { type NameKeys, nameKeys } from '../record/keys.ts';
import type { RecordLimits } from '../record/limits.ts';
import type { RecordStore } from '../record/store.ts';
import type { EntryBytes, Publication } from '../record/types.ts';
import { type Clock, delay, type Timer } from '../runtime/clock.ts';
import type { Background } from '../runtime/lifecycle.ts';
import { jittered, type Random } from '../runtime/random.ts';
import type { LocationName } from '../uri/types.ts';
import { Coalescer } from './coalesce.ts';
import { DEADLINE_OPTIONS, type DeadlineOptions, queryRing, TOO_MANY_QUERIES } from './public.ts';
import type { Publisher, SendOutcome } from './publisher.ts';
import { StoreExpiry } from './store-expiry.ts';
import type { LocationService, PublishResult, QueryResult } from './types.ts';
import { UnpublishedKeys, waitingPublications } from './unpublished.ts';

export interface HybridOptions extends DeadlineOptions {
  /** How long a request of our own users waits for the ring before the local store alone answers. */
  readonly ringWaitMs: number;
  readonly unpublishedMax: number;
  /** Pause between attempts while the ring is away: doubled from the first to the second. */
  readonly retryMs: number;
  readonly retryMaxMs: number;
}

export const HYBRID_OPTIONS: HybridOptions = {
  ...DEADLINE_OPTIONS,
  ringWaitMs: 1_000,
  unpublishedMax: 100_000,
  retryMs: 2_000,
  retryMaxMs: 30_000,
};

export interface HybridDeps {
  readonly store: RecordStore;
  readonly overlay: OverlayClient;
  readonly publisher: Publisher;
  readonly limits: RecordLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly lifecycle: Background;
}

export class HybridLocation implements LocationService {
  readonly #deps: HybridDeps;
  readonly #options: HybridOptions;
  readonly #queries: Coalescer<Id, QueryResult>;
  readonly #unpublished: UnpublishedKeys;
  readonly #expiry: StoreExpiry;
  #ringAway = false;
  #draining = false;
  /** One that was taken off the list is on its way to the ring, which has not taken it yet. */
  #publishing = false;
  #stopped = false;
  #refused = 0;
  #retryMs: number;
  #timer: Timer | undefined;

  constructor(deps: HybridDeps, options: Partial<HybridOptions> = {}) {
    this.#deps = deps;
    this.#options = { ...HYBRID_OPTIONS, ...options };
    this.#queries = new Coalescer(this.#options.queriesMax);
    this.#unpublished = new UnpublishedKeys(this.#options.unpublishedMax);
    this.#expiry = new StoreExpiry(deps.store, deps.clock);
    this.#retryMs = this.#options.retryMs;
  }

  /** Names whose entries the ring has not taken yet; those given up because there were too many; what it won't take. */
  get unpublished(): { readonly waiting: number; readonly dropped: number; readonly refused: number } {
    return {
      waiting: this.#unpublished.count + (this.#publishing ? 1 : 0),
      dropped: this.#unpublished.dropped,
      refused: this.#refused,
    };
  }

  async start(): Promise<void> {
    this.#expiry.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#expiry.stop();
    this.#timer?.cancel();
  }

  publish(publication: Publication): Promise<PublishResult> {
    return this.#deps.publisher.publish(
      publication,
      (key, entries) => this.#send(key, entries),
      this.#options.publishDeadlineMs,
    );
  }

  /** "200 when the local store has it; the ring is written in the same step". */
  async #send(key: Id, entries: readonly EntryBytes[]): Promise<SendOutcome> {
    const local = await this.#deps.store.publish(key, entries);
    if (local.kind !== 'stored') return local;
    this.#queries.forget(key);
    if (this.#ringAway) {
      this.#unpublished.add(key);
      this.#scheduleDrain();
      return local;
    }
    const written = this.#deps.overlay
      .publish(key, entries, this.#options.publishDeadlineMs)
      .then((outcome) => this.#note(key, outcome));
    this.#deps.lifecycle.background('hybrid publication', written);
    const outcome = await Promise.race([written, this.#ringWait()]);
    if (outcome === 'late') return local;
    if (outcome.kind === 'stale') return outcome;
    // The ring may know more: the same phone at another registrar, or its removal there.
    return outcome.kind === 'stored' ? { kind: 'stored', live: [...local.live, ...outcome.live] } : local;
  }

  #ringWait(): Promise<'late'> {
    return delay(this.#deps.clock, this.#options.ringWaitMs).then(() => 'late' as const);
  }

  /** What the ring said about a key: whether it still waits, and whether the ring is there at all. */
  #note(key: Id, outcome: PublishOutcome): PublishOutcome {
    if (outcome.kind === 'unavailable') {
      this.#ringAway = true;
      this.#unpublished.add(key);
      this.#scheduleDrain();
      return outcome;
    }
    // A key that waits goes on waiting: another publication of it may be what the ring did not take.
    this.#ringAway = false;
    this.#retryMs = this.#options.retryMs;
    if (outcome.kind === 'refused') this.#refused += 1;
    // The ring holds something newer from the same source: our copy must not answer alone with less.
    if (outcome.kind === 'stale') this.#deps.lifecycle.background('hybrid catch-up', this.#catchUp(key));
    if (this.#unpublished.count > 0) this.#scheduleDrain();
    return outcome;
  }

  async #catchUp(key: Id): Promise<void> {
    const outcome = await this.#deps.overlay.query(key, this.#options.queryDeadlineMs);
    if (outcome.kind === 'entries') await this.#deps.store.absorb(key, outcome.entries);
  }

  #scheduleDrain(): void {
    if (this.#draining || this.#stopped || this.#timer !== undefined) return;
    const waitMs = jittered(this.#deps.random, this.#retryMs);
    this.#retryMs = Math.min(this.#options.retryMaxMs, this.#retryMs * 2);
    this.#timer = this.#deps.clock.setTimer(waitMs, () => {
      this.#timer = undefined;
      this.#deps.lifecycle.background('hybrid unpublished entries', this.#drain());
    });
  }

  /** Publishes what waits, one key after the other, until nothing does or the ring is away again. */
  async #drain(): Promise<void> {
    this.#draining = true;
    for (
      let key = this.#unpublished.first();
      key !== undefined && !this.#stopped;
      key = this.#unpublished.first()
    ) {
      this.#publishing = true;
      const taken = await this.#publishWaiting(key);
      this.#publishing = false;
      if (!taken) break;
    }
    this.#draining = false;
    if (this.#unpublished.count > 0) this.#scheduleDrain();
  }

  /** False when the ring could not take it. */
  async #publishWaiting(key: Id): Promise<boolean> {
    const { store, publisher, clock, limits, overlay } = this.#deps;
    const ours = { isOurs: (entry: Entry) => publisher.isBy(entry), nowMs: clock.wallMs(), limits };
    // Taken off first: what a REGISTER adds meanwhile puts the key back.
    this.#unpublished.delete(key);
    for (const entries of waitingPublications(store.records(key), ours)) {
      const outcome = await overlay.publish(key, entries, this.#options.publishDeadlineMs);
      if (outcome.kind === 'unavailable') {
        this.#ringAway = true;
        this.#unpublished.add(key);
        return false;
      }
      if (outcome.kind === 'refused') this.#refused += 1;
    }
    this.#ringAway = false;
    this.#retryMs = this.#options.retryMs;
    return true;
  }

  async query(name: LocationName): Promise<QueryResult> {
    const keys = nameKeys(name);
    const { overlay, publisher } = this.#deps;
    const ask = publisher.isOurs(name.domain)
      ? () => this.#queryOwn(keys)
      : () => queryRing(overlay, publisher, keys, this.#options.queryDeadlineMs);
    return this.#queries.run(keys.key, ask) ?? TOO_MANY_QUERIES;
  }

  /** "in both at once, merged …; the local answer alone when the ring doesn't answer in time" */
  async #queryOwn(keys: NameKeys): Promise<QueryResult> {
    const { overlay, store, publisher } = this.#deps;
    const outcome = await overlay.query(keys.key, this.#options.ringWaitMs);
    const fromRing = outcome.kind === 'entries' ? outcome.entries : [];
    const read = await publisher.read([...store.live(keys.key), ...fromRing], keys);
    if (read.kind === 'unavailable') return read;
    return read.bindings.length > 0 ? { kind: 'found', bindings: read.bindings } : { kind: 'none' };
  }
}
