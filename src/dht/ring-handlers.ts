// What a member answers to the ring's own requests: PING, PROBE, JOIN, NOTIFY, NEIGHBOURS, LEAVE, STATUS.
import { isSelfCertifying } from '../record/self-certifying.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import { sameEndpoint } from './address.ts';
import { vnodesMax } from './hosts.ts';
import { ListChanges } from './list-changes.ts';
import { closest, speakerAmong } from './neighbourhood.ts';
import type { RingCore } from './ring-core.ts';
import type { RingEvents } from './ring-events.ts';
import type { RingLiveness } from './ring-liveness.ts';
import type { RingDeps } from './ring-options.ts';
import type { RingPush } from './ring-push.ts';
import type { RingStabilise } from './ring-stabilise.ts';
import { isJoinPoint } from './ring-state.ts';
import type { RingTables } from './ring-tables.ts';
import type { Tasks } from './tasks.ts';
import type { Answer, ErrorCode, Peer, Request } from './types.ts';

type Join = Extract<Request, { type: 'join' }>;
type Neighbours = Extract<Request, { type: 'neighbours' }>;
type Notify = Extract<Request, { type: 'notify' }>;

const error = (code: ErrorCode, detail = '', peers: readonly Peer[] = []): Answer => ({
  type: 'error',
  code,
  detail,
  peers,
});
const NOT_MEMBER = error('not-member', 'not in a ring yet');

const refusalOf = ({ domain, selector, vnode }: Peer, vnodes: number): string => {
  if (vnode >= vnodes)
    return `with its number of copies this overlay allows ${vnodes} virtual nodes a process`;
  return isSelfCertifying(domain)
    ? 'domains that are their own key may publish in this overlay, but not be members'
    : `${domain} does not publish this key as ${selector}`;
};

/** Attempts where somebody else waits for the result. */
const BRIEFLY = 2;

export class RingHandlers {
  readonly #core: RingCore;
  readonly #deps: RingDeps;
  readonly #live: RingLiveness;
  readonly #rounds: RingStabilise;
  readonly #push: RingPush;
  readonly #tasks: Tasks;
  readonly #events: RingEvents;
  readonly #tables: RingTables;
  readonly #startedMs: number;
  readonly #changes = new ListChanges();

