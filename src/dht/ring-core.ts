// The state of one member of the ring and all that is read from it: membership, lists, mode, lease, responsibility.
import { type Arc, type Id, inHalfOpen } from '../record/id.ts';
import { sameEndpoint } from './address.ts';
import { Authority } from './authority.ts';
import { Departures } from './departures.ts';
import { countHosts, hostOf, keptOf, sameHost } from './hosts.ts';
import { CANDIDATES_MAX, closestPreceding } from './lookup.ts';
import type { EndOfLife } from './membership.ts';
import { PEERS_MAX } from './messages.ts';
import { arcOf, type Neighbourhood, type RingChange, sameNeighbourhood, vouchers } from './neighbourhood.ts';
import { believedReplicas, HEARD_MAX, type Heard, knownOf, PeerTable, TABLE_MAX } from './peer-table.ts';
import { hostsFrom } from './range.ts';
import type { RingDeps, RingOptions } from './ring-options.ts';
import { isWhole, NO_LISTS, type RingLists, renewed, replicasAmong, without } from './ring-state.ts';
import { gapEstimate, SizeEstimate } from './size-estimate.ts';
import type { Peer, RingView } from './types.ts';

/** A table that holds less of what the ring should have was cut off, whatever it was told. */
const COMPLETE_SHARE = 0.7;
/** Rounds in a row in which the list came back to us: a ring is small again, not just a list short. */
const WRAPPED_ROUNDS = 2;

