// A phone in a page of headless Chromium: JsSIP or SIP.js over secure WebSocket, one phone with one account.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type { Place } from './place.ts';
import { type Program, requirePrograms } from './program.ts';
import type { Account } from './scene.ts';

const HOST = join(import.meta.dirname, 'browser/host.mjs');
const PAGE = join(import.meta.dirname, 'browser/page.mjs');

export interface BrowserPhoneOptions extends Account {
  readonly library: 'jssip' | 'sipjs';
  /** The registrar's WebSocket, such as wss://atlanta.example:8443 */
  readonly server: string;
  readonly expiresSec?: number;
}

type Command = 'start' | 'call' | 'answer' | 'reject' | 'hangUp';

export class BrowserPhone {
  readonly options: BrowserPhoneOptions;
  readonly #place: Place;
  #program: Program | undefined;

  constructor(place: Place, options: BrowserPhoneOptions) {
    this.#place = place;
    this.options = options;
  }

  get aor(): string {
    return `sip:${this.options.user}@${this.options.domain}`;
  }

  get program(): Program {
    if (this.#program === undefined) throw new Error('the browser was not started');
    return this.#program;
  }

  /** Resolves once it is registered. */
  async start(): Promise<void> {
    requirePrograms('chromium');
    const home = join(this.#place.folder, `browser-${this.options.user}`);
    mkdirSync(home, { recursive: true });
    const script = join(home, 'script.js');
    buildSync({ entryPoints: [PAGE], bundle: true, outfile: script, logLevel: 'error' });
    this.#program = this.#place.start(
      `${this.options.library} of ${this.options.user}`,
      [process.execPath, HOST, script, join(home, 'profile')],
      { env: { HOME: home } },
    );
    const { library, user, domain, password, server, expiresSec = 60 } = this.options;
    this.command('start', { library, user, domain, password, server, expiresSec });
    await this.told('registered', { deadlineMs: 40_000 });
  }

  async stop(): Promise<void> {
    await this.#program?.end();
  }

  /** A place in what it told. */
  get mark(): number {
    return this.program.mark;
  }

  command(command: Command, given: Readonly<Record<string, unknown>> = {}): void {
    this.program.write(`${JSON.stringify({ command, ...given })}\n`);
  }

  /** What it told after `mark`: registered, refused, disconnected, incoming, ringing, established, ended, failed. */
  async told(event: string, { mark = 0, deadlineMs = 20_000 } = {}): Promise<string> {
    const [line] = await this.program.line(new RegExp(`^\\{"event":"${event}".*`), { mark, deadlineMs });
    return line;
  }
}
