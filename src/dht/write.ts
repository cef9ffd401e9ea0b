// The write path: one PUBLISH to every replica at once, stored at the quorum, the rest seen to afterwards (DESIGN §5).
import type { Id } from '../record/id.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { jittered, type Random } from '../runtime/random.ts';
import type { Ask } from './courier.ts';
import { type Ack, countedAcks, quorumOf, unionOf, unknownTo } from './quorum.ts';
import type { Tasks } from './tasks.ts';
import type { FindOutcome, Peer, PublishOutcome, Request } from './types.ts';

/** How the paths learn who holds a key: what is believed already, and what asking around says. */
export interface Locator {
  /** Without a round trip; empty if unknown. */
  believed(key: Id): readonly Peer[];
  /** Asks: `hints` are peers that a `not-mine` named. */
  relocate(key: Id, hints: readonly Peer[], deadlineMs: number): Promise<FindOutcome>;
  /** Somebody believed to hold `key` is late: who is believed to by now, after another look where nobody tells us of changes. */
  recheck(key: Id): Promise<readonly Peer[]>;
}

export const sameLife = (a: Peer, b: Peer): boolean => a.id === b.id && a.bootSequence === b.bootSequence;

/** Are there some in `found` that are not in `target`, or there with a former life, and at a former address perhaps? */
export const moved = (target: readonly Peer[], found: readonly Peer[]): boolean =>
  found.some((peer) => !target.some((one) => sameLife(one, peer)));

export interface PathDeps {
  readonly ask: Ask;
  readonly locator: Locator;
  readonly clock: Clock;
  readonly random: Random;
  readonly tasks: Tasks;
}

/** A replica that did not take part in the quorum is tried for so long after the answer; then the digests see to it. */
const AFTERWARDS_MS = 10_000;
/** A PUBLISH to whom was never asked takes two round trips, and signatures a while. */
const LATE_MS = 500;
/** So long a quorum of nodes that have just come in waits for one that was there before them. */
const PATIENCE_MS = 500;
const BACKOFF_FIRST_MS = 50;
const BACKOFF_MAX_MS = 1000;
/** New replica sets looked up within one write: a ring that changes faster is not one to promise anything on. */
const RELOCATIONS_MAX = 6;
/** After the answer a look-up for those left out still gets this long. */
const RELOCATE_MIN_MS = 1000;

