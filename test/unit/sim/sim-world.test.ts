import { describe, expect, test } from 'vitest';
import type { DatagramPort } from '../../../src/runtime/datagram.ts';
import type { LinkOptions } from '../../../src/sim/sim-network.ts';
import { simRandom } from '../../../src/sim/sim-random.ts';
import { type SimProcess, SimWorld } from '../../../src/sim/sim-world.ts';

const open = async (
  process: SimProcess,
  port: number,
): Promise<{ socket: DatagramPort; heard: string[]; times: number[] }> => {
  const heard: string[] = [];
  const times: number[] = [];
  const socket = await process.openDatagram(
    { host: process.host, port },
    {
      onMessage: (bytes, from) => {
        heard.push(`${from.host}:${from.port} ${Buffer.from(bytes).toString()}`);
        times.push(process.clock.monoMs());
      },
      onError: () => undefined,
    },
  );
  return { socket, heard, times };
};

const pair = async (link: Partial<LinkOptions> = {}) => {
  const world = new SimWorld(7, link);
  const a = world.boot('10.0.0.1');
  const b = world.boot('10.0.0.2');
  return { world, a, b, atA: await open(a, 1), atB: await open(b, 2) };
};
const B = { host: '10.0.0.2', port: 2 };
const A = { host: '10.0.0.1', port: 1 };

