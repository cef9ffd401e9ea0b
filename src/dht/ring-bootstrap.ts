// How a node comes into a ring: founding it, or joining it through a seed (DESIGN §5, "A node with no seeds founds a ring").
import type { Id } from '../record/id.ts';
import { type Endpoint, formatEndpoint } from '../runtime/datagram.ts';
import { jittered, randomBelow } from '../runtime/random.ts';
import { sameEndpoint } from './address.ts';
import { toMember } from './courier.ts';
import { isCredibleLife } from './membership.ts';
import { PEERS_MAX } from './messages.ts';
import type { RingCore } from './ring-core.ts';
import type { RingLiveness } from './ring-liveness.ts';
import type { RingDeps } from './ring-options.ts';
import { adoptSuccessors, NO_LISTS } from './ring-state.ts';
import type { Tasks } from './tasks.ts';
import type { Answer, Peer } from './types.ts';

type Joined = Extract<Answer, { type: 'joined' }>;

/** Members asked on the way from a seed to our predecessor: log₂N + 5 for any N there will be. */
const STEPS_MAX = 32;
const SEED_ADDRESSES_MAX = 64;
/** A seed that hears other seeds wait, too, lets the one with the lowest id found, but not for ever. */
const PATIENCE = 3;
/** While some seed is up but has no ring yet: soon. */
const WAITING_MS = 1000;
/** A JOIN waits for DNS and for pings at the other side. */
const JOIN_TIMEOUT_MS = 3000;

const PRESENCE = { attempts: 2, timeoutMs: 700 };

type Attempt =
  | { readonly kind: 'joined' }
  | { readonly kind: 'silent' }
  /** Somebody is there who is no member yet. */
  | { readonly kind: 'waiting'; readonly id: Id | undefined }
  | { readonly kind: 'ourselves' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'fatal' };

const placeOf = ({ endpoint, vnode }: { readonly endpoint: Endpoint; readonly vnode: number }): string =>
  `${formatEndpoint(endpoint)}${vnode === 0 ? '' : ` ${vnode}`}`;

interface Candidate {
  readonly endpoint: Endpoint;
  readonly vnode: number;
  /**
   * A JOIN waits long, and whoever is named may have died: all that one answer names are asked briefly at once, as the seeds
   * were, so that many dead ones are no longer in the way than one.
   */
  readonly there: Promise<boolean>;
}

export class RingBootstrap {
  readonly #core: RingCore;
  readonly #deps: RingDeps;
  readonly #live: RingLiveness;
  readonly #tasks: Tasks;

  constructor(core: RingCore, deps: RingDeps, live: RingLiveness, tasks: Tasks) {
    this.#core = core;
    this.#deps = deps;
    this.#live = live;
    this.#tasks = tasks;
  }

