// jami-daemon (pjsip) with a SIP account, driven and followed over D-Bus. Without sound devices it offers no media: signalling only.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './place.ts';
import { type Program, requirePrograms } from './program.ts';
import type { Account } from './scene.ts';

const SESSION = join(import.meta.dirname, 'jami-session.sh');

export interface JamiOptions extends Account {
  readonly port: number;
  readonly expiresSec?: number;
}

export class Jami {
  readonly options: JamiOptions;
  readonly #place: Place;
  #program: Program | undefined;
  #account = '';

  constructor(place: Place, options: JamiOptions) {
    this.#place = place;
    this.options = options;
  }

  get aor(): string {
    return `sip:${this.options.user}@${this.options.domain}`;
  }

  get program(): Program {
    if (this.#program === undefined) throw new Error('jami was not started');
    return this.#program;
  }

  /** Resolves once it is registered. */
  async start(): Promise<void> {
    requirePrograms('/usr/libexec/jamid', 'dbus-daemon', 'gdbus');
    const home = join(this.#place.folder, `jami-${this.options.user}`);
    mkdirSync(home, { recursive: true, mode: 0o700 });
    this.#program = this.#place.start(`jami of ${this.options.user}`, ['bash', '--norc', SESSION], {
      cwd: home,
      env: { HOME: home, XDG_RUNTIME_DIR: home },
    });
    await this.#program.line(/^jami is ready$/, { deadlineMs: 30_000 });
    const details = Object.entries(accountOf(this.options)).map(([key, value]) => `'${key}': '${value}'`);
    this.#program.write(`ConfigurationManager addAccount "{${details.join(', ')}}"\n`);
    [, this.#account = ''] = await this.#program.line(/^\('([0-9a-f]+)',\)$/);
    await this.#program.line(/registrationStateChanged \('\w+', 'REGISTERED', 200/, { deadlineMs: 20_000 });
  }

  async stop(): Promise<void> {
    await this.#program?.end();
  }

  /** A place in what it told. */
  get mark(): number {
    return this.program.mark;
  }

  call(uri: string): void {
    this.#command('placeCall', uri);
  }

  /** `accept`, `refuse` or `hangUp` of its last call. */
  command(method: 'accept' | 'refuse' | 'hangUp'): void {
    const told = this.program.lines.findLast((line) => CALL.test(line));
    const [, id = ''] = CALL.exec(told ?? '') ?? [];
    this.#command(method, id);
  }

  /** A call came into this state after `mark`: INCOMING, RINGING, CURRENT, FAILURE, OVER. */
  async state(name: string, { mark = 0, deadlineMs = 20_000 } = {}): Promise<void> {
    const told = new RegExp(`callStateChanged \\('\\w+', '\\d+', '(?:${name})'`);
    await this.program.line(told, { mark, deadlineMs });
  }

  #command(method: string, argument: string): void {
    this.program.write(`CallManager ${method} ${this.#account} '"${argument}"'\n`);
  }
}

const CALL = /callStateChanged \('\w+', '(\d+)'/;

const accountOf = ({ user, domain, password, port, expiresSec = 60 }: JamiOptions) => ({
  'Account.type': 'SIP',
  'Account.alias': user,
  'Account.enable': 'true',
  'Account.hostname': domain,
  'Account.username': user,
  'Account.password': password,
  'Account.registrationExpire': String(expiresSec),
  'Account.localInterface': 'default',
  'Account.localPort': String(port),
  'Account.publishedSameAsLocal': 'true',
  'Account.upnpEnabled': 'false',
  'TLS.enable': 'false',
  'SRTP.enable': 'false',
  'STUN.enable': 'false',
});