describe('the simulated world', () => {
  test('timers fire in the order of their times, equal times in the order they were set', async () => {
    const world = new SimWorld(1);
    const { clock } = world.boot('10.0.0.1');
    const order: string[] = [];
    clock.setTimer(20, () => order.push('late'));
    clock.setTimer(10, () => order.push('first'));
    clock.setTimer(10, () => order.push('second'));
    clock.setTimer(15, () => order.push('cancelled')).cancel();
    await world.run(100);
    expect(order).toEqual(['first', 'second', 'late']);
    expect(world.nowMs).toBe(100);
  });

  test('everything an event sets off has settled before the next event', async () => {
    const world = new SimWorld(1);
    const { clock } = world.boot('10.0.0.1');
    const order: string[] = [];
    clock.setTimer(1, () => {
      void (async () => {
        for (let i = 0; i < 50; i += 1) await Promise.resolve();
        order.push('chain of promises');
      })();
    });
    clock.setTimer(1, () => order.push('next event'));
    await world.run(1);
    expect(order).toEqual(['chain of promises', 'next event']);
  });

  test('a datagram arrives after the link delay, from the address it was sent from', async () => {
    const { world, atA, atB } = await pair({ delayMs: 30, jitterMs: 0 });
    atA.socket.send(Buffer.from('hello'), B);
    await world.run(29);
    expect(atB.heard).toEqual([]);
    await world.run(30);
    expect(atB.heard).toEqual(['10.0.0.1:1 hello']);
  });

  test('loss, duplication, cuts of one direction and what is above the MTU', async () => {
    const { world, atA, atB } = await pair({ loss: 0.5, duplicate: 0.5 });
    for (let i = 0; i < 200; i += 1) atA.socket.send(Buffer.from('x'), B);
    await world.runFor(100);
    expect(atB.heard.length).toBeGreaterThan(100);
    expect(atB.heard.length).toBeLessThan(200);
    world.network.setDefaultLink({ loss: 0, duplicate: 0 });
    atB.heard.length = 0;
    world.network.cut('10.0.0.1', '10.0.0.2');
    atA.socket.send(Buffer.from('cut'), B);
    atB.socket.send(Buffer.from('open'), A);
    atB.socket.send(new Uint8Array(1201), A);
    await world.runFor(100);
    expect(atB.heard).toEqual([]);
    expect(atA.heard).toEqual(['10.0.0.2:2 open']);
    expect(world.network.counts.oversize).toBe(1);
  });

  test('what a link does not carry whole, and what a host stalls, comes late in one burst or not at all', async () => {
    const { world, atA, atB } = await pair();
    world.network.setLink('10.0.0.1', '10.0.0.2', { mtuBytes: 10 });
    world.network.clog('10.0.0.2', 500);
    atA.socket.send(new Uint8Array(11), B);
    for (const word of ['one', 'two']) atA.socket.send(Buffer.from(word), B);
    atB.socket.send(Buffer.from('out'), A);
    await world.run(499);
    expect([atA.heard, atB.heard]).toEqual([[], []]);
    await world.run(510);
    expect([...atB.heard].sort()).toEqual(['10.0.0.1:1 one', '10.0.0.1:1 two']);
    expect(atA.heard).toEqual(['10.0.0.2:2 out']);
    atA.socket.send(Buffer.from('soon'), B);
    await world.run(515);
    expect(atB.heard).toHaveLength(3);
  });

  test('a partition separates until it is healed', async () => {
    const { world, atA, atB } = await pair();
    world.network.partition(['10.0.0.1'], ['10.0.0.2']);
    atA.socket.send(Buffer.from('lost'), B);
    world.network.heal();
    atA.socket.send(Buffer.from('kept'), B);
    await world.runFor(10);
    expect(atB.heard).toEqual(['10.0.0.1:1 kept']);
  });

  test('a paused process reads its datagrams and fires its timers when it runs again', async () => {
    const { world, b, atA, atB } = await pair();
    let fired = 0;
    b.clock.setTimer(50, () => {
      fired = world.nowMs;
    });
    b.pause(1000);
    atA.socket.send(Buffer.from('x'), B);
    await world.run(999);
    expect(atB.heard).toEqual([]);
    await world.run(1000);
    expect(atB.heard).toHaveLength(1);
    expect(fired).toBe(1000);
  });

  test('a crashed process neither fires, hears nor sends; its address can be bound again', async () => {
    const { world, b, atA, atB } = await pair();
    let fired = false;
    b.clock.setTimer(5, () => {
      fired = true;
    });
    b.crash();
    atB.socket.send(Buffer.from('ghost'), A);
    atA.socket.send(Buffer.from('x'), B);
    await world.runFor(10);
    expect([fired, atA.heard, atB.heard]).toEqual([false, [], []]);
    const again = await open(world.boot('10.0.0.2'), 2);
    atA.socket.send(Buffer.from('x'), B);
    await world.runFor(10);
    expect(again.heard).toHaveLength(1);
  });

  test('a port that is taken is refused', async () => {
    const { a } = await pair();
    await expect(open(a, 1)).rejects.toThrow('EADDRINUSE');
  });

  test('wall clocks are skewed and jump; monotonic time does not notice', async () => {
    const world = new SimWorld(1);
    const early = world.boot('10.0.0.1');
    const late = world.boot('10.0.0.2', { skewMs: 40_000 });
    expect(late.clock.wallMs() - early.clock.wallMs()).toBe(40_000);
    const mono = early.clock.monoMs();
    early.jumpWall(-3000);
    expect(early.clock.monoMs()).toBe(mono);
    expect(late.clock.wallMs() - early.clock.wallMs()).toBe(43_000);
  });

  test('the same seed gives the same trace, another seed another', async () => {
    const traceOf = async (seed: number): Promise<string> => {
      const world = new SimWorld(seed, { loss: 0.3, jitterMs: 20 });
      const a = await open(world.boot('10.0.0.1'), 1);
      const process = world.boot('10.0.0.2');
      const b = await process.openDatagram(B, {
        onMessage: (bytes, from) => b.send(bytes, from),
        onError: () => undefined,
      });
      for (let i = 0; i < 50; i += 1) a.socket.send(process.random.bytes(10), B);
      await world.run(1000);
      return world.traceHash();
    };
    expect(await traceOf(1)).toBe(await traceOf(1));
    expect(await traceOf(1)).not.toBe(await traceOf(2));
  });

  test('forks of chance do not disturb each other', () => {
    const one = simRandom(5);
    const two = simRandom(5);
    two.float();
    expect(one.fork('x').float()).toBe(two.fork('x').float());
    expect(one.fork('x').float()).not.toBe(one.fork('y').float());
    const sum = Array.from({ length: 10_000 }, () => one.float()).reduce((a, b) => a + b, 0);
    expect(sum / 10_000).toBeCloseTo(0.5, 1);
  });
});
