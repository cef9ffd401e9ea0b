// How many members of the real code fit in how much memory, and how fast they run: `npx tsx test/bench/sim-memory.ts --nodes 1000`.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SimOverlay } from '../../src/sim/sim-overlay.ts';

const nodes = Number(process.argv[process.argv.indexOf('--nodes') + 1] || 1000);
const SECONDS = 20;

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');
const heapMb = (): number => {
  if (typeof collect === 'function') collect();
  return process.memoryUsage().heapUsed / 1e6;
};

const main = async (): Promise<void> => {
  const beforeMb = heapMb();
  const overlay = new SimOverlay({ seed: 1, sharedMetrics: true, traced: false });
  await overlay.bootIdeal(nodes);
  const bootedMb = heapMb();
  const startedMs = performance.now();
  await overlay.world.runFor(SECONDS * 1000);
  const tookSec = (performance.now() - startedMs) / 1000;
  const ranMb = heapMb();
  console.log(
    `${nodes} members: ${(bootedMb - beforeMb).toFixed(0)} MB booted, ${(ranMb - beforeMb).toFixed(0)} MB after ` +
      `${SECONDS} s (${((1000 * (ranMb - beforeMb)) / nodes).toFixed(0)} kB each); ${overlay.world.events} events in ` +
      `${tookSec.toFixed(1)} s, ${Math.round(overlay.world.events / tookSec)} a second`,
  );
};

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
