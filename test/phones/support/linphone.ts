// linphone-daemon, driven over its stdin and followed by its log: one phone with one account.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './place.ts';
import { type Program, requirePrograms } from './program.ts';
import type { Account } from './scene.ts';

export interface LinphoneOptions extends Account {
  readonly port: number;
  readonly transport?: 'udp' | 'tcp' | 'tls';
  /** Where its requests go; without it linphone asks DNS for the callee's server. */
  readonly outbound?: string;
  readonly expiresSec?: number;
  readonly answers: 'auto' | 'manual';
}

/** linphone gives up ringing after 30 s unless told otherwise. */
const RINGS_SEC = 180;

export class Linphone {
  readonly options: LinphoneOptions;
  readonly #place: Place;
  #program: Program | undefined;

  constructor(place: Place, options: LinphoneOptions) {
    this.#place = place;
    this.options = options;
  }

  get aor(): string {
    return `sip:${this.options.user}@${this.options.domain}`;
  }

  get program(): Program {
    if (this.#program === undefined) throw new Error('linphone was not started');
    return this.#program;
  }

  /** Resolves once it is registered. */
  async start(): Promise<void> {
    requirePrograms('linphone-daemon');
    const { user, port, answers } = this.options;
    const home = join(this.#place.folder, `linphone-${user}-${port}`);
    mkdirSync(join(home, '.local/share/linphone'), { recursive: true });
    const rc = join(home, 'linphonerc');
    writeFileSync(rc, config(this.options));
    const args = ['--config', rc, '--disable-stats-events', '--log', '/dev/stdout'];
    // /dev/stdout can be opened where it is a pipe; what Node hands a child is a socket.
    const piped = [
      'bash',
      '--norc',
      '-c',
      'exec "$@" > >(cat) 2>&1',
      '-',
      'linphone-daemon',
      ...args,
    ] as const;
    this.#program = this.#place.start(
      `linphone of ${user}`,
      answers === 'auto' ? [...piped, '--auto-answer'] : [...piped],
      { cwd: home, env: { HOME: home } },
    );
    await this.registered();
  }

  async stop(): Promise<void> {
    await this.#program?.end();
  }

  /** A REGISTER was answered 200 after `mark`. */
  async registered({ mark = 0, deadlineMs = 20_000 } = {}): Promise<void> {
    await this.program.line(/Register refresher \[200\]/, { mark, deadlineMs });
  }

  call(uri: string): void {
    this.program.write(`call ${uri}\n`);
  }

  /** Takes the call that rings. */
  accept(): void {
    this.program.write('answer\n');
  }

  hangUp(): void {
    this.program.write('terminate\n');
  }

  /** A place in what it told. */
  get mark(): number {
    return this.program.mark;
  }

  /** A call came into this state after `mark`: IncomingReceived, OutgoingRinging, StreamsRunning, End, Released, Error. */
  async state(name: string, { mark = 0, deadlineMs = 20_000 } = {}): Promise<void> {
    await this.program.line(new RegExp(`moving from state LinphoneCall\\w+ to LinphoneCall${name}$`), {
      mark,
      deadlineMs,
    });
  }
}

const config = (options: LinphoneOptions): string => {
  const { user, domain, password, port, transport = 'udp', outbound, expiresSec = 60, caFile } = options;
  const portOf = (one: string): number => (one === transport ? port : 0);
  return [
    '[sip]',
    `sip_port=${portOf('udp')}`,
    `sip_tcp_port=${portOf('tcp')}`,
    `sip_tls_port=${portOf('tls')}`,
    'use_ipv6=0',
    'register_only_when_network_is_up=0',
    'auto_net_state_mon=0',
    `root_ca=${caFile}`,
    // A phone that is called by its address shows a certificate of its domain.
    'verify_server_cn=0',
    'default_proxy=0',
    `inc_timeout=${RINGS_SEC}`,
    '[rtp]',
    `audio_rtp_port=${port + 10}`,
    '[sound]',
    'playback_dev_id=',
    'capture_dev_id=',
    'ringer_dev_id=',
    '[proxy_0]',
    `reg_proxy=<sip:${domain};transport=${transport}>`,
    `reg_identity=sip:${user}@${domain}`,
    `reg_expires=${expiresSec}`,
    'reg_sendregister=1',
    'publish=0',
    ...(outbound === undefined ? [] : [`reg_route=<${outbound}>`]),
    '[auth_info_0]',
    `username=${user}`,
    `passwd=${password}`,
    `realm=${domain}`,
    `domain=${domain}`,
    '',
  ].join('\n');
};
