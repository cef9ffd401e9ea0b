// A ring of many members in the simulator under churn and load, and its distributions: what `chordial sim` shows.
import type { QueryOutcome } from '../dht/types.ts';
import { randomBelow } from '../runtime/random.ts';
import { entryOf, keyOf } from './opaque-store.ts';
import { SIM_PORT, type SimMember, SimOverlay } from './sim-overlay.ts';
import { type Amount, SimTraffic } from './sim-traffic.ts';
import { type LookupCounts, type StudyOptions, type StudyReport, spreadOf } from './study-options.ts';

const MINUTE_MS = 60_000;
const DEADLINE_MS = 5000;
/** Ahead of what is measured: leases are earned, bindings published. */
const WARM_UP_MS = 30_000;
/** After it: the last lookups end, the last deaths are noticed. */
const SETTLE_MS = 90_000;
const SEEDS = 3;
const ROUND_TRIPS = /^chordial_lookup_round_trips_bucket\{le="([^"]+)"\} (\d+)$/gm;
const ROUND_TRIPS_SUM = /^chordial_lookup_round_trips_sum (\d+)$/m;

/** Requests and answers of lookups and publications. */
const WORK = new Set(['find', 'found', 'query', 'held', 'publish', 'published']);

type Counts = { -readonly [K in keyof LookupCounts]: number };
const noCounts = (): Counts => ({ found: 0, denied: 0, unanswered: 0 });

const note = (counts: Counts, outcome: QueryOutcome): void => {
  if (outcome.kind === 'entries') counts.found += 1;
  else if (outcome.kind === 'none') counts.denied += 1;
  else counts.unanswered += 1;
};

export type StudyProgress = (doneMs: number, ofMs: number) => void;

export class Study {
  readonly #options: StudyOptions;
  readonly #overlay: SimOverlay;
  readonly #random;
  readonly #traffic = new SimTraffic();
  // BOUNDED: all three by the options: bindings, lookups, minutes.
  readonly #acknowledged: number[] = [];
  readonly #latenciesMs: number[] = [];
  readonly #minutes: (Counts & { nodes: number })[] = [];
  #refused = 0;
  #deaths = 0;
  #joins = 0;
  /** Node-milliseconds measured so far, and when the number of nodes last changed. */
  #nodeMs = 0;
  #countedMs = 0;
  #startMs = 0;
  #endMs = 0;

