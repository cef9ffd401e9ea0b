// twinkle-console, driven over its stdin and followed by what it prints: one phone with one account.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './place.ts';
import { type Program, requirePrograms } from './program.ts';
import type { Account } from './scene.ts';

const DIALS = 8;
const DIAL_MS = 1000;

export interface TwinkleOptions extends Account {
  readonly port: number;
  readonly transport?: 'udp' | 'tcp';
  readonly expiresSec?: number;
}

export class Twinkle {
  readonly options: TwinkleOptions;
  readonly #place: Place;
  #program: Program | undefined;

  constructor(place: Place, options: TwinkleOptions) {
    this.#place = place;
    this.options = options;
  }

  get aor(): string {
    return `sip:${this.options.user}@${this.options.domain}`;
  }

  get program(): Program {
    if (this.#program === undefined) throw new Error('twinkle was not started');
    return this.#program;
  }

  /** Resolves once it is registered. */
  async start(): Promise<void> {
    requirePrograms('twinkle-console');
    const home = join(this.#place.folder, `twinkle-${this.options.user}-${this.options.port}`);
    mkdirSync(join(home, '.twinkle'), { recursive: true });
    writeFileSync(join(home, '.asoundrc'), 'pcm.!default {type null}\nctl.!default {type null}\n');
    writeFileSync(join(home, '.twinkle/twinkle.sys'), system(this.options));
    writeFileSync(join(home, '.twinkle/phone.cfg'), profile(this.options));
    this.#program = this.#place.start(`twinkle of ${this.options.user}`, ['twinkle-console', 'phone.cfg'], {
      cwd: home,
      env: { HOME: home },
    });
    await this.registered();
  }

  async stop(): Promise<void> {
    await this.#program?.end();
  }

  /** A REGISTER was answered 200 after `mark`; it tells of the first, and of the first after a failure. */
  async registered({ mark = 0, deadlineMs = 20_000 } = {}): Promise<void> {
    await this.program.line(/registration succeeded/, { mark, deadlineMs });
  }

  /** A place in what it told. */
  get mark(): number {
    return this.program.mark;
  }

  /** A line after `mark` that tells of its call. */
  async told(what: RegExp, { mark = 0, deadlineMs = 20_000 } = {}): Promise<void> {
    await this.program.line(what, { mark, deadlineMs });
  }

  /** Its line is not free at once after the far end hung up, and it doesn't say when: asked until it tells of a call. */
  async dial(uri: string): Promise<void> {
    const { mark } = this;
    for (let tries = 0; tries < DIALS; tries++) {
      this.command(`call ${uri}`);
      const told = await this.told(/^Line 1: /, { mark, deadlineMs: DIAL_MS }).then(
        () => true,
        () => false,
      );
      if (told) return;
    }
    throw new Error(`twinkle does not dial\n${this.program.tail()}`);
  }

  /** `answer`, `reject`, `bye` */
  command(line: string): void {
    this.program.write(`${line}\n`);
  }
}

const system = ({ port }: TwinkleOptions): string =>
  [
    `sip_port=${port}`,
    `rtp_port=${port + 10}`,
    'validate_audio_dev=no',
    'dev_ringtone=alsa:default',
    'dev_speaker=alsa:default',
    'dev_mic=alsa:default',
    '',
  ].join('\n');

const profile = ({ user, domain, password, transport = 'udp', expiresSec = 60 }: TwinkleOptions): string =>
  [
    `user_name=${user}`,
    `user_domain=${domain}`,
    `auth_name=${user}`,
    `auth_pass=${password}`,
    'register_at_startup=yes',
    `registration_time=${expiresSec}`,
    `sip_transport=${transport}`,
    'publish_at_startup=no',
    'allow_redirection=yes',
    'ask_user_to_redirect=no',
    '',
  ].join('\n');
