// How many members of the real code fit in how much memory, and how fast they run: `npx tsx test/bench/sim-memory.ts --nodes 1000 --seconds 20`.
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SimOverlay } from '../../src/sim/sim-overlay.ts';

const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '1000' }, seconds: { type: 'string', default: '20' } },
});
const nodes = Number(values.nodes);
const seconds = Number(values.seconds);

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');
const heapMb = (): number => {
  if (typeof collect === 'function') collect();
  return process.memoryUsage().heapUsed / 1e6;
};

/** Of this process, whatever else the machine does. */
const cpuSecOf = async (work: () => Promise<unknown>): Promise<number> => {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
};

const knownTo = ({ members }: SimOverlay): number =>
  Math.round(members.reduce((sum, { node }) => sum + node.members.length, 0) / members.length);

const main = async (): Promise<void> => {
  const beforeMb = heapMb();
  const overlay = new SimOverlay({ seed: 1, sharedMetrics: true, traced: false });
  const bootSec = await cpuSecOf(() => overlay.bootIdeal(nodes));
  const bootedMb = heapMb();
  const runSec = await cpuSecOf(() => overlay.world.runFor(seconds * 1000));
  const ranMb = heapMb();
  console.log(
    `${nodes} members: ${(bootedMb - beforeMb).toFixed(0)} MB booted, ${(ranMb - beforeMb).toFixed(0)} MB after ` +
      `${seconds} s (${((1000 * (ranMb - beforeMb)) / nodes).toFixed(0)} kB each), at most ` +
      `${(process.resourceUsage().maxRSS / 1e6).toFixed(2)} GB resident; CPU: ${bootSec.toFixed(1)} s to boot, ${runSec.toFixed(1)} s for ` +
      `${overlay.world.events} events, ${Math.round(overlay.world.events / runSec)} a second; ` +
      `each knows ${knownTo(overlay)} members`,
  );
};

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
