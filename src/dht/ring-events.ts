// Membership events: whoever sees its immediate successor come or go tells all the ring, each member once (docs/adr/0013).
import { between, type Id } from '../record/id.ts';
import { BoundedMap } from '../runtime/bounded-map.ts';
import type { Counter } from '../runtime/metrics.ts';
import { jittered } from '../runtime/random.ts';
import { RateLimiter } from '../runtime/rate-limiter.ts';
import {
  errandsOf,
  holdMs,
  joinVersion,
  type Load,
  leaveVersion,
  messagesOf,
  subjectOf,
  versionOf,
} from './event-spread.ts';
import { isCredibleLife } from './membership.ts';
import { EVENTS_MAX } from './messages.ts';
import type { RingChange } from './neighbourhood.ts';
import { DENSE, TABLE_MAX } from './peer-table.ts';
import type { RingCore } from './ring-core.ts';
import type { RingLiveness } from './ring-liveness.ts';
import type { RingDeps } from './ring-options.ts';
import { RingReturn } from './ring-return.ts';
import type { Tasks } from './tasks.ts';
import type { Answer, EventBatch, MemberEvent, Peer, Request } from './types.ts';

/** Of so many members the last event is remembered, that it is carried on once: minutes of them at 4,096 members. */
const SEEN_MAX = 512;
/** A partition's worth; beyond it the comparison of tables has to do. */
const HELD_MAX = 2048;
const RATE_OVER_MS = 60_000;
const SEND = { attempts: 2 };
/** Of one domain's members, whoever tells of them: all its places anew at once, then one every two seconds. The rest is left to comparison. */
const NOVELTY = { perSec: 0.5, burst: 512, maxKeys: 256 };
/** So many receivers in a row that did not answer: it is we who are cut off. */
const FAILURES_MAX = 8;

interface Seen {
  readonly version: number;
  /** How far we have carried it; our own id: nowhere yet. */
  readonly until: Id;
}

export class RingEvents {
  readonly #core: RingCore;
  readonly #deps: RingDeps;
  readonly #live: RingLiveness;
  readonly #tasks: Tasks;
  readonly #flushWithin: (ms: number) => void;
  // BOUNDED: SEEN_MAX, the oldest leaves.
  readonly #seen = new BoundedMap<Id, Seen>(SEEN_MAX);
  // BOUNDED: HELD_MAX.
  #held: Load[] = [];
  // BOUNDED: maxKeys domains.
  readonly #novelty = new RateLimiter(NOVELTY);
  #rate = { perMs: 0, atMs: 0 };
  #failures = 0;
  readonly #back: RingReturn;
  readonly #counter: Counter;