  constructor(options: StudyOptions) {
    this.#options = options;
    const { seed, loss, delayMs } = options;
    this.#overlay = new SimOverlay({
      seed,
      link: { delayMs, jitterMs: delayMs, loss },
      crypto: 'fast',
      sharedMetrics: true,
    });
    this.#random = this.#overlay.world.random.fork('study');
  }

  /** Runs all of it. @throws if a node logged a fault of ours. */
  async run(onProgress: StudyProgress = () => undefined): Promise<StudyReport> {
    const { world, network, members } = this.#overlay;
    const { nodes, minutes, sessionSec } = this.#options;
    await this.#overlay.bootIdeal(nodes);
    this.#startMs = world.nowMs + WARM_UP_MS;
    this.#endMs = this.#startMs + minutes * MINUTE_MS;
    this.#publishAll();
    await this.#runTo(this.#startMs, onProgress);
    network.setTap((packet) => this.#traffic.add(packet));
    this.#countedMs = world.nowMs;
    const before = this.#roundTrips();
    if (sessionSec > 0) for (const member of [...members]) this.#planDeath(member);
    this.#planLookup();
    await this.#runTo(this.#endMs, onProgress);
    this.#countNodes();
    network.setTap(undefined);
    const after = this.#roundTrips();
    const traffic = this.#traffic.sent();
    await this.#runTo(this.#endMs + SETTLE_MS, onProgress);
    const bindings = await this.#readBack();
    if (this.#overlay.faults.length > 0) throw new Error(this.#overlay.faults[0]);
    return this.#report({ before, after, traffic: traffic.byKind, bindings });
  }

  async #runTo(untilMs: number, onProgress: StudyProgress): Promise<void> {
    const { world } = this.#overlay;
    while (world.nowMs < untilMs) {
      await world.run(Math.min(untilMs, world.nowMs + 1000));
      onProgress(world.nowMs, this.#endMs + SETTLE_MS);
    }
  }

  #anyMember(): SimMember | undefined {
    const { members } = this.#overlay;
    return members[randomBelow(this.#random, members.length)];
  }

  /** Exponential with this mean. */
  #waitMs(meanMs: number): number {
    return -meanMs * Math.log(1 - this.#random.float());
  }

  #publishAll(): void {
    const { world } = this.#overlay;
    const { bindings } = this.#options;
    for (let n = 0; n < bindings; n += 1)
      world.at(WARM_UP_MS / 3 + (n * WARM_UP_MS) / (2 * bindings), () => void this.#publish(n));
  }

  async #publish(n: number): Promise<void> {
    const outcome = await this.#anyMember()?.node.publish(
      keyOf(`user ${n}`),
      [entryOf('s', 1, `${n}`)],
      DEADLINE_MS,
    );
    if (outcome?.kind === 'stored') this.#acknowledged.push(n);
    else this.#refused += 1;
  }

  #planLookup(): void {
    const { world } = this.#overlay;
    const { lookupsPerSec } = this.#options;
    if (lookupsPerSec <= 0) return;
    const atMs = world.nowMs + this.#waitMs(1000 / lookupsPerSec);
    if (atMs >= this.#endMs) return;
    world.at(atMs, () => {
      void this.#lookup();
      this.#planLookup();
    });
  }

  /** One of the acknowledged bindings, by a member chosen at random; whoever dies meanwhile gives no answer that counts. */
  async #lookup(): Promise<void> {
    const { world } = this.#overlay;
    const n = this.#acknowledged[randomBelow(this.#random, this.#acknowledged.length)];
    const member = this.#anyMember();
    if (n === undefined || member === undefined) return;
    const fromMs = world.nowMs;
    const outcome = await member.node.query(keyOf(`user ${n}`), DEADLINE_MS);
    if (outcome.kind === 'entries') this.#latenciesMs.push(world.nowMs - fromMs);
    note(this.#minute(fromMs), outcome);
  }

  #minute(atMs: number): Counts & { nodes: number } {
    const index = Math.floor((atMs - this.#startMs) / MINUTE_MS);
    for (let n = this.#minutes.length; n <= index; n += 1)
      this.#minutes.push({ ...noCounts(), nodes: this.#overlay.members.length });
    const minute = this.#minutes[index];
    return minute ?? { ...noCounts(), nodes: 0 };
  }

  #planDeath(member: SimMember): void {
    const { world } = this.#overlay;
    const atMs = world.nowMs + this.#waitMs(1000 * this.#options.sessionSec);
    if (atMs >= this.#endMs) return;
    world.at(atMs, () => {
      this.#countNodes();
      this.#overlay.crash(member);
      this.#deaths += 1;
      void this.#replace();
    });
  }

  /** As in Chord's own measurements: one dies, another one joins. */
  async #replace(): Promise<void> {
    this.#joins += 1;
    const seeds = Array.from({ length: SEEDS }, () => this.#anyMember()).flatMap((member) =>
      member === undefined ? [] : [{ host: member.host, port: SIM_PORT }],
    );
    this.#planDeath(await this.#overlay.boot(`j${this.#joins}`, { seeds }));
  }

  #countNodes(): void {
    const { world, members } = this.#overlay;
    this.#nodeMs += members.length * (world.nowMs - this.#countedMs);
    this.#countedMs = world.nowMs;
  }

  /** Cumulative, as the metric has them: queries of at most so many round trips. */
  #roundTrips(): { readonly upTo: readonly (readonly [string, number])[]; readonly sum: number } {
    const text = this.#overlay.members[0]?.metrics.text() ?? '';
    return {
      upTo: [...text.matchAll(ROUND_TRIPS)].map(([, le = '', count]) => [le, Number(count)] as const),
      sum: Number(ROUND_TRIPS_SUM.exec(text)?.[1] ?? 0),
    };
  }

  async #readBack(): Promise<StudyReport['bindings']> {
    const counts = noCounts();
    for (const n of this.#acknowledged) {
      const member = this.#anyMember();
      if (member === undefined) break;
      note(counts, await this.#overlay.world.settle(member.node.query(keyOf(`user ${n}`), DEADLINE_MS)));
    }
    return { acknowledged: this.#acknowledged.length, refused: this.#refused, ...counts };
  }

  #stalePercent(): number {
    const { members } = this.#overlay;
    const alive = new Set(members.flatMap(({ node }) => node.self?.id ?? []));
    const known = members.flatMap(({ node }) => node.members.map(({ id }) => id));
    return known.length === 0 ? 0 : (100 * known.filter((id) => !alive.has(id)).length) / known.length;
  }

  async #served(): Promise<readonly number[]> {
    const { world, members } = this.#overlay;
    const served: number[] = [];
    for (const { node } of members) {
      const status = await world.settle(node.status());
      const work = (status?.traffic ?? []).filter(({ kind }) => kind === 'query' || kind === 'publish');
      served.push(work.reduce((sum, one) => sum + one.served, 0));
    }
    return served.sort((a, b) => a - b);
  }

  async #report(found: {
    readonly before: { readonly upTo: readonly (readonly [string, number])[]; readonly sum: number };
    readonly after: { readonly upTo: readonly (readonly [string, number])[]; readonly sum: number };
    readonly traffic: ReadonlyMap<string, Amount>;
    readonly bindings: StudyReport['bindings'];
  }): Promise<StudyReport> {
    const { world, members } = this.#overlay;
    const earlier = new Map(found.before.upTo);
    const upTo = found.after.upTo.map(([le, count]) => ({
      le: Number(le),
      count: count - (earlier.get(le) ?? 0),
    }));
    const roundTrips = upTo.flatMap(({ le, count }, index) => {
      const queries = count - (upTo[index - 1]?.count ?? 0);
      return Number.isFinite(le) ? [{ count: le, queries }] : [];
    });
    const answered = upTo.at(-1)?.count ?? 0;
    const nodeSec = this.#nodeMs / 1000;
    const byKind = [...found.traffic]
      .map(([kind, { bytes }]) => ({ kind, perNodeSec: bytes / nodeSec }))
      .sort((a, b) => b.perNodeSec - a.perNodeSec);
    const sum = (work: boolean): number =>
      byKind.reduce((total, one) => total + (WORK.has(one.kind) === work ? one.perNodeSec : 0), 0);
    const lookups = noCounts();
    for (const minute of this.#minutes) {
      lookups.found += minute.found;
      lookups.denied += minute.denied;
      lookups.unanswered += minute.unanswered;
    }
    return {
      options: this.#options,
      nodesAtEnd: members.length,
      deaths: this.#deaths,
      joins: this.#joins,
      roundTrips,
      meanRoundTrips: answered === 0 ? 0 : (found.after.sum - found.before.sum) / answered,
      latencyMs: spreadOf(this.#latenciesMs),
      lookups,
      byMinute: this.#minutes.map((minute, index) => ({ minute: index + 1, ...minute })),
      keysPerNode: members.map(({ store }) => store.counts.keys).sort((a, b) => a - b),
      servedPerNode: await this.#served(),
      bytes: { operations: sum(true), maintenance: sum(false), byKind },
      bindings: found.bindings,
      stalePercent: this.#stalePercent(),
      events: world.events,
      traceHash: world.traceHash(),
    };
  }
}
