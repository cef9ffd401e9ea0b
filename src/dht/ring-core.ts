// The state of one member of the ring and all that is read from it: membership, lists, mode, lease, responsibility.
import { type Arc, type Id, inHalfOpen } from '../record/id.ts';
import { sameEndpoint } from './address.ts';
import { Departures } from './departures.ts';
import { countHosts, hostOf, keptOf, sameHost } from './hosts.ts';
import { type LeaseClock, leaseClockAt, leaseHolds, observeClocks } from './lease.ts';
import { CANDIDATES_MAX, closestPreceding } from './lookup.ts';
import type { EndOfLife } from './membership.ts';
import { PEERS_MAX } from './messages.ts';
import { arcOf, type Neighbourhood, type RingChange, sameNeighbourhood, vouchers } from './neighbourhood.ts';
import { type Known, PeerTable } from './peer-table.ts';
import { hostsFrom } from './range.ts';
import type { RingDeps, RingOptions } from './ring-options.ts';
import { isWhole, NO_LISTS, type RingLists, renewed, replicasAmong, without } from './ring-state.ts';
import { gapEstimate, medianEstimate } from './size-estimate.ts';
import type { Peer, RingView } from './types.ts';

const TABLE_MAX = 4096;
const ESTIMATES = 10;
/** Rounds in a row in which the list came back to us: a ring is small again, not just a list short. */
const WRAPPED_ROUNDS = 2;
/** Nobody can hold us for dead in less: it takes five pings of 400 ms each without an answer. */
const LAPSE_MS = 1500;

export type Phase = 'out' | 'joined' | 'leaving';

/** Evidence that a member lives: it answered. */
export interface Heard {
  readonly rttMs?: number;
  readonly sizeEstimate?: number;
  readonly recognisedMs?: number;
}

export class RingCore implements RingView {
  readonly options: RingOptions;
  readonly table: PeerTable;
  readonly departures: Departures;
  readonly #deps: RingDeps;
  #self: Peer;
  #phase: Phase = 'out';
  #mode: 'small' | 'full' = 'small';
  #lists: RingLists = NO_LISTS;
  #wrappedRounds = 0;
  #lease: LeaseClock;
  /** When it was last seen to hold. */
  #leasedMs = Number.NEGATIVE_INFINITY;
  #leaseLapses = 0;
  #onLeaseVoid: () => void = () => undefined;
  #hood: Neighbourhood;
  #ringVersion = 0;
  #membershipVersion = 0;
  #otherSeeds: boolean;
  // BOUNDED: by the parts of this process that listen.
  readonly #listeners: ((change: RingChange) => void)[] = [];
  // BOUNDED: by the table; emptied by whoever verifies.
  #demoted: readonly Peer[] = [];

  constructor(deps: RingDeps, options: RingOptions) {
    this.#deps = deps;
    this.options = options;
    // Seconds since 1970: higher at every restart without remembering anything; JOIN corrects a clock that was set back.
    this.#self = deps.describe(Math.floor(deps.clock.wallMs() / 1000));
    this.table = new PeerTable(this.#self.id, TABLE_MAX);
    this.departures = new Departures(options.timing);
    this.#lease = leaseClockAt(deps.clock.monoMs(), deps.clock.wallMs());
    this.#hood = this.#survey();
    this.#otherSeeds = options.seeds.some(
      (seed) => !this.#self.endpoints.some((own) => sameEndpoint(own, seed)),
    );
  }

