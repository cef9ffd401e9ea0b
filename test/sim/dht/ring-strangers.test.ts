// What somebody without a vouched key can do to a ring by JOIN, NOTIFY and LEAVE: nothing.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodePeer } from '../../../src/dht/descriptor.ts';
import { LspRpc } from '../../../src/dht/rpc.ts';
import type { Answer, Peer, Request } from '../../../src/dht/types.ts';
import type { Identity } from '../../../src/record/types.ts';
import type { Endpoint } from '../../../src/runtime/datagram.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { MetricsRegistry } from '../../../src/runtime/metrics.ts';
import { OVERLAY, sampleIdentity } from '../../support/lsp-samples.ts';
import { at, hostOf, type RingNode, SimRing } from '../../support/sim-ring.ts';

/** A socket with a key that nobody vouches for, whatever name it gives itself. */
class Mallory {
  readonly identity: Identity;
  readonly asked: string[] = [];
  readonly #rpc: LspRpc;
  readonly #ring: SimRing;
  readonly endpoint: Endpoint;
  /** What it says to PING: who it pretends to be. */
  pretends: Peer | undefined;

  constructor(ring: SimRing, host: string, domain = 'mallory.example') {
    this.identity = sampleIdentity(domain);
    const { clock, random, openDatagram } = ring.world.boot(host);
    this.#ring = ring;
    this.endpoint = { host, port: 7184 };
    this.#rpc = new LspRpc(
      {
        clock,
        random,
        openDatagram,
        identity: this.identity,
        handler: async (request, from): Promise<Answer> => {
          this.asked.push(`${request.type} ${from.host}`);
          if (request.type !== 'ping' || this.pretends === undefined) return { type: 'pong' };
          return { type: 'pong', id: this.pretends.id, bootSequence: this.pretends.bootSequence };
        },
        sizeEstimate: () => 1,
        log: silentLog,
        metrics: new MetricsRegistry(),
      },
      { bind: this.endpoint, overlayId: OVERLAY },
    );
  }

  start(): Promise<void> {
    return this.#rpc.start();
  }

  /** A descriptor in somebody's name, signed with Mallory's own key. */
  forge(domain: string, bootSequence: number, endpoint = this.endpoint): Peer {
    const fields = { domain, selector: 0, vnode: 0, endpoints: [endpoint], bootSequence };
    return encodePeer(fields, this.identity, OVERLAY);
  }

  async ask(node: RingNode, request: Request): Promise<Answer | undefined> {
    const outcome = await this.#ring.world.settle(this.#rpc.call(at(node.host), request));
    return outcome.ok ? outcome.answer : undefined;
  }
}

const listed = ({ ring }: RingNode): readonly Peer[] => [
  ...ring.members(),
  ...ring.neighbourhood.predecessors,
  ...ring.neighbourhood.successors,
];

