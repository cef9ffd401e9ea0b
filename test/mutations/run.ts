// Shows that the tests can fail: each fault of the list in a copy of the tree, against its tests. By hand:
//   npx tsx test/mutations/run.ts [name …]
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apply, MUTATIONS } from './apply.ts';
import type { Mutation } from './mutation.ts';

const COPIED = ['src', 'test', 'config', 'docs', 'package.json', 'tsconfig.json', 'vitest.config.ts'];
/** A fault that makes a test run for ever is noticed, too. */
const LIMIT_MS = 300_000;

interface Report {
  readonly passed: number;
  readonly failed: number;
}

const runTests = (folder: string, tests: readonly string[], only?: string): Report => {
  const out = join(folder, 'report.json');
  rmSync(out, { force: true });
  const reporting = ['--reporter=json', `--outputFile=${out}`, '--bail=1'];
  const chosen = only === undefined ? [] : ['-t', only];
  const vitest = join(folder, 'node_modules/vitest/vitest.mjs');
  const { error } = spawnSync(process.execPath, [vitest, 'run', ...reporting, ...chosen, ...tests], {
    cwd: folder,
    stdio: 'ignore',
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  if (error !== undefined) return { passed: 0, failed: 1 };
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(out, 'utf8'));
  return { passed: Number(numPassedTests), failed: Number(numFailedTests) };
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !MUTATIONS.some((mutation) => mutation.name === name));
if (unknown.length > 0) throw new Error(`no such mutation: ${unknown.join(', ')}`);
const chosen = MUTATIONS.filter(({ name }) => names.length === 0 || names.includes(name));

const folder = mkdtempSync(join(tmpdir(), 'chordial-mutations-'));
const wrong: string[] = [];
const tell = (name: string, verdict: string, startMs: number): void => {
  const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
  console.log(`${name.padEnd(32)} ${verdict.padEnd(10)} ${seconds.padStart(4)} s`);
};

const prove = (mutation: Mutation): void => {
  const startMs = performance.now();
  const file = join(folder, mutation.file);
  const source = readFileSync(file, 'utf8');
  writeFileSync(file, apply(mutation, source));
  const { passed, failed } = runTests(folder, mutation.tests, mutation.only);
  writeFileSync(file, source);
  if (failed === 0) wrong.push(mutation.name);
  // No test at all ran: the fault keeps the file from being read, and shows nothing.
  tell(mutation.name, failed > 0 ? 'killed' : passed > 0 ? 'SURVIVED' : 'UNREADABLE', startMs);
};

try {
  for (const name of COPIED) cpSync(name, join(folder, name), { recursive: true });
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  // What is red without any fault would show nothing.
  const startMs = performance.now();
  const { passed, failed } = runTests(folder, [...new Set(chosen.flatMap(({ tests }) => tests))]);
  if (failed > 0 || passed === 0) throw new Error(`the tests are red as they are: ${failed} failed`);
  tell('(no fault)', 'green', startMs);
  for (const mutation of chosen) prove(mutation);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${chosen.length - wrong.length} of ${chosen.length} killed`);
if (wrong.length > 0) {
  console.log(`not noticed: ${wrong.join(', ')}`);
  process.exitCode = 1;
}
