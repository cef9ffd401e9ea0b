// Looking further than the neighbours: lost members and other rings (partitions heal), and fingers in a large ring.
import { addPower, type Id } from '../record/id.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import { jittered, randomBelow } from '../runtime/random.ts';
import { lookup } from './lookup.ts';
import type { Departed } from './membership.ts';
import type { RingBootstrap } from './ring-bootstrap.ts';
import type { RingCore } from './ring-core.ts';
import type { RingLiveness } from './ring-liveness.ts';
import type { RingDeps } from './ring-options.ts';
import type { RingStabilise } from './ring-stabilise.ts';
import type { Peer } from './types.ts';

const LOOKUP_MS = 10_000;
/** Departed members asked in one round: more when we are too few. */
const CONTACTS = 3;
const CONTACTS_ISOLATED = 16;
/** A table entry unheard of for so long is asked, one a round. */
const STALE_MS = 60_000;
const SELDOM = 30;
/** How finely a finger's place within its interval is chosen. */
const FINGER_BITS = 16;

const pick = <T>(items: readonly T[], count: number, below: (n: number) => number): readonly T[] => {
  const rest = [...items];
  const out: T[] = [];
  while (rest.length > 0 && out.length < count) out.push(...rest.splice(below(rest.length), 1));
  return out;
};

export class RingSearch {
  readonly #core: RingCore;
  readonly #deps: RingDeps;
  readonly #live: RingLiveness;
  readonly #rounds: RingStabilise;
  readonly #bootstrap: RingBootstrap;
  /** Every seed is asked once after we came in: two rings that started side by side meet at once. */
  #crossChecked = false;
  /** In a large ring seeds are asked at their own pace, however often lost members are. */
  #seedDueMs = Number.NEGATIVE_INFINITY;

  constructor(
    core: RingCore,
    deps: RingDeps,
    parts: { live: RingLiveness; rounds: RingStabilise; bootstrap: RingBootstrap },
  ) {
    this.#core = core;
    this.#deps = deps;
    this.#live = parts.live;
    this.#rounds = parts.rounds;
    this.#bootstrap = parts.bootstrap;
  }

