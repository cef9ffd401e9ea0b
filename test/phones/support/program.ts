// A program under test as lines of output: started, waited for, written to, ended by its pid.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Where Debian has what the tests need. */
const PACKAGES: Readonly<Record<string, string>> = {
  sipp: 'sip-tester',
  baresip: 'baresip-core',
  'linphone-daemon': 'linphone-cli',
  'twinkle-console': 'twinkle-console',
  '/usr/libexec/jamid': 'jami-daemon',
  'dbus-daemon': 'dbus-daemon',
  gdbus: 'libglib2.0-bin',
  chromium: 'chromium',
  dnsmasq: 'dnsmasq-base',
  ip: 'iproute2',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  bash: 'bash',
  svmap: 'sipvicious',
  sngrep: 'sngrep',
  'fail2ban-regex': 'fail2ban',
};

/** Where programs are looked for; some of Debian's are for administrators. */
const SEARCHED = `${process.env['PATH']}:/usr/sbin:/sbin`;

const LINES_SHOWN = 60;

/** Throws words about what to install: a missing phone fails its test, it does not pass by. */
export function requirePrograms(...names: readonly string[]): void {
  const missing = names.filter((name) => {
    try {
      execFileSync('/bin/sh', ['-c', `command -v ${name}`], { stdio: 'ignore', env: { PATH: SEARCHED } });
      return false;
    } catch {
      return true;
    }
  });
  if (missing.length > 0)
    throw new Error(
      missing.map((name) => `${name} is not installed (Debian: ${PACKAGES[name] ?? name})`).join('\n'),
    );
}

interface Waiting {
  readonly pattern: RegExp;
  readonly found: (match: RegExpExecArray) => void;
  readonly ended: () => void;
}

export class Program {
  readonly name: string;
  /** stdout and stderr, as they came. BOUNDED: by the life of a test. */
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #waiting = new Set<Waiting>();
  readonly #exited: Promise<void>;

  constructor(name: string, command: readonly [string, ...string[]], options: ProgramOptions = {}) {
    this.name = name;
    const [program, ...args] = command;
    this.#child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: options.cwd,
      env: { PATH: SEARCHED, LC_ALL: 'C', ...options.env },
    });
    // A program that is gone does not read: what ends it is told by its exit.
    this.#child.stdin?.on('error', () => undefined);
    const { stdout, stderr } = this.#child;
    for (const stream of [stdout, stderr])
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#take(line));
    this.#exited = once(this.#child, 'close').then(
      () => this.#over(),
      (error: unknown) => {
        this.lines.push(String(error));
        this.#over();
      },
    );
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get running(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** A place in the output: what comes later is after it. */
  get mark(): number {
    return this.lines.length;
  }

  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** The first line after `mark` that matches, whether it is there already or comes within `deadlineMs`. */
  line(pattern: RegExp, { mark = 0, deadlineMs = 15_000 } = {}): Promise<RegExpExecArray> {
    for (const line of this.lines.slice(mark)) {
      const match = pattern.exec(line);
      if (match !== null) return Promise.resolve(match);
    }
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
      };
      const fail = (why: string): void => {
        end();
        reject(new Error(`${this.name}: ${why} before ${pattern}\n${this.tail()}`));
      };
      const timer = setTimeout(() => fail(`${deadlineMs} ms passed`), deadlineMs);
      const waiting: Waiting = {
        pattern,
        found: (match) => {
          end();
          resolve(match);
        },
        ended: () => fail('the program ended'),
      };
      if (!this.running) waiting.ended();
      else this.#waiting.add(waiting);
    });
  }

  /** The lines after `mark` that match, once there are `count` of them. */
  async matching(pattern: RegExp, count: number, { mark = 0, deadlineMs = 15_000 } = {}): Promise<string[]> {
    for (;;) {
      const found = this.lines.slice(mark).filter((line) => pattern.test(line));
      if (found.length >= count) return found;
      await this.line(pattern, { mark: this.mark, deadlineMs });
    }
  }

  /** The last lines, for the message of a failure. */
  tail(): string {
    return this.lines.slice(-LINES_SHOWN).join('\n');
  }

  /** The exit status; undefined if a signal ended it. */
  async exit(deadlineMs = 30_000): Promise<number | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`${this.name} runs for more than ${deadlineMs} ms\n${this.tail()}`)),
        deadlineMs,
      );
    });
    await Promise.race([this.#exited, late]).finally(() => clearTimeout(timer));
    return this.#child.exitCode ?? undefined;
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.running) this.#child.kill(signal);
    await this.#exited;
  }

  #take(line: string): void {
    this.lines.push(line);
    for (const waiting of this.#waiting) {
      const match = waiting.pattern.exec(line);
      if (match !== null) waiting.found(match);
    }
  }

  #over(): void {
    for (const waiting of this.#waiting) waiting.ended();
  }
}
