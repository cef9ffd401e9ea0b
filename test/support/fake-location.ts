// A Location Service in memory by the words of RFC 3261 §10.3 steps 6 and 7, to test what stands in front of one.
import type {
  Binding,
  LocationService,
  Publication,
  PublishResult,
  QueryResult,
} from '../../src/location/types.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { aorOf } from '../../src/uri/name.ts';

interface Held {
  readonly binding: Binding;
  readonly series: string;
  readonly seq: number;
}

export class FakeLocation implements LocationService {
  readonly #clock: Clock;
  // BOUNDED: by the test.
  readonly #held = new Map<string, Map<string, Held>>();
  /** Everything that was published, in order. */
  readonly published: Publication[] = [];
  /** What the next operations answer instead of working. */
  publishFault: PublishResult | undefined;
  queryFault: QueryResult | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async publish(publication: Publication): Promise<PublishResult> {
    this.published.push(publication);
    if (this.publishFault !== undefined) return this.publishFault;
    const { name, series, seq, changes } = publication;
    const held = new Map(this.#held.get(aorOf(name)));
    const late = (one: Held | undefined) => one !== undefined && one.series === series && seq < one.seq;
    if (changes === 'all') {
      if ([...held.values()].some(late)) return { kind: 'stale' };
      held.clear();
    } else {
      for (const { expiresSec, ...change } of changes) {
        const key =
          change.instance !== undefined && change.regId !== undefined
            ? `${change.instance} ${change.regId}`
            : change.canonicalContact;
        if (late(held.get(key))) return { kind: 'stale' };
        if (expiresSec === 0) held.delete(key);
        else
          held.set(key, {
            series,
            seq,
            binding: { ...change, expiresAtMs: this.#clock.wallMs() + expiresSec * 1000 },
          });
      }
    }
    this.#held.set(aorOf(name), held);
    return { kind: 'stored', bindings: this.#live(aorOf(name)) };
  }

  async query(name: Publication['name']): Promise<QueryResult> {
    if (this.queryFault !== undefined) return this.queryFault;
    const bindings = this.#live(aorOf(name));
    return bindings.length === 0 ? { kind: 'none' } : { kind: 'found', bindings };
  }

  #live(aor: string): readonly Binding[] {
    return [...(this.#held.get(aor)?.values() ?? [])]
      .map(({ binding }) => binding)
      .filter(({ expiresAtMs }) => expiresAtMs > this.#clock.wallMs());
  }
}
