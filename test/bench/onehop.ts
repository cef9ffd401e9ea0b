// What the one-hop table costs and gives, with the real code in the simulator: npx tsx test/bench/onehop.ts --nodes 4096
// --session 3600 --minutes 10 --warmup 5 --seed 1. Prints what it has every quarter of a minute; asserts nothing.
import { parseArgs } from 'node:util';
import { hashToId } from '../../src/record/id.ts';
import { entryOf, keyOf } from '../../src/sim/opaque-store.ts';
import type { SimMember } from '../../src/sim/sim-overlay.ts';
import { SIM_PORT, SimOverlay } from '../../src/sim/sim-overlay.ts';
import { type SimRandom, simRandom } from '../../src/sim/sim-random.ts';
import { SimTraffic } from '../../src/sim/sim-traffic.ts';
import { Spread } from './spread.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '256' },
    session: { type: 'string', default: '3600' },
    minutes: { type: 'string', default: '10' },
    warmup: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    settle: { type: 'string', default: '120' },
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
const living = new Set<string>();
let receivedBytes = 0;
overlay.network.setTap((packet) => {
  counted.add(packet);
  if (living.has(packet.to.host)) receivedBytes += packet.bytes.length;
});
const started = Date.now();
for (const { host } of await overlay.bootIdeal(nodes)) living.add(host);

let joined = 0;
let died = 0;
const pickMember = (): SimMember | undefined =>
  overlay.members[Math.floor(random.float() * overlay.members.length)];

