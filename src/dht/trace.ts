// One lookup with everything that was said on the way: the steps to the replicas, then what each of them holds.
import type { Id } from '../record/id.ts';
import type { Ask } from './courier.ts';
import type { CallOutcome, ErrorCode, FindOutcome, Peer } from './types.ts';

/** What one replica said to QUERY, and whom it takes for the replicas. */
export interface ReplicaWord {
  readonly peer: Peer;
  /** Undefined if it did not answer. */
  readonly rttMs: number | undefined;
  /** `none`: a denial. */
  readonly said: 'entries' | 'none' | 'timeout' | ErrorCode;
  /** Entitled to say that there is no more than this. */
  readonly settled: boolean;
  /** With a denial: what it has to bury. */
  readonly entries: readonly Uint8Array[];
  /** By id, owner first; undefined if it did not say. */
  readonly replicas: readonly Id[] | undefined;
}

export interface KeyTrace extends FindOutcome {
  readonly words: readonly ReplicaWord[];
}

type Said = Pick<ReplicaWord, 'rttMs' | 'said' | 'settled' | 'entries'>;

const saidIn = (outcome: CallOutcome): Said => {
  const nothing = { settled: false, entries: [] };
  if (!outcome.ok) return { ...nothing, rttMs: undefined, said: 'timeout' };
  const { answer, meta } = outcome;
  const { rttMs } = meta;
  if (answer.type === 'error') return { ...nothing, rttMs, said: answer.code };
  if (answer.type !== 'entries') return { ...nothing, rttMs, said: 'malformed' };
  const { entries, replicas, settled = true } = answer;
  // Who shows something names no replicas; who denies does, whatever it has to bury.
  const shows = entries.length > 0 && replicas.length === 0;
  return { rttMs, said: shows ? 'entries' : 'none', settled, entries };
};

/** Never rejects. Without replicas nobody is asked for entries. */
export const traceKey = async (
  deps: { readonly ask: Ask; find(key: Id, deadlineMs: number): Promise<FindOutcome> },
  key: Id,
  deadlineMs: number,
): Promise<KeyTrace> => {
  const found = await deps.find(key, deadlineMs);
  const words = await Promise.all(
    found.replicas.map(async (peer): Promise<ReplicaWord> => {
      const [query, find] = await Promise.all([
        deps.ask(peer, { type: 'query', key }),
        deps.ask(peer, { type: 'find', key }),
      ]);
      const view = find.ok && find.answer.type === 'found' ? find.answer.replicas : undefined;
      return { peer, ...saidIn(query), replicas: view?.map(({ id }) => id) };
    }),
  );
  return { ...found, words };
};
