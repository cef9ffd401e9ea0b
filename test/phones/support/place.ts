// A network namespace of the test's own: port 5060 is free, addresses and DNS are ours, and all of it is gone with its processes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program, type ProgramOptions, requirePrograms } from './program.ts';

/** Programs die with the test's process, however that ends. */
const TIED = ['setpriv', '--pdeathsig', 'KILL'] as const;

export const NAME_SERVER = '10.1.0.53';

/**
 * The namespace: its loopback device bears 10.1.0.0/24, where every address answers. They are no loopback addresses to
 * a server, so its defaults for the open network hold.
 */
export class Place {
  /** A folder for whatever the programs need; removed at the end. */
  readonly folder: string;
  readonly #holder: Program;
  // BOUNDED: by the test, which starts them.
  readonly #programs: Program[] = [];

  private constructor(folder: string, holder: Program) {
    this.folder = folder;
    this.#holder = holder;
  }

  static async open(): Promise<Place> {
    requirePrograms('setpriv', 'unshare', 'nsenter', 'ip', 'bash');
    const folder = mkdtempSync(join(tmpdir(), 'chordial-phones-'));
    const resolver = join(folder, 'resolv.conf');
    writeFileSync(resolver, `nameserver ${NAME_SERVER}\n`);
    const script = [
      'set -e',
      'ip link set lo up',
      'ip addr add 10.1.0.1/24 dev lo',
      // Phones find their own address by asking which way they would go out.
      'ip route add default dev lo src 10.1.0.1',
      `mount --bind ${resolver} /etc/resolv.conf`,
      'echo open',
      'exec cat',
    ].join('\n');
    const unshare = [
      'unshare',
      '--net',
      '--mount',
      '--propagation',
      'private',
      'bash',
      '--norc',
      '-c',
      script,
    ];
    const holder = new Program('the namespace (needs root)', [...TIED, ...unshare]);
    try {
      await holder.line(/^open$/);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
    return new Place(folder, holder);
  }

  /** Starts a program inside. */
  start(name: string, command: readonly [string, ...string[]], options: ProgramOptions = {}): Program {
    const wd = options.cwd ?? this.folder;
    const inside = ['nsenter', '-t', String(this.#holder.pid), '--net', '--mount', `--wd=${wd}`];
    const program = new Program(name, [...TIED, ...inside, ...command], options);
    this.#programs.push(program);
    return program;
  }

  async close(): Promise<void> {
    for (const program of this.#programs.reverse()) await program.end();
    await this.#holder.end();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
