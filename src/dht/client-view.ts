// What a non-member knows of the ring: a bounded table of members, learned from their answers, renewed when used.
import type { Id } from '../record/id.ts';
import { BoundedMap } from '../runtime/bounded-map.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import { type Random, shuffled } from '../runtime/random.ts';
import type { Ask } from './courier.ts';
import { firstAnswer, type Question } from './first-answer.ts';
import { lookup } from './lookup.ts';
import type { PeerHealth } from './peer-health.ts';
import { hostsFrom } from './range.ts';
import type { Tasks } from './tasks.ts';
import type { FindOutcome, Peer, Rpc } from './types.ts';
import type { Locator } from './write.ts';

export interface ClientViewDeps {
  readonly ask: Ask;
  readonly rpc: Pick<Rpc, 'call'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly tasks: Tasks;
  readonly health: PeerHealth;
  /** Addresses to begin with, and to come back to when nobody else is left. Never rejects. */
  seeds(): Promise<readonly Endpoint[]>;
}

export interface ClientViewOptions {
  readonly replicas: number;
}

const PEERS_MAX = 256;
/** A view of the whole of a small ring is used without asking for so long; `not-mine` corrects it at any time. */
const FRESH_MS = 15_000;
/** Somebody in it is late: it is looked at anew, but not more often than this. */
const DOUBTED_MS = 1000;
/** Of those known so many are asked for the ring, one after the other, before the seeds are. */
const ASKED_MAX = 8;
const ATTEMPTS = 2;
/** Half the Internet answers within. */
const SEED_LATE_MS = 300;

export class ClientView implements Locator {
  readonly #deps: ClientViewDeps;
  readonly #replicas: number;
  // BOUNDED: PEERS_MAX, the oldest leaves.
  readonly #peers = new BoundedMap<Id, Peer>(PEERS_MAX);
  /** All members, while the ring is small enough that everybody knows everybody; else empty. */
  #members: readonly Peer[] = [];
  #membersMs = Number.NEGATIVE_INFINITY;
  #sizeEstimate = 1;
  #refreshing: Promise<void> | undefined;

  constructor(deps: ClientViewDeps, options: ClientViewOptions) {
    this.#deps = deps;
    this.#replicas = options.replicas;
  }

  get sizeEstimate(): number {
    return this.#sizeEstimate;
  }

