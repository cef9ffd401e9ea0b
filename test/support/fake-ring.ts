// A ring of three stores without a network: quorum writes, merged reads, and a switch to take it away.
import type { FindOutcome, OverlayClient, PublishOutcome, QueryOutcome } from '../../src/dht/types.ts';
import type { Id } from '../../src/record/id.ts';
import { RecordStore } from '../../src/record/store.ts';
import { NOW_MS, testVerifier } from './record-world.ts';

export class FakeRing implements OverlayClient {
  readonly stores: readonly RecordStore[];
  readonly log: string[] = [];
  /** `away`: unavailable at once; `silent`: never answers. */
  state: 'here' | 'away' | 'silent' = 'here';
  /** Runs before an answer is given: what happens meanwhile elsewhere. */
  meanwhile: () => Promise<void> = async () => undefined;

  constructor(wallMs: () => number = () => NOW_MS) {
    this.stores = [0, 1, 2].map(() => new RecordStore({ verifier: testVerifier(), wallMs }));
  }

  async #reached(what: string): Promise<boolean> {
    this.log.push(what);
    const meanwhile = this.meanwhile;
    this.meanwhile = async () => undefined;
    await meanwhile();
    if (this.state === 'silent') await new Promise(() => undefined);
    return this.state === 'here';
  }

  async publish(key: Id, entries: readonly Uint8Array[]): Promise<PublishOutcome> {
    if (!(await this.#reached('publish'))) return { kind: 'unavailable', detail: 'no quorum' };
    const verdicts = await Promise.all(this.stores.map((store) => store.publish(key, entries)));
    const live: Uint8Array[] = [];
    for (const verdict of verdicts) {
      if (verdict.kind === 'stale') return verdict;
      if (verdict.kind === 'unavailable') return verdict;
      if (verdict.kind !== 'stored') return { kind: 'refused', detail: verdict.detail };
      live.push(...verdict.live);
    }
    return { kind: 'stored', live, acks: verdicts.length };
  }

  async query(key: Id): Promise<QueryOutcome> {
    if (!(await this.#reached('query'))) return { kind: 'unavailable', detail: 'the ring is away' };
    const entries = this.stores.slice(0, 2).flatMap((store) => store.live(key));
    return entries.length > 0 ? { kind: 'entries', entries, answers: 2 } : { kind: 'none' };
  }

  async find(): Promise<FindOutcome> {
    return { replicas: [], steps: [], roundTrips: 0 };
  }
}
