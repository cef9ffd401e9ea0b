// `npm run sim -- --seed N [--seeds COUNT] [--minutes M]`: scenarios by hand, one line each; exit 1 if a promise broke.
import { parseArgs } from 'node:util';
import { runScenario } from './run-scenario.ts';
import type { Peak } from './traffic-checks.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '2' },
    quiet: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed);
const count = Number(values.seeds);
const minutes = Number(values.minutes);
if (!Number.isInteger(first) || !(count >= 1) || !(minutes > 0)) {
  console.error('usage: npm run sim -- --seed N [--seeds COUNT] [--minutes M] [--quiet]');
  process.exit(2);
}

const peakText = ({ total, byKind }: Peak): string => {
  const most = Object.entries(byKind).sort(([, a], [, b]) => b - a);
  const kinds = most.slice(0, 5).map(([kind, count]) => `${count} ${kind}`);
  return `busiest half second of a member: ${total} requests (${kinds.join(', ')})`;
};

const main = async (): Promise<void> => {
  const startedMs = performance.now();
  const failed: number[] = [];
  let simulatedMs = 0;
  let beyond = 0;
  for (let seed = first; seed < first + count; seed += 1) {
    if (process.stderr.isTTY)
      process.stderr.write(`\rseed ${seed} (${seed - first + 1} of ${count})\u001b[K\r`);
    const report = await runScenario(seed, { minutes });
    simulatedMs += report.simulatedMs;
    beyond += report.beyond;
    const said = Object.entries(report.said)
      .map(([what, times]) => `${times} ${what}`)
      .join(', ');
    const bad = report.violations.length > 0;
    if (bad) failed.push(seed);
    if (bad || !values.quiet)
      console.log(
        `seed ${seed} ${report.hash.slice(0, 16)} ${bad ? 'FAILED' : 'ok'}; ${report.plan}; ${said}; ` +
          `${report.events} events, ${Math.round(report.simulatedMs / 1000)} s, ${report.beyond} beyond any promise; ${peakText(report.peak)}`,
      );
    for (const violation of report.violations) console.log(`  ${violation}`);
  }
  const tookSec = (performance.now() - startedMs) / 1000;
  console.log(
    `${count} seeds, ${failed.length} failed${failed.length > 0 ? ` (${failed.join(' ')})` : ''}; ` +
      `${Math.round(simulatedMs / 60_000)} simulated minutes in ${tookSec.toFixed(1)} s; ${beyond} wrong answers beyond any promise`,
  );
  process.exitCode = failed.length > 0 ? 1 : 0;
};

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