  get peers(): readonly Peer[] {
    return [...this.#peers.entries()].map(([, peer]) => peer);
  }

  believed(key: Id): readonly Peer[] {
    if (this.#members.length === 0) return [];
    if (!this.#fresherThan(FRESH_MS)) this.#deps.tasks.run('refresh', () => this.refresh());
    return hostsFrom(key, this.#members, this.#replicas);
  }

  async relocate(key: Id, hints: readonly Peer[], deadlineMs: number): Promise<FindOutcome> {
    for (const peer of hints) this.#learn(peer);
    this.#membersMs = Number.NEGATIVE_INFINITY;
    if (hints.length > 0) return this.find(key, deadlineMs, hints);
    await this.refresh();
    if (this.#fresherThan(FRESH_MS) && this.#members.length > 0)
      return { replicas: this.believed(key), steps: [], roundTrips: 1 };
    return this.find(key, deadlineMs);
  }

  /**
   * Nobody tells us of changes. Who is late may have gone, or have come back elsewhere: in a rolling restart that is soon
   * everybody. In a large ring nothing is believed, and what was asked for a moment ago is as good.
   */
  async recheck(key: Id): Promise<readonly Peer[]> {
    if (this.#members.length === 0) return [];
    if (!this.#fresherThan(DOUBTED_MS)) {
      this.#membersMs = Number.NEGATIVE_INFINITY;
      await this.refresh();
    }
    return this.believed(key);
  }

  /** Asks those who should know; the members of a small ring are asked as well, for the next operation. */
  async find(key: Id, deadlineMs: number, hints: readonly Peer[] = []): Promise<FindOutcome> {
    const { ask, clock, health } = this.#deps;
    await this.refresh();
    const start = hints.length > 0 ? hints : this.#answering();
    const deps = { ask, clock, health, sizeEstimate: this.#sizeEstimate };
    const found = await lookup(deps, key, start, deadlineMs);
    for (const peer of found.replicas) this.#learn(peer);
    return found;
  }

  /** Asks one member for its surroundings; the seeds when nobody known answers. Once at a time. Never rejects. */
  refresh(): Promise<void> {
    if (this.#fresherThan(FRESH_MS)) return Promise.resolve();
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Everybody known, without those who missed their time lately, if others are left. */
  #answering(): readonly Peer[] {
    const { health } = this.#deps;
    const answering = this.peers.filter(({ id }) => !health.suspect(id));
    return answering.length > 0 ? answering : this.peers;
  }

  #fresherThan(ms: number): boolean {
    return this.#deps.clock.monoMs() - this.#membersMs <= ms;
  }

  #learn(peer: Peer): void {
    const known = this.#peers.get(peer.id);
    if (known !== undefined && known.bootSequence > peer.bootSequence) return;
    this.#peers.set(peer.id, peer);
    // That it was late it was in its former life.
    if (known !== undefined && known.bootSequence < peer.bootSequence) this.#deps.health.returned(peer.id);
  }

  async #refresh(): Promise<void> {
    const { random, health } = this.#deps;
    const peers = shuffled(random, this.#answering())
      .slice(0, ASKED_MAX)
      .map(
        (peer): Question => ({
          lateMs: health.hedgeMs(peer.id),
          late: () => health.missed(peer.id),
          ask: () => this.#askPeer(peer),
        }),
      );
    if (await firstAnswer(this.#deps, peers)) return;
    const seeds = await this.#deps.seeds();
    await firstAnswer(
      this.#deps,
      seeds.map((seed): Question => ({ lateMs: SEED_LATE_MS, ask: () => this.#askSeed(seed) })),
    );
  }

  async #askPeer(peer: Peer): Promise<boolean> {
    const { ask, clock } = this.#deps;
    const askedMs = clock.monoMs();
    const outcome = await ask(peer, { type: 'neighbours' }, { attempts: ATTEMPTS });
    if (outcome.ok) return this.#take(outcome, askedMs);
    // Where nobody answered it may be our own line: then all that we know of is still worth asking.
    if (this.#membersMs > askedMs && this.#peers.get(peer.id) === peer) this.#peers.delete(peer.id);
    return false;
  }

  async #askSeed(seed: Endpoint): Promise<boolean> {
    const { rpc, clock } = this.#deps;
    const askedMs = clock.monoMs();
    const outcome = await rpc.call(seed, { type: 'neighbours' }, { attempts: ATTEMPTS });
    return outcome.ok && this.#take(outcome, askedMs);
  }

  #take(outcome: Extract<Awaited<ReturnType<Ask>>, { ok: true }>, askedMs: number): boolean {
    const { answer, meta } = outcome;
    if (answer.type !== 'neighbours' || answer.self === undefined) return false;
    const told = [answer.self, ...answer.successors, ...answer.predecessors];
    for (const peer of told) this.#learn(peer);
    // Another one, asked later, was faster.
    if (this.#membersMs > askedMs) return true;
    this.#sizeEstimate = Math.max(1, meta.sizeEstimate);
    this.#membersMs = this.#deps.clock.monoMs();
    // Small mode: "successors: all other members". Whoever isn't among them is none any more.
    const ids = answer.mode === 'small' ? new Set(told.map(({ id }) => id)) : undefined;
    for (const { id } of ids === undefined ? [] : this.peers)
      if (ids?.has(id) === false) this.#peers.delete(id);
    this.#members = ids === undefined ? [] : this.peers;
    return true;
  }
}