  get self(): Peer {
    return this.#self;
  }
  get phase(): Phase {
    return this.#phase;
  }
  get mode(): 'small' | 'full' {
    return this.#mode;
  }
  get neighbourhood(): Neighbourhood {
    return this.#hood;
  }
  /** Counts changes of the neighbourhood; in NEIGHBOURS answers. */
  get ringVersion(): number {
    return this.#ringVersion;
  }
  /** Counts what has to be told to others. */
  get membershipVersion(): number {
    return this.#membershipVersion;
  }
  get size(): number {
    return this.table.size + 1;
  }
  /** Processes known, ourselves included; counting ends at `max`. */
  hosts(max?: number): number {
    return countHosts(this.#self, this.table.peers(), max);
  }
  /** So many processes; below it nothing is acknowledged and nothing denied. */
  get minMembers(): number {
    if (this.options.minMembers > 0) return this.options.minMembers;
    return this.#otherSeeds ? 2 : 1;
  }
  get otherSeeds(): boolean {
    return this.#otherSeeds;
  }
  get ready(): boolean {
    const { minMembers } = this;
    return this.#phase === 'joined' && this.hosts(minMembers) >= minMembers;
  }

  onChange(listener: (change: RingChange) => void): void {
    this.#listeners.push(listener);
  }

  /** Known for certain once the seeds' names are resolved. */
  setOtherSeeds(others: boolean): void {
    this.#otherSeeds = others;
  }

  /** Called when the lease was voided: only a new round of questions brings it back. */
  onLeaseVoid(listener: () => void): void {
    this.#onLeaseVoid = listener;
  }

  // --- what changes the state: each one step, told to the listeners as one change ---

  /** Founder (nobody else) or joiner (its lists, in full mode, are those of its predecessor: "j.succ := m.succ"). */
  enter(mode: 'small' | 'full', lists: RingLists): void {
    this.#phase = 'joined';
    this.#mode = mode;
    this.#lists = this.#cut(lists);
    this.#wrappedRounds = 0;
    this.#membershipVersion += 1;
    this.#commit();
  }

  /** As one of a ring that was settled before we looked (RingOptions.initial). */
  enterSettled(members: readonly Peer[]): void {
    const { successors } = this.options;
    const { id } = this.#self;
    const others = members.filter((peer) => peer.id !== id);
    for (const peer of others) this.table.set(this.#known(peer, undefined, {}), this.#exactIds());
    if (others.length <= successors) this.enter('small', NO_LISTS);
    else this.enter('full', this.#listsOfTable());
  }

  leave(): void {
    this.#phase = 'leaving';
    this.#commit();
  }

  /** A new life of our own, because the old number is held for dead or taken. */
  reincarnate(bootSequence: number): void {
    this.#self = this.#deps.describe(bootSequence);
    this.#membershipVersion += 1;
    this.#commit();
  }

  /** A peer that has answered us itself and that its domain vouches for. */
  adopt(peer: Peer, heard: Heard): void {
    if (peer.id === this.#self.id) return;
    const before = this.table.get(peer.id);
    if (before !== undefined && before.peer.bootSequence > peer.bootSequence) return;
    const same = before?.peer.bootSequence === peer.bootSequence;
    this.table.set(this.#known(peer, same ? before : undefined, heard), this.#exactIds());
    if (same) return;
    this.departures.returned(peer.id, sameHost(peer, this.#self) ? undefined : hostOf(peer));
    this.#lists = renewed(this.#lists, peer);
    if (this.#mode === 'small') this.#membershipVersion += 1;
    this.#commit();
  }

  /** It answered: times and figures, nothing that anybody needs to be told. */
  heard(id: Id, heard: Heard): void {
    const known = this.table.get(id);
    if (known !== undefined) this.table.set(this.#known(known.peer, known, heard), this.#exactIds());
  }

  /** Dead, gone or another one now. An older life than the one we know of changes nothing. */
  bury(peer: Peer, cause: EndOfLife): void {
    const nowMs = this.#deps.clock.monoMs();
    const known = this.table.get(peer.id);
    if (known !== undefined && known.peer.bootSequence > peer.bootSequence) return;
    const listed = this.#exactIds().has(peer.id);
    this.departures.note(peer, cause, nowMs);
    if (!this.table.delete(peer.id) && !listed) return;
    this.#lists = without(this.#lists, peer.id);
    // A process is lost with the last of its members.
    const others = cause === 'silent' && [...this.table.peers()].some((one) => sameHost(one, peer));
    if (cause === 'silent' && this.#phase === 'joined' && !others)
      this.departures.lost(hostOf(peer), nowMs, this.hosts());
    if (this.#mode === 'small' || listed) this.#membershipVersion += 1;
    this.#commit();
  }

  /** Full mode: lists as stabilise or rectify left them. `wrapped`: the successor list is the whole ring. */
  setLists(lists: RingLists, wrapped?: boolean): void {
    if (this.#mode !== 'full') return;
    this.#lists = this.#cut(lists);
    if (wrapped !== undefined)
      this.#wrappedRounds =
        wrapped && lists.successors.length < this.options.successors ? this.#wrappedRounds + 1 : 0;
    const known = this.#ringVersion;
    this.#commit();
    // In a large ring only the neighbours are told, and only of changes around us.
    if (this.#ringVersion !== known) this.#membershipVersion += 1;
  }

  /** Members of the large ring's table that are not certain to be of the small one: to be asked. */
  takeDemoted(): readonly Peer[] {
    const demoted = this.#demoted;
    this.#demoted = [];
    return demoted;
  }

  // --- RingView ---

  members(): readonly Peer[] {
    const others = this.table.all().map(({ peer }) => peer);
    if (this.#mode === 'small') return [this.#self, ...others];
    const tail = this.#hood.successors.filter(({ id }) => this.table.get(id) === undefined);
    return [this.#self, ...others, ...tail];
  }

  replicaSet(key: Id): readonly Peer[] {
    if (this.#phase !== 'joined') return [];
    const { replicas, successors } = this.options;
    if (this.#mode === 'full')
      return replicasAmong(this.#self, this.#lists, key, { count: replicas, allMin: successors });
    return hostsFrom(key, this.members(), replicas);
  }

  isMine(key: Id): boolean {
    const arc = this.#hood.arc;
    return arc !== undefined && inHalfOpen(arc.from, key, arc.to);
  }

  arc(): Arc | undefined {
    return this.#hood.arc;
  }

  closestPreceding(key: Id): readonly Peer[] {
    const known = [...this.table.before(key, CANDIDATES_MAX), ...this.#hood.successors];
    return closestPreceding(this.#self.id, key, known, CANDIDATES_MAX);
  }

  leaseValid(): boolean {
    const valid = this.#leaseHolds();
    if (valid) {
      const nowMs = this.#deps.clock.monoMs();
      if (nowMs - this.#leasedMs > LAPSE_MS) this.#leaseLapses += 1;
      this.#leasedMs = nowMs;
    }
    return valid;
  }

  /**
   * How often there was time without the lease, or without this process running at all, in which the others may have
   * written without us. As the lease is looked at twice a second, a pause shows, however the lease stands after it.
   */
  get leaseLapses(): number {
    return this.#leaseLapses;
  }

  /** Others held us for dead: what they wrote meanwhile, they wrote without us, however short it was. */
  wasBuried(): void {
    this.#lease = { ...this.#lease, voidBeforeMs: this.#deps.clock.monoMs() };
    this.#leaseLapses += 1;
    this.#onLeaseVoid();
  }

  #leaseHolds(): boolean {
    if (!this.ready) return false;
    const nowMs = this.#deps.clock.monoMs();
    this.observeClocks();
    const neighbours = vouchers(this.#hood);
    if (neighbours.every((peer) => peer === undefined)) return this.hosts(2) === 1;
    return leaseHolds(
      this.#lease,
      neighbours.map((peer) => (peer === undefined ? undefined : this.table.get(peer.id)?.recognisedMs)),
      { nowMs, leaseMs: 3 * this.options.timing.stabiliseMs },
    );
  }

  observeClocks(): void {
    const { clock } = this.#deps;
    this.#lease = observeClocks(this.#lease, clock.monoMs(), clock.wallMs(), this.options.timing.clockJumpMs);
  }

  /** As far as the ring is concerned; what was handed over is the replication layer's to add (serve.ts). */
  mayDeny(key: Id): boolean {
    return this.isMine(key) && this.leaseValid() && !this.departures.massLoss(this.#deps.clock.monoMs());
  }

  mayAcknowledge(key: Id): boolean {
    return this.isMine(key) && this.leaseValid();
  }

  /** With the estimates of some peers: theirs come from gaps elsewhere. Never below what we know to be there. */
  sizeEstimate(): number {
    if (this.#mode === 'small') return this.size;
    const others = this.table
      .all()
      .sort((a, b) => b.heardMs - a.heardMs)
      .slice(0, ESTIMATES)
      .flatMap(({ sizeEstimate }) => sizeEstimate ?? []);
    return Math.max(this.size, medianEstimate(this.ownSizeEstimate(), others));
  }

  /** From our own surroundings alone: what answers carry. Medians of medians would hold on to what once was. */
  ownSizeEstimate(): number {
    if (this.#mode === 'small') return this.size;
    const chain = [...this.#hood.predecessors].reverse().concat(this.#self, this.#hood.successors);
    return Math.round(gapEstimate(chain.map(({ id }) => id)));
  }

  // --- inside ---

  #known(peer: Peer, before: Known | undefined, heard: Heard): Known {
    return {
      peer,
      heardMs: this.#deps.clock.monoMs(),
      rttMs: heard.rttMs ?? before?.rttMs,
      sizeEstimate: heard.sizeEstimate ?? before?.sizeEstimate,
      recognisedMs: heard.recognisedMs ?? before?.recognisedMs,
    };
  }

  #exactIds(): ReadonlySet<Id> {
    return new Set([...this.#hood.predecessors, ...this.#hood.successors].map(({ id }) => id));
  }

  #commit(): void {
    this.#chooseMode();
    const before = this.#hood;
    const after = this.#survey();
    this.#hood = after;
    if (sameNeighbourhood(before, after)) return;
    this.#ringVersion += 1;
    for (const listener of this.#listeners) listener({ before, after });
  }

  // Everybody knows everybody while the list of all others fits the successor list (N ≤ successors + 1); back at
  // N ≤ successors, where the list of a large ring visibly comes round, and stays that way for two rounds.
  #chooseMode(): void {
    if (this.#phase !== 'joined') return;
    const { successors } = this.options;
    if (this.#mode === 'small' && this.table.size > successors) {
      this.#mode = 'full';
      this.#wrappedRounds = 0;
      this.#lists = this.#listsOfTable();
    } else if (this.#mode === 'full' && this.#wrappedRounds >= WRAPPED_ROUNDS && this.#listsAgree()) {
      this.#mode = 'small';
      const listed = [...this.#lists.successors, ...this.#lists.predecessors];
      const ids = new Set(listed.map((peer) => peer.id));
      const strangers = this.table.all().flatMap(({ peer }) => (ids.has(peer.id) ? [] : [peer]));
      for (const peer of strangers) this.table.delete(peer.id);
      const unheard = listed.filter((peer) => this.table.get(peer.id) === undefined);
      this.#demoted = [...strangers, ...unheard];
      this.#membershipVersion += 1;
    }
  }

  /** A predecessor that the successor list (said to be the whole ring) lacks: one of the two is behind. */
  #listsAgree(): boolean {
    const ids = new Set(this.#lists.successors.map((peer) => peer.id));
    return this.#lists.predecessors.every((peer) => ids.has(peer.id));
  }

  /** As much as we keep: whole hosts, however many members each has. */
  #cut({ successors, predecessors }: RingLists): RingLists {
    const { replicas, successors: atLeast } = this.options;
    return {
      successors: keptOf(this.#self, successors, { atLeast, hosts: Math.min(replicas, atLeast) }),
      predecessors: keptOf(this.#self, predecessors, { atLeast: 0, hosts: replicas }),
    };
  }

  #listsOfTable(): RingLists {
    const { id } = this.#self;
    return this.#cut({
      successors: this.table.after(id, PEERS_MAX),
      predecessors: this.table.before(id, PEERS_MAX),
    });
  }

  #survey(): Neighbourhood {
    const { successors, replicas } = this.options;
    const small = this.#mode === 'small';
    const lists = small ? this.#listsOfTable() : this.#lists;
    const whole = small || (lists.successors.length >= successors && isWhole(lists));
    const arc = this.#phase === 'joined' ? arcOf(this.#self, lists, { replicas, whole }) : undefined;
    return { mode: this.#mode, self: this.#self, arc, ...lists };
  }
}