  /** `flushWithin`: has `flush` called so soon. */
  constructor(
    core: RingCore,
    deps: RingDeps,
    parts: { readonly live: RingLiveness; readonly tasks: Tasks; flushWithin(ms: number): void },
  ) {
    this.#core = core;
    this.#deps = deps;
    this.#live = parts.live;
    this.#tasks = parts.tasks;
    this.#flushWithin = (ms) => parts.flushWithin(ms);
    this.#counter = deps.metrics.counter(
      'chordial_membership_events_total',
      'Membership events, by what happened',
    );
    this.#back = new RingReturn(core, deps, {
      tasks: parts.tasks,
      onReturn: () => this.#counter.add({ event: 'refuted' }),
    });
  }

  /** Answered at once; that the newcomers' domains vouch for them is looked up before anybody else is told. */
  async take({ peer, batches }: Extract<Request, { type: 'events' }>): Promise<Answer> {
    if (this.#core.phase !== 'joined') return { type: 'error', code: 'not-member', detail: '', peers: [] };
    if (!(await this.#admits(peer)))
      return { type: 'error', code: 'refused', detail: 'nobody vouches for you', peers: [] };
    const taken = this.#tasks.tryRun('events', async () => {
      for (const { until, events } of batches)
        for (const event of events) await this.#learn(event, until, peer.id);
    });
    // Whoever is told "ok" does not tell those behind us.
    return taken ? { type: 'ok' } : { type: 'error', code: 'retry', detail: 'too busy', peers: [] };
  }

  /** The origin of all events: our immediate successor is another one, or lives again. */
  changed({ before, after }: RingChange): void {
    const core = this.#core;
    if (before.mode !== 'full' || after.mode !== 'full' || core.phase !== 'joined') return;
    this.#noteNeighbours(before.successors.concat(before.predecessors));
    const was = before.successors[0];
    const is = after.successors[0];
    if (was !== undefined && was.id !== is?.id && this.#isOver(was))
      this.#originate({ kind: 'leave', id: was.id, bootSequence: was.bootSequence });
    if (is === undefined) return;
    const again = was?.id === is.id && was.bootSequence < is.bootSequence;
    if (was === undefined || again || between(core.self.id, is.id, was.id))
      this.#originate({ kind: 'join', peer: is });
  }

  /** One that a member named: taken in if its domain vouches for it and no event said that it is gone. */
  async believe(peer: Peer, alive: () => Promise<boolean> = async () => true): Promise<void> {
    const core = this.#core;
    const held = core.table.everybody.get(peer.id);
    if (peer.id === core.self.id || (held !== undefined && held.bootSequence >= peer.bootSequence)) return;
    const gone = (this.#seen.get(peer.id)?.version ?? -1) > joinVersion(peer.bootSequence);
    if (gone || (await this.#live.vouched(peer)) !== 'yes') return;
    if (await alive()) core.tell(peer);
  }

  /**
   * It fell silent, and lives on. Whoever heard that this life was over believes in no more of it, and would not hear of its
   * end: it is told, and comes back with another. Unless nobody did, because it was we who were cut off.
   */
  returned(peer: Peer): void {
    const { id, bootSequence } = peer;
    if (this.#seen.get(id)?.version !== leaveVersion(bootSequence)) return;
    if (this.#failures > FAILURES_MAX)
      this.#seen.set(id, { version: joinVersion(bootSequence), until: this.#core.self.id });
    else if (this.#core.mode === 'full') this.#tellOnly(peer, { kind: 'leave', id, bootSequence });
  }

  /** Found dead where nobody told us so: its predecessor should have, and looks now. */
  nudge({ id, bootSequence }: Peer): void {
    const [predecessor] = this.#core.table.everybody.before(id, 1);
    if (this.#core.mode === 'full' && predecessor !== undefined)
      this.#tellOnly(predecessor, { kind: 'leave', id, bootSequence });
  }

  async flush(): Promise<void> {
    const { everybody } = this.#core.table;
    const loads = this.#held;
    this.#held = [];
    if (this.#core.mode !== 'full' || this.#core.phase !== 'joined') return;
    for (const { to, batches } of errandsOf(loads, (until, from) => everybody.between(until, from))) {
      for (const message of messagesOf(batches, EVENTS_MAX)) {
        const sent = this.#tasks.tryRun('events', () => this.#send(to, message));
        // As busy as may be: the same again, from where we are.
        if (!sent) this.#holdPast(message, this.#core.self.id);
      }
    }
  }

  async #send(to: Peer, batches: readonly EventBatch[]): Promise<void> {
    const outcome = await this.#live.call(to, { type: 'events', peer: this.#core.self, batches }, SEND);
    if (outcome.ok && outcome.answer.type === 'ok') {
      this.#failures = 0;
      return;
    }
    if (!outcome.ok && outcome.code !== 'timeout') return;
    this.#failures += 1;
    this.#live.suspect(to);
    if (this.#failures > FAILURES_MAX) this.#counter.add({ event: 'dropped' });
    else this.#holdPast(batches, to.id);
  }

  /** What one receiver did not take, the next one behind it does: its branch is not lost with it. */
  #holdPast(batches: readonly EventBatch[], from: Id): void {
    for (const { until, events } of batches)
      for (const event of events) if (until !== from) this.#hold({ event, until, from }, 0);
  }

  #originate(event: MemberEvent): void {
    const core = this.#core;
    const id = subjectOf(event);
    const seen = this.#seen.get(id);
    const version = versionOf(event);
    if (
      seen !== undefined &&
      (seen.version > version || (seen.version === version && seen.until !== core.self.id))
    )
      return;
    // Once round to the subject itself, or as far back as everybody is to know us all.
    const dense = core.sizeEstimate() >= TABLE_MAX ? core.table.everybody.before(core.self.id, DENSE) : [];
    const until = dense.at(-1)?.id ?? id;
    this.#seen.set(id, { version, until });
    this.#counter.add({ event: 'originated' });
    this.#hold({ event, until, from: core.self.id });
  }

  async #learn(event: MemberEvent, until: Id, by: Id): Promise<void> {
    const core = this.#core;
    const id = subjectOf(event);
    if (id === core.self.id) {
      if (event.kind === 'join') this.#live.hear([event.peer]);
      else this.#back.said(event.bootSequence);
      return;
    }
    if (core.mode === 'small') return this.#hearsay(event, by);
    const version = versionOf(event);
    const seen = this.#seen.get(id);
    if (seen !== undefined && seen.version > version) return;
    if (seen?.version === version) {
      // Known, but it may be for us to carry it further than we did.
      const carried = seen.until !== core.self.id;
      if (until === core.self.id || (carried && !between(until, seen.until, core.self.id))) return;
      this.#seen.set(id, { version, until });
      this.#hold({ event, until, from: seen.until });
      return;
    }
    const worth = await this.#worthOf(event);
    if (worth === 'nothing' || (this.#seen.get(id)?.version ?? -1) >= version) return;
    // One event is N datagrams: not for the asking.
    const subject =
      event.kind === 'join' ? event.peer : (core.table.everybody.get(id) ?? core.departures.get(id)?.peer);
    if (!this.#novelty.take((subject ?? core.self).domain, this.#deps.clock.monoMs()))
      return this.#counter.add({ event: 'dropped' });
    this.#seen.set(id, { version, until });
    if (worth === 'news') this.#apply(event);
    if (until !== core.self.id) this.#hold({ event, until, from: core.self.id });
  }

  #apply(event: MemberEvent): void {
    const core = this.#core;
    this.#counter.add({ event: 'learned' });
    this.#count();
    if (event.kind === 'join') core.tell(event.peer);
    else if (core.isExact(event.id)) this.#doubt(event);
    else core.untell(event.id);
  }

  /**
   * News changes our table, and is true as far as can be told from here. What we knew already, because we met the newcomer or
   * found the dead one ourselves, is still to be carried to those behind us.
   */
  async #worthOf(event: MemberEvent): Promise<'news' | 'known' | 'nothing'> {
    const held = this.#core.table.everybody.get(subjectOf(event));
    if (event.kind === 'leave') {
      const { id, bootSequence } = event;
      const last = held ?? this.#core.departures.get(id)?.peer;
      if (last === undefined || last.bootSequence > bootSequence) return 'nothing';
      if (!isCredibleLife(bootSequence, last.bootSequence)) return 'nothing';
      return held === undefined ? 'known' : 'news';
    }
    const { peer } = event;
    if (held !== undefined && held.bootSequence > peer.bootSequence) return 'nothing';
    const sameKey = held !== undefined && Buffer.compare(held.publicKey, peer.publicKey) === 0;
    if (held?.bootSequence === peer.bootSequence) return sameKey ? 'known' : 'nothing';
    return sameKey || (await this.#live.vouched(peer)) === 'yes' ? 'news' : 'nothing';
  }

  #hearsay(event: MemberEvent, by: Id): void {
    if (event.kind === 'join') this.#live.hear([event.peer]);
    else this.#live.hearGone([event], by);
  }

  /** Our lists go by what we see. Whoever lives although it is said to be gone is told so, and comes back. */
  #doubt(event: Extract<MemberEvent, { kind: 'leave' }>): void {
    const peer = this.#core.table.get(event.id)?.peer;
    if (peer === undefined || peer.bootSequence > event.bootSequence) return;
    this.#tasks.tryRun('doubt', async () => {
      if (!(await this.#live.check(peer))) this.#tellOnly(peer, event);
    });
  }

  #tellOnly(to: Peer, event: MemberEvent): void {
    const request = {
      type: 'events',
      peer: this.#core.self,
      batches: [{ until: to.id, events: [event] }],
    } as const;
    this.#tasks.tryRun('events', async () => void (await this.#live.call(to, request, SEND)));
  }

  async #admits(peer: Peer): Promise<boolean> {
    const core = this.#core;
    const held = core.table.everybody.get(peer.id);
    const known = held !== undefined && Buffer.compare(held.publicKey, peer.publicKey) === 0;
    if (!known && (await this.#live.vouched(peer)) !== 'yes') return false;
    if (held?.bootSequence === peer.bootSequence) core.heard(peer.id, {});
    // Held for dead, or not heard of: it has just spoken.
    else if (!core.tell(peer)) this.#live.hear([peer]);
    return true;
  }

  // What our own eyes saw is no news when the event comes, but it is still to be carried on.
  #noteNeighbours(before: readonly Peer[]): void {
    const core = this.#core;
    const { successors, predecessors } = core.neighbourhood;
    for (const peer of before)
      if (this.#isOver(peer)) this.#noteSeen(peer.id, leaveVersion(peer.bootSequence));
    const known = new Map(before.map(({ id, bootSequence }) => [id, bootSequence]));
    for (const { id, bootSequence } of [...successors, ...predecessors])
      if (known.get(id) !== bootSequence) this.#noteSeen(id, joinVersion(bootSequence));
  }

  #noteSeen(id: Id, version: number): void {
    if ((this.#seen.get(id)?.version ?? -1) < version)
      this.#seen.set(id, { version, until: this.#core.self.id });
  }

  #isOver(peer: Peer): boolean {
    const departed = this.#core.departures.get(peer.id);
    return departed !== undefined && departed.peer.bootSequence >= peer.bootSequence;
  }

  #hold(load: Load, withinMs?: number): void {
    if (this.#held.length >= HELD_MAX) {
      this.#counter.add({ event: 'dropped' });
      return;
    }
    this.#held.push(load);
    this.#flushWithin(withinMs ?? jittered(this.#deps.random, holdMs(this.#perSec()), 0.25));
  }

  #count(): void {
    this.#rate = { perMs: this.#perSec() / 1000 + 1 / RATE_OVER_MS, atMs: this.#deps.clock.monoMs() };
  }

  #perSec(): number {
    const ageMs = this.#deps.clock.monoMs() - this.#rate.atMs;
    return 1000 * this.#rate.perMs * Math.exp(-ageMs / RATE_OVER_MS);
  }
}
