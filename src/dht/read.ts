// The read path: two replicas at once, merged; another one as soon as one is late (DESIGN §5, Read).
import type { Id } from '../record/id.ts';
import { jittered } from '../runtime/random.ts';
import type { PeerHealth } from './peer-health.ts';
import { decideRead, type Reading, unionOf } from './quorum.ts';
import type { Disagreement } from './read-repair.ts';
import type { CallOutcome, Peer, QueryOutcome } from './types.ts';
import { moved, type PathDeps, sameLife } from './write.ts';

export interface ReadDeps extends PathDeps {
  readonly health: PeerHealth;
  /** Is this a member of our own process? */
  readonly isSelf: (id: Id) => boolean;
  /** Told when two replicas entitled to speak hold different things. */
  onDisagreement(seen: Disagreement): void;
  /** Told with the answer: so many questions one after another led to it. */
  onAnswered(roundTrips: number): void;
  /** Told when a replica is asked because another one is late. */
  onHedge(): void;
}

const AT_ONCE = 2;
// "A single answer is used only when the others don't come": they don't when each has missed its time, a little after the
// answer itself (a collection next door isn't a death); so long after it, however slow they are known to be. And not within
// what a busy machine takes where round trips are short: from 35 ms on two missed times take as long by themselves.
const SINGLE_MIN_MS = 25;
const SINGLE_FLOOR_MS = 100;
const SINGLE_AFTER_MS = 700;
const READ_FIRST_MS = 1;
const BACKOFF_FIRST_MS = 40;
const BACKOFF_MAX_MS = 500;

const readingOf = (by: Id, outcome: CallOutcome): Reading => {
  if (!outcome.ok) return { kind: 'lost' };
  const { answer } = outcome;
  if (answer.type !== 'entries') return { kind: 'mute', entries: [] };
  const { entries, replicas, settled = true } = answer;
  // Whoever shows something names no replicas; whoever denies does, whatever it has to bury.
  if (entries.length > 0 && replicas.length === 0) return { kind: 'entries', entries, settled };
  return settled
    ? { kind: 'none', by, view: replicas.map(({ id }) => id), entries }
    : { kind: 'mute', entries };
};

/** Who, of those entitled to say what there is, said less than they did together. */
const lackingOf = (readings: ReadonlyMap<Id, Reading>): readonly Id[] => {
  const said = [...readings].flatMap(([id, one]) =>
    one.kind === 'none' || (one.kind === 'entries' && one.settled) ? [{ id, entries: one.entries }] : [],
  );
  const all = unionOf(said.map(({ entries }) => entries)).length;
  return said.flatMap(({ id, entries }) => (entries.length < all ? [id] : []));
};

