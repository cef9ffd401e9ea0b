// chordial sim: a ring of N nodes (the production code) in one simulated world, under churn and load, and what became of it.
import { writeFileSync } from 'node:fs';
import type { CommandModule } from 'yargs';
import { messageOf } from '../runtime/errors.ts';
import type { StudyOptions, StudyReport } from '../sim/study-options.ts';
import { CliError, EXIT } from './exit-code.ts';
import { printJson, printLine, printTable } from './output.ts';
import { startProgress } from './progress.ts';

const NODES_MAX = 20_000;
const MINUTES_MAX = 100_000;
const BINDINGS_MAX = 20_000;

type Flags = Readonly<Record<string, unknown>>;

function numberOf(flags: Flags, name: string, low: number, high: number, otherwise: number): number {
  const given = flags[name] ?? otherwise;
  if (typeof given !== 'number' || !(given >= low && given <= high))
    throw new CliError(EXIT.usage, `--${name} is a number from ${low} to ${high}`);
  return given;
}

function wholeOf(flags: Flags, name: string, low: number, high: number, otherwise: number): number {
  const value = numberOf(flags, name, low, high, otherwise);
  if (!Number.isInteger(value)) throw new CliError(EXIT.usage, `--${name} is a whole number`);
  return value;
}

function optionsOf(flags: Flags): StudyOptions {
  const nodes = wholeOf(flags, 'nodes', 1, NODES_MAX, 100);
  return {
    nodes,
    sessionSec: numberOf(flags, 'churn', 0, 1e9, 3600),
    minutes: wholeOf(flags, 'minutes', 1, MINUTES_MAX, 10),
    seed: wholeOf(flags, 'seed', 0, Number.MAX_SAFE_INTEGER, 1),
    lookupsPerSec: numberOf(flags, 'lookups', 0, 1e6, nodes / 10),
    bindings: wholeOf(flags, 'bindings', 0, BINDINGS_MAX, Math.min(1000, 5 * nodes)),
    loss: numberOf(flags, 'loss', 0, 1, 0),
    delayMs: numberOf(flags, 'delay', 0, 10_000, 20),
  };
}

const perSec = (bytes: number): string => `${bytes.toFixed(1)} B/s`;
const percent = (part: number, of: number): string =>
  of === 0 ? '-' : `${((100 * part) / of).toFixed(2)} %`;

function quantiles(sorted: readonly number[]): readonly string[] {
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const mean = sorted.reduce((sum, value) => sum + value, 0) / Math.max(1, sorted.length);
  return [
    mean.toFixed(1),
    ...[0.01, 0.5, 0.99].map((share) => String(at(share))),
    String(sorted.at(-1) ?? 0),
  ];
}

function printText(report: StudyReport): void {
  const { lookups, bindings, bytes, roundTrips, latencyMs, options } = report;
  const asked = lookups.found + lookups.denied + lookups.unanswered;
  const answered = roundTrips.reduce((sum, { queries }) => sum + queries, 0);
  printLine(
    `${options.nodes} nodes, ${options.minutes} simulated minutes, seed ${options.seed}: ${report.deaths} killed, ${report.joins} joined`,
  );
  printTable(
    ['round trips', 'lookups', 'share'],
    roundTrips
      .filter(({ queries }) => queries > 0)
      .map(({ count, queries }) => [String(count), String(queries), percent(queries, answered)]),
  );
  printLine(
    `mean ${report.meanRoundTrips.toFixed(3)} round trips; latency mean ${latencyMs.mean.toFixed(1)} ms, p50 ${latencyMs.p50.toFixed(1)}, p99 ${latencyMs.p99.toFixed(1)}, max ${latencyMs.max.toFixed(1)}`,
  );
  printTable(
    ['a node', 'mean', 'p1', 'p50', 'p99', 'max'],
    [
      ['keys held', ...quantiles(report.keysPerNode)],
      ['requests served', ...quantiles(report.servedPerNode)],
    ],
  );
  printTable(
    ['sent by a node', 'bytes'],
    [
      ...bytes.byKind.map(({ kind, perNodeSec }) => [kind, perSec(perNodeSec)]),
      ['= find, query, publish', perSec(bytes.operations)],
      ['= all else', perSec(bytes.maintenance)],
    ],
  );
  printTable(
    ['acknowledged bindings', 'asked for', 'found', 'denied', 'no answer'],
    [
      ['by lookups', asked, lookups.found, lookups.denied, lookups.unanswered],
      ['at the end', bindings.acknowledged, bindings.found, bindings.denied, bindings.unanswered],
    ].map((row) => row.map(String)),
  );
  if (bindings.refused > 0) printLine(`${bindings.refused} publications were not acknowledged`);
  printLine(`${report.stalePercent.toFixed(2)} % of what nodes know of others are dead ones`);
  printLine(`${report.events} events, trace ${report.traceHash.slice(0, 16)}`);
}

export const simCommand: CommandModule = {
  command: 'sim',
  describe: 'simulate a ring of N nodes with churn and lookups, and show what became of it',
  builder: (yargs) =>
    yargs
      .option('nodes', { type: 'number', requiresArg: true, default: 100, describe: 'nodes of the ring' })
      .option('churn', {
        type: 'number',
        requiresArg: true,
        default: 3600,
        describe: 'mean session in seconds, after which a node is killed and another one joins; 0: none',
      })
      .option('minutes', { type: 'number', requiresArg: true, default: 10, describe: 'simulated minutes' })
      .option('seed', { type: 'number', requiresArg: true, default: 1, describe: 'same seed, same run' })
      .option('lookups', {
        type: 'number',
        requiresArg: true,
        describe: 'lookups a second of the whole ring (default: nodes / 10)',
      })
      .option('bindings', {
        type: 'number',
        requiresArg: true,
        describe: 'bindings published once at the start (default: 5 a node, 1000 at most)',
      })
      .option('loss', {
        type: 'number',
        requiresArg: true,
        default: 0,
        describe: 'share of datagrams lost, 0 to 1',
      })
      .option('delay', {
        type: 'number',
        requiresArg: true,
        default: 20,
        describe: 'one way in ms; up to as much again at random',
      })
      .option('plot', { type: 'string', requiresArg: true, describe: 'write four charts to this SVG file' })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON' }),
  handler: async (argv) => {
    const options = optionsOf(argv);
    // Loaded here, for this command alone.
    const [{ Study }, { plotStudy }] = await Promise.all([
      import('../sim/study.ts'),
      import('../sim/study-plot.ts'),
    ]);
    const progress = startProgress('s simulated');
    const report = await new Study(options)
      .run((doneMs, ofMs) => progress.update(Math.round(doneMs / 1000), Math.round(ofMs / 1000)))
      .finally(() => progress.end());
    const { plot } = argv;
    if (typeof plot === 'string') {
      try {
        writeFileSync(plot, plotStudy(report));
      } catch (error) {
        throw new CliError(EXIT.failed, `cannot write ${plot}: ${messageOf(error)}`);
      }
    }
    if (argv['json'] === true) printJson(report);
    else printText(report);
  },
};
