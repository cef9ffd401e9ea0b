// What a leaver does with its records: gives each to those who will be its replicas, within a deadline. They are in other processes: ours goes whole.
import type { Arc } from '../record/id.ts';
import type { Clock } from '../runtime/clock.ts';
import { type ExchangeDeps, exchange } from './exchange.ts';
import { sameHost } from './hosts.ts';
import { hostsFrom, segmentsOf } from './range.ts';
import type { Peer } from './types.ts';

const PUSH = { push: true, pull: false };

/** Resolves when all is handed over or `deadlineMs` has passed. What is missed then, the other replicas repair. */
export const handOverAll = async (
  deps: Omit<ExchangeDeps, 'pace'> & { readonly clock: Clock },
  leaver: {
    readonly self: Peer;
    readonly arc: Arc;
    readonly around: readonly Peer[];
    readonly replicas: number;
  },
  deadlineMs: number,
): Promise<void> => {
  const { clock } = deps;
  const endMs = clock.monoMs() + deadlineMs;
  const others = leaver.around.filter((peer) => !sameHost(peer, leaver.self));
  const exchanging: ExchangeDeps = { ...deps, pace: () => Promise.resolve(clock.monoMs() < endMs) };
  const pushes = segmentsOf(leaver.arc, leaver.self.id, leaver.around).flatMap((segment) =>
    hostsFrom(segment.to, others, leaver.replicas).map((peer) => exchange(exchanging, peer, segment, PUSH)),
  );
  await new Promise<void>((resolve, reject) => {
    const timer = clock.setTimer(deadlineMs, resolve);
    Promise.all(pushes)
      .then(() => resolve(), reject)
      .finally(() => timer.cancel());
  });
};
