// The rounds that keep a ring a ring: asking the neighbours, stabilise and rectify (Zave), or the exchange of memberships.
import { clockwiseFrom, type Id } from '../record/id.ts';
import { BoundedMap } from '../runtime/bounded-map.ts';
import { randomBelow } from '../runtime/random.ts';
import { filledIn } from './list-changes.ts';
import { PEERS_MAX } from './messages.ts';
import { closest } from './neighbourhood.ts';
import type { RingCore } from './ring-core.ts';
import type { RingLiveness } from './ring-liveness.ts';
import type { RingDeps } from './ring-options.ts';
import {
  adoptPredecessors,
  adoptSuccessors,
  belongsIn,
  isBetterPredecessor,
  isBetterSuccessor,
  rectify,
  skipsPredecessor,
} from './ring-state.ts';
import type { Answer, Peer, Request } from './types.ts';

type Neighbours = Extract<Answer, { type: 'neighbours' }>;

/** Full answers remembered, of neighbours and of those that were. */
const ANSWERS_MAX = 64;

/** Closer and closer successors within one round: a ring that formed at once settles in a few rounds, not in N. */
const STEPS_MAX = 8;

/** An answer to who holds an earlier one: undefined if the two do not fit together. */
const sinceThen = (earlier: Neighbours, answer: Answer): Answer | undefined => {
  if (answer.type === 'unchanged') return earlier;
  return answer.type === 'changed' ? filledIn(earlier, answer) : answer;
};

export class RingStabilise {
  readonly #core: RingCore;
  readonly #deps: RingDeps;
  readonly #live: RingLiveness;
  /** One maintenance operation at a time: what waits for an answer has its state to itself (research B.5). */
  #tail: Promise<void> = Promise.resolve();
  // BOUNDED: ANSWERS_MAX, the oldest leaves.
  readonly #answers = new BoundedMap<Id, Neighbours>(ANSWERS_MAX);
  #onIncomplete: () => void = () => undefined;

  constructor(core: RingCore, deps: RingDeps, live: RingLiveness) {
    this.#core = core;
    this.#deps = deps;
    this.#live = live;
  }

  /** Called when one that lives belongs in our lists of a large ring and isn't in them: only a round puts it there. */
  onIncomplete(listener: () => void): void {
    this.#onIncomplete = listener;
  }

  /** `peers` were named to us, or have just answered. */
  compareLists(peers: readonly Peer[]): void {
    const { self, mode, phase, neighbourhood, table, options } = this.#core;
    if (mode !== 'full' || phase !== 'joined') return;
    const room = { successors: options.successors, predecessors: options.replicas };
    const alive = peers.filter(({ id }) => table.get(id) !== undefined);
    if (alive.some(({ id }) => belongsIn(self.id, neighbourhood, id, room))) this.#onIncomplete();
  }

