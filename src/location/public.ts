// The public Location Service: the ring. Nothing is kept here; a publication is true when a write quorum holds it.
import type { OverlayClient } from '../dht/index.ts';
import type { Id } from '../record/id.ts';
import { type NameKeys, nameKeys } from '../record/keys.ts';
import type { Publication } from '../record/types.ts';
import type { LocationName } from '../uri/types.ts';
import { Coalescer } from './coalesce.ts';
import type { Publisher } from './publisher.ts';
import type { LocationService, PublishResult, QueryResult } from './types.ts';

export interface DeadlineOptions {
  readonly queryDeadlineMs: number;
  readonly publishDeadlineMs: number;
  /** Names asked for at once. */
  readonly queriesMax: number;
}

export const DEADLINE_OPTIONS: DeadlineOptions = {
  queryDeadlineMs: 3_000,
  publishDeadlineMs: 5_000,
  queriesMax: 10_000,
};

export const TOO_MANY_QUERIES: QueryResult = { kind: 'unavailable', reason: 'too many lookups at once' };

/** Nothing that can be used; `unvouched` is there all the same. */
export const noneOf = (unvouched: number): QueryResult =>
  unvouched > 0 ? { kind: 'none', unvouched } : { kind: 'none' };

/** Asks the ring for one name. */
export const queryRing = async (
  overlay: OverlayClient,
  publisher: Publisher,
  keys: NameKeys,
  deadlineMs: number,
): Promise<QueryResult> => {
  const outcome = await overlay.query(keys.key, deadlineMs);
  if (outcome.kind === 'unavailable') return { kind: 'unavailable', reason: outcome.detail };
  if (outcome.kind !== 'entries') return outcome;
  const read = await publisher.read(outcome.entries, keys);
  if (read.kind === 'unavailable') return read;
  if (read.bindings.length > 0) return { kind: 'found', bindings: read.bindings };
  // What one replica showed another one buries, or it is over by our clock; but nobody who may deny was heard.
  if (outcome.settled === false) return { kind: 'unavailable', reason: 'too few replicas could say' };
  return noneOf(read.unvouched);
};

export class PublicLocation implements LocationService {
  readonly #overlay: OverlayClient;
  readonly #publisher: Publisher;
  readonly #options: DeadlineOptions;
  readonly #queries: Coalescer<Id, QueryResult>;

  constructor(
    deps: { readonly overlay: OverlayClient; readonly publisher: Publisher },
    options: Partial<DeadlineOptions> = {},
  ) {
    this.#overlay = deps.overlay;
    this.#publisher = deps.publisher;
    this.#options = { ...DEADLINE_OPTIONS, ...options };
    this.#queries = new Coalescer(this.#options.queriesMax);
  }

  publish(publication: Publication): Promise<PublishResult> {
    return this.#publisher.publish(
      publication,
      async (key, entries, deadlineMs) => {
        const outcome = await this.#overlay.publish(key, entries, deadlineMs);
        // A question asked before this was stored may be answered without it.
        this.#queries.forget(key);
        return outcome;
      },
      this.#options.publishDeadlineMs,
    );
  }

  async query(name: LocationName): Promise<QueryResult> {
    const keys = nameKeys(name);
    const asked = this.#queries.run(keys.key, () =>
      queryRing(this.#overlay, this.#publisher, keys, this.#options.queryDeadlineMs),
    );
    return asked ?? TOO_MANY_QUERIES;
  }
}
