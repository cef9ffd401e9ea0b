// Which of our keys we may speak for: fetches what became ours before it is denied or acknowledged here, meets the
// other half of a ring that was split, hands over before we go (DESIGN §5, Responsibility).
import type { Arc, Id } from '../record/id.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Counter } from '../runtime/metrics.ts';
import { type AntiEntropy, createAntiEntropy } from './anti-entropy.ts';
import { type ArcFetch, createArcFetch } from './arc-fetch.ts';
import { handOverAll } from './hand-over-all.ts';
import { reachOf } from './hosts.ts';
import { hostsFrom, inArc, membersFrom, narrower, segmentsOf, within } from './range.ts';
import { disagreementCounter } from './read-repair.ts';
import type { ReplicationDeps, ReplicationOptions, ReplicationTimings } from './replication-options.ts';
import type { HandOver } from './serve.ts';
import { Tasks } from './tasks.ts';
import type { Peer } from './types.ts';

export class Replication implements HandOver {
  readonly #deps: ReplicationDeps;
  readonly #replicas: number;
  readonly #timings: ReplicationTimings;
  readonly #tasks: Tasks;
  readonly #antiEntropy: AntiEntropy;
  readonly #arcFetch: ArcFetch;
  readonly #moved: (direction: 'pushed' | 'pulled', keys: number) => void;
  readonly #events: Counter;

  /** What the ring says is ours; undefined while we are not in it. */
  #arc: Arc | undefined;
  #arcSinceMs = 0;
  /** When others last gave us what is not ours by the ring. */
  #givenMs = Number.NEGATIVE_INFINITY;
  /** (h, self] is complete here; undefined before the first hand-over, and again after the lease was lost. */
  #held: Arc | undefined;
  /** Like #held, but not cut when an arc becomes another's: until it is dropped, a joiner may fetch it here. */
  #keeps: Arc | undefined;
  /** Has held all of its arc since it came: what is added from then on became ours by a death, and is held down. */
  #came = false;
  /** The nodes that our coming pushed out of replica sets know of it. */
  #announced = false;
  #leaving = false;
  #lapses = 0;
  // BOUNDED: both by the neighbourhood, successors + replicas members.
  #met = new Map<Id, number>();
  #unmet: readonly Peer[] = [];
  #changed = false;
  #wake: (() => void) | undefined;

