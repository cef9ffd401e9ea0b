// Whose word counts as recognition: "unchanged" refers to an answer that counted us in, in the life we have now.
import { expect, test } from 'vitest';
import { RingCore } from '../../../src/dht/ring-core.ts';
import { RingLiveness } from '../../../src/dht/ring-liveness.ts';
import { RING_TIMING, type RingDeps } from '../../../src/dht/ring-options.ts';
import { RingStabilise } from '../../../src/dht/ring-stabilise.ts';
import { Tasks } from '../../../src/dht/tasks.ts';
import type { Answer, Request } from '../../../src/dht/types.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { MetricsRegistry } from '../../../src/runtime/metrics.ts';
import { SimWorld } from '../../../src/sim/sim-world.ts';
import { peerNamed } from '../../support/fake-peers.ts';

test('"unchanged" renews the lease only in the life that the answer it refers to counted in', async () => {
  const world = new SimWorld(1);
  const { clock, random } = world.boot('10.0.0.1');
  const us = peerNamed('us');
  const others = Array.from({ length: 12 }, (_, n) => peerNamed(`member ${n}`));
  const asked: Request[] = [];
  let answer: Answer = { type: 'unchanged' };
  const deps: RingDeps = {
    clock,
    random,
    log: silentLog,
    metrics: new MetricsRegistry(),
    rpc: {
      call: async (endpoint, request) => {
        asked.push(request);
        const { id, bootSequence } =
          others.find(({ endpoints }) => endpoints[0]?.port === endpoint.port) ?? us;
        const said: Answer = request.type === 'ping' ? { type: 'pong', id, bootSequence } : answer;
        return { ok: true, answer: said, meta: { from: endpoint, rttMs: 1, sizeEstimate: 13 } };
      },
    },
    keys: { resolve: async () => ({ kind: 'key', publicKey: us.publicKey }) },
    describe: (bootSequence) => ({ ...us, bootSequence }),
    resolveHost: async () => [],
    onFatal: () => undefined,
    facts: () => ({ version: 'test', keys: 0, entries: 0 }),
  };
  const core = new RingCore(deps, {
    seeds: [],
    replicas: 3,
    successors: 3,
    minMembers: 0,
    selfCertified: false,
    timing: RING_TIMING,
  });
  core.enterSettled([core.self, ...others]);
  const tasks = new Tasks({ clock, onError: () => undefined }, { max: 100 });
  const rounds = new RingStabilise(core, deps, new RingLiveness(core, deps, tasks));
  const [successor] = core.neighbourhood.successors;
  if (successor === undefined) throw new Error('no successor');
  const ask = async (): Promise<number | undefined> => {
    await world.runFor(1000);
    await rounds.ask(successor);
    return core.table.get(successor.id)?.recognisedMs;
  };
  const sinceSent = (): boolean =>
    asked.some((request) => request.type === 'neighbours' && request.since !== undefined);

  answer = {
    type: 'neighbours',
    mode: 'full',
    ringVersion: 1,
    self: successor,
    predecessors: [core.self],
    successors: others.filter(({ id }) => id !== successor.id).slice(0, 3),
    gone: [],
  };
  expect(await ask()).toBe(clock.monoMs());
  answer = { type: 'unchanged' };
  expect(await ask()).toBe(clock.monoMs());
  expect(sinceSent()).toBe(true);

  core.reincarnate(core.self.bootSequence + 1);
  asked.length = 0;
  expect(await ask()).toBe(clock.monoMs() - 1000);
  expect(sinceSent()).toBe(false);
});
