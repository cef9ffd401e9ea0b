// Rings of up to nine: the shape that most real rings have.
import { describe, expect, test } from 'vitest';
import { simRandom } from '../../../src/sim/sim-random.ts';
import { at, hostOf, SimRing } from '../../support/sim-ring.ts';

const SEEDS = [1, 2, 3];
const names = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `n${i}`);
const shuffled = <T>(items: readonly T[], seed: number): readonly T[] => {
  const random = simRandom(`order ${seed}`);
  const rest = [...items];
  const out: T[] = [];
  while (rest.length > 0) out.push(...rest.splice(Math.floor(random.float() * rest.length), 1));
  return out;
};
const seedsOf = (count: number) => Array.from({ length: Math.min(2, count) }, (_, i) => at(hostOf(i)));

/** `count` nodes, the first two are everybody's seeds, started in a random order within three seconds. */
const started = async (count: number, seed: number, options = {}): Promise<SimRing> => {
  const ring = new SimRing(seed, options);
  for (const name of shuffled(names(count), seed)) {
    await ring.start(name, hostOf(Number(name.slice(1))), seedsOf(count));
    await ring.world.runFor(300);
  }
  return ring;
};

describe.each(SEEDS)('a small ring, seed %i', (seed) => {
  test.each([1, 2, 3, 4, 5, 7, 9])('%i nodes started in any order become one ideal ring', async (count) => {
    const ring = await started(count, seed);
    await ring.settled(60_000);
    expect(ring.alive.every((node) => node.ring.ready)).toBe(true);
    expect(ring.faults).toEqual([]);
  });

  test.each([
    [3, 1],
    [5, 1],
    [5, 2],
    [9, 3],
  ])('of %i nodes %i are killed: the others are an ideal ring within ten seconds', async (count, dead) => {
    const ring = await started(count, seed);
    await ring.settled(60_000);
    for (const name of shuffled(names(count), seed + 100).slice(0, dead)) ring.kill(name);
    expect(await ring.settled(30_000)).toBeLessThan(10_000);
    expect(ring.faults).toEqual([]);
  });

  test('a killed node started at another address takes its place with a higher boot sequence', async () => {
    const ring = await started(5, seed);
    await ring.settled(60_000);
    const before = ring.node('n3').ring.self;
    ring.kill('n3');
    // The clock of the new machine is a day behind: its own idea of a boot sequence is too low.
    await ring.start('n3', '10.0.0.99', seedsOf(5), { skewMs: -86_400_000 });
    await ring.settled(30_000);
    const after = ring.node('n3').ring.self;
    expect(after.id).toBe(before.id);
    expect(after.bootSequence).toBe(before.bootSequence + 1);
    expect(ring.faults).toEqual([]);
  });

  test('a node killed and started at the same address within a second is a member again in seconds', async () => {
    const ring = await started(4, seed);
    await ring.settled(60_000);
    ring.kill('n2');
    await ring.world.runFor(500);
    await ring.start('n2', hostOf(2), seedsOf(4));
    expect(await ring.settled(30_000)).toBeLessThan(10_000);
  });

  test('all die and all come back in any order, the seeds last: one ring', async () => {
    const ring = await started(5, seed);
    await ring.settled(60_000);
    for (const name of names(5)) ring.kill(name);
    await ring.world.runFor(3000);
    for (const name of shuffled(['n2', 'n3', 'n4'], seed)) {
      await ring.start(name, hostOf(Number(name.slice(1))), seedsOf(5));
      await ring.world.runFor(1500);
    }
    await ring.world.runFor(15_000);
    expect(ring.alive.some((node) => node.ring.ready)).toBe(false);
    for (const name of shuffled(['n0', 'n1'], seed)) {
      await ring.start(name, hostOf(Number(name.slice(1))), seedsOf(5));
      await ring.world.runFor(seed * 2000);
    }
    await ring.settled(60_000);
    expect(ring.faults).toEqual([]);
  });

  test('a partition of two and three heals to one ring within seconds', async () => {
    const ring = await started(5, seed);
    await ring.settled(60_000);
    const all = shuffled(ring.alive, seed);
    const hosts = all.map(({ host }) => host);
    ring.world.network.partition(hosts.slice(0, 2), hosts.slice(2));
    await ring.world.runFor(60_000);
    // The minority lost more than half: it may not deny; the majority may.
    const mayDeny = () => all.map(({ ring: one }) => one.mayDeny(one.self.id));
    for (const side of [all.slice(0, 2), all.slice(2)]) expect(ring.defect(side)).toBeUndefined();
    expect(mayDeny()).toEqual([false, false, true, true, true]);
    ring.world.network.heal();
    expect(await ring.settled(60_000)).toBeLessThan(20_000);
    expect(mayDeny()).toEqual([true, true, true, true, true]);
    expect(ring.faults).toEqual([]);
  });

  test('a node cut off denies and acknowledges nothing, and is back within seconds of the cut ending', async () => {
    const ring = await started(4, seed);
    await ring.settled(60_000);
    const { host, ring: lonely } = ring.node('n3');
    ring.world.network.partition([host], [hostOf(0), hostOf(1), hostOf(2)]);
    await ring.world.runFor(16_000);
    expect([lonely.leaseValid(), lonely.mayAcknowledge(lonely.self.id), lonely.ready]).toEqual([
      false,
      false,
      false,
    ]);
    await ring.world.runFor(600_000);
    ring.world.network.heal();
    expect(await ring.settled(60_000)).toBeLessThan(10_000);
  });

  test('a node that stood still for 30 s holds no lease until the others know it again', async () => {
    const ring = await started(5, seed);
    await ring.settled(60_000);
    const { process, ring: zombie } = ring.node('n1');
    process.pause(30_000);
    await ring.world.runFor(29_900);
    expect(ring.defect(ring.alive.filter(({ name }) => name !== 'n1'))).toBeUndefined();
    await ring.world.runFor(100);
    expect(zombie.leaseValid()).toBe(false);
    expect(await ring.settled(60_000)).toBeLessThan(15_000);
    expect(ring.faults).toEqual([]);
  });

  test('a clock that is set voids the lease until both neighbours have answered again', async () => {
    const ring = await started(3, seed);
    await ring.settled(60_000);
    const { process, ring: node } = ring.node('n1');
    expect(node.leaseValid()).toBe(true);
    process.jumpWall(3_600_000);
    expect(node.leaseValid()).toBe(false);
    await ring.world.runFor(10_000);
    expect(node.leaseValid()).toBe(true);
  });

  test.each([0.05, 0.2])('with %d of all datagrams lost it forms and repairs', async (loss) => {
    const ring = await started(6, seed, { link: { loss, duplicate: 0.05, reorder: 0.1, jitterMs: 20 } });
    await ring.settled(120_000);
    ring.kill('n4');
    await ring.settled(60_000);
    expect(ring.faults).toEqual([]);
  });

  test('a leaver is gone everywhere within a second', async () => {
    const ring = await started(5, seed);
    await ring.settled(60_000);
    await ring.leave('n2');
    await ring.world.runFor(1000);
    expect(ring.defect()).toBeUndefined();
  });

  test('one way between two members is cut: nobody is declared dead', async () => {
    const ring = await started(5, seed);
    await ring.settled(60_000);
    ring.world.network.cut(hostOf(1), hostOf(3));
    for (let second = 0; second < 60; second += 1) {
      await ring.world.runFor(1000);
      expect(ring.defect()).toBeUndefined();
    }
    ring.world.network.heal();
    await ring.settled(30_000);
  });
});