/** Never rejects. Owned by `tasks`: resolves as unavailable when they stop. */
export const read = (deps: ReadDeps, key: Id, deadlineMs: number): Promise<QueryOutcome> => {
  const { ask, locator, clock, random, tasks, health } = deps;
  const startMs = clock.monoMs();
  const endMs = startMs + deadlineMs;
  // BOUNDED: by the replica sets of the rounds that fit the deadline.
  const readings = new Map<Id, Reading>();
  const pending = new Map<Id, Peer>();
  const late = new Set<Id>();
  let target: readonly Peer[] = [];
  let unasked: Peer[] = [];
  let hints: readonly Peer[] = [];
  let single: 'none' | 'fresh' | 'waited' = 'none';
  let rechecking: 'not yet' | 'now' | 'done' = 'not yet';
  // Whether anybody said anything, in whatever round: then it is no timeout.
  let answered = false;
  let roundTrips = 0;
  let backoffMs = BACKOFF_FIRST_MS;

  return new Promise((resolve) => {
    let settled = false;
    let forget = (): unknown => undefined;
    const timers: { cancel(): void }[] = [];
    const settle = (outcome: QueryOutcome): void => {
      if (settled) return;
      settled = true;
      for (const timer of timers) timer.cancel();
      forget();
      if (outcome.kind === 'entries' || outcome.kind === 'none') deps.onAnswered(roundTrips);
      resolve(outcome);
    };
    const positive = (): readonly (readonly Uint8Array[])[] =>
      [...readings.values()].flatMap((one) => (one.kind === 'entries' ? [one.entries] : []));

    const buried = (): readonly (readonly Uint8Array[])[] =>
      [...readings.values()].flatMap((one) =>
        one.kind === 'none' || one.kind === 'mute' ? [one.entries] : [],
      );

    const settleEntries = (enough: boolean): void => {
      const entries = unionOf([...positive(), ...buried()]);
      const lacking = lackingOf(readings);
      if (!settled && lacking.length > 0)
        deps.onDisagreement({ key, entries, lacking: target.filter(({ id }) => lacking.includes(id)) });
      const answers = [...readings.values()].filter(
        ({ kind }) => kind === 'entries' || kind === 'none',
      ).length;
      settle(
        enough
          ? { kind: 'entries', entries, answers }
          : { kind: 'entries', entries, answers, settled: false },
      );
    };

    const giveUp = (): void => {
      if (positive().length > 0) {
        settleEntries(false);
        return;
      }
      if (!answered && target.length > 0) {
        settle({ kind: 'timeout' });
        return;
      }
      settle({ kind: 'unavailable', detail: `no two of ${target.length} replicas could say` });
    };

    const judge = (): void => {
      if (settled) return;
      const verdict = decideRead([...readings.values()], target.length);
      if (verdict === 'none') {
        const entries = unionOf(buried());
        const answers = [...readings.values()].filter(({ kind }) => kind === 'none').length;
        // What two who may deny have to bury may bury what the asker holds itself.
        settle(entries.length > 0 ? { kind: 'entries', entries, answers } : { kind: 'none' });
        return;
      }
      // One that may not say what there is, because it was away itself perhaps, is not in such a hurry.
      const informed = [...readings.values()].some((one) => one.kind === 'entries' && one.settled);
      const alone =
        informed &&
        single === 'waited' &&
        rechecking !== 'now' &&
        unasked.length === 0 &&
        [...pending.keys()].every((id) => late.has(id));
      if (verdict === 'entries' || alone) {
        settleEntries(verdict === 'entries');
        return;
      }
      if (pending.size > 0) return;
      if (unasked.length > 0) {
        askNext();
        return;
      }
      // All were asked. One answer, and the others did not come or may not say:
      if (positive().length > 0) {
        settleEntries(false);
        return;
      }
      tasks.run('query', again);
    };

    // After a moment in which this process did nothing else, timers come before what lies in the socket: that is read first.
    const haveWaited = (): void => {
      timers.push(
        clock.setTimer(READ_FIRST_MS, () => {
          single = 'waited';
          judge();
        }),
      );
    };

    const askNext = (): void => {
      const peer = unasked.shift();
      if (peer === undefined || settled) return;
      pending.set(peer.id, peer);
      late.delete(peer.id);
      const hedge = clock.setTimer(health.hedgeMs(peer.id), () => {
        if (pending.get(peer.id) !== peer) return;
        if (!deps.isSelf(peer.id)) health.missed(peer.id);
        late.add(peer.id);
        recheck();
        if (unasked.length > 0) deps.onHedge();
        askNext();
        judge();
      });
      timers.push(hedge);
      tasks.run('query', async () => {
        const outcome = await ask(peer, { type: 'query', key });
        hedge.cancel();
        const superseded = pending.get(peer.id) !== peer;
        if (!superseded) pending.delete(peer.id);
        if (settled || (superseded && !outcome.ok)) return;
        const reading = readingOf(peer.id, outcome);
        readings.set(peer.id, reading);
        if (reading.kind !== 'lost') answered = true;
        if (outcome.ok && outcome.answer.type === 'error') hints = [...hints, ...outcome.answer.peers];
        if (reading.kind === 'entries' && single === 'none') {
          single = 'fresh';
          const floorMs = startMs + SINGLE_FLOOR_MS - clock.monoMs();
          timers.push(
            clock.setTimer(Math.max(SINGLE_MIN_MS, floorMs), haveWaited),
            clock.setTimer(SINGLE_AFTER_MS, () => settleEntries(false)),
          );
        }
        // Who can't say, or can't say all, is replaced at once; who did is counted.
        if (reading.kind !== 'none' && !(reading.kind === 'entries' && reading.settled)) askNext();
        judge();
      });
    };

    /** Once, when somebody is late: an old list of members must not make one answer of several. */
    const recheck = (): void => {
      if (rechecking !== 'not yet') return;
      rechecking = 'now';
      tasks.run('query', async () => {
        const found = await locator.recheck(key);
        rechecking = 'done';
        if (settled) return;
        if (moved(target, found)) {
          roundTrips += 1;
          begin(found);
        } else judge();
      });
    };

    /** Another round: whoever denied and sees the ring as we do was heard; the rest is asked again, of those it is now. */
    const again = async (): Promise<void> => {
      await tasks.sleep(Math.min(jittered(random, backoffMs), Math.max(1, endMs - clock.monoMs())));
      backoffMs = Math.min(BACKOFF_MAX_MS, 2 * backoffMs);
      const asked = hints;
      hints = [];
      const found = await locator.relocate(key, asked, Math.max(1, endMs - clock.monoMs()));
      if (settled) return;
      roundTrips += found.roundTrips;
      begin(found.replicas.length > 0 ? found.replicas : target);
    };

    const isAsked = (peer: Peer): boolean => {
      const asked = pending.get(peer.id);
      return asked !== undefined && sameLife(asked, peer);
    };
    const isTarget = (id: Id): boolean => target.some((peer) => peer.id === id);
    const seesTarget = (view: readonly Id[]): boolean =>
      view.length === target.length && view.every(isTarget);

    const begin = (replicas: readonly Peer[]): void => {
      target = replicas;
      if (target.length === 0) {
        settle({ kind: 'unavailable', detail: 'no replicas known' });
        return;
      }
      if (target.some(({ id }) => !deps.isSelf(id))) roundTrips += 1;
      for (const [id, { kind }] of readings) if (kind === 'lost' || kind === 'mute') readings.delete(id);
      // A denial by who is no replica any more, or sees others than we, is none; what was signed stays good.
      for (const [id, reading] of readings)
        if (reading.kind === 'none' && !(isTarget(id) && seesTarget(reading.view))) readings.delete(id);
      unasked = health
        .inReadOrder(target, deps.isSelf)
        .filter((peer) => !readings.has(peer.id) && !isAsked(peer));
      // Who missed its time lately is asked beside two others, not instead of one of them.
      for (let asked = 0; asked < AT_ONCE && unasked[0] !== undefined; ) {
        if (!health.suspect(unasked[0].id)) asked += 1;
        askNext();
      }
      judge();
    };

    timers.push(clock.setTimer(deadlineMs, giveUp));
    forget = tasks.onStop(() => settle({ kind: 'unavailable', detail: 'stopping' }));
    const believed = locator.believed(key);
    if (believed.length > 0) {
      begin(believed);
      return;
    }
    tasks.run('query', async () => {
      const found = await locator.relocate(key, [], deadlineMs);
      roundTrips += found.roundTrips;
      if (!settled) begin(found.replicas);
    });
  });
};
