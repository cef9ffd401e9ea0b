// npx tsx test/bench/join-time.ts [--nodes 12,50,200] [--loss 0,0.01] [--joins 20] [--seed 1]
// How long a joiner, one that comes back after SIGTERM and one after kill -9 take from boot to `ready`, and what they wait
// for: production code and timings in the simulator, links of 10-15 ms.
import { parseArgs } from 'node:util';
import { type SimMember, SimOverlay } from '../../src/sim/sim-overlay.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '12,50,200' },
    loss: { type: 'string', default: '0,0.01' },
    joins: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
  },
});
const numbers = (list: string): readonly number[] => list.split(',').map(Number);

const STEP_MS = 50;
const LIMIT_MS = 300_000;
const gauge = (member: SimMember, name: string): number =>
  Number(
    member.metrics
      .text()
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')
      .at(-1) ?? 0,
  );

interface Joined {
  readonly inRingMs: number;
  readonly leaseMs: number;
  readonly settledMs: number;
  readonly readyMs: number;
}

const watch = async (overlay: SimOverlay, member: SimMember): Promise<Joined> => {
  const { world } = overlay;
  const startMs = world.nowMs;
  const at = { ring: 0, lease: 0, settled: 0 };
  while (!member.node.ready && world.nowMs - startMs < LIMIT_MS) {
    await world.runFor(STEP_MS);
    const passed = world.nowMs - startMs;
    const status = await member.node.status();
    if (status !== undefined && status.members > 0) at.ring ||= passed;
    if (status?.lease === true) at.lease ||= passed;
    if (gauge(member, 'chordial_store_settled') === 1) at.settled ||= passed;
  }
  return { inRingMs: at.ring, leaseMs: at.lease, settledMs: at.settled, readyMs: world.nowMs - startMs };
};

const row = (name: string, all: readonly Joined[]): string => {
  const of = (pick: (one: Joined) => number): string => {
    const sorted = all.map(pick).sort((a, b) => a - b);
    const at = (p: number): string => ((sorted[Math.floor(p * (sorted.length - 1))] ?? 0) / 1000).toFixed(1);
    return `${at(0.5)} / ${at(0.9)} / ${at(1)}`;
  };
  return `| ${name} | ${of((one) => one.inRingMs)} | ${of((one) => one.leaseMs)} | ${of((one) => one.settledMs)} | ${of((one) => one.readyMs)} |\n`;
};

const single = async (nodes: number, loss: number): Promise<void> => {
  const overlay = new SimOverlay({
    seed: `${values.seed} ${nodes} ${loss}`,
    link: { delayMs: 10, jitterMs: 5, loss },
    traced: false,
  });
  const members = await overlay.bootIdeal(nodes);
  await overlay.world.runFor(60_000);
  const rows: Record<string, Joined[]> = {
    joins: [],
    'comes back after SIGTERM': [],
    'comes back after kill -9': [],
  };
  for (let n = 0; n < Number(values.joins); n += 1) {
    const fresh = await overlay.boot(`j${n}`, {
      seeds: members.slice(0, 3).map(({ host }) => ({ host, port: 7184 })),
    });
    rows['joins']?.push(await watch(overlay, fresh));
    await overlay.world.runFor(20_000);
    await overlay.stop(fresh);
    await overlay.world.runFor(2000);
    const seeds = members.slice(0, 3).map(({ host }) => ({ host, port: 7184 }));
    const back = await overlay.boot(`j${n}`, { seeds, host: fresh.host });
    rows['comes back after SIGTERM']?.push(await watch(overlay, back));
    await overlay.world.runFor(20_000);
    overlay.crash(back);
    await overlay.world.runFor(2000);
    const again = await overlay.boot(`j${n}`, { seeds, host: fresh.host });
    rows['comes back after kill -9']?.push(await watch(overlay, again));
    await overlay.world.runFor(20_000);
    await overlay.stop(again);
    await overlay.world.runFor(10_000);
  }
  process.stdout.write(`\n${nodes} members, loss ${100 * loss} %; seconds p50 / p90 / max\n`);
  process.stdout.write('| | in the ring | lease | settled | ready |\n|---|---|---|---|---|\n');
  for (const [name, all] of Object.entries(rows)) process.stdout.write(row(name, all));
  if (overlay.faults.length > 0) process.stdout.write(`faults: ${overlay.faults.slice(0, 3).join('; ')}\n`);
};

for (const nodes of numbers(values.nodes)) for (const loss of numbers(values.loss)) await single(nodes, loss);
