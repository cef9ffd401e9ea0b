// One member of the ring, whole: comes in, stays in, tells others of changes, looks for lost ones, goes out.
import type { Arc, Id } from '../record/id.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import { messageOf } from '../runtime/errors.ts';
import { jittered, randomBelow } from '../runtime/random.ts';
import { closest, type Neighbourhood, type RingChange } from './neighbourhood.ts';
import { Pulse } from './pulse.ts';
import { RingBootstrap } from './ring-bootstrap.ts';
import { RingCore } from './ring-core.ts';
import { RingEvents } from './ring-events.ts';
import { RingHandlers } from './ring-handlers.ts';
import { RingLiveness } from './ring-liveness.ts';
import { registerRingMetrics } from './ring-metrics.ts';
import type { RingDeps, RingOptions } from './ring-options.ts';
import { RingPush } from './ring-push.ts';
import { RingSearch } from './ring-search.ts';
import { RingStabilise } from './ring-stabilise.ts';
import { RingTables } from './ring-tables.ts';
import { Tasks } from './tasks.ts';
import type { Answer, Peer, Request, RingView } from './types.ts';

const BACKGROUND_MAX = 256;
/** Above it repair waits for the next round: reaction at once is unstable in large rings (RFC 6940 §10, research A.4). */
const REACTIVE_MAX = 500;
const REACTION_MS = 100;
const LEASELESS_MS = 500;
/** A good part of what counts as a gap in the lease. */
const LEASE_LOOK_MS = 500;
/** Periods stretch by this with every round in which nothing changed, up to twice: large rings only. */
const STRETCH = 1.2;
const STRETCH_MAX = 2;
/** Heard within this share of a heartbeat's period: not asked this time. */
const HEARD_SHARE = 0.75;
/** Every so many heartbeats one of the further neighbours is asked; events tell of it otherwise. */
const FURTHER_EVERY = 5;
const LEAVE = { attempts: 2, timeoutMs: 400 };

export class RingMember implements RingView {
  readonly #core: RingCore;
  readonly #deps: RingDeps;
  readonly #tasks: Tasks;
  readonly #live: RingLiveness;
  readonly #search: RingSearch;
  readonly #bootstrap: RingBootstrap;
  readonly #handlers: RingHandlers;
  readonly #stabilising: Pulse;
  readonly #pushing: Pulse;
  readonly #healing: Pulse;
  readonly #periodic: readonly Pulse[];
  readonly #events: RingEvents;
  readonly #comparing: Pulse;
  #lapses = 0;
  #stretch = 1;
  #beats = 0;