/** From when the measurement begins. */
let spread: Spread | undefined;
// Deaths (kill -9) come as a Poisson process; each is made good by a joiner, so that the ring keeps its size.
const churn = async (): Promise<void> => {
  const victim = pickMember();
  if (victim !== undefined) {
    const { self } = victim.node;
    overlay.crash(victim);
    living.delete(victim.host);
    if (self !== undefined) spread?.begin('death', self, overlay.world.nowMs);
  }
  died += 1;
  const seeds = [pickMember(), pickMember(), pickMember()].flatMap((one) =>
    one === undefined ? [] : [{ host: one.host, port: SIM_PORT }],
  );
  joined += 1;
  const { host, node } = await overlay.boot(`j${joined}`, { seeds });
  living.add(host);
  if (node.self !== undefined) spread?.begin('join', node.self, overlay.world.nowMs);
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

const progress = (what: string): void => {
  if (process.stderr.isTTY)
    process.stderr.write(`\r${what}, ${(process.cpuUsage().user / 1e6).toFixed(0)} s of CPU `);
};
const print = (line: string): void => void process.stdout.write(`${line}\n`);

const NAMES = 300;
let published = 0;
const stored: string[] = [];
const publish = async (): Promise<void> => {
  for (let n = 0; n < 10 && published < NAMES; n += 1) {
    const name = `user${published}`;
    published += 1;
    void pickMember()
      ?.node.publish(keyOf(name), [entryOf(name, 1)], 5000)
      .then(({ kind }) => void (kind === 'stored' && stored.push(name)));
  }
};
await runWithChurn(warmupMs, async () => {
  await publish();
  progress(`warming up: ${(overlay.world.nowMs / 1000).toFixed(0)} s`);
});

class Trips {
  readonly name: string;
  readonly #all: number[] = [];
  #failed = 0;

  constructor(name: string) {
    this.name = name;
  }

  note(found: boolean, roundTrips: number): void {
    if (found) this.#all.push(roundTrips);
    else this.#failed += 1;
  }

  toString(): string {
    const sorted = [...this.#all].sort((a, b) => a - b);
    const mean = sorted.reduce((a, b) => a + b, 0) / Math.max(1, sorted.length);
    return `${this.name}: ${sorted.length} answered, ${this.#failed} not; round trips mean ${mean.toFixed(3)}, p99 ${sorted[Math.floor(0.99 * sorted.length)]}`;
  }
}
const finds = new Trips('find');
const queries = new Trips('query');
/** Members asked by FINDs that were not there. */
let silent = 0;
const find = async ({ node }: SimMember): Promise<void> => {
  const key = hashToId(Buffer.from(`key ${random.float()}`));
  const { replicas, roundTrips, steps } = await node.find(key, 5000);
  silent += steps.filter(({ result }) => result === 'timeout').length;
  finds.note(replicas.length > 0, roundTrips);
};
const query = async ({ node }: SimMember): Promise<void> => {
  const name = stored[Math.floor(random.float() * stored.length)];
  if (name === undefined) return;
  const before = (await node.status())?.lookups?.roundTrips ?? 0;
  const { kind } = await node.query(keyOf(name), 5000);
  const after = (await node.status())?.lookups?.roundTrips ?? 0;
  queries.note(kind === 'entries', after - before);
};
/** A few a second, by members that have come in. */
const LOOKUPS = 4;
const look = (): void => {
  for (let n = 0; n < 2 * LOOKUPS; n += 1) {
    const from = pickMember();
    if (from?.node.ready) void (n % 2 === 0 ? find(from) : query(from));
  }
};

const entries = (): string => {
  const lives = new Map(
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
    const right = table.filter(({ id, bootSequence }) => lives.get(id) === bootSequence).length;
    stale += table.length - right;
    missing += lives.size - right;
  }
  return `table entries: ${(held / sample.length).toFixed(1)} of ${lives.size}; stale ${((100 * stale) / held).toFixed(2)} %, missing ${((100 * missing) / held).toFixed(2)} %`;
};

spread = new Spread(overlay.members);
counted.reset();
receivedBytes = 0;
const beganMs = overlay.world.nowMs;
const [diedBefore, joinedBefore] = [died, joined];
const report = (): void => {
  const seconds = (overlay.world.nowMs - beganMs) / 1000;
  const perNode = (bytes: number): string => (bytes / nodes / seconds).toFixed(1);
  const { total, byKind } = counted.sent();
  const sync = ['sync', 'synced'].reduce((sum, kind) => sum + (byKind.get(kind)?.bytes ?? 0), 0);
  const kinds = [...byKind].sort(([, a], [, b]) => b.bytes - a.bytes);
  print(
    `${nodes} nodes, sessions of ${values.session} s, seed ${values.seed}: ${seconds.toFixed(0)} s, ${died - diedBefore} deaths and ${joined - joinedBefore} joins`,
  );
  print(
    `bytes (datagrams) per node and second: sent ${perNode(total.bytes)}, without SYNC ${perNode(total.bytes - sync)}; received ${perNode(receivedBytes)}`,
  );
  print(
    `  ${kinds.map(([kind, { bytes, datagrams }]) => `${kind} ${perNode(bytes)} (${(datagrams / nodes / seconds).toFixed(2)})`).join(', ')}`,
  );
  print(`${finds}; silent ones asked: ${silent}\n${queries}\n${entries()}\n${spread}`);
  print(
    `${overlay.faults.length} faults; ${((Date.now() - started) / 1000).toFixed(0)} s, of CPU ${(process.cpuUsage().user / 1e6).toFixed(0)}; ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB\n`,
  );
};
const REPORT_SEC = 15;
let ticks = 0;
await runWithChurn(measuredMs, async () => {
  look();
  spread.look(overlay.world.nowMs, living);
  ticks += 1;
  progress(`measuring: ${ticks} s`);
  if (ticks % REPORT_SEC === 0) report();
});

// What was begun last is seen through, without further churn.
const settleSec = Number(values.settle);
for (let n = 0; n < settleSec && spread.pending > 0; n += 1) {
  await overlay.world.runFor(1000);
  spread.look(overlay.world.nowMs, living);
  progress(`settling ${n} s`);
}
print(`when it has settled:\n${spread}\n${entries()}`);
