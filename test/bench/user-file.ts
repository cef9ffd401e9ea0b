// npm run bench:users: what a large user file costs: time, memory, and the longest piece of work for which nobody else gets a turn.
import { parseUserFile, readUserFile } from '../../src/auth/user-file.ts';
import { UserTable, userRealms } from '../../src/auth/users.ts';

const [COUNT = 100_000] = process.argv.slice(2).map(Number);
const ROUNDS = 5;

const hex = (n: number): string => n.toString(16).padStart(32, '0');
const text = Array.from({ length: COUNT }, (_, n) => {
  const alias = n % 2 === 0 ? `${n}:office.example:alias:user${n}\n` : '';
  return `user${n}:office.example:${hex(n)}\n${alias}`;
}).join('');

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const heap = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 2 ** 20;
};
/** The processor's time, not the clock's: other programs on the machine don't count. It includes what collects garbage. */
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Runs the steps and notes what each took. */
function timed<T>(steps: Generator<undefined, T>, stepMs: number[]): T {
  for (;;) {
    const before = cpuMs();
    const step = steps.next();
    stepMs.push(cpuMs() - before);
    if (step.done === true) return step.value;
  }
}

const first = parseUserFile(text);
if (!first.ok) throw new Error(JSON.stringify(first.error));
const before = heap();
const table = new UserTable(first.value);
say(`${COUNT} users, ${Math.ceil(COUNT / 2)} aliases, ${(text.length / 2 ** 20).toFixed(1)} MB of text`);
say(`the table holds ${(heap() - before).toFixed(1)} MB, and the text, of which names and hashes are pieces`);
say('round\tread (ms CPU)\ttable (ms CPU)\tsteps\tlongest (ms)\t99 % (ms)\tmedian (ms)');
for (let round = 1; round <= ROUNDS; round += 1) {
  const stepMs: number[] = [];
  const start = cpuMs();
  const read = timed(readUserFile(text), stepMs);
  const middle = cpuMs();
  if (read.ok) table.replace(timed(userRealms(read.value), stepMs));
  const end = cpuMs();
  const sorted = stepMs.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(2);
  const whole = [middle - start, end - middle].map((ms) => ms.toFixed(0)).join('\t');
  say(`${round}\t${whole}\t${stepMs.length}\t${at(1)}\t${at(0.99)}\t${at(0.5)}`);
}
