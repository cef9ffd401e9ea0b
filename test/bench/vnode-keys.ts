// Keys per process by virtual nodes: the production code in the simulator, names published through it, stores counted.
// npx tsx test/bench/vnode-keys.ts [--processes 64] [--keys 6400] [--rings 3]
import { parseArgs } from 'node:util';
import { entryOf, keyOf } from '../../src/sim/opaque-store.ts';
import { SimOverlay } from '../../src/sim/sim-overlay.ts';

const { values } = parseArgs({
  options: {
    processes: { type: 'string', default: '64' },
    keys: { type: 'string', default: '6400' },
    rings: { type: 'string', default: '3' },
    vnodes: { type: 'string', default: '1,2,5,10,16' },
  },
});
const processes = Number(values.processes);
const keys = Number(values.keys);
const rings = Number(values.rings);

/** What each process holds, of the mean. */
const loads = async (vnodes: number, ring: number): Promise<readonly number[]> => {
  const overlay = new SimOverlay({ seed: ring, vnodes, sharedMetrics: true, traced: false });
  const members = await overlay.bootIdeal(processes, `r${ring}n`);
  if (!(await overlay.until(() => members.every(({ node }) => node.ready), 120_000, 500)))
    throw new Error('the ring did not settle');
  const batch = 200;
  for (let from = 0; from < keys; from += batch) {
    const jobs = Array.from({ length: Math.min(batch, keys - from) }, async (_, n) => {
      const name = `user${from + n}`;
      const outcome = await members[(from + n) % processes]?.node.publish(
        keyOf(name),
        [entryOf(name, 1)],
        5000,
      );
      if (outcome?.kind !== 'stored') throw new Error(`${name}: ${JSON.stringify(outcome)}`);
    });
    await overlay.world.settle(Promise.all(jobs));
  }
  await overlay.world.runFor(2000);
  const held = members.map(({ node }) => node.counts.keys);
  const sum = held.reduce((total, count) => total + count, 0);
  if (sum !== 3 * keys) process.stderr.write(`${sum} copies of ${keys} keys\n`);
  return held.map((count) => (count * processes) / sum);
};

process.stdout.write(
  `${processes} processes, ${keys} keys, 3 copies, ${rings} rings; keys of a process, of the mean\nvnodes   min    1st    median 99th   max    sd\n`,
);
for (const vnodes of values.vnodes.split(',').map(Number)) {
  const all: number[] = [];
  for (let ring = 1; ring <= rings; ring += 1) all.push(...(await loads(vnodes, ring)));
  all.sort((a, b) => a - b);
  const at = (share: number): number => all[Math.round(share * (all.length - 1))] ?? 0;
  const sd = Math.sqrt(all.reduce((sum, x) => sum + (x - 1) ** 2, 0) / all.length);
  const row = [at(0), at(0.01), at(0.5), at(0.99), at(1), sd].map((x) => x.toFixed(2).padEnd(6)).join(' ');
  process.stdout.write(`${String(vnodes).padEnd(8)} ${row}\n`);
}
