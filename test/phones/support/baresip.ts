// baresip, driven over its ctrl_tcp module: one phone with one account.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './place.ts';
import { type Program, requirePrograms } from './program.ts';
import type { Account } from './scene.ts';

const TUNNEL = join(import.meta.dirname, 'netstring-tunnel.mjs');

export interface BaresipOptions extends Account {
  /** Where it listens; the ports from here to here + 99 are its own. */
  readonly address: string;
  readonly port: number;
  readonly transport?: 'udp' | 'tcp' | 'tls';
  /** Where all its requests go; without it baresip follows a 302 itself. */
  readonly outbound?: string;
  readonly expiresSec?: number;
  /** The user name of its credentials, if not the user. */
  readonly authUser?: string;
  readonly answers: 'auto' | 'manual';
}

export class Baresip {
  readonly options: BaresipOptions;
  readonly #place: Place;
  #program: Program | undefined;
  #control: Program | undefined;

  constructor(place: Place, options: BaresipOptions) {
    this.#place = place;
    this.options = options;
  }

  get aor(): string {
    return `sip:${this.options.user}@${this.options.domain}`;
  }

  get program(): Program {
    if (this.#program === undefined) throw new Error('baresip was not started');
    return this.#program;
  }

  /** Resolves once it is registered. */
  async start(): Promise<void> {
    requirePrograms('baresip');
    const folder = join(this.#place.folder, `baresip-${this.options.user}-${this.options.port}`);
    mkdirSync(folder, { recursive: true });
    const files = { config: config(this.options), accounts: account(this.options), uuid: uuid(this.options) };
    for (const [name, text] of Object.entries({ ...files, contacts: '' }))
      writeFileSync(join(folder, name), text);
    const args = ['-4', '-s', '-f', folder, '-p', folder];
    this.#program = this.#place.start(`baresip of ${this.options.user}`, ['baresip', ...args]);
    await this.#program.line(/baresip is ready/);
    const { address, port } = this.options;
    this.#control = this.#place.start(`control of ${this.options.user}`, [
      process.execPath,
      TUNNEL,
      address,
      String(port + 2),
    ]);
    await this.#control.line(/^connected$/);
    // It says so the first time only; the event may be over by now.
    await this.#program.line(/\{\d\/\S+\} 200 /);
  }

  async stop(): Promise<void> {
    await this.#control?.end();
    await this.#program?.end();
  }

  /** A REGISTER was answered 200 after `mark`. */
  async registered(since: { mark?: number; deadlineMs?: number } = {}): Promise<void> {
    await this.event('REGISTER_OK', since);
  }

  /** A place in the events, for `event`. */
  get mark(): number {
    return this.control.mark;
  }

  dial(uri: string): void {
    this.#command('dial', uri);
  }

  /** Takes the call that rings. */
  accept(): void {
    this.#command('accept', '');
  }

  /** Ends its call; one that rings it turns away with 486. */
  hangUp(): void {
    this.#command('hangup', '');
  }

  /** An event of ctrl_tcp after `mark`: CALL_INCOMING, CALL_RINGING, CALL_ESTABLISHED, CALL_CLOSED. */
  async event(type: string, { mark = 0, deadlineMs = 15_000 } = {}): Promise<string> {
    try {
      const [line] = await this.control.line(new RegExp(`.*"type":"${type}".*`), { mark, deadlineMs });
      return line;
    } catch (error) {
      throw new Error(`no ${type} at baresip of ${this.options.user}\n${this.program.tail()}`, {
        cause: error,
      });
    }
  }

  /** Its ctrl_tcp, a line an event. */
  get control(): Program {
    if (this.#control === undefined) throw new Error('baresip was not started');
    return this.#control;
  }

  #command(command: string, params: string): void {
    this.control.write(`${JSON.stringify({ command, params, token: command })}\n`);
  }
}

/** A stable instance, without a line end: baresip would put it into a header. */
const uuid = ({ port }: BaresipOptions): string =>
  `00000000-0000-4000-8000-${String(port).padStart(12, '0')}`;

const account = (options: BaresipOptions): string => {
  const { user, domain, password, transport = 'udp', outbound, expiresSec = 60, answers } = options;
  const fields = [
    `<sip:${user}@${domain};transport=${transport}>`,
    `auth_user=${options.authUser ?? user}`,
    `auth_pass=${password}`,
    `regint=${expiresSec}`,
    `answermode=${answers}`,
    'audio_codecs=PCMU,PCMA',
    ...(outbound === undefined ? [] : [`outbound="${outbound}"`]),
  ];
  return `${fields.join(';')}\n`;
};

const config = ({ address, port, certFile }: BaresipOptions): string =>
  [
    'poll_method epoll',
    `sip_listen ${address}:${port}`,
    `sip_certificate ${certFile}`,
    `net_interface ${address}`,
    'audio_player aubridge,nil',
    'audio_source aubridge,nil',
    'audio_alert aubridge,nil',
    `rtp_ports ${port + 10}-${port + 98}`,
    'module_path /usr/lib/baresip/modules',
    'module g711.so',
    'module aubridge.so',
    'module_tmp uuid.so',
    'module_tmp account.so',
    'module_app contact.so',
    'module_app menu.so',
    'module_app ctrl_tcp.so',
    `ctrl_tcp_listen ${address}:${port + 2}`,
    'redial_attempts 0',
    '',
  ].join('\n');