describe('founding and joining', () => {
  test('no seeds: a ring at once, ready with one member', async () => {
    const ring = new SimRing(1);
    const { ring: node } = await ring.start('n0', hostOf(0), []);
    await ring.world.runFor(1);
    expect([node.ready, node.leaseValid(), node.arc()]).toEqual([
      true,
      true,
      { from: node.self.id, to: node.self.id },
    ]);
  });

  test('a seed founds after five seconds of silence, and acknowledges nothing alone', async () => {
    const ring = new SimRing(1);
    const { ring: node } = await ring.start('n0', hostOf(0), [at(hostOf(0)), at(hostOf(1))]);
    await ring.world.runFor(4900);
    expect(node.joined).toBe(false);
    await ring.world.runFor(4000);
    expect([node.joined, node.ready, node.mayAcknowledge(node.self.id)]).toEqual([true, false, false]);
  });

  test('a node that is no seed never founds', async () => {
    const ring = new SimRing(1);
    const { ring: node } = await ring.start('n0', hostOf(0), [at(hostOf(7))]);
    await ring.world.runFor(600_000);
    expect(node.joined).toBe(false);
  });

  test('seeds that start at the same moment found one ring, not one each', async () => {
    const ring = new SimRing(1);
    const seeds = [0, 1, 2].map((index) => at(hostOf(index)));
    await Promise.all(['n0', 'n1', 'n2'].map((name, index) => ring.start(name, hostOf(index), seeds)));
    await ring.settled(20_000);
    expect(ring.alive.every(({ ring: node }) => node.ready)).toBe(true);
  });

  test('names among the seeds, doubles and the own address are all right', async () => {
    const ring = new SimRing(1);
    const seeds = [at('ring.example'), at(hostOf(0)), at(hostOf(0)), at(hostOf(1)), at('nowhere.example')];
    const resolve = (host: string) =>
      host === 'ring.example' ? [hostOf(0), hostOf(1)] : host === 'nowhere.example' ? [] : [host];
    await ring.start('n0', hostOf(0), seeds, { resolve });
    await ring.start('n1', hostOf(1), seeds, { resolve });
    await ring.settled(30_000);
  });

  test('the second of two processes with one id is told where the first is', async () => {
    const ring = await started(3, 1);
    await ring.settled(60_000);
    const first = ring.node('n2');
    const second = await ring.start('n2', '10.0.0.77', seedsOf(3));
    await ring.world.runFor(10_000);
    expect(second.fatal).toEqual([
      { code: 'id-alive-elsewhere', detail: 'n2.example, selector 0, runs at 10.0.0.3:7184' },
    ]);
    expect(second.ring.joined).toBe(false);
    expect(first.fatal).toEqual([]);
  });

  test('twins that meet after a partition: the earlier one stops', async () => {
    const ring = await started(4, 2);
    await ring.settled(60_000);
    const first = ring.node('n3');
    ring.world.network.partition([first.host], [hostOf(0), hostOf(1), hostOf(2), '10.0.0.77']);
    await ring.world.runFor(30_000);
    const second = await ring.start('n3', '10.0.0.77', seedsOf(4));
    await ring.settled(30_000);
    ring.world.network.heal();
    await ring.world.runFor(30_000);
    expect(first.fatal.map(({ code }) => code)).toContain('twin');
    expect(second.fatal).toEqual([]);
  });

  test('whom its domain does not vouch for is not let in', async () => {
    const ring = new SimRing(1, { unknownDomains: ['n1.example'] });
    await ring.start('n0', hostOf(0), []);
    const { ring: stranger } = await ring.start('n1', hostOf(1), [at(hostOf(0))]);
    await ring.world.runFor(60_000);
    expect(stranger.joined).toBe(false);
    expect(ring.node('n0').ring.members()).toHaveLength(1);
  });

  test('other constants than the ring has are refused', async () => {
    const ring = new SimRing(1);
    await ring.start('n0', hostOf(0), []);
    const { ring: other } = await ring.start('n1', hostOf(1), [at(hostOf(0))], { successors: 4 });
    await ring.world.runFor(60_000);
    expect(other.joined).toBe(false);
  });

  test('two rings that each had their own seed meet through one node that knows both', async () => {
    const ring = new SimRing(4);
    await ring.start('a0', hostOf(0), []);
    await ring.start('a1', hostOf(1), [at(hostOf(0))]);
    await ring.start('b0', hostOf(2), []);
    await ring.start('b1', hostOf(3), [at(hostOf(2))]);
    await ring.world.runFor(20_000);
    await ring.start('c0', hostOf(4), [at(hostOf(0)), at(hostOf(2))]);
    await ring.settled(30_000);
    expect(ring.faults).toEqual([]);
  });
});

test('the same seed gives the same trace, through faults and repairs', async () => {
  const run = async (seed: number): Promise<string> => {
    const ring = await started(5, seed, { link: { loss: 0.1, jitterMs: 20 } });
    await ring.world.runFor(20_000);
    ring.kill('n2');
    await ring.world.runFor(20_000);
    await ring.start('n2', hostOf(2), seedsOf(5));
    await ring.world.runFor(20_000);
    return ring.world.traceHash();
  };
  const first = await run(11);
  expect(await run(11)).toBe(first);
  expect(await run(12)).not.toBe(first);
});