export type Phase = 'out' | 'joined' | 'leaving';

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
  readonly #authority: Authority;
  #hood: Neighbourhood;
  #ringVersion = 0;
  #membershipVersion = 0;
  #otherSeeds: boolean;
  // BOUNDED: by the parts of this process that listen.
  readonly #listeners: ((change: RingChange) => void)[] = [];
  // BOUNDED: by the table; emptied by whoever verifies.
  #demoted: Peer[] = [];
  #exact: ReadonlySet<Id> = new Set();
  /** All members are in the table, or all near us in a ring that does not fit: taken over from one that had them. */
  #complete = false;
  readonly #estimate = new SizeEstimate();

  constructor(deps: RingDeps, options: RingOptions) {
    this.#deps = deps;
    this.options = options;
    // Seconds since 1970: higher at every restart without remembering anything; JOIN corrects a clock that was set back.
    this.#self = deps.describe(Math.floor(deps.clock.wallMs() / 1000));
    this.table = new PeerTable(this.#self.id, { max: TABLE_MAX, heardMax: HEARD_MAX });
    this.departures = new Departures(options.timing);
    this.#authority = new Authority(deps.clock, options.timing.clockJumpMs);
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
  /** Counts changes of the neighbourhood: who departed elsewhere is nothing that the neighbours have to be told. */
  get ringVersion(): number {
    return this.#ringVersion;
  }
  /** Counts what has to be told to others. */
  get membershipVersion(): number {
    return this.#membershipVersion;
  }
  /** Heard first-hand, ourselves included. */
  get size(): number {
    return this.table.size + 1;
  }
  /** Heard or told of, ourselves included. */
  get known(): number {
    return this.table.everybody.size + 1;
  }
  /** Says the table who holds what, or is it to be asked for? */
  get complete(): boolean {
    if (this.#mode === 'small') return true;
    return this.#complete && this.known >= COMPLETE_SHARE * Math.min(TABLE_MAX, this.#median());
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
    this.#authority.onVoid(listener);
  }

  // --- what changes the state: each one step, told to the listeners as one change ---

  /** Founder (nobody else) or joiner (its lists, in full mode, are those of its predecessor: "j.succ := m.succ"). */
  enter(mode: 'small' | 'full', lists: RingLists): void {
    this.#phase = 'joined';
    this.#mode = mode;
    this.#lists = this.#cut(lists);
    this.#complete = false;
    this.#wrappedRounds = 0;
    this.#membershipVersion += 1;
    this.#commit();
  }

  /** As one of a ring that was settled before we looked (RingOptions.initial). */
  enterSettled(members: readonly Peer[]): void {
    const { successors } = this.options;
    const { id } = this.#self;
    this.table.fill(members);
    const { everybody } = this.table;
    for (const peer of [...everybody.after(id, PEERS_MAX), ...everybody.before(id, PEERS_MAX)])
      this.table.set(knownOf(peer, undefined, {}, this.#deps.clock.monoMs()), this.#exact);
    if (everybody.size <= successors) this.enter('small', NO_LISTS);
    else this.enter('full', this.#listsOfTable());
    this.#complete = true;
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
    this.table.set(knownOf(peer, same ? before : undefined, heard, this.#deps.clock.monoMs()), this.#exact);
    if (same) return;
    this.departures.returned(peer.id, sameHost(peer, this.#self) ? undefined : hostOf(peer));
    this.#lists = renewed(this.#lists, peer);
    if (this.#mode === 'small') this.#membershipVersion += 1;
    this.#commit();
  }

  /** It answered: times and figures, nothing that anybody needs to be told. */
  heard(id: Id, heard: Heard): void {
    const known = this.table.get(id);
    if (known !== undefined)
      this.table.set(knownOf(known.peer, known, heard, this.#deps.clock.monoMs()), this.#exact);
  }

  /** One whom others vouch for as a member, and its domain for its key: a hint for look-ups. False if that is no news. */
  tell(peer: Peer): boolean {
    const departed = this.departures.get(peer.id);
    if (this.#mode === 'small' || (departed !== undefined && departed.peer.bootSequence >= peer.bootSequence))
      return false;
    return this.table.tell(peer, this.#exact);
  }

  /** One that is said to be no member any more, and that is none of our exact neighbours. */
  untell(id: Id): void {
    if (!this.#exact.has(id)) this.table.delete(id);
  }

  /** The exact neighbours' end is for our own eyes to see. */
  isExact(id: Id): boolean {
    return this.#exact.has(id);
  }

  setComplete(): void {
    this.#complete = true;
  }

  /** Dead, gone or another one now. An older life than the one we know of changes nothing. */
  bury(peer: Peer, cause: EndOfLife): void {
    const nowMs = this.#deps.clock.monoMs();
    const known = this.table.get(peer.id);
    const held = this.table.everybody.get(peer.id);
    if (held !== undefined && held.bootSequence > peer.bootSequence) return;
    const listed = this.#exact.has(peer.id);
    this.departures.note(peer, cause, nowMs);
    if (!this.table.delete(peer.id) && !listed) return;
    this.#lists = without(this.#lists, peer.id);
    // A process is lost with the last of its members, those that we were told of not counted: did they ever live?
    const others = cause === 'silent' && [...this.table.peers()].some((one) => sameHost(one, peer));
    if (cause === 'silent' && known !== undefined && this.#phase === 'joined' && !others)
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
    return this.#demoted.splice(0);
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

  /** Who holds `key` as the whole table says, told ones included; empty where the table can't say. */
  believed(key: Id): readonly Peer[] {
    const exact = this.replicaSet(key);
    if (exact.length > 0 || !this.ready || !this.complete) return exact;
    return believedReplicas(this.#self, this.table.everybody, key, this.options.replicas);
  }

  /** All that are heard or told of, ourselves included. */
  everybody(): readonly Peer[] {
    const { everybody } = this.table;
    const tail = this.#hood.successors.filter(({ id }) => everybody.get(id) === undefined);
    return [this.#self, ...everybody.peers, ...tail];
  }

  isMine(key: Id): boolean {
    const arc = this.#hood.arc;
    return arc !== undefined && inHalfOpen(arc.from, key, arc.to);
  }

  arc(): Arc | undefined {
    return this.#hood.arc;
  }

  closestPreceding(key: Id): readonly Peer[] {
    const known = [...this.table.everybody.before(key, CANDIDATES_MAX), ...this.#hood.successors];
    return closestPreceding(this.#self.id, key, known, CANDIDATES_MAX);
  }

  leaseValid(): boolean {
    return this.#authority.seen(this.#leaseHolds());
  }

  /**
   * How often there was time without the lease, or without this process running at all, in which the others may have
   * written without us. As the lease is looked at twice a second, a pause shows, however the lease stands after it.
   */
  get leaseLapses(): number {
    return this.#authority.lapses;
  }

  /** Others held us for dead: what they wrote meanwhile, they wrote without us, however short it was. */
  wasBuried(): void {
    this.#authority.void();
  }

  #leaseHolds(): boolean {
    if (!this.ready) return false;
    this.observeClocks();
    const neighbours = vouchers(this.#hood);
    if (neighbours.every((peer) => peer === undefined)) return this.hosts(2) === 1;
    return this.#authority.recognised(
      neighbours.map((peer) => (peer === undefined ? undefined : this.table.get(peer.id)?.recognisedMs)),
      3 * this.options.timing.stabiliseMs,
    );
  }

  observeClocks(): void {
    this.#authority.observeClocks();
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
    return this.complete && this.known < TABLE_MAX ? this.known : this.#median();
  }

  #median(): number {
    const value = this.#estimate.at(this.#deps.clock.monoMs(), () => ({
      own: this.ownSizeEstimate(),
      heard: this.table.all(),
    }));
    return Math.max(this.size, value);
  }

  /** From our own surroundings alone: what answers carry. Medians of medians would hold on to what once was. */
  ownSizeEstimate(): number {
    if (this.#mode === 'small') return this.size;
    const chain = [...this.#hood.predecessors].reverse().concat(this.#self, this.#hood.successors);
    return Math.round(gapEstimate(chain.map(({ id }) => id)));
  }

  // --- inside ---

  #commit(): void {
    this.#chooseMode();
    const before = this.#hood;
    const after = this.#survey();
    this.#hood = after;
    if (sameNeighbourhood(before, after)) return;
    this.#exact = new Set([...after.predecessors, ...after.successors].map(({ id }) => id));
    this.#estimate.forget();
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
      this.#complete = true;
      this.#wrappedRounds = 0;
      this.#lists = this.#listsOfTable();
    } else if (this.#mode === 'full' && this.#wrappedRounds >= WRAPPED_ROUNDS && this.#listsAgree()) {
      this.#mode = 'small';
      const listed = [...this.#lists.successors, ...this.#lists.predecessors];
      const ids = new Set(listed.map((peer) => peer.id));
      const strangers = this.table.all().flatMap(({ peer }) => (ids.has(peer.id) ? [] : [peer]));
      for (const peer of strangers) this.table.delete(peer.id);
      this.table.forgetTold();
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
