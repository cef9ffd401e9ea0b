// What the one-hop table costs and gives, with the real code in the simulator: npx tsx test/bench/onehop.ts --nodes 4096
// --session 3600 --minutes 10 --warmup 5 --seed 1. Prints; asserts nothing.
import { parseArgs } from 'node:util';
import { hashToId } from '../../src/record/id.ts';
import type { SimMember } from '../../src/sim/sim-overlay.ts';
import { SIM_PORT, SimOverlay } from '../../src/sim/sim-overlay.ts';
import { type SimRandom, simRandom } from '../../src/sim/sim-random.ts';
import { SimTraffic } from '../../src/sim/sim-traffic.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '256' },
    session: { type: 'string', default: '3600' },
    minutes: { type: 'string', default: '10' },
    warmup: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
  },
});
const nodes = Number(values.nodes);
const sessionMs = 1000 * Number(values.session);
const warmupMs = 60_000 * Number(values.warmup);
const measuredMs = 60_000 * Number(values.minutes);
const random: SimRandom = simRandom(`bench ${values.seed}`);

const overlay = new SimOverlay({
  seed: Number(values.seed),
  link: { delayMs: 40, jitterMs: 20 },
  sharedMetrics: true,
  traced: false,
});
const counted = new SimTraffic();
overlay.network.setTap((packet) => counted.add(packet));
const started = Date.now();
await overlay.bootIdeal(nodes);

let joined = 0;
let died = 0;
const pickMember = (): SimMember | undefined =>
  overlay.members[Math.floor(random.float() * overlay.members.length)];

// Deaths (kill -9) come as a Poisson process; each is made good by a joiner, so that the ring keeps its size.
const churn = async (): Promise<void> => {
  const victim = pickMember();
  if (victim !== undefined) overlay.crash(victim);
  died += 1;
  const seeds = [pickMember(), pickMember(), pickMember()].flatMap((one) =>
    one === undefined ? [] : [{ host: one.host, port: SIM_PORT }],
  );
  joined += 1;
  await overlay.boot(`j${joined}`, { seeds });
};
const runWithChurn = async (ms: number, eachSecond: () => Promise<void>): Promise<void> => {
  const endMs = overlay.world.nowMs + ms;
  const wait = (): number => (-Math.log(1 - random.float()) * sessionMs) / nodes;
  let dueMs = overlay.world.nowMs + wait();
  for (let tickMs = overlay.world.nowMs + 1000; tickMs <= endMs; tickMs += 1000) {
    for (; dueMs < tickMs; dueMs += wait()) {
      await overlay.world.run(dueMs);
      await churn();
    }
    await overlay.world.run(tickMs);
    await eachSecond();
  }
};

await runWithChurn(warmupMs, async () => undefined);

const traffic = (): { readonly bytes: number; readonly kinds: ReadonlyMap<string, number> } => {
  const { total, byKind } = counted.sent();
  return { bytes: total.bytes, kinds: new Map([...byKind].map(([kind, { bytes }]) => [kind, bytes])) };
};
const before = traffic();
const trips: number[] = [];
let failed = 0;
const lookups: Promise<void>[] = [];
const look = async (): Promise<void> => {
  const from = pickMember();
  if (from === undefined || !from.node.ready) return;
  const key = hashToId(Buffer.from(`key ${random.float()}`));
  lookups.push(
    from.node.find(key, 5000).then(({ replicas, roundTrips }) => {
      if (replicas.length === 0) failed += 1;
      else trips.push(roundTrips);
    }),
  );
};
await runWithChurn(measuredMs, look);
const after = traffic();

const living = new Map(
  overlay.members.flatMap(({ node }) =>
    node.self === undefined ? [] : [[node.self.id, node.self.bootSequence] as const],
  ),
);
let stale = 0;
let held = 0;
let missing = 0;
const sample = overlay.members.filter((_, index) => index % Math.max(1, Math.floor(nodes / 64)) === 0);
for (const { node } of sample) {
  const table = node.members;
  held += table.length;
  const right = table.filter(({ id, bootSequence }) => living.get(id) === bootSequence).length;
  stale += table.length - right;
  missing += living.size - right;
}

// How long an event takes: one more death, and its successor's table entry at everybody.
const [victim] = overlay.members.slice(17);
const id = victim?.node.self?.id;
if (victim !== undefined) overlay.crash(victim);
const beganMs = overlay.world.nowMs;
const marks = new Map<number, number>();
while (marks.size < 3 && overlay.world.nowMs - beganMs < 180_000) {
  await overlay.world.runFor(500);
  const know = overlay.members.filter(({ node }) => !node.members.some((peer) => peer.id === id)).length;
  for (const share of [0.5, 0.99, 1])
    if (!marks.has(share) && know >= share * overlay.members.length)
      marks.set(share, overlay.world.nowMs - beganMs);
}

const seconds = measuredMs / 1000;
const perNode = (bytes: number): string => (bytes / nodes / seconds).toFixed(1);
const print = (line: string): void => void process.stdout.write(`${line}\n`);
print(
  `${nodes} nodes, sessions of ${values.session} s, seed ${values.seed}: ${died} deaths and ${joined} joins`,
);
print(`sent, bytes per node and second: ${perNode(after.bytes - before.bytes)}`);
const kinds = [...after.kinds].map(([kind, bytes]) => [kind, bytes - (before.kinds.get(kind) ?? 0)] as const);
for (const [kind, bytes] of kinds.sort((a, b) => b[1] - a[1])) print(`  ${kind}: ${perNode(bytes)}`);
await overlay.world.runFor(6000);
await Promise.all(lookups);
trips.sort((a, b) => a - b);
const mean = trips.reduce((a, b) => a + b, 0) / Math.max(1, trips.length);
print(
  `find: ${trips.length} found, ${failed} not; round trips mean ${mean.toFixed(3)}, p99 ${trips[Math.floor(0.99 * trips.length)]}`,
);
print(
  `table entries: ${(held / sample.length).toFixed(1)} of ${living.size}; stale ${((100 * stale) / held).toFixed(2)} %, missing ${((100 * missing) / held).toFixed(2)} %`,
);
print(
  `a death is known to 50/99/100 % after ${[0.5, 0.99, 1].map((share) => marks.get(share) ?? '>180000').join('/')} ms`,
);
print(
  `${overlay.faults.length} faults; ${((Date.now() - started) / 1000).toFixed(0)} s, ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`,
);
