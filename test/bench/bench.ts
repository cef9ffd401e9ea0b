// npm run bench: registrations and redirects a second, CPU for each summed over all nodes, and latency; Kamailio beside it.
// Prints, never asserts, but an answer that is wrong ends it: figures of wrong answers are none.
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { startChordial } from './chordial.ts';
import { Generator, type Measured } from './generator.ts';
import { hasKamailio, hasRedis, type KamailioOptions, startKamailio } from './kamailio.ts';
import type { LoadPlan } from './load-plan.ts';
import type { Subject } from './subject.ts';
import { formatTable } from './table.ts';

const HELP = `npm run bench [-- --quick] [--only TEXT] [--requests N]
  --quick       a tenth of the requests
  --requests N  transactions a figure (20000)
  --only TEXT   subjects whose name holds TEXT
`;

interface Options {
  readonly requests: number;
  readonly only: string;
}

const readOptions = (args: readonly string[]): Options => {
  const after = (flag: string): string | undefined =>
    args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined;
  const requests = Number(after('--requests') ?? (args.includes('--quick') ? 2_000 : 20_000));
  if (args.includes('--help') || !Number.isInteger(requests) || requests < 100 || requests > 1_000_000) {
    process.stdout.write(HELP);
    process.exit(args.includes('--help') ? 0 : 2);
  }
  return { requests, only: after('--only') ?? '' };
};

const OUTSTANDING = 64;
/** One figure takes no longer, however slow the machine. */
const SECONDS_MAX = 60;
/** Latency one at a time needs fewer. */
const ALONE_SHARE = 0.1;
/** Just-in-time compilers and allocators get as far as they will before the clock runs. */
const WARM_UP = 3_000;

interface Entry {
  readonly digest: boolean;
  readonly start: () => Promise<Subject>;
  readonly name: string;
}

const chordial = (nodes: number, users: number | undefined): Entry => {
  const name = `chordial, ${nodes === 1 ? 'one node' : `ring of ${nodes}`}${users === undefined ? '' : ', digest'}`;
  const options = { name, nodes, ...(users === undefined ? {} : { digestUsers: users + WARM_UP }) };
  return { name, digest: users !== undefined, start: () => startChordial(options) };
};

const kamailio = (options: KamailioOptions): Entry => ({
  name: options.name,
  digest: options.digest,
  start: () => startKamailio(options),
});

const peers = (): readonly Entry[] => {
  const memory = { children: 1, redis: false };
  return [
    kamailio({ name: 'Kamailio, memory, default allocator', ...memory, tlsf: false, digest: false }),
    kamailio({ name: 'Kamailio, memory, tlsf', ...memory, tlsf: true, digest: false }),
    kamailio({ name: 'Kamailio, memory, tlsf, digest', ...memory, tlsf: true, digest: true }),
    ...(hasRedis()
      ? [kamailio({ name: 'Kamailio + Redis, tlsf', children: 8, redis: true, tlsf: true, digest: false })]
      : []),
  ];
};

const micros = (measured: Measured): string => measured.cpuMicrosEach.toFixed(0);
const latency = ({ p50Ms, p99Ms }: Measured): string => `${p50Ms.toFixed(2)} / ${p99Ms.toFixed(2)}`;

type Row = readonly string[];

class Bench {
  readonly #generator: Generator;
  readonly #options: Options;
  readonly rows: Row[] = [];
  #cseq = 0;

  constructor(generator: Generator, options: Options) {
    this.#generator = generator;
    this.#options = options;
  }

  async run(entry: Entry): Promise<void> {
    process.stderr.write(`${entry.name}\n`);
    const subject = await entry.start();
    const { digest } = entry;
    try {
      await this.#warmUp(subject, digest);
      await this.#measure(subject, digest ? 'REGISTER, 401 + 200' : 'REGISTER', {
        method: 'REGISTER',
        digest,
      });
      if (digest) return;
      await this.#measure(subject, 'REGISTER, refresh', { method: 'REGISTER', digest });
      await this.#measure(subject, 'INVITE, 302, ACK', { method: 'INVITE', digest });
    } finally {
      await subject.stop();
    }
  }

  /** By users that are not measured. */
  async #warmUp(subject: Subject, digest: boolean): Promise<void> {
    const { targets } = subject;
    const users = { firstUser: this.#options.requests, users: WARM_UP, requests: WARM_UP };
    const plan = { targets, ...users, outstanding: OUTSTANDING, secondsMax: SECONDS_MAX };
    await this.#load(subject, { ...plan, method: 'REGISTER', digest });
    await this.#load(subject, { ...plan, method: 'INVITE', digest: false });
  }

  async #measure(subject: Subject, what: string, asked: Pick<LoadPlan, 'method' | 'digest'>): Promise<void> {
    const { requests } = this.#options;
    const { targets } = subject;
    const plan = { ...asked, targets, firstUser: 0, users: requests, secondsMax: SECONDS_MAX };
    const many = await this.#load(subject, { ...plan, requests, outstanding: OUTSTANDING });
    const alone = await this.#load(subject, { ...plan, requests: requests * ALONE_SHARE, outstanding: 1 });
    const row = [
      subject.name,
      what,
      Math.round(many.done / many.seconds).toString(),
      micros(many),
      latency(many),
      latency(alone),
    ];
    this.rows.push(row);
    process.stderr.write(`  ${row.slice(1).join('  ')}\n`);
  }

  async #load(subject: Subject, plan: Omit<LoadPlan, 'cseq'>): Promise<Measured> {
    // Credentials take the number behind.
    this.#cseq += 2;
    const measured = await this.#generator.run({ ...plan, cseq: this.#cseq }, subject.pids);
    if (measured.wrong > 0)
      throw new Error(`${subject.name}: ${measured.wrong} wrong answers, the first:\n${measured.firstWrong}`);
    if (measured.done < plan.requests)
      process.stderr.write(
        `  only ${measured.done} of ${plan.requests} answered in ${measured.seconds.toFixed(0)} s\n`,
      );
    if (measured.resent > 0) process.stderr.write(`  ${measured.resent} sent again\n`);
    return measured;
  }
}

const machine = (): string => {
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  const load = readFileSync('/proc/loadavg', 'utf8').split(' ', 1)[0];
  return `${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, Linux ${kernel}, Node ${process.version}, load before: ${load}`;
};

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const { requests, only } = options;
  const entries = [
    chordial(1, undefined),
    chordial(1, requests),
    chordial(3, undefined),
    chordial(3, requests),
    ...(hasKamailio() ? peers() : []),
  ].filter(({ name }) => name.includes(only));
  process.stdout.write(`${new Date().toISOString().slice(0, 10)}, ${machine()}\n`);
  process.stdout.write(`${requests} transactions a figure, loopback, one load generator\n\n`);
  const generator = await Generator.start();
  const bench = new Bench(generator, options);
  try {
    for (const entry of entries) await bench.run(entry);
  } finally {
    await generator.stop();
  }
  process.stdout.write(
    formatTable(
      [
        'server',
        'transaction',
        '/s',
        'CPU µs',
        `ms p50 / p99, ${OUTSTANDING} at once`,
        'ms p50 / p99, one at a time',
      ],
      bench.rows,
    ),
  );
  if (!hasKamailio()) process.stdout.write('\nKamailio: not installed: skipped peer\n');
  else if (!hasRedis()) process.stdout.write('\nKamailio + Redis: not installed: skipped peer\n');
  process.stdout.write('OpenDHT: not run by this bench\n');
}

await main();
