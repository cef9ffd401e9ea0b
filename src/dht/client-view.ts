// What a non-member knows of the ring: a bounded table of members, learned from their answers, renewed when used.
import type { Id } from '../record/id.ts';
import { BoundedMap } from '../runtime/bounded-map.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import { type Random, randomBelow } from '../runtime/random.ts';
import type { Ask } from './courier.ts';
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
const SEEDS_AT_ONCE = 3;

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
    if (this.#deps.clock.monoMs() - this.#membersMs > FRESH_MS)
      this.#deps.tasks.run('refresh', () => this.refresh());
    return hostsFrom(key, this.#members, this.#replicas);
  }

  relocate(key: Id, hints: readonly Peer[], deadlineMs: number): Promise<FindOutcome> {
    for (const peer of hints) this.#learn(peer);
    this.#membersMs = Number.NEGATIVE_INFINITY;
    return this.find(key, deadlineMs, hints);
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
    if (this.#deps.clock.monoMs() - this.#membersMs <= FRESH_MS) return Promise.resolve();
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

  #learn(peer: Peer): void {
    const known = this.#peers.get(peer.id);
    if (known === undefined || known.bootSequence <= peer.bootSequence) this.#peers.set(peer.id, peer);
  }

  async #refresh(): Promise<void> {
    const { random } = this.#deps;
    const peers = [...this.#answering()];
    for (let tries = 0; tries < 2 && peers.length > 0; tries += 1) {
      const [peer] = peers.splice(randomBelow(random, peers.length), 1);
      if (peer !== undefined && (await this.#askPeer(peer))) return;
    }
    const seeds = [...(await this.#deps.seeds())];
    for (let at = 0; at < seeds.length; at += SEEDS_AT_ONCE) {
      const answered = await Promise.all(
        seeds.slice(at, at + SEEDS_AT_ONCE).map((seed) => this.#askSeed(seed)),
      );
      if (answered.some((one) => one)) return;
    }
  }

  async #askPeer(peer: Peer): Promise<boolean> {
    const outcome = await this.#deps.ask(peer, { type: 'neighbours' }, { attempts: 2 });
    if (!outcome.ok) this.#peers.delete(peer.id);
    return outcome.ok && this.#take(outcome);
  }

  async #askSeed(seed: Endpoint): Promise<boolean> {
    const outcome = await this.#deps.rpc.call(seed, { type: 'neighbours' }, { attempts: 2 });
    return outcome.ok && this.#take(outcome);
  }

  #take(outcome: Extract<Awaited<ReturnType<Ask>>, { ok: true }>): boolean {
    const { answer, meta } = outcome;
    if (answer.type !== 'neighbours' || answer.self === undefined) return false;
    const told = [answer.self, ...answer.successors, ...answer.predecessors];
    for (const peer of told) this.#learn(peer);
    this.#sizeEstimate = Math.max(1, meta.sizeEstimate);
    // Small mode: "successors: all other members".
    this.#members = answer.mode === 'small' ? [...new Map(told.map((peer) => [peer.id, peer])).values()] : [];
    this.#membersMs = this.#deps.clock.monoMs();
    return true;
  }
}