  constructor(deps: RingDeps, options: RingOptions) {
    const { clock, random, log, metrics } = deps;
    const { timing } = options;
    const onError = (task: string, error: unknown): void =>
      log.error(
        { task, err: messageOf(error), stack: error instanceof Error ? error.stack : '' },
        'a ring task failed',
      );
    const core = new RingCore(deps, options);
    const tasks = new Tasks({ clock, onError }, { max: BACKGROUND_MAX });
    const live = new RingLiveness(core, deps, tasks);
    const rounds = new RingStabilise(core, deps, live);
    const push = new RingPush(core, rounds, tasks);
    const bootstrap = new RingBootstrap(core, deps, live, tasks);
    const search = new RingSearch(core, deps, { live, rounds, bootstrap });
    this.#core = core;
    this.#deps = deps;
    this.#tasks = tasks;
    this.#live = live;
    this.#bootstrap = bootstrap;
    this.#search = search;
    const pulse = (name: string, work: () => Promise<void>, nextMs: () => number): Pulse =>
      new Pulse({ clock, tasks }, name, work, nextMs);
    const flushing = pulse(
      'events',
      () => events.flush(),
      () => Infinity,
    );
    const events = new RingEvents(core, deps, { live, tasks, flushWithin: (ms) => flushing.kick(ms) });
    const tables = new RingTables(core, deps, { live, events, tasks });
    this.#events = events;
    this.#handlers = new RingHandlers(core, deps, { live, rounds, push, events, tables, tasks });
    this.#stabilising = pulse(
      'stabilise',
      () => {
        this.#stretch = Math.min(STRETCH_MAX, STRETCH * this.#stretch);
        return rounds.round();
      },
      () => this.#stabiliseMs(),
    );
    const comparing = pulse(
      'table',
      () => tables.run(),
      () => tables.nextMs(),
    );
    this.#comparing = comparing;
    this.#pushing = pulse(
      'push',
      async () => push.run(),
      () => (push.pending ? jittered(random, timing.stabiliseMs) : Infinity),
    );
    this.#healing = pulse(
      'heal',
      () => search.heal(),
      () => search.healDelayMs(),
    );
    this.#periodic = [
      this.#stabilising,
      this.#pushing,
      this.#healing,
      flushing,
      comparing,
      pulse(
        'heartbeat',
        () => this.#heartbeat(),
        () => jittered(random, this.#calm * timing.heartbeatMs, 0.25),
      ),
      pulse(
        'lease',
        async () => this.#lookAtLease(),
        () => LEASE_LOOK_MS,
      ),
      pulse(
        'finger',
        () => search.finger(),
        () => search.fingerDelayMs(),
      ),
    ];
    core.onChange((change) => this.#react(change));
    live.onDead((peer) => events.nudge(peer));
    live.onReturned((peer) => events.returned(peer));
    live.onAdopted((peer) => rounds.compareLists([peer]));
    rounds.onIncomplete(() => this.#stabilising.kick(this.#reactionMs()));
    core.onLeaseVoid(() => this.#stabilising.kick(jittered(random, REACTION_MS)));
    registerRingMetrics(core, metrics);
  }

  get self(): Peer {
    return this.#core.self;
  }
  get ready(): boolean {
    return this.#core.ready;
  }
  /** In a ring, of however few. */
  get joined(): boolean {
    return this.#core.phase === 'joined';
  }
  get mode(): 'small' | 'full' {
    return this.#core.mode;
  }
  /** The exact surroundings, for the hand-over of arcs. */
  get neighbourhood(): Neighbourhood {
    return this.#core.neighbourhood;
  }
  members(): readonly Peer[] {
    return this.#core.members();
  }
  /** Those that we were only told of, too. */
  everybody(): readonly Peer[] {
    return this.#core.everybody();
  }
  /** One life of one of them. */
  held(id: Id, bootSequence: number): Peer | undefined {
    const peer = this.#core.table.everybody.get(id);
    return peer?.bootSequence === bootSequence ? peer : undefined;
  }
  get known(): number {
    return this.#core.known;
  }
  replicaSet(key: Id): readonly Peer[] {
    return this.#core.replicaSet(key);
  }
  believed(key: Id): readonly Peer[] {
    return this.#core.believed(key);
  }
  isMine(key: Id): boolean {
    return this.#core.isMine(key);
  }
  arc(): Arc | undefined {
    return this.#core.arc();
  }
  closestPreceding(key: Id): readonly Peer[] {
    return this.#core.closestPreceding(key);
  }
  leaseValid(): boolean {
    return this.#core.leaseValid();
  }
  get leaseLapses(): number {
    return this.#core.leaseLapses;
  }
  mayDeny(key: Id): boolean {
    return this.#core.mayDeny(key);
  }
  mayAcknowledge(key: Id): boolean {
    return this.#core.mayAcknowledge(key);
  }
  sizeEstimate(): number {
    return this.#core.sizeEstimate();
  }
  /** What our answers carry: from our own surroundings alone. */
  ownSizeEstimate(): number {
    return this.#core.ownSizeEstimate();
  }

  /** Called within the step that changed the neighbourhood: no answer is given from the old state after it. */
  onChange(listener: (change: RingChange) => void): void {
    this.#core.onChange(listener);
  }

  /** Starts founding or joining and returns at once; `ready` says when it is done. The Rpc must be started. */
  async start(): Promise<void> {
    this.#tasks.run('bootstrap', async () => {
      const { initial } = this.#core.options;
      if (initial === undefined) await this.#bootstrap.run();
      else this.#core.enterSettled(initial);
      if (!this.joined || this.#tasks.stopping) return;
      for (const pulse of this.#periodic) pulse.start();
      this.#pushing.kick();
      this.#stabilising.kick(REACTION_MS);
      this.#healing.kick(this.#core.options.timing.stabiliseMs);
    });
  }

  /** The answer to a request that is the ring's own; undefined for all others. Never rejects. */
  handleRing(request: Request, from: Endpoint, proven: boolean): Promise<Answer> | undefined {
    return this.#handlers.handle(request, from, proven);
  }

  /** Is this peer, which has just spoken to us, a member? One that we had not heard of is asked, and vouched for. */
  async admits(peer: Peer): Promise<boolean> {
    return this.joined && this.#live.introduce(peer, true);
  }

  /** A look-up's timeout, or any other doubt: the peer is asked now instead of at the next round. */
  suspect(peer: Peer): void {
    this.#live.suspect(peer);
  }

  /** Better ones, as an answer named them: our table was behind. */
  learn(peers: readonly Peer[]): void {
    for (const peer of peers)
      if (this.#core.table.everybody.get(peer.id) === undefined)
        this.#tasks.tryRun('learn', () => this.#events.believe(peer));
  }

  /** Tells the neighbours (in a small ring: everybody) that we go; from then on we are no member. Under a second. */
  async leave(): Promise<void> {
    if (!this.joined) return;
    const { predecessors, successors } = this.#core.neighbourhood;
    const told = [...new Map([...successors, ...predecessors].map((peer) => [peer.id, peer])).values()];
    const peer = this.self;
    this.#core.leave();
    await Promise.all(told.map((one) => this.#live.call(one, { type: 'leave', peer }, LEAVE)));
  }

  /** Idempotent. Waits for questions under way: stop the Rpc at the same time. */
  stop(): Promise<void> {
    for (const pulse of this.#periodic) pulse.stop();
    return this.#tasks.stop();
  }

  /** The lease lasts three stabilise periods: two of them at most pass between two rounds. */
  #stabiliseMs(): number {
    const { random } = this.#deps;
    const { ready, options } = this.#core;
    // Members are known, but a neighbour has not said yet that it counts us in: nothing can be promised till it does.
    if (ready && !this.#core.leaseValid()) return jittered(random, LEASELESS_MS);
    const { stabiliseMs } = options.timing;
    return Math.min(STRETCH_MAX * stabiliseMs, jittered(random, this.#calm * stabiliseMs));
  }

  get #calm(): number {
    return this.#core.mode === 'small' ? 1 : this.#stretch;
  }

  // Whoever stood still has missed events.
  #lookAtLease(): void {
    this.#core.leaseValid();
    if (this.#core.leaseLapses === this.#lapses) return;
    this.#lapses = this.#core.leaseLapses;
    this.#comparing.kick(jittered(this.#deps.random, this.#core.options.timing.stabiliseMs));
  }

  #react(change: RingChange): void {
    const { before, after } = change;
    this.#events.changed(change);
    this.#stretch = 1;
    this.#pushing.kick(this.#core.options.timing.pushDelayMs);
    this.#healing.kick(this.#search.healDelayMs());
    const [were, are] = [closest(before), closest(after)];
    const neighboursChanged =
      were.length !== are.length ||
      were.some(({ id }, index) => id !== are[index]?.id) ||
      after.successors.length < before.successors.length;
    if (!neighboursChanged) return;
    this.#stabilising.kick(this.#reactionMs());
  }

  #reactionMs(): number {
    const { options } = this.#core;
    const meanMs = this.#core.sizeEstimate() < REACTIVE_MAX ? REACTION_MS : options.timing.stabiliseMs;
    return jittered(this.#deps.random, meanMs);
  }

  // Both neighbours, unless they were heard anyway, and one more of the exact surroundings: the ones that nobody else of us
  // would miss soon.
  async #heartbeat(): Promise<void> {
    const core = this.#core;
    core.observeClocks();
    const { predecessors, successors } = core.neighbourhood;
    const further = [...predecessors.slice(1), ...successors.slice(1)];
    const one = further[randomBelow(this.#deps.random, further.length)];
    this.#beats += 1;
    const full = core.mode === 'full';
    const asked = full && this.#beats % FURTHER_EVERY !== 0 ? undefined : one;
    const targets = [...closest(core.neighbourhood), ...(asked === undefined ? [] : [asked])];
    const sinceMs = this.#deps.clock.monoMs() - this.#calm * core.options.timing.heartbeatMs * HEARD_SHARE;
    const silent = targets.filter(({ id }) => !full || (core.table.get(id)?.heardMs ?? 0) < sinceMs);
    const unique = [...new Map(silent.map((peer) => [peer.id, peer])).values()];
    await Promise.all(unique.map((peer) => this.#live.check(peer)));
  }
}