  constructor(deps: ReplicationDeps, options: ReplicationOptions) {
    this.#deps = deps;
    this.#replicas = options.replicas;
    this.#timings = options.timings;
    const { clock, log, metrics, tally } = deps;
    const onError = (task: string, error: unknown): void =>
      log.error({ task, err: messageOf(error) }, 'a background task failed');
    this.#tasks = new Tasks({ clock, onError }, { max: 16 });
    const moved = metrics.counter('chordial_sync_keys_total', 'Keys moved to or from other replicas');
    this.#moved = (direction, keys) => {
      if (keys === 0) return;
      moved.add({ direction }, keys);
      tally.moved(direction, keys);
    };
    this.#events = metrics.counter('chordial_handover_events_total', 'Hand-overs of arcs, by what happened');
    const { ring, store, ask } = deps;
    this.#arcFetch = createArcFetch(
      {
        ring,
        store,
        ask,
        onMoved: this.#moved,
        goesOn: () => this.#arc !== undefined && !this.#tasks.stopping,
        impatient: () => this.#impatient(),
        onGaveUp: () => this.#events.add({ event: 'gave-up-on-source' }),
        around: () => this.#around(),
      },
      options.replicas,
    );
    const disagreements = disagreementCounter(metrics);
    this.#antiEntropy = createAntiEntropy(deps, this.#tasks, {
      ...options,
      onMoved: this.#moved,
      onDiffer: (keys) => {
        if (keys > 0) disagreements.add({ found: 'comparison' }, keys);
      },
      onEvent: (event) => this.#events.add({ event }),
      state: () => (this.#held === undefined || this.#leaving ? undefined : this.#arc),
      quietSinceMs: () => Math.max(this.#arcSinceMs, this.#givenMs),
      onGivenAway: () => {
        this.#keeps = this.#held;
      },
    });
  }

  start(): void {
    this.#tasks.run('hand-over', () => this.#loop());
    this.#tasks.run('anti-entropy', () => this.#antiEntropy.loop());
  }

  stop(): Promise<void> {
    const stopped = this.#tasks.stop();
    this.#wake?.();
    return stopped;
  }

  complete(key: Id): boolean {
    // A gap that the loop has not come to yet counts at once.
    if (this.#deps.ring.leaseLapses !== this.#lapses) return false;
    return this.#unmet.length === 0 && inArc(this.#held, key);
  }

  announced(key: Id): boolean {
    return this.#announced && !this.#leaving && inArc(this.#arc, key);
  }

  /** Everything this node should hold is here, and it may acknowledge. */
  get settled(): boolean {
    const arc = this.#arc;
    if (arc === undefined || this.#held === undefined || this.#unmet.length > 0) return false;
    return this.#announced && within(this.#held, arc);
  }

  /** For SYNC: is `arc` held completely here, or still kept from when it was ours? */
  holds(arc: Arc): boolean {
    return this.#keeps !== undefined && within(this.#keeps, arc);
  }

  /** One of the members that hold `key`, or may next. */
  near(key: Id): boolean {
    const self = this.#deps.ring.self.id;
    const window = hostsFrom(key, this.#deps.ring.members(), 2 * this.#replicas);
    const near = window.some(({ id }) => id === self);
    // A leaver gives its records before it goes, when they are not ours yet.
    if (near && !inArc(this.#arc, key)) this.#givenMs = this.#deps.clock.monoMs();
    return near;
  }

  /** The ring changed. Called within the ring's own step, so that nothing is said by the old state. */
  ringChanged(): void {
    const { ring, clock } = this.#deps;
    const arc = ring.ready ? ring.arc() : undefined;
    if (arc === undefined) {
      this.#arc = undefined;
      this.#forget();
    } else {
      if (arc.from !== this.#arc?.from) this.#arcSinceMs = clock.monoMs();
      this.#arc = arc;
      if (this.#held !== undefined) this.#held = narrower(this.#held, arc);
      this.#takeStock();
    }
    this.#changed = true;
    this.#wake?.();
  }

  /** Hands everything over before the ring is told that we go, and acknowledges nothing more. Best effort. */
  async leave(deadlineMs: number): Promise<void> {
    this.#leaving = true;
    const { ring, clock, store, ask } = this.#deps;
    if (this.#arc === undefined) return;
    const leaver = { self: ring.self, arc: this.#arc, around: this.#around(), replicas: this.#replicas };
    await handOverAll({ ask, store, clock, self: () => ring.self, onMoved: this.#moved }, leaver, deadlineMs);
  }

  #forget(): void {
    this.#held = undefined;
    this.#keeps = undefined;
    this.#came = false;
    this.#announced = false;
    this.#met = new Map();
    this.#unmet = [];
  }

  /** Self and the exact surroundings; in a small ring everybody. */
  #around(): readonly Peer[] {
    const { self, neighbourhood } = this.#deps.ring;
    const all = [self, ...neighbourhood.successors, ...neighbourhood.predecessors];
    return [...new Map(all.map((peer) => [peer.id, peer])).values()];
  }

  /** Who of those around us has appeared since we last looked: with or without data of its own. */
  #takeStock(): void {
    const self = this.#deps.ring.self.id;
    const others = this.#around().filter(({ id }) => id !== self);
    const met = others.filter(({ id, bootSequence }) => this.#met.get(id) === bootSequence);
    this.#met = new Map(met.map(({ id, bootSequence }) => [id, bootSequence]));
    // A node that has nothing yet fetches from everybody it needs: no meeting.
    this.#unmet = this.#held === undefined ? [] : others.filter(({ id }) => !this.#met.has(id));
  }

  async #loop(): Promise<void> {
    const { ring, log } = this.#deps;
    while (!this.#tasks.stopping) {
      this.#changed = false;
      const leased = ring.ready && ring.leaseValid();
      const lapsed = this.#lapses !== ring.leaseLapses;
      this.#lapses = ring.leaseLapses;
      // Without the lease others may have taken over meanwhile, and written without us: what we hold may be old.
      if (this.#held !== undefined && (!leased || lapsed)) {
        // Also after a join: a new neighbour has not answered yet.
        log.debug({}, 'no lease for a moment: what is held is compared before it is denied again');
        this.#events.add({ event: 'lease-lost' });
        this.#forget();
      }
      if (leased && this.#arc === undefined) this.ringChanged();
      if (leased) {
        await this.#announce();
        await this.#fetch();
        await this.#meet();
      }
      if (!this.#changed) await this.#pause();
    }
  }

  /** Until something changes or the next tick. */
  async #pause(): Promise<void> {
    if (this.#tasks.stopping) return;
    await new Promise<void>((resolve) => {
      const timer = this.#deps.clock.setTimer(this.#timings.tickMs, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#wake = undefined;
  }

  /** "acknowledges PUBLISH only once the nodes that leave the replica set know of it": those that our own arc reaches over. */
  async #announce(): Promise<void> {
    if (this.#announced) return;
    const { self } = this.#deps.ring;
    const after = membersFrom(self.id, this.#around()).filter(({ id }) => id !== self.id);
    const { members } = reachOf(self, after, this.#replicas);
    const known = await Promise.all(members.map((peer) => this.#arcFetch.knowsUs(peer)));
    if (known.every((knows) => knows) && this.#arc !== undefined) this.#announced = true;
  }

  /** Fetches what is ours by the ring and not here, nearest first, and widens #held piece by piece. */
  async #fetch(): Promise<void> {
    const { ring, clock } = this.#deps;
    const arc = this.#arc;
    if (arc === undefined || (this.#held !== undefined && within(this.#held, arc))) return;
    const first = this.#held === undefined;
    const holdDownMs = ring.mode === 'small' ? this.#timings.holdDownSmallMs : this.#timings.holdDownMs;
    if (this.#came && clock.monoMs() - this.#arcSinceMs < holdDownMs) return;
    for (const segment of segmentsOf(arc, ring.self.id, this.#around())) {
      if (this.#held !== undefined && within(this.#held, segment)) continue;
      if (!(await this.#arcFetch.segment(segment))) return;
      if (this.#arc === undefined || (this.#held === undefined && !first)) return;
      this.#held = narrower({ from: segment.from, to: arc.to }, this.#arc);
      this.#keeps = this.#held;
      if (this.#arc.from !== arc.from) break;
    }
    this.#came ||= this.#held !== undefined && this.#arc !== undefined && within(this.#held, this.#arc);
    this.#events.add({ event: first ? 'joined' : 'took-over' });
    // Whom the first fetch found here is no stranger.
    if (first) for (const { id, bootSequence } of this.#around()) this.#met.set(id, bootSequence);
    this.ringChanged();
  }

  #impatient(): boolean {
    return this.#deps.clock.monoMs() - this.#arcSinceMs > this.#timings.giveUpMs;
  }

  /**
   * "Two rings that meet merge: 'none' becomes 'retry' until every range that differed was exchanged once": whoever
   * appears near us with data of its own has it compared with ours. One that only just came has none.
   */
  async #meet(): Promise<void> {
    const arc = this.#arc;
    if (arc === undefined || this.#held === undefined || this.#unmet.length === 0) return;
    for (const peer of this.#unmet) {
      const met = await this.#arcFetch.meet(peer, arc);
      if (met || this.#impatient()) this.#met.set(peer.id, peer.bootSequence);
    }
    const before = this.#unmet.length;
    this.#takeStock();
    if (this.#unmet.length < before) this.#events.add({ event: 'met' });
  }
}