  /** One round, in the mode the ring is in. Never rejects for anything a peer does. */
  round(): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#core.phase !== 'joined') return;
      this.#live.hear(this.#core.takeDemoted());
      if (this.#core.mode === 'small') await this.#smallRound();
      else {
        await this.#stabilise();
        if (this.#core.mode === 'full') await this.#checkPredecessor();
        await this.#askVouchers();
      }
    });
  }

  /**
   * Asks one peer for its lists. What it says of others is hearsay and verified in the background; that it counts us among
   * its neighbours renews our lease, and if it doesn't, it is told that we are here. Undefined: no use (dead, or not joined).
   */
  async ask(peer: Peer): Promise<Neighbours | undefined> {
    const core = this.#core;
    const sentMs = this.#deps.clock.monoMs();
    const earlier = this.#earlier(peer);
    const outcome = await this.#live.call(peer, this.#question(earlier));
    if (!outcome.ok) {
      if (outcome.code === 'timeout') await this.#live.missed(peer);
      return undefined;
    }
    const { meta } = outcome;
    const answer = earlier === undefined ? outcome.answer : sinceThen(earlier, outcome.answer);
    if (answer === undefined) {
      this.#answers.delete(peer.id);
      return this.ask(peer);
    }
    if (answer.type !== 'neighbours') {
      // "not-member": another life runs at its address, or it is leaving. The ping tells which.
      await this.#live.check(peer);
      return undefined;
    }
    if (answer.self !== undefined && answer.self.id !== peer.id) {
      core.bury(peer, 'replaced');
      return undefined;
    }
    if (answer.self !== undefined && answer.self.bootSequence > peer.bootSequence)
      this.#live.hear([answer.self]);
    const lists = [...answer.predecessors, ...answer.successors];
    const recognised = lists.some((one) => this.#isUs(one));
    // Kept only with ourselves in it: then "unchanged" says that it still counts us in.
    if (recognised && core.mode === 'full') this.#answers.set(peer.id, { ...answer, gone: [] });
    else this.#answers.delete(peer.id);
    core.heard(peer.id, {
      rttMs: meta.rttMs,
      sizeEstimate: meta.sizeEstimate,
      ...(recognised ? { recognisedMs: sentMs } : {}),
    });
    this.#live.hear(lists);
    const buried = this.#live.hearGone(answer.gone, peer.id);
    if (buried || (core.mode === 'small' && !recognised)) await this.notify(peer);
    return answer;
  }

  #isUs({ id, bootSequence }: Peer): boolean {
    return id === this.#core.self.id && bootSequence === this.#core.self.bootSequence;
  }

  /** Its last full answer, if that is worth referring to: of this life of it, and it knew this life of ours. */
  #earlier(peer: Peer): Neighbours | undefined {
    const earlier = this.#core.mode === 'full' ? this.#answers.get(peer.id) : undefined;
    if (earlier?.self?.bootSequence !== peer.bootSequence) return undefined;
    const lists = [...earlier.predecessors, ...earlier.successors];
    return lists.some((one) => this.#isUs(one)) ? earlier : undefined;
  }

  #question(earlier: Neighbours | undefined): Request {
    const { mode, self } = this.#core;
    if (mode === 'small') return { type: 'neighbours' };
    const asker = { life: self.bootSequence, ...(self.vnode === 0 ? {} : { fromVnode: self.vnode }) };
    if (earlier?.self === undefined) return { type: 'neighbours', ...asker };
    const since = { bootSequence: earlier.self.bootSequence, ringVersion: earlier.ringVersion };
    return { type: 'neighbours', ...asker, since, named: true };
  }

  /** NOTIFY: "I am here", with the membership we know (small mode) or `news` of the lists around us, all if absent. True if it was taken. */
  async notify(peer: Peer, news?: readonly Peer[]): Promise<boolean> {
    const { self, neighbourhood, mode } = this.#core;
    const lists = news ?? [...neighbourhood.successors, ...neighbourhood.predecessors];
    const members = mode === 'small' ? this.#core.table.all().map((known) => known.peer) : lists;
    const unique = [...new Map(members.map((one) => [one.id, one])).values()];
    const gone = this.#core.departures.toTell(this.#deps.clock.monoMs());
    // Both lists of a ring with long ones don't fit; the nearest count.
    const told = unique.slice(0, PEERS_MAX);
    const outcome = await this.#live.call(peer, { type: 'notify', peer: self, members: told, gone });
    if (outcome.ok) return outcome.answer.type === 'ok';
    if (outcome.code === 'timeout') await this.#live.missed(peer);
    return false;
  }

  /** RECTIFY, when the operation under way is done: the notifier has been heard and vouched for. */
  rectify({ id }: Peer): Promise<void> {
    return this.#exclusive(async () => {
      const core = this.#core;
      const notifier = core.table.get(id)?.peer;
      if (core.mode !== 'full' || notifier === undefined) return;
      const head = core.neighbourhood.predecessors[0];
      // Nobody's predecessor but in the list: it has been heard itself, so it needn't come by way of all those in between.
      if (skipsPredecessor(core.self.id, core.neighbourhood, notifier.id)) this.#setPredecessor(notifier);
      // "if between(r.prdc, n, r): r.prdc := n; else if r.prdc dead: r.prdc := n"
      if (isBetterPredecessor(core.self.id, core.neighbourhood, notifier.id) || head === undefined)
        this.#setPredecessor(notifier);
      else if (head.id !== notifier.id && (await this.#live.check(head))) this.#setPredecessor(notifier);
      // The joiner's m.succ: whoever notifies us may as well be a closer successor. Only its own answer tells.
      if (isBetterSuccessor(core.self.id, core.neighbourhood, notifier.id)) await this.#adopt(notifier);
    });
  }

  // Zave's rounds ask the neighbours, which may be members of our own process: the lease needs others' word.
  async #askVouchers(): Promise<void> {
    const core = this.#core;
    const { neighbourhood } = core;
    const asked = [neighbourhood.successors[0], neighbourhood.predecessors[0]];
    const others = closest(neighbourhood).filter((peer) => !asked.includes(peer));
    await Promise.all(others.map((peer) => this.ask(peer)));
  }

  // Neighbours both ways, and one other at random: what a push missed is found here.
  async #smallRound(): Promise<void> {
    const others = this.#core.table.all();
    const random = others[randomBelow(this.#deps.random, others.length)]?.peer;
    const targets = [...closest(this.#core.neighbourhood), ...(random === undefined ? [] : [random])];
    const unique = [...new Map(targets.map((peer) => [peer.id, peer])).values()];
    await Promise.all(unique.map((peer) => this.ask(peer)));
  }

  async #stabilise(): Promise<void> {
    const core = this.#core;
    const tried = new Set<Id>();
    for (let step = 0; step < STEPS_MAX && core.mode === 'full'; step += 1) {
      // Total loss of the list: the table (our fingers) is what is left.
      const head = core.neighbourhood.successors[0] ?? core.table.after(core.self.id, 1)[0];
      if (head === undefined) return;
      const closer = tried.has(head.id) ? this.#closerSuccessor(tried) : undefined;
      if (tried.has(head.id) && closer === undefined) break;
      const candidate = closer ?? head;
      tried.add(candidate.id);
      await this.#adopt(candidate);
    }
    const head = core.neighbourhood.successors[0];
    if (head === undefined || core.mode !== 'full') return;
    // It has just said that we are its predecessor: what NOTIFY would tell it, it knows.
    if (this.#told === undefined || !this.#isUs(this.#told)) await this.notify(head, []);
  }

  /** Our successor's predecessor, or a verified member of the table, that lies before our successor. */
  #closerSuccessor(tried: ReadonlySet<Id>): Peer | undefined {
    const core = this.#core;
    const told = this.#told;
    const known = core.table.after(core.self.id, 1)[0];
    return [told, known]
      .flatMap((peer) => peer ?? [])
      .filter(({ id }) => !tried.has(id) && isBetterSuccessor(core.self.id, core.neighbourhood, id))
      .find((peer) => this.#departedLife(peer) === false);
  }
  #told: Peer | undefined;

  #departedLife(peer: Peer): boolean {
    const departed = this.#core.departures.get(peer.id);
    return departed !== undefined && departed.peer.bootSequence >= peer.bootSequence;
  }

  /** "t.succ := [p] ++ dropLast(p.succ)": only because p itself has just answered. A dead one has left the lists by then. */
  async #adopt(candidate: Peer): Promise<void> {
    const core = this.#core;
    this.#told = undefined;
    const answer = await this.ask(candidate);
    if (answer === undefined) {
      // It lives but does not answer us (a cut between the two of us): the next one in the list has to do meanwhile.
      if (core.neighbourhood.successors[0]?.id === candidate.id) this.#dropHead(candidate);
      return;
    }
    if (core.mode !== 'full') return;
    const head = answer.self ?? candidate;
    const tail = answer.successors.filter((peer) => !this.#departedLife(peer));
    const { peers, wrapped } = adoptSuccessors(core.self.id, head, tail, PEERS_MAX);
    core.setLists({ successors: peers, predecessors: core.neighbourhood.predecessors }, wrapped);
    this.#told = answer.predecessors[0];
  }

  #dropHead(head: Peer): void {
    const { successors, predecessors } = this.#core.neighbourhood;
    const rest = successors.filter(({ id }) => id !== head.id);
    if (rest.length > 0) this.#core.setLists({ successors: rest, predecessors });
  }

  // The mirror image, for the lease and for the list of `replicas` predecessors: its tail is taken of those we have heard
  // ourselves, the others are introduced meanwhile and are in it at the next round.
  async #checkPredecessor(): Promise<void> {
    const core = this.#core;
    const self = core.self.id;
    for (let step = 0; step < STEPS_MAX && core.mode === 'full'; step += 1) {
      const better = core.table.before(self, 1)[0];
      if (better !== undefined && isBetterPredecessor(self, core.neighbourhood, better.id))
        this.#setPredecessor(better);
      const head = core.neighbourhood.predecessors[0];
      if (head === undefined) return;
      const answer = await this.ask(head);
      if (answer === undefined) {
        if (core.neighbourhood.predecessors[0]?.id !== head.id) continue;
        return;
      }
      if (core.mode !== 'full') return;
      const order = clockwiseFrom(self);
      const tail = [...answer.predecessors, ...core.neighbourhood.predecessors]
        .filter(({ id }) => core.table.get(id) !== undefined && id !== head.id)
        .sort((a, b) => order(b.id, a.id));
      const predecessors = adoptPredecessors(self, answer.self ?? head, tail, PEERS_MAX);
      core.setLists({ successors: core.neighbourhood.successors, predecessors });
      return;
    }
  }

  #setPredecessor(peer: Peer): void {
    const core = this.#core;
    core.setLists(rectify(core.self.id, core.neighbourhood, peer, PEERS_MAX));
  }

  #exclusive(work: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(work);
    // The next one runs whatever became of this one; the caller hears of the failure.
    this.#tail = done.catch(() => undefined);
    return done;
  }
}
