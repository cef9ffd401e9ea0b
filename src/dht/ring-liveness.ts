// Who lives: pings that name whom they mean, one indirect ping before anybody is called dead, and vouching for newcomers.
import type { Id } from '../record/id.ts';
import { isSelfCertifying } from '../record/self-certifying.ts';
import { formatEndpoint } from '../runtime/datagram.ts';
import type { Counter } from '../runtime/metrics.ts';
import { sameEndpoint } from './address.ts';
import { toMember } from './courier.ts';
import { sameHost, vnodesMax } from './hosts.ts';
import { judge } from './membership.ts';
import { isNear } from './neighbourhood.ts';
import type { Heard } from './peer-table.ts';
import type { RingCore } from './ring-core.ts';
import type { RingDeps } from './ring-options.ts';
import type { Tasks } from './tasks.ts';
import type { CallOutcome, Gone, Peer, Request } from './types.ts';

/** What a ping found out about one life of one peer. `unknown`: our own fault (stopped, too many questions under way). */
export type Life = 'alive' | 'silent' | 'left' | 'replaced' | 'unknown';

// Introductions and checks under way at once; hearsay beyond is heard again at the next exchange.
const UNDER_WAY_MAX = 64;
const ATTEMPTS = 3;
/** Between two pings: four round trips if one is known, within this. */
const WAIT_MIN_MS = 400;
const WAIT_MAX_MS = 1000;
/** The helper may be dead itself, and asks only twice: its answer is there in time or of no use. */
const PROBE = { attempts: 2, timeoutMs: 1000 };
/** A suspicion from outside (a look-up's timeout) about one that answered so lately is not followed. */
const FRESH_MS = 1000;

const sameKey = (a: Peer, b: Peer): boolean => Buffer.compare(a.publicKey, b.publicKey) === 0;
const placeOf = (peer: Peer): string => peer.endpoints.map(formatEndpoint).join(' ');

export class RingLiveness {
  readonly #core: RingCore;
  readonly #deps: RingDeps;
  readonly #tasks: Tasks;
  // BOUNDED: both by UNDER_WAY_MAX, held in `#alone`.
  readonly #checks = new Map<string, Promise<boolean>>();
  readonly #introductions = new Map<string, Promise<boolean>>();
  #onDead: (peer: Peer) => void = () => undefined;
  #onAdopted: (peer: Peer) => void = () => undefined;
  #onReturned: (peer: Peer) => void = () => undefined;
  readonly #deaths: Counter;
  readonly #refused: Counter;