/** Never rejects. Owned by `tasks`: resolves as unavailable when they stop. */
export const write = (
  deps: PathDeps,
  key: Id,
  entries: readonly Uint8Array[],
  deadlineMs: number,
): Promise<PublishOutcome> => {
  const { ask, locator, clock, random, tasks } = deps;
  const request: Request = { type: 'publish', key, entries };
  const endMs = clock.monoMs() + deadlineMs;
  // BOUNDED: all of these by the replica sets of RELOCATIONS_MAX look-ups.
  let target: readonly Peer[] = locator.believed(key);
  const acks = new Map<Id, Ack>();
  const refusals = new Map<Id, string>();
  const busy = new Map<Id, Peer>();
  let relocations = 0;
  let relocating: Promise<void> | undefined;

  return new Promise((resolve) => {
    let settled: 'stored' | 'not-stored' | undefined;
    let lingerUntilMs = 0;
    let forget = (): unknown => undefined;
    let patient = true;
    let patience: Timer | undefined;
    let late: Timer | undefined;
    const settle = (outcome: PublishOutcome): void => {
      if (settled !== undefined) return;
      settled = outcome.kind === 'stored' ? 'stored' : 'not-stored';
      lingerUntilMs = clock.monoMs() + AFTERWARDS_MS;
      deadline.cancel();
      patience?.cancel();
      late?.cancel();
      forget();
      resolve(outcome);
    };
    const unavailable = (): void =>
      settle({ kind: 'unavailable', detail: `${acks.size} of ${target.length} replicas acknowledged` });
    /** Nothing more is to be asked: time is up, or the answer was given and was not "stored". */
    const over = (): boolean =>
      tasks.stopping ||
      settled === 'not-stored' ||
      clock.monoMs() >= endMs + AFTERWARDS_MS ||
      (settled === 'stored' && (tasks.crowded || clock.monoMs() >= lingerUntilMs));

    const targetIds = (): readonly Id[] => target.map(({ id }) => id);
    const agrees = (view: readonly Id[]): boolean =>
      view.length === target.length && target.every(({ id }) => view.includes(id));

    const judge = (): void => {
      const believed = targetIds();
      const counted = countedAcks([...acks.values()], believed);
      if (counted.length > 0) {
        // Stored it is. What the answer lists should come from one who has fetched all that was there before.
        const whole = counted.some((ack) => ack.settled);
        if (whole || !patient || believed.every((id) => acks.has(id) || refusals.has(id))) {
          settle({ kind: 'stored', live: unionOf(counted.map(({ live }) => live)), acks: counted.length });
          return;
        }
        patience ??= clock.setTimer(PATIENCE_MS, judgeAsItIs);
        return;
      }
      const open = believed.filter((id) => !refusals.has(id)).length;
      const detail = refusals.values().next().value;
      if (detail !== undefined && believed.length > 0 && open < quorumOf(believed.length))
        settle({ kind: 'refused', detail });
    };

    const judgeAsItIs = (): void => {
      patient = false;
      judge();
    };

    const relocate = (hints: readonly Peer[]): Promise<void> => {
      if (relocating !== undefined) return relocating;
      if (relocations >= RELOCATIONS_MAX || over()) return Promise.resolve();
      relocations += 1;
      relocating = locator
        .relocate(key, hints, Math.max(RELOCATE_MIN_MS, endMs - clock.monoMs()))
        .then(({ replicas }) => {
          relocating = undefined;
          if (replicas.length > 0) target = replicas;
          persuadeAll();
          judge();
        });
      return relocating;
    };

    const recheck = async (): Promise<void> => {
      const found = await locator.recheck(key);
      if (settled !== undefined || !moved(target, found)) return;
      target = found;
      persuadeAll();
    };

    /** Asks one replica until it acknowledges, refuses, is none any more or not in that life, or time is up. */
    const persuade = async (peer: Peer): Promise<void> => {
      let backoffMs = BACKOFF_FIRST_MS;
      while (!over() && target.some((one) => sameLife(one, peer))) {
        const outcome = await ask(peer, request);
        if (outcome.ok && outcome.answer.type === 'published') {
          const { entries: live, replicas: view, settled: complete = true } = outcome.answer;
          acks.set(peer.id, { id: peer.id, view, live, settled: complete });
          judge();
          // Somebody counts on replicas we never asked: find them, the quorum must hold there, too.
          if (unknownTo(targetIds(), [...acks.values()]).length > 0) await relocate([peer]);
          // Not stored although all agree: others are still to answer. Where views differ, this one may come round.
          if (settled !== undefined || agrees(view)) return;
        }
        if (outcome.ok && outcome.answer.type === 'error') {
          const { code, detail, peers } = outcome.answer;
          // RFC 3261 §10.3 step 7 must hold whoever is asked: one replica that holds a higher seq decides.
          if (code === 'stale') {
            settle({ kind: 'stale' });
            return;
          }
          if (code === 'quota' || code === 'refused' || code === 'too-large' || code === 'malformed') {
            refusals.set(peer.id, `${code}: ${detail}`);
            judge();
            return;
          }
          if (code === 'not-mine' || code === 'not-member') await relocate(peers);
        }
        if (!outcome.ok) {
          if (outcome.code === 'closed') return;
          if (settled === undefined) await relocate([]);
        }
        await tasks.sleep(jittered(random, backoffMs));
        backoffMs = Math.min(BACKOFF_MAX_MS, 2 * backoffMs);
      }
    };

    const persuadeAll = (): void => {
      for (const peer of target) {
        const asked = busy.get(peer.id);
        if (asked !== undefined && sameLife(asked, peer)) continue;
        if (acks.has(peer.id) || refusals.has(peer.id)) continue;
        busy.set(peer.id, peer);
        tasks.run('publish', async () => {
          await persuade(peer);
          if (busy.get(peer.id) === peer) busy.delete(peer.id);
        });
      }
    };

    const deadline = clock.setTimer(deadlineMs, () => {
      judgeAsItIs();
      unavailable();
    });
    forget = tasks.onStop(() => settle({ kind: 'unavailable', detail: 'stopping' }));
    if (target.length > 0) {
      if (locator.recheck !== undefined) late = clock.setTimer(LATE_MS, () => tasks.run('publish', recheck));
      persuadeAll();
      return;
    }
    tasks.run('publish', async () => {
      await relocate([]);
      if (target.length === 0) settle({ kind: 'unavailable', detail: 'no replicas known' });
    });
  });
};
