// The life of a ring of processes under load: join, churn, several killed at once, a partition, healing. Every lookup is judged.
import { setTimeout as wait } from 'node:timers/promises';
import { nodeId } from '../../src/dht/descriptor.ts';
import { LspClient } from '../../src/dht/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatagram } from '../../src/runtime/datagram.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { MetricsRegistry } from '../../src/runtime/metrics.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { until } from '../support/until.ts';
import type { Fleet, Member } from './fleet.ts';
import { Ledger, type Tally } from './ledger.ts';
import { identityOf, OVERLAY } from './registrations.ts';

export interface ScenarioOptions {
  readonly nodes: number;
  /** Started at the same moment, the next so many when their sockets are open. */
  readonly atOnce: number;
  readonly users: number;
  /** Members that stop and come back, one after the other. */
  readonly churn: number;
  /** Members killed at the same moment. */
  readonly killed: number;
  /** Members on the smaller side of the partition, and for how long. */
  readonly cutOff: number;
  readonly cutMs: number;
  readonly lanes: number;
  readonly pauseMs: number;
  readonly hostOf: (index: number) => string;
  /** How a partition is made and ended, if not by the members themselves. */
  readonly partition?: (minority: readonly Member[], cut: boolean) => Promise<void>;
  /** From where the ring is walked. */
  readonly observer: string;
  readonly random: () => number;
  readonly limitMs: number;
}

export interface Phase extends Tally {
  readonly name: string;
  /** Until the ring was settled again. */
  readonly settledMs: number;
  readonly seconds: number;
}

const REPLICAS = 3;

const idOf = ({ name }: Member) =>
  nodeId(OVERLAY, { domain: identityOf(name).domain, selector: 0, vnode: 0 });

/**
 * `count` of them, such that of any three that follow each other at most `together` are chosen: "survives any one
 * death at once" (DESIGN §1) is what is promised, so no more than that is asked for.
 */
export const scattered = (
  members: readonly Member[],
  count: number,
  together: number,
  random: () => number,
): readonly Member[] => {
  const ring = [...members].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  const chosen = new Set<number>();
  const n = ring.length;
  const inWindow = (start: number): number =>
    Array.from({ length: REPLICAS }, (_, step) => (start + step + n) % n).filter((at) => chosen.has(at))
      .length;
  for (let tries = 0; tries < 1000 && chosen.size < count; tries += 1) {
    const at = Math.floor(random() * n);
    if (chosen.has(at)) continue;
    chosen.add(at);
    if ([at - 2, at - 1, at].some((start) => inWindow(start) > together)) chosen.delete(at);
  }
  if (chosen.size < count) throw new Error(`no ${count} of ${n} members that far apart`);
  return ring.filter((_, at) => chosen.has(at));
};