  constructor(core: RingCore, deps: RingDeps, tasks: Tasks) {
    this.#core = core;
    this.#deps = deps;
    this.#tasks = tasks;
    this.#deaths = deps.metrics.counter(
      'chordial_ring_departed_total',
      'Members found dead, gone or replaced',
    );
    this.#refused = deps.metrics.counter(
      'chordial_ring_refused_total',
      'Peers whose domain does not vouch for them',
    );
  }

  /** Asks a peer at the address of our socket's family, else at its other one; what it answers counts as heard. */
  async call(
    peer: Peer,
    request: Request,
    options: { attempts?: number; timeoutMs?: number } = {},
  ): Promise<CallOutcome> {
    // Our own advertised address tells the family of our socket.
    const ipv6 = this.#core.self.endpoints[0]?.host.includes(':');
    const endpoint = peer.endpoints.find(({ host }) => host.includes(':') === ipv6) ?? peer.endpoints[0];
    if (endpoint === undefined) return { ok: false, code: 'malformed' };
    return this.#deps.rpc.call(endpoint, toMember(peer, request), options);
  }

  /** Three questions (one and two retries) whether this very life of this very peer is where it says it is. */
  async ping(peer: Peer, attempts = ATTEMPTS): Promise<Life> {
    return (await this.#hear(peer, attempts)).life;
  }

  async #hear(peer: Peer, attempts: number): Promise<{ readonly life: Life; readonly heard: Heard }> {
    const rttMs = this.#core.table.get(peer.id)?.rttMs;
    // The Rpc's own timeout backs off and stays so after a call that failed, as it must for work; a verdict must be had
    // within a few seconds, also on one that was lost and has no round trip here: a joiner waits for it, or a ring that
    // heals. An answer that comes late, but before the last wait is over, still counts.
    const timeoutMs = Math.min(WAIT_MAX_MS, Math.max(WAIT_MIN_MS, 4 * (rttMs ?? WAIT_MAX_MS)));
    const outcome = await this.call(peer, { type: 'ping' }, { attempts, timeoutMs });
    if (!outcome.ok) {
      const life = outcome.code === 'timeout' || outcome.code === 'malformed' ? 'silent' : 'unknown';
      return { life, heard: {} };
    }
    const { answer, meta } = outcome;
    if (answer.type !== 'pong' || answer.id === undefined) return { life: 'left', heard: {} };
    // Addresses are reused: by another member, or by this one's next life, which joins on its own.
    if (answer.id !== peer.id || answer.bootSequence !== peer.bootSequence)
      return { life: 'replaced', heard: {} };
    const heard = { rttMs: meta.rttMs, sizeEstimate: meta.sizeEstimate };
    this.#core.heard(peer.id, heard);
    return { life: 'alive', heard };
  }

  /** Three misses are already counted: asks once more ourselves and once through another member; true if it is dead. */
  missed(peer: Peer): Promise<boolean> {
    return this.#alone(this.#checks, peer, async () => {
      const [direct, indirect] = await Promise.all([this.ping(peer, 2), this.#indirect(peer)]);
      // Research A.4: 2.3 % of pairs transiently can't talk although a third reaches both.
      if (direct === 'silent' && indirect) return false;
      return this.#conclude(peer, direct);
    });
  }

  /** From the first miss on: true if it is dead. */
  async check(peer: Peer): Promise<boolean> {
    const life = await this.ping(peer);
    if (life === 'silent') return this.missed(peer);
    return this.#conclude(peer, life);
  }

  /** Somebody's timeout or hint: checked early, unless it answered just now. One we were told of is told of as gone. */
  suspect(peer: Peer): void {
    const { table } = this.#core;
    const known = table.get(peer.id);
    const held = known?.peer ?? table.everybody.get(peer.id);
    if (held === undefined) return;
    if (known !== undefined && this.#deps.clock.monoMs() - known.heardMs < FRESH_MS) return;
    this.#tasks.tryRun('suspect', async () => {
      const exact = this.#core.isExact(held.id);
      if ((await this.check(held)) && !exact) this.#onDead(held);
    });
  }

  /** Called for members found dead that are none of our exact neighbours. */
  onDead(listener: (peer: Peer) => void): void {
    this.#onDead = listener;
  }

  #conclude(peer: Peer, life: Life): boolean {
    if (life === 'alive' || life === 'unknown') return false;
    if (this.#core.table.get(peer.id)?.peer.bootSequence === peer.bootSequence) {
      this.#deaths.add({ cause: life });
      this.#deps.log.info({ peer: peer.id, domain: peer.domain, cause: life }, 'a member is gone');
    }
    this.#core.bury(peer, life);
    // A process that died took all its members along: those near us are asked now, each for itself.
    const { successors, predecessors } = this.#core.neighbourhood;
    const others = [...successors, ...predecessors].filter((one) => sameHost(one, peer));
    if (life === 'silent') for (const one of others) this.suspect(one);
    return true;
  }

  /** Called for those that have become members in our eyes. */
  onAdopted(listener: (peer: Peer) => void): void {
    this.#onAdopted = listener;
  }

  /** Called for those that we held for dead, and that live on in the same life. */
  onReturned(listener: (peer: Peer) => void): void {
    this.#onReturned = listener;
  }

  async #indirect(peer: Peer): Promise<boolean> {
    const { table } = this.#core;
    const [behind] = table.after(peer.id, 1);
    const drawn = table.any(this.#deps.random.float());
    const helper = drawn?.id === peer.id ? behind : drawn;
    if (helper === undefined) return false;
    const outcome = await this.call(helper, { type: 'probe', target: peer }, PROBE);
    return outcome.ok && outcome.answer.type === 'probed' && outcome.answer.alive;
  }

  /**
   * Makes a peer a member if it answers itself and its domain vouches for its key; true if it is one (now or already).
   * `firstHand`: it has just spoken to us, so what we buried may come back at once.
   */
  introduce(peer: Peer, firstHand = false): Promise<boolean> {
    const held = {
      member: this.#core.table.get(peer.id)?.peer,
      departed: this.#core.departures.get(peer.id),
    };
    const times = {
      nowMs: this.#deps.clock.monoMs(),
      revisitMs: firstHand ? 0 : this.#core.options.timing.revisitMs,
    };
    const judgement = peer.id === this.#core.self.id ? 'ignore' : judge(peer, held, times);
    // An id is made of names, and anybody may sign a descriptor of it: only the key says whose it is.
    if (judgement === 'known')
      return Promise.resolve(held.member !== undefined && sameKey(held.member, peer));
    if (judgement === 'ignore') return Promise.resolve(false);
    return this.#alone(this.#introductions, peer, async () => {
      const proven = held.member ?? held.departed?.peer;
      const isProven = proven !== undefined && sameKey(proven, peer);
      if (!isProven && (await this.vouched(peer)) !== 'yes') return false;
      const { life, heard } = await this.#hear(peer, ATTEMPTS);
      if (life === 'unknown' || this.#core.phase === 'leaving') return false;
      if (life !== 'alive') {
        this.#core.bury(peer, life);
        return false;
      }
      this.#core.adopt(peer, heard);
      this.#onAdopted(peer);
      if (held.departed?.peer.bootSequence === peer.bootSequence) this.#onReturned(peer);
      return true;
    });
  }

  /** Does the domain publish this key under this selector, and may it be a member at all (DESIGN §6)? */
  async vouched(peer: Peer): Promise<'yes' | 'no' | 'unavailable'> {
    if (isSelfCertifying(peer.domain) && !this.#core.options.selfCertified) {
      this.#refused.add();
      return 'no';
    }
    if (peer.vnode >= vnodesMax(this.#core.options.replicas)) {
      this.#refused.add();
      return 'no';
    }
    const answer = await this.#deps.keys.resolve(peer.domain, peer.selector);
    if (answer.kind === 'unavailable') return 'unavailable';
    const keys = answer.kind === 'key' ? [answer.publicKey, ...(answer.alternates ?? [])] : [];
    if (keys.some((key) => Buffer.compare(key, peer.publicKey) === 0)) return 'yes';
    this.#refused.add();
    this.#deps.log.debug(
      { peer: peer.id, domain: peer.domain, selector: peer.selector },
      'nobody vouches for this peer',
    );
    return 'no';
  }

  /** Hearsay of members: each is asked, in the background. */
  hear(peers: readonly Peer[]): void {
    for (const peer of peers) {
      if (peer.id === this.#core.self.id) this.#mirror(peer);
      else this.#tasks.tryRun('introduce', async () => void (await this.introduce(peer)));
    }
  }

  /** Hearsay of deaths by member `by`: each is checked; true if we are said to be dead ourselves. */
  hearGone(gone: readonly Gone[], by: Id): boolean {
    let ours = false;
    for (const { id, bootSequence } of gone) {
      if (id === this.#core.self.id) ours ||= bootSequence >= this.#core.self.bootSequence;
      const known = this.#core.table.get(id)?.peer;
      if (known !== undefined && known.bootSequence <= bootSequence) this.suspect(known);
    }
    // Only who is near enough to hold our keys may have written without us; nobody else's word costs us the lease.
    if (ours && isNear(this.#core.neighbourhood, by)) this.#core.wasBuried();
    return ours;
  }

  // Our own id as others know it. Twins (one domain, selector and vnode, two processes) can only both be members after a
  // partition: "the lower stops" (DESIGN §5).
  #mirror(peer: Peer): void {
    const own = this.#core.self;
    // Whoever hasn't our key is no twin of ours, whatever name and number it signs: it must not stop or rename us.
    if (!sameKey(own, peer)) return;
    const here = peer.endpoints.every((one) => own.endpoints.some((ours) => sameEndpoint(one, ours)));
    if (peer.bootSequence < own.bootSequence || (here && peer.bootSequence === own.bootSequence)) return;
    if (here) {
      this.#core.reincarnate(peer.bootSequence + 1);
      return;
    }
    this.#tasks.tryRun('twin', async () => {
      const life = await this.ping(peer);
      if (this.#core.self !== own || life === 'unknown') return;
      if (life !== 'alive') {
        this.#core.reincarnate(peer.bootSequence + 1);
        return;
      }
      // Equal ones started in the same second: any order will do that both see alike.
      if (peer.bootSequence === own.bootSequence && placeOf(peer) < placeOf(own)) return;
      this.#deps.onFatal({
        code: 'twin',
        detail: `our id ${own.id} runs at ${placeOf(peer)}, too, and has the higher boot sequence`,
      });
    });
  }

  /** One run per life of a peer at a time; those who come meanwhile get the same result. */
  #alone(running: Map<string, Promise<boolean>>, peer: Peer, work: () => Promise<boolean>): Promise<boolean> {
    const key: `${Id} ${number}` = `${peer.id} ${peer.bootSequence}`;
    const under = running.get(key);
    if (under !== undefined) return under;
    if (running.size >= UNDER_WAY_MAX) return Promise.resolve(false);
    const promise = work().finally(() => running.delete(key));
    running.set(key, promise);
    return promise;
  }
}