  constructor(
    core: RingCore,
    deps: RingDeps,
    parts: {
      live: RingLiveness;
      rounds: RingStabilise;
      push: RingPush;
      events: RingEvents;
      tables: RingTables;
      tasks: Tasks;
    },
  ) {
    this.#core = core;
    this.#deps = deps;
    this.#live = parts.live;
    this.#rounds = parts.rounds;
    this.#push = parts.push;
    this.#events = parts.events;
    this.#tables = parts.tables;
    this.#tasks = parts.tasks;
    this.#startedMs = deps.clock.monoMs();
    core.onChange(({ after }) => this.#changes.note(after, core.ringVersion));
  }

  /** Undefined for requests that are not the ring's. Never rejects. */
  handle(request: Request, from: Endpoint, proven: boolean): Promise<Answer> | undefined {
    switch (request.type) {
      case 'ping':
        return Promise.resolve(this.#pong());
      case 'status':
        return Promise.resolve(this.#status());
      case 'probe':
        return this.#probe(request.target);
      case 'join':
        return this.#join(request, from);
      case 'notify':
        return this.#notify(request);
      case 'neighbours':
        if (proven) this.#heartbeat(request, from);
        return Promise.resolve(this.#neighbours(request));
      case 'leave':
        return Promise.resolve(this.#leave(request.peer));
      case 'events':
        return this.#events.take(request);
      case 'table':
        return Promise.resolve(this.#tables.serve(request));
      default:
        return undefined;
    }
  }

  /** A neighbour's question, from where it lives and in the life we know, shows that it lives as well as its pong does. */
  #heartbeat({ life, fromVnode = 0 }: Neighbours, from: Endpoint): void {
    const asker = speakerAmong(closest(this.#core.neighbourhood), { from, life, vnode: fromVnode });
    if (asker !== undefined) this.#core.heard(asker.id, {});
  }

  #pong(): Answer {
    // Whoever asks a leaver whether it is there gets "somebody is", which ends the old life at once, without a timeout.
    if (this.#core.phase === 'leaving') return { type: 'pong' };
    return { type: 'pong', id: this.#core.self.id, bootSequence: this.#core.self.bootSequence };
  }

  #status(): Answer {
    const core = this.#core;
    const [predecessor] = core.neighbourhood.predecessors;
    const [successor] = core.neighbourhood.successors;
    return {
      type: 'status',
      status: {
        ...this.#deps.facts(),
        uptimeSec: Math.floor((this.#deps.clock.monoMs() - this.#startedMs) / 1000),
        self: core.self,
        mode: core.mode,
        ready: core.ready,
        arc: core.arc(),
        members: core.phase === 'joined' ? core.known : 0,
        replicas: core.options.replicas,
        successors: core.options.successors,
        table: core.known - 1,
        lease: core.leaseValid(),
        ...(predecessor === undefined ? {} : { predecessor: predecessor.id }),
        ...(successor === undefined ? {} : { successor: successor.id }),
      },
    };
  }

  // Only members we know are asked: not a way to send datagrams to third parties.
  async #probe(target: Peer): Promise<Answer> {
    const known = this.#core.table.everybody.get(target.id) ?? this.#core.departures.get(target.id)?.peer;
    if (known === undefined) return error('refused', 'not a member known here');
    return { type: 'probed', alive: (await this.#live.ping(known, BRIEFLY)) === 'alive' };
  }

  async #join(request: Join, from: Endpoint): Promise<Answer> {
    const core = this.#core;
    const { peer } = request;
    const { replicas, successors } = core.options;
    if (core.phase !== 'joined') return NOT_MEMBER;
    if (request.replicas !== replicas || request.successors !== successors)
      return error('constants-differ', `this overlay has replicas ${replicas}, successors ${successors}`);
    if (peer.id === core.self.id) return this.#sameIdAsOurs(peer);
    const vouched = await this.#live.vouched(peer);
    if (vouched === 'no') return error('refused', refusalOf(peer, vnodesMax(replicas)));
    if (vouched === 'unavailable') return error('retry', `the key of ${peer.domain} can't be looked up now`);
    const earlier = await this.#earlierLife(peer);
    if (earlier !== undefined) return earlier;
    // "JOIN proves the advertised one": asked at the address that others will use.
    const life = await this.#live.ping(peer);
    if (life !== 'alive') {
      const advertised = peer.endpoints.map(({ host, port }) => `${host}:${port}`).join(' ');
      const detail = `${advertised} does not answer as you; your packets come from ${from.host}:${from.port}`;
      return life === 'unknown' ? error('retry') : error('refused', detail);
    }
    return this.#welcome(peer);
  }

  #sameIdAsOurs(peer: Peer): Answer {
    const own = this.#core.self;
    if (peer.endpoints.some((one) => own.endpoints.some((ours) => sameEndpoint(one, ours))))
      return NOT_MEMBER;
    return this.#aliveElsewhere(own);
  }

  #aliveElsewhere(peer: Peer): Answer {
    const at = peer.endpoints.map(({ host, port }) => `${host}:${port}`).join(' ');
    return error('id-alive-elsewhere', `${peer.domain}, selector ${peer.selector}, runs at ${at}`, [peer]);
  }

  // "An id that is alive at another address: the joiner says so and exits 2; dead: it takes the boot sequence seen + 1."
  async #earlierLife(peer: Peer): Promise<Answer | undefined> {
    const core = this.#core;
    const member = core.table.everybody.get(peer.id) ?? core.members().find(({ id }) => id === peer.id);
    const known = member ?? core.departures.get(peer.id)?.peer;
    if (known === undefined) return undefined;
    const moved = !known.endpoints.some((one) => peer.endpoints.some((now) => sameEndpoint(one, now)));
    if (moved && (await this.#live.ping(known, BRIEFLY)) === 'alive') return this.#aliveElsewhere(known);
    // The process that had this address, or answered at the old one, is no more: its place is free at once.
    if (known.bootSequence !== peer.bootSequence && member !== undefined) core.bury(known, 'replaced');
    if (known.bootSequence < peer.bootSequence) return undefined;
    if (known.bootSequence === peer.bootSequence && !moved && member !== undefined) return undefined;
    return this.#answer(known.bootSequence);
  }

  #welcome(peer: Peer): Answer {
    const core = this.#core;
    const lists = core.neighbourhood;
    if (core.mode === 'full' && !isJoinPoint(core.self.id, lists, peer.id))
      return error('not-mine', 'not your predecessor', core.closestPreceding(peer.id));
    return this.#answer(undefined);
  }

  #answer(bootSequenceSeen: number | undefined): Answer {
    const { mode, self, neighbourhood } = this.#core;
    const { successors } = neighbourhood;
    return { type: 'joined', mode, predecessor: self, successors, bootSequenceSeen };
  }

  // Answered when the notifier is (or is not) a member here: the "confirmed" of "every change confirmed".
  async #notify(request: Notify): Promise<Answer> {
    const core = this.#core;
    if (core.phase !== 'joined') return NOT_MEMBER;
    const { peer } = request;
    if (peer.id === core.self.id) {
      this.#live.hear([peer]);
      return error('refused', 'this is my id');
    }
    const known = await this.#live.introduce(peer, true);
    if (!known) return error('retry', 'you did not answer, or nobody vouches for you');
    if (core.table.get(peer.id)?.peer.bootSequence === peer.bootSequence) core.heard(peer.id, {});
    this.#live.hear(request.members);
    this.#push.viewOf(peer, request.members);
    this.#rounds.compareLists(request.members);
    if (this.#live.hearGone(request.gone, peer.id))
      this.#tasks.tryRun('refute', async () => void (await this.#rounds.notify(peer)));
    if (core.mode === 'full') this.#tasks.tryRun('rectify', () => this.#rounds.rectify(peer));
    return { type: 'ok' };
  }

  #neighbours({ since, named = false }: Neighbours): Answer {
    const core = this.#core;
    if (core.phase !== 'joined') return NOT_MEMBER;
    const { ringVersion, neighbourhood } = core;
    const told = since?.bootSequence === core.self.bootSequence ? since.ringVersion : undefined;
    if (told === ringVersion) return { type: 'unchanged' };
    const { mode, predecessors, successors } = neighbourhood;
    const gone = core.departures.toTell(this.#deps.clock.monoMs());
    if (told !== undefined && told < ringVersion && named && mode === 'full')
      return { type: 'changed', ringVersion, ...this.#changes.since(told, neighbourhood), gone };
    return { type: 'neighbours', mode, ringVersion, self: core.self, predecessors, successors, gone };
  }

  // A hint: the check finds a leaver at once (its pong names nobody), and one that is not leaving stays.
  #leave(peer: Peer): Answer {
    const known = this.#core.table.get(peer.id)?.peer;
    if (known !== undefined) this.#tasks.tryRun('leave', async () => void (await this.#live.check(known)));
    return { type: 'ok' };
  }
}
