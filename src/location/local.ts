// The local Location Service: signed entries in a store of our own; of other domains it knows nothing.
import { nameKeys } from '../record/keys.ts';
import type { RecordStore } from '../record/store.ts';
import type { Publication } from '../record/types.ts';
import type { Clock } from '../runtime/clock.ts';
import type { LocationName } from '../uri/types.ts';
import type { Publisher } from './publisher.ts';
import { StoreExpiry } from './store-expiry.ts';
import type { LocationService, PublishResult, QueryResult } from './types.ts';

/** Nothing is waited for but signatures; the bound is for the port's sake. */
const DEADLINE_MS = 5_000;

export class LocalLocation implements LocationService {
  readonly #store: RecordStore;
  readonly #publisher: Publisher;
  readonly #expiry: StoreExpiry;

  constructor(deps: {
    readonly store: RecordStore;
    readonly publisher: Publisher;
    readonly clock: Clock;
  }) {
    this.#store = deps.store;
    this.#publisher = deps.publisher;
    this.#expiry = new StoreExpiry(deps.store, deps.clock);
  }

  async start(): Promise<void> {
    this.#expiry.start();
  }

  async stop(): Promise<void> {
    this.#expiry.stop();
  }

  publish(publication: Publication): Promise<PublishResult> {
    return this.#publisher.publish(
      publication,
      (key, entries) => this.#store.publish(key, entries),
      DEADLINE_MS,
    );
  }

  async query(name: LocationName): Promise<QueryResult> {
    if (!this.#publisher.isOurs(name.domain)) return { kind: 'none' };
    const keys = nameKeys(name);
    const read = await this.#publisher.read(this.#store.live(keys.key), keys);
    if (read.kind === 'unavailable') return read;
    return read.bindings.length > 0 ? { kind: 'found', bindings: read.bindings } : { kind: 'none' };
  }
}