  /** Returns when we are in a ring, or never will be (stopping, or a fatal problem that has been told). */
  async run(): Promise<void> {
    const { foundingMs, backoffMinMs, backoffMaxMs } = this.#core.options.timing;
    const startMs = this.#deps.clock.monoMs();
    let backoffMs = backoffMinMs;
    const { through } = this.#core.options;
    while (!this.#tasks.stopping) {
      const { others, own, unresolved } = await this.seeds();
      if (others.length === 0 && unresolved.length === 0 && through === undefined)
        return this.#found('no other seeds');
      const { outcome, waiting, ourselves, absent } = await this.#tryAll(
        through === undefined ? others : [through, ...others],
      );
      if (outcome !== 'alone') return;
      const elapsedMs = this.#deps.clock.monoMs() - startMs;
      if ((own || ourselves) && through === undefined) {
        const first = waiting.every((id) => id === undefined || this.#core.self.id < id);
        if (elapsedMs >= (first ? 1 : PATIENCE) * foundingMs)
          return this.#found('the other seeds are silent');
        await this.#tasks.sleep(jittered(this.#deps.random, Math.min(WAITING_MS, foundingMs / 4)));
      } else {
        if (waiting.length > 0) backoffMs = backoffMinMs;
        // Nothing else would say why this node is not ready. As rare as the attempts.
        if (absent.length >= others.length)
          this.#deps.log.warn(
            { seeds: absent, ...(unresolved.length > 0 ? { unresolved } : {}) },
            'no seed answers',
          );
        await this.#tasks.sleep(jittered(this.#deps.random, backoffMs));
        backoffMs = Math.min(backoffMaxMs, 2 * backoffMs);
      }
    }
  }

  /** The seeds' addresses now, each once and without our own; `unresolved`: the names that have none. */
  async seeds(): Promise<{
    readonly others: readonly Endpoint[];
    readonly own: boolean;
    readonly unresolved: readonly string[];
  }> {
    const others: Endpoint[] = [];
    let own = false;
    const unresolved: string[] = [];
    for (const seed of this.#core.options.seeds) {
      const hosts = await this.#deps.resolveHost(seed.host);
      if (hosts.length === 0) unresolved.push(seed.host);
      for (const host of hosts) {
        const endpoint = { host, port: seed.port };
        if (this.#core.self.endpoints.some((ours) => sameEndpoint(ours, endpoint))) own = true;
        else if (others.length < SEED_ADDRESSES_MAX && !others.some((one) => sameEndpoint(one, endpoint)))
          others.push(endpoint);
      }
    }
    this.#core.setOtherSeeds(others.length > 0 || unresolved.length > 0);
    return { others, own, unresolved };
  }

  #found(why: string): void {
    this.#deps.log.info({ id: this.#core.self.id, why }, 'founding a ring');
    this.#core.enter('small', NO_LISTS);
  }

  async #tryAll(seeds: readonly Endpoint[]): Promise<{
    readonly outcome: 'done' | 'alone';
    readonly waiting: readonly (Id | undefined)[];
    readonly ourselves: boolean;
    /** The seeds that are not there, and why. */
    readonly absent: readonly { readonly seed: string; readonly why: string }[];
  }> {
    const waiting: (Id | undefined)[] = [];
    let ourselves = false;
    const first = randomBelow(this.#deps.random, seeds.length);
    const turned = [...seeds.slice(first), ...seeds.slice(0, first)];
    // Who is there at all: one short question each, so that silent seeds don't keep us from those that answer.
    const asked = await Promise.all(turned.map(async (seed) => ({ seed, why: await this.#absence(seed) })));
    const absent = asked.flatMap(({ seed, why }) =>
      why === undefined ? [] : [{ seed: formatEndpoint(seed), why }],
    );
    for (const { seed, why } of asked) {
      if (this.#tasks.stopping) return { outcome: 'done', waiting, ourselves, absent };
      if (why !== undefined) continue;
      const attempt = await this.#joinVia(seed);
      if (attempt.kind === 'joined' || attempt.kind === 'fatal')
        return { outcome: 'done', waiting, ourselves, absent };
      if (attempt.kind === 'waiting') waiting.push(attempt.id);
      if (attempt.kind === 'ourselves') ourselves = true;
    }
    return { outcome: 'alone', waiting, ourselves, absent };
  }

  /** Why a seed is none: undefined for one that is there. */
  async #absence(seed: Endpoint): Promise<string | undefined> {
    const outcome = await this.#deps.rpc.call(seed, { type: 'ping' }, PRESENCE);
    if (!outcome.ok) return outcome.code;
    if (outcome.answer.type === 'error') return outcome.answer.code;
    return outcome.answer.type === 'pong' && outcome.answer.id !== undefined ? undefined : 'not-member';
  }

  async #isThere(endpoint: Endpoint): Promise<boolean> {
    return (await this.#absence(endpoint)) === undefined;
  }

  async #joinVia(seed: Endpoint): Promise<Attempt> {
    const { rpc, log } = this.#deps;
    const { replicas, successors } = this.#core.options;
    // BOUNDED: by STEPS_MAX and the 8 peers of an answer.
    const visited = new Set<string>();
    let next: Candidate[] = [{ endpoint: seed, vnode: 0, there: Promise.resolve(true) }];
    for (let step = 0; step < STEPS_MAX; step += 1) {
      const to = next.shift();
      if (to === undefined || this.#tasks.stopping) break;
      const at = placeOf(to);
      if (visited.has(at)) continue;
      visited.add(at);
      if (!(await to.there)) continue;
      const peer = this.#core.self;
      const request = { type: 'join', peer, replicas, successors } as const;
      const outcome = await rpc.call(to.endpoint, toMember(to, request), { timeoutMs: JOIN_TIMEOUT_MS });
      if (!outcome.ok) continue;
      const { answer } = outcome;
      if (answer.type === 'joined') {
        if (answer.bootSequenceSeen !== undefined && answer.bootSequenceSeen >= peer.bootSequence) {
          // Whoever makes up a life that we never had is not the one to come in through.
          if (!isCredibleLife(answer.bootSequenceSeen, peer.bootSequence)) continue;
          this.#core.reincarnate(answer.bootSequenceSeen + 1);
          visited.delete(at);
          next = [to];
        } else if (await this.#enter(answer)) return { kind: 'joined' };
        continue;
      }
      if (answer.type !== 'error') continue;
      switch (answer.code) {
        case 'not-mine': {
          const closer = answer.peers.flatMap(({ endpoints: [endpoint], vnode }) =>
            endpoint === undefined || visited.has(placeOf({ endpoint, vnode }))
              ? []
              : [{ endpoint, vnode, there: this.#isThere(endpoint) }],
          );
          next = [...closer, ...next].slice(0, STEPS_MAX);
          continue;
        }
        case 'not-member':
          return this.#waiting(to.endpoint);
        case 'id-alive-elsewhere':
          this.#deps.onFatal({ code: 'id-alive-elsewhere', detail: answer.detail });
          return { kind: 'fatal' };
        default:
          log.warn({ seed: at, code: answer.code, detail: answer.detail }, 'a seed does not let us join');
          if (answer.code !== 'retry') return { kind: 'refused' };
      }
    }
    return { kind: 'silent' };
  }

  async #waiting(seed: Endpoint): Promise<Attempt> {
    const outcome = await this.#deps.rpc.call(seed, { type: 'ping' });
    const id = outcome.ok && outcome.answer.type === 'pong' ? outcome.answer.id : undefined;
    // The seed is another name of our own address (a published port, 0.0.0.0).
    return id === this.#core.self.id ? { kind: 'ourselves' } : { kind: 'waiting', id };
  }

  async #enter(answer: Joined): Promise<boolean> {
    const core = this.#core;
    const answerer = answer.predecessor;
    const self = core.self.id;
    if (answerer === undefined || answerer.id === self) return false;
    const others = [answerer, ...answer.successors].filter((peer) => peer.id !== self);
    if (answer.mode === 'small') {
      // All of them, each by its own answer; those that are dead are found so by the others, too.
      const alive = await Promise.all(others.map((peer: Peer) => this.#live.introduce(peer, true)));
      if (alive[0] !== true) return false;
      core.enter('small', NO_LISTS);
    } else {
      if (!(await this.#live.introduce(answerer, true))) return false;
      // "atomically (one answer from m): j.succ := m.succ; j.prdc := m; j is member"
      const [head, ...tail] = answer.successors.filter((peer) => peer.id !== self);
      const list = adoptSuccessors(self, head ?? answerer, tail, PEERS_MAX);
      core.enter('full', { successors: list.peers, predecessors: [answerer] });
      this.#live.hear(list.peers);
    }
    this.#deps.log.info(
      { id: self, via: answerer.id, mode: core.mode, members: core.size },
      'joined the ring',
    );
    return true;
  }
}
