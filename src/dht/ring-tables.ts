// The peer table from member to member: a newcomer fetches it, and now and then two compare what events did not tell them.
import { type Arc, type Id, inHalfOpen } from '../record/id.ts';
import { jittered } from '../runtime/random.ts';
import { PEERS_MAX, TABLE_HAVE_MAX } from './messages.ts';
import { bucketArc } from './range.ts';
import type { RingCore } from './ring-core.ts';
import type { RingEvents } from './ring-events.ts';
import type { RingLiveness } from './ring-liveness.ts';
import type { RingDeps } from './ring-options.ts';
import { differingBuckets, fingerprint, tableDigests } from './table-digest.ts';
import type { Tasks } from './tasks.ts';
import type { Answer, Peer, Request } from './types.ts';

type TableRequest = Extract<Request, { type: 'table' }>;
type TableAnswer = Extract<Answer, { type: 'table' }>;

/** Between two pages: 8,192 descriptors in 36 s. */
const PAGE_MS = 150;
const PAGES_MAX = 1024;
const COMPARE_MS = 600_000;
/** A newcomer's first comparison: others that came or died while it fetched were told of along ways that it was not yet on. */
const COMPARE_FIRST_MS = 30_000;
/** A newcomer's first fetch begins when its neighbours know it, so that no event passes it by any more. */
const FETCH_FIRST_MS = 2000;
/** Nobody near has it all yet: again, each time after twice as long. */
const FETCH_AGAIN_MS = 10_000;
/** Fingerprints in a newcomer's question: with more than these the table is all but there, and the pages are short. */
const HAVE_A_PAGE = 128;
/** Members that one comparison may make us ask whether they live. */
const CHECKS_MAX = 64;

export class RingTables {
  readonly #core: RingCore;
  readonly #deps: RingDeps;
  readonly #live: RingLiveness;
  readonly #events: RingEvents;
  readonly #tasks: Tasks;
  #tries = 0;
  #newcomer = false;

  constructor(
    core: RingCore,
    deps: RingDeps,
    parts: { readonly live: RingLiveness; readonly events: RingEvents; readonly tasks: Tasks },
  ) {
    this.#core = core;
    this.#deps = deps;
    this.#live = parts.live;
    this.#events = parts.events;
    this.#tasks = parts.tasks;
  }

  /** Anybody may have it who receives at its address: FIND tells the same, bit by bit. */
  serve({ arc, buckets, have = [] }: TableRequest): Answer {
    const core = this.#core;
    if (core.phase !== 'joined') return { type: 'error', code: 'not-member', detail: '', peers: [] };
    const { complete } = core;
    const all = core.everybody();
    if (buckets !== undefined)
      return { type: 'table', peers: [], complete, buckets: differingBuckets(tableDigests(all), buckets) };
    const wanted = new Set(have);
    const peers: Peer[] = [];
    let next: Id | undefined;
    for (const peer of this.#from(arc.from)) {
      if (!inHalfOpen(arc.from, peer.id, arc.to)) break;
      if (wanted.delete(fingerprint(peer))) continue;
      if (peers.length === PEERS_MAX) {
        next = peers.at(-1)?.id;
        break;
      }
      peers.push(peer);
    }
    return { type: 'table', peers, complete, ...(next === undefined ? { lack: [...wanted] } : { next }) };
  }