export const runScenario = async (
  fleet: Fleet,
  options: ScenarioOptions,
  tell: (phase: Phase) => void,
): Promise<{
  readonly phases: readonly Phase[];
  readonly wrong: readonly string[];
  readonly outdated: readonly string[];
}> => {
  const { nodes, random, limitMs } = options;
  const ledger = new Ledger(options.users);
  const phases: Phase[] = [];
  const nameOf = (index: number): string => `m${index}`;
  const anyOf = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  const anyUser = (): number => Math.floor(random() * ledger.users);

  const observer = new LspClient(
    {
      clock: systemClock,
      random: systemRandom,
      openDatagram,
      resolveHost: async (host) => [host],
      log: silentLog,
      metrics: new MetricsRegistry(),
    },
    {
      overlayId: OVERLAY,
      listen: { host: options.observer, port: 0 },
      seeds: [{ host: options.hostOf(0), port: 7184 }],
      replicas: REPLICAS,
    },
  );
  let amiss = '';
  const inOrder = async (): Promise<boolean> => {
    if (!(await fleet.settled())) {
      const unready = (await fleet.states()).filter(({ ready }) => !ready).length;
      amiss = `${unready} are not ready, or don't know all in a small ring`;
      return false;
    }
    const { members, problems } = await observer.members();
    amiss = `${members.length} of ${fleet.living.length} were found, ${problems.slice(0, 5).join('; ')}`;
    return members.length === fleet.living.length && problems.length === 0;
  };
  const phase = async (name: string, run: () => Promise<void>): Promise<void> => {
    ledger.tally();
    const startedMs = performance.now();
    await run();
    const settledMs = await until(`a ring in order: ${name}`, inOrder, limitMs).catch((error: unknown) => {
      throw new Error(amiss, { cause: error });
    });
    const seconds = (performance.now() - startedMs) / 1000;
    const done: Phase = { name, settledMs, seconds, ...ledger.tally() };
    phases.push(done);
    tell(done);
  };

  try {
    await phase(`${nodes} members join`, async () => {
      const founder = await fleet.start(nameOf(0), options.hostOf(0), { seeds: [] });
      await until('founded', async () => (await founder.order({ do: 'state' }))?.ready === true, limitMs);
      await observer.start();
      for (let from = 1; from < nodes; from += options.atOnce) {
        const batch = Array.from(
          { length: Math.min(options.atOnce, nodes - from) },
          (_, step) => from + step,
        );
        await Promise.all(batch.map((index) => fleet.start(nameOf(index), options.hostOf(index))));
      }
    });
    await phase(`${options.users} users register`, () => ledger.registerAll(fleet.living));
    await phase('everybody is looked up', () => ledger.lookUpAll(fleet.living));

    let pick = () => {
      const member = anyOf(fleet.living.filter(({ serving }) => serving));
      return member === undefined ? undefined : { user: anyUser(), member, apart: false };
    };
    ledger.begin(() => pick(), options);
    await phase('calm, under load', () => wait(5000));
    await phase(`${options.churn} leave and come back`, async () => {
      for (let turn = 0; turn < options.churn; turn += 1) {
        const member = anyOf(fleet.living.slice(1));
        if (member === undefined) return;
        await member.stop();
        await fleet.start(member.name, member.at.host);
        await until('it is back', async () => fleet.settled(), limitMs);
      }
    });
    await phase(`${options.killed} are killed at once`, async () => {
      const victims = scattered(fleet.living.slice(1), options.killed, 1, random);
      await Promise.all(victims.map((victim) => victim.end('SIGKILL')));
      const left = fleet.living.length;
      await until(
        'the dead are noticed',
        async () => (await fleet.states()).every(({ members, mode }) => mode === 'full' || members === left),
        limitMs,
      );
      await Promise.all(victims.map(({ name, at }) => fleet.start(name, at.host)));
    });
    const minority = scattered(fleet.living.slice(1), options.cutOff, 2, random);
    const majority = fleet.living.filter((one) => !minority.includes(one));
    const cut = options.partition ?? ((_, on) => cutInProcess(minority, majority, on));
    await phase(`partition, ${minority.length} against ${majority.length}`, async () => {
      const calm = pick;
      await ledger.end();
      ledger.markFloor();
      pick = () => {
        const apart = random() < 0.3;
        const member = anyOf(apart ? minority : majority);
        return member === undefined ? undefined : { user: anyUser(), member, apart };
      };
      await cut(minority, true);
      ledger.begin(() => pick(), options);
      await wait(options.cutMs);
      await ledger.end();
      const during: Phase = {
        name: 'while it lasts',
        settledMs: 0,
        seconds: options.cutMs / 1000,
        ...ledger.tally(),
      };
      phases.push(during);
      tell(during);
      await cut(minority, false);
      // Until it has healed, who was cut off need only show what was known at the cut.
      ledger.begin(() => pick(), options);
      await until('healed', inOrder, limitMs);
      await ledger.end();
      pick = calm;
    });
    await phase('everybody is looked up again', () => ledger.lookUpAll(fleet.living));
  } finally {
    await ledger.end();
    await observer.stop();
  }
  return { phases, wrong: ledger.wrong, outdated: ledger.outdated };
};

const cutInProcess = async (
  minority: readonly Member[],
  majority: readonly Member[],
  cut: boolean,
): Promise<void> => {
  const hosts = (side: readonly Member[]): readonly string[] => (cut ? side.map(({ at }) => at.host) : []);
  await Promise.all([
    ...minority.map((one) => one.order({ do: 'cut', hosts: hosts(majority) })),
    ...majority.map((one) => one.order({ do: 'cut', hosts: hosts(minority) })),
  ]);
};

const HEADER = [
  'phase',
  's',
  'in order after s',
  'lookups',
  'found',
  'no answer',
  'registered',
  'not',
  'p50 ms',
  'p99 ms',
];

export const headerRow = (): string => `| ${HEADER.join(' | ')} |\n|${'---|'.repeat(HEADER.length)}\n`;

export const phaseRow = (one: Phase): string => {
  const cells = [
    one.name,
    one.seconds.toFixed(1),
    (one.settledMs / 1000).toFixed(1),
    one.lookups,
    one.found,
    one.unanswered,
    one.registered,
    one.notRegistered,
    one.p50Ms.toFixed(1),
    one.p99Ms.toFixed(1),
  ];
  return `| ${cells.join(' | ')} |\n`;
};
