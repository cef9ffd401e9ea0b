// What members are told by events goes into no list before they have seen it themselves, and nothing unvouched travels on.
import { beforeEach, describe, expect, test } from 'vitest';
import type { MemberEvent, Peer } from '../../../src/dht/types.ts';
import { between } from '../../../src/record/id.ts';
import { kindOf } from '../../../src/sim/sim-traffic.ts';
import { at, hostOf, type RingNode, SimRing } from '../../support/sim-ring.ts';

/** The descriptor of one that runs in no ring of ours: its domain vouches for it, its address is silent. */
const ghost = async (name: string): Promise<Peer> =>
  (await new SimRing('elsewhere').start(name, hostOf(90), [])).ring.self;

const listed = ({ ring }: RingNode): readonly string[] =>
  [...ring.neighbourhood.successors, ...ring.neighbourhood.predecessors].map(({ id }) => id);

describe('in a ring of 10 that is told lies by one of its members', () => {
  let ring: SimRing;
  beforeEach(async () => {
    ring = new SimRing('lists', { successors: 3, unknownDomains: ['forged.example'] });
    for (let index = 0; index < 10; index += 1)
      await ring.start(`n${index}`, hostOf(index), index === 0 ? [] : [at(hostOf(0))]);
    await ring.settled(120_000);
  });

  const tell = (from: RingNode, to: RingNode, event: MemberEvent, until: Peer): Promise<unknown> =>
    ring.world.settle(
      from.rpc.call(at(to.host), {
        type: 'events',
        peer: from.ring.self,
        batches: [{ until: until.id, events: [event] }],
      }),
    );

  test('a successor that is said to be gone is asked, and stays in the list all the while', async () => {
    const victim = ring.node('n3');
    const [before] = victim.ring.neighbourhood.predecessors;
    const told = ring.alive.find((node) => node.ring.self.id === before?.id);
    const liar = ring.alive.find((node) => !listed(victim).includes(node.ring.self.id) && node !== victim);
    if (told === undefined || liar === undefined) throw new Error('no ring');
    const { id, bootSequence } = victim.ring.self;
    let missed = 0;
    told.ring.onChange(({ after }) => {
      if (after.successors[0]?.id !== id) missed += 1;
    });
    await tell(liar, told, { kind: 'leave', id, bootSequence }, victim.ring.self);
    await ring.world.runFor(30_000);
    expect(victim.ring.self.bootSequence).toBe(bootSequence + 1);
    expect(missed).toBe(0);
    expect(ring.defect()).toBeUndefined();
  });

  test('a newcomer that nobody has asked is known of, but in no list', async () => {
    const [told, liar] = ring.alive;
    if (told === undefined || liar === undefined) throw new Error('no ring');
    const next = told.ring.neighbourhood.successors[0]?.id ?? told.ring.self.id;
    let stranger = await ghost('ghost0');
    for (let n = 1; !between(told.ring.self.id, stranger.id, next); n += 1)
      stranger = await ghost(`ghost${n}`);
    let lists = 0;
    for (const node of ring.alive)
      node.ring.onChange(() => {
        if (listed(node).includes(stranger.id)) lists += 1;
      });
    await tell(liar, told, { kind: 'join', peer: stranger }, stranger);
    await ring.world.runFor(500);
    expect(told.ring.everybody().some(({ id }) => id === stranger.id)).toBe(true);
    await ring.world.runFor(30_000);
    expect(lists).toBe(0);
    expect(ring.defect()).toBeUndefined();
  });

  test('one that its domain does not vouch for is told of to nobody', async () => {
    const [told, liar] = ring.alive;
    if (told === undefined || liar === undefined) throw new Error('no ring');
    const forged = await ghost('forged');
    // What was said of those that formed the ring has gone round.
    await ring.world.runFor(60_000);
    const from: string[] = [];
    ring.world.network.setTap((packet) => {
      if (kindOf(packet.bytes) === 'events') from.push(packet.from.host);
    });
    await tell(liar, told, { kind: 'join', peer: forged }, forged);
    await ring.world.runFor(30_000);
    expect([...new Set(from)]).toEqual([liar.host]);
  });
});