  nextMs(): number {
    const { random } = this.#deps;
    if (this.#core.complete) return jittered(random, this.#newcomer ? COMPARE_FIRST_MS : COMPARE_MS, 0.3);
    const againMs = this.#tries === 0 ? FETCH_FIRST_MS : FETCH_AGAIN_MS * 2 ** (this.#tries - 1);
    return jittered(random, Math.min(COMPARE_MS, againMs), 0.3);
  }

  async run(): Promise<void> {
    const core = this.#core;
    if (core.phase !== 'joined' || core.mode !== 'full') return;
    if (core.complete) {
      this.#tries = 0;
      this.#newcomer = false;
      await this.compare();
    } else await this.#fetch();
  }

  async #fetch(): Promise<void> {
    const core = this.#core;
    const { neighbourhood, table, self } = core;
    const sources = [
      neighbourhood.successors[0],
      neighbourhood.predecessors[0],
      table.any(this.#deps.random.float()),
    ].flatMap((peer) => peer ?? []);
    const source = sources[this.#tries % Math.max(1, sources.length)];
    this.#tries += 1;
    let after = self.id;
    for (let page = 0; page < PAGES_MAX && source !== undefined; page += 1) {
      const { arc, have } = this.#lacking(after);
      const answer = await this.#ask(source, { type: 'table', arc, have });
      if (answer === undefined) return;
      await Promise.all(answer.peers.map((peer) => this.#events.believe(peer)));
      after = answer.next ?? arc.to;
      if (after !== self.id) continue;
      if (answer.complete) {
        core.setComplete();
        this.#newcomer = true;
      }
      return;
    }
  }

  /** The rest of the ring behind `after`, or as much of it as one message can say what is known of: nothing comes twice. */
  #lacking(after: Id): { readonly arc: Arc; readonly have: readonly number[] } {
    const { self } = this.#core;
    const known: Peer[] = [];
    let to = self.id;
    for (const peer of this.#from(after)) {
      if (!inHalfOpen(after, peer.id, self.id)) break;
      known.push(peer);
      if (known.length < HAVE_A_PAGE) continue;
      to = peer.id;
      break;
    }
    return { arc: { from: after, to }, have: known.map(fingerprint) };
  }

  /** With one at random; what it knows otherwise is checked before it is dropped or believed. */
  async compare(): Promise<void> {
    const core = this.#core;
    const { peers, size } = core.table.everybody;
    const other = peers[Math.floor(this.#deps.random.float() * size)];
    if (other === undefined) return;
    const arc = { from: core.self.id, to: core.self.id };
    const buckets = tableDigests(core.everybody());
    const answer = await this.#ask(other, { type: 'table', arc, buckets });
    let checks = CHECKS_MAX;
    for (const index of answer?.buckets ?? []) {
      const bucket = tableBucket(index);
      const ours = core.everybody().filter(({ id }) => inHalfOpen(bucket.from, id, bucket.to));
      const have = ours.slice(0, TABLE_HAVE_MAX).map(fingerprint);
      const said = await this.#ask(other, { type: 'table', arc: bucket, have });
      if (said === undefined) return;
      const lacking = new Set(said.lack ?? []);
      const doubtful = ours.filter((peer) => peer.id !== core.self.id && lacking.has(fingerprint(peer)));
      for (const peer of [...said.peers, ...doubtful]) {
        checks -= 1;
        if (checks < 0 || this.#tasks.stopping) return;
        if (doubtful.includes(peer)) await this.#verify(peer);
        else await this.#events.believe(peer, async () => (await this.#live.ping(peer)) === 'alive');
      }
    }
  }

  async #verify(peer: Peer): Promise<void> {
    if (await this.#live.check(peer)) this.#events.nudge(peer);
  }

  async #ask(peer: Peer, request: TableRequest): Promise<TableAnswer | undefined> {
    await this.#tasks.sleep(jittered(this.#deps.random, PAGE_MS, 0.3));
    if (this.#tasks.stopping || this.#core.phase !== 'joined') return undefined;
    const outcome = await this.#live.call(peer, request);
    if (!outcome.ok && outcome.code === 'timeout') this.#live.suspect(peer);
    return outcome.ok && outcome.answer.type === 'table' ? outcome.answer : undefined;
  }

  /** All clockwise behind `id`, ourselves among them, `id` itself last. */
  *#from(id: Id): Generator<Peer> {
    const { self, table } = this.#core;
    const peers = table.everybody.peers;
    let own = false;
    const start = firstBehind(peers, id);
    for (let n = 0; n < peers.length; n += 1) {
      const peer = peers[(start + n) % peers.length];
      if (peer === undefined) return;
      if (!own && inHalfOpen(id, self.id, peer.id)) {
        own = true;
        yield self;
      }
      yield peer;
    }
    if (!own) yield self;
  }
}

// The last id there is: the arc behind it begins with 0, so that a bucket is all ids with the same six first bits.
const LAST = 'f'.repeat(40) as Id;
const tableBucket = (index: number): Arc => bucketArc({ from: LAST, to: LAST }, index);

const firstBehind = (peers: readonly Peer[], id: Id): number => {
  let low = 0;
  let high = peers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((peers[middle]?.id ?? id) <= id) low = middle + 1;
    else high = middle;
  }
  return low;
};