describe.each([
  ['small', 4, 8],
  ['full', 9, 4],
])('a ring in %s mode', (mode, count, successors) => {
  let ring: SimRing;
  let mallory: Mallory;
  let victim: RingNode;
  let other: RingNode;

  beforeEach(async () => {
    ring = new SimRing(`strangers ${mode}`, { successors, unknownDomains: ['mallory.example'] });
    for (let index = 0; index < count; index += 1)
      await ring.start(`n${index}`, hostOf(index), index === 0 ? [] : [at(hostOf(0))]);
    await ring.settled(60_000);
    mallory = new Mallory(ring, '10.6.6.6');
    await mallory.start();
    victim = ring.node('n1');
    other = ring.node('n2');
  });

  afterEach(() => {
    // Whatever was tried: nobody stopped, nobody changed, no key but the members' own in any list.
    expect(ring.alive.flatMap(({ fatal }) => fatal)).toEqual([]);
    expect(ring.defect()).toBeUndefined();
    for (const node of ring.alive)
      for (const { publicKey } of listed(node))
        expect(Buffer.from(publicKey)).not.toEqual(Buffer.from(mallory.identity.publicKey));
    expect(ring.faults).toEqual([]);
  });

  const notify = (peer: Peer, more: Partial<Extract<Request, { type: 'notify' }>> = {}): Request => ({
    type: 'notify',
    peer,
    members: [],
    gone: [],
    ...more,
  });

  test('JOIN with a key that the domain does not publish is refused', async () => {
    const peer = mallory.forge('mallory.example', 1);
    const answer = await mallory.ask(victim, { type: 'join', peer, replicas: 3, successors });
    expect(answer).toMatchObject({ type: 'error', code: 'refused' });
    expect(mallory.asked).toEqual([]);
  });

  test("JOIN in a live member's name with another key is refused, and the member stays", async () => {
    const peer = mallory.forge('n2.example', other.ring.self.bootSequence + 10);
    mallory.pretends = peer;
    const answer = await mallory.ask(victim, { type: 'join', peer, replicas: 3, successors });
    expect(answer).toMatchObject({ type: 'error', code: 'refused' });
    await ring.world.runFor(20_000);
  });

  test.each([
    ['a higher', 1000],
    ['its own', 0],
    ['a lower', -1000],
  ])(
    "NOTIFY in the receiver's own name with %s boot sequence neither stops nor renames it",
    async (_, ahead) => {
      const before = victim.ring.self;
      const peer = mallory.forge('n1.example', before.bootSequence + ahead);
      mallory.pretends = peer;
      await mallory.ask(victim, notify(peer));
      await ring.world.runFor(20_000);
      expect(victim.ring.self).toBe(before);
    },
  );

  test("NOTIFY in the receiver's own name at its own address does not make it take another life", async () => {
    const before = victim.ring.self;
    const peer = mallory.forge('n1.example', Number.MAX_SAFE_INTEGER, at(victim.host));
    await mallory.ask(victim, notify(peer));
    await ring.world.runFor(5000);
    expect(victim.ring.self).toBe(before);
  });

  test.each([
    ['a higher', 1000],
    ['its own', 0],
    ['a lower', -1000],
  ])(
    "NOTIFY in another member's name with %s boot sequence is not taken, nor what it tells",
    async (_, ahead) => {
      const life = other.ring.self.bootSequence;
      const peer = mallory.forge('n2.example', life + ahead);
      mallory.pretends = peer;
      const answer = await mallory.ask(
        victim,
        notify(peer, {
          members: [mallory.forge('n3.example', life + 5)],
          gone: ring.alive.map(({ ring: { self } }) => ({ id: self.id, bootSequence: self.bootSequence })),
        }),
      );
      expect(answer).toMatchObject({ type: 'error' });
      await ring.world.runFor(20_000);
      expect(mallory.asked).toEqual([]);
    },
  );

  test('LEAVE for somebody else ends nothing', async () => {
    for (const life of [0, other.ring.self.bootSequence, Number.MAX_SAFE_INTEGER]) {
      await mallory.ask(victim, { type: 'leave', peer: mallory.forge('n2.example', life) });
      await ring.world.runFor(3000);
      expect(victim.ring.members().some(({ id }) => id === other.ring.self.id)).toBe(true);
    }
  });

  test("a member's own LEAVE, heard and repeated by a stranger, is not the stranger's to give", async () => {
    // The descriptor is genuine, the signature of the request can only be Mallory's.
    const answer = await mallory.ask(victim, { type: 'leave', peer: other.ring.self });
    expect(answer).toMatchObject({ type: 'error', code: 'refused' });
  });
});

// DESIGN §6: "Self-certifying domains cost nothing, so they … are members only where the overlay says so."
test.each([false, true])(
  'a domain that is its own key is a member where the overlay says so: %s',
  async (says) => {
    const ring = new SimRing(`self-certified ${says}`, { selfCertified: says });
    for (let index = 0; index < 3; index += 1)
      await ring.start(`n${index}`, hostOf(index), index === 0 ? [] : [at(hostOf(0))]);
    await ring.settled(60_000);
    const free = new Mallory(ring, '10.6.6.6', 'free.lsp.alt');
    await free.start();
    const peer = free.forge('free.lsp.alt', 1);
    free.pretends = peer;
    const member = ring.node('n1');
    const joined = await free.ask(member, { type: 'join', peer, replicas: 3, successors: 8 });
    expect(joined).toMatchObject(says ? { type: 'joined' } : { type: 'error', code: 'refused' });
    const told = await free.ask(member, { type: 'notify', peer, members: [], gone: [] });
    expect(told).toMatchObject(says ? { type: 'ok' } : { type: 'error' });
    expect(member.ring.members().some(({ id }) => id === peer.id)).toBe(says);
  },
);
