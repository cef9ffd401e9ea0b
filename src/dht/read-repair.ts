// A read in which replicas said different things is followed by giving each what it lacked (DESIGN §5, Replication).
import type { Id } from '../record/id.ts';
import { BoundedMap } from '../runtime/bounded-map.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Counter, Metrics } from '../runtime/metrics.ts';
import type { Ask } from './courier.ts';
import { pieces } from './exchange.ts';
import type { Tasks } from './tasks.ts';
import type { Peer, RecordStorePort } from './types.ts';

/** What a read saw: everything that was said, and who said less. */
export interface Disagreement {
  readonly key: Id;
  readonly entries: readonly Uint8Array[];
  readonly lacking: readonly Peer[];
}

export interface ReadRepairDeps {
  readonly ask: Ask;
  /** Our own descriptor: only members may give others records. */
  readonly self: () => Peer;
  readonly store: Pick<RecordStorePort, 'absorb'>;
  readonly clock: Clock;
  readonly tasks: Tasks;
  readonly metrics: Metrics;
}

/** A key is repaired once in so long; what that does not bring level, the next comparison of digests does. */
const AGAIN_MS = 60_000;
const AT_ONCE_MAX = 16;
const REMEMBERED_MAX = 1000;

/** `read`: reads that saw it. `comparison`: keys that replicas comparing their digests found. */
export const disagreementCounter = (metrics: Metrics): Counter =>
  metrics.counter(
    'chordial_replica_disagreement_total',
    'Reads, and keys compared, in which two replicas held different things',
  );

/** Never keeps the reader waiting, and is given up when there is too much of it: the digests see to the rest. */
export const createReadRepair = (deps: ReadRepairDeps): ((seen: Disagreement) => void) => {
  const { ask, self, store, clock, tasks } = deps;
  const repairs = deps.metrics.counter(
    'chordial_read_repairs_total',
    'Replicas given what a read found them to lack, by result',
  );
  // BOUNDED: REMEMBERED_MAX, the oldest out first: that key may be repaired once more within a minute.
  const repairedMs = new BoundedMap<Id, number>(REMEMBERED_MAX);
  let underWay = 0;

  const give = async (peer: Peer, { key, entries }: Disagreement): Promise<boolean> => {
    if (peer.id === self().id) {
      await store.absorb(key, entries);
      return true;
    }
    for (const records of pieces(entries)) {
      const outcome = await ask(peer, { type: 'sync', peer: self(), op: { kind: 'push', key, records } });
      if (!outcome.ok || outcome.answer.type !== 'synced' || outcome.answer.have?.[0] !== key) return false;
    }
    return true;
  };

  return (seen) => {
    const nowMs = clock.monoMs();
    if (seen.lacking.length === 0 || underWay >= AT_ONCE_MAX) return;
    if (nowMs - (repairedMs.get(seen.key) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return;
    const begun = tasks.tryRun('read repair', async () => {
      const given = await Promise.all(seen.lacking.map((peer) => give(peer, seen)));
      for (const done of given) repairs.add({ result: done ? 'given' : 'failed' });
      underWay -= 1;
    });
    if (!begun) return;
    underWay += 1;
    repairedMs.set(seen.key, nowMs);
  };
};