  /** "a node cut off is back within seconds": soon while we are too few, or somebody was lost lately; else minutes. */
  healDelayMs(): number {
    const { rejoinMs, stabiliseMs, healMinMs } = this.#core.options.timing;
    const { random } = this.#deps;
    if (this.#isolated()) return jittered(random, rejoinMs, 0.4);
    const recent = this.#lost(true);
    if (recent.length > 0) return jittered(random, this.#revisitMs(recent, stabiliseMs, healMinMs));
    return this.#seldomMs();
  }

  #seldomMs(): number {
    const { healMinMs, healMaxMs } = this.#core.options.timing;
    return healMinMs + this.#deps.random.float() * (healMaxMs - healMinMs);
  }

  async heal(): Promise<void> {
    if (this.#core.phase !== 'joined') return;
    const isolated = this.#isolated();
    const everySeed = isolated || !this.#crossChecked;
    this.#crossChecked = true;
    const below = (n: number): number => randomBelow(this.#deps.random, n);
    const recent = this.#lost(true);
    const lost = recent.length > 0 ? recent : this.#lost(false);
    const contacts = pick(lost, isolated ? CONTACTS_ISOLATED : recent.length > 0 ? CONTACTS : 1, below);
    const seeds = await this.#seedsDue(everySeed);
    await Promise.all([
      ...contacts.map(({ peer }) => this.#visit(peer)),
      ...seeds.map((seed) => this.#meet(seed)),
    ]);
  }

  async #seedsDue(every: boolean): Promise<readonly Endpoint[]> {
    const nowMs = this.#deps.clock.monoMs();
    if (!every && this.#core.mode === 'full' && nowMs < this.#seedDueMs) return [];
    this.#seedDueMs = nowMs + this.#seldomMs();
    const { others } = await this.#bootstrap.seeds();
    return every ? others : pick(others, 1, (n) => randomBelow(this.#deps.random, n));
  }

  // In a small ring every member counts. In a large one deaths are daily business: the longer ago, the rarer.
  #revisitMs(recent: readonly Departed[], minMs: number, maxMs: number): number {
    if (this.#core.mode === 'small') return minMs;
    const latestMs = Math.max(...recent.map(({ atMs }) => atMs));
    return Math.min(maxMs, Math.max(minMs, (this.#deps.clock.monoMs() - latestMs) / 2));
  }

  /** With a complete table fingers are there for the day on which it isn't. */
  fingerDelayMs(): number {
    const { complete, options } = this.#core;
    return jittered(this.#deps.random, (complete ? SELDOM : 1) * options.timing.fingerMs);
  }

  /** RFC 6940 §10.7.4.2: "a random id in the interval". And the entry that was silent longest is asked whether it lives. */
  async finger(): Promise<void> {
    const core = this.#core;
    if (core.phase !== 'joined' || core.mode !== 'full') return;
    const { random, clock } = this.#deps;
    const levels = Math.min(159, Math.ceil(Math.log2(core.sizeEstimate())) + 1);
    const power = 159 - randomBelow(random, levels);
    let target = addPower(core.self.id, power);
    for (let bit = power - 1; bit >= Math.max(0, power - FINGER_BITS); bit -= 1)
      if (random.float() < 0.5) target = addPower(target, bit);
    await this.#findFrom(target, core.closestPreceding(target));
    const stale = core.table
      .all()
      .reduce<{ peer: Peer; heardMs: number } | undefined>(
        (oldest, known) => (oldest === undefined || known.heardMs < oldest.heardMs ? known : oldest),
        undefined,
      );
    if (stale !== undefined && clock.monoMs() - stale.heardMs > STALE_MS) await this.#live.check(stale.peer);
  }

  #isolated(): boolean {
    const core = this.#core;
    return !core.ready || (core.otherSeeds && core.hosts(2) === 1);
  }

  #lost(recently: boolean): readonly Departed[] {
    return this.#core.departures.silent(this.#deps.clock.monoMs(), recently);
  }

  async #visit(peer: Peer): Promise<void> {
    if (await this.#live.introduce(peer, true)) await this.#rounds.ask(peer);
  }

  async #meet(seed: Endpoint): Promise<void> {
    if (this.#core.mode === 'full') await this.#refind(seed);
    else await this.#askAll(seed);
  }

  /** DESIGN §5, "re-find the own id through a random seed": three descriptors if its ring is ours, else the way into it. */
  async #refind(seed: Endpoint): Promise<void> {
    const core = this.#core;
    const outcome = await this.#deps.rpc.call(seed, { type: 'find', key: core.self.id }, { attempts: 2 });
    if (!outcome.ok || outcome.answer.type !== 'found') return;
    const { replicas, closest } = outcome.answer;
    this.#live.hear(replicas);
    if (replicas[0]?.id === core.self.id) return;
    await this.#findFrom(core.self.id, closest.length > 0 ? closest : replicas);
  }

  async #askAll(seed: Endpoint): Promise<void> {
    const core = this.#core;
    const outcome = await this.#deps.rpc.call(seed, { type: 'neighbours' }, { attempts: 2 });
    if (!outcome.ok || outcome.answer.type !== 'neighbours' || outcome.answer.self === undefined) return;
    const { self: peer, predecessors, successors } = outcome.answer;
    if (peer.id === core.self.id) return this.#live.hear([peer]);
    if (!(await this.#live.introduce(peer, true))) return;
    this.#live.hear([...predecessors, ...successors]);
    await this.#rounds.ask(peer);
  }

  async #findFrom(key: Id, start: readonly Peer[]): Promise<void> {
    const deps = {
      clock: this.#deps.clock,
      sizeEstimate: this.#core.sizeEstimate(),
      ask: (peer: Peer, request: Parameters<RingLiveness['call']>[1], options?: { attempts?: number }) =>
        this.#live.call(peer, request, options),
    };
    const { replicas, steps } = await lookup(deps, key, start, LOOKUP_MS);
    this.#live.hear([...replicas, ...steps.flatMap(({ peer, rttMs }) => (rttMs === undefined ? [] : peer))]);
  }
}
