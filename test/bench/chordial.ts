// chordial under load: registrars as processes of the built program, one domain each, together one ring.
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestHa1 } from '../../src/auth/digest.ts';
import { generateKeyPem } from '../../src/record/identity.ts';
import { passwordOf, type Target, userName } from './load-plan.ts';
import { end, type Subject, startServer, untilUp } from './subject.ts';

export interface ChordialOptions {
  readonly name: string;
  /** How many registrars, each with a domain of its own. */
  readonly nodes: number;
  /** With a password for each of so many users; undefined: nobody is asked for one. */
  readonly digestUsers?: number;
  /** Of the first registrar: a client keeps no entries of anybody. It is started last. */
  readonly firstIsClient?: boolean;
  /** For node itself, of the first registrar. */
  readonly nodeArgs?: readonly string[];
  readonly flags?: Readonly<Record<string, string>>;
}

interface Ready {
  readonly msg: string;
  readonly sip: readonly string[];
  readonly overlay: string;
}

interface Running {
  readonly child: ChildProcess;
  readonly ready: Ready;
}

export interface Chordial extends Subject {
  /** In the order of the targets. */
  readonly children: readonly ChildProcess[];
}

const PROGRAM = new URL('../../bin/chordial.js', import.meta.url).pathname;

const readyLine = (logFile: string): Ready | undefined => {
  const lines = readFileSync(logFile, 'utf8').split('\n').slice(0, -1);
  // Our own log lines.
  return lines.map((line) => JSON.parse(line) as Ready).find(({ msg }) => msg === 'ready');
};

/** Logs go to a file at the usual level: writing them is part of the work. */
async function startNode(
  logFile: string,
  flags: Readonly<Record<string, string>>,
  nodeArgs: readonly string[],
): Promise<Running> {
  const args = Object.entries(flags).flatMap(([key, value]) => [`--${key}`, value]);
  const log = openSync(logFile, 'w');
  const child = startServer(process.execPath, [...nodeArgs, PROGRAM, 'serve', ...args], log);
  closeSync(log);
  let ready: Ready | undefined;
  await untilUp(child, 'chordial', () => {
    ready = readyLine(logFile);
    return ready !== undefined;
  });
  if (ready === undefined) throw new Error('unreachable: chordial is up without a ready line');
  return { child, ready };
}

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));

export async function startChordial(options: ChordialOptions): Promise<Chordial> {
  const folder = mkdtempSync(join(tmpdir(), 'chordial-bench-'));
  const domains = Array.from({ length: options.nodes }, (_, index) => ({
    domain: `d${index}.example`,
    ...generateKeyPem(),
  }));
  const trustFile = join(folder, 'trust.yaml');
  writeFileSync(
    trustFile,
    domains
      .map((one) => `${one.domain}: { 0: "${Buffer.from(one.publicKey).toString('base64')}" }\n`)
      .join(''),
  );
  const running = new Map<number, Running>();
  const stop = async (): Promise<void> => {
    for (const { child } of running.values()) await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  const clientIndex = options.firstIsClient === true ? 0 : -1;
  const order = [...domains.keys()].sort((a, b) => Number(a === clientIndex) - Number(b === clientIndex));
  try {
    for (const index of order) {
      const one = domains[index];
      if (one === undefined) continue;
      const keyFile = join(folder, `${index}.pem`);
      writeFileSync(keyFile, one.pem, { mode: 0o600 });
      const seeds = [...running.values()].map(({ ready }) => ready.overlay);
      const flags = {
        domain: one.domain,
        'sip.listen': 'udp:127.0.0.1:0',
        'overlay.listen': '127.0.0.1:0',
        'admin.listen': '127.0.0.1:0',
        'trust.dns': 'false',
        'trust.file': trustFile,
        'identity.keyFile': keyFile,
        ...(seeds.length === 0 ? {} : { 'overlay.seeds': seeds.join(',') }),
        ...(index === clientIndex ? { 'overlay.role': 'client' } : {}),
        ...usersFlags(folder, index, one.domain, options),
        ...options.flags,
      };
      running.set(
        index,
        await startNode(join(folder, `${index}.log`), flags, index === 0 ? (options.nodeArgs ?? []) : []),
      );
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const inOrder = [...running].sort(([a], [b]) => a - b).map(([, one]) => one);
  return {
    name: options.name,
    targets: inOrder.map(
      ({ ready }, index): Target => ({
        host: '127.0.0.1',
        port: portOf(ready.sip[0] ?? ''),
        domain: domains[index]?.domain ?? '',
      }),
    ),
    children: inOrder.map(({ child }) => child),
    pids: inOrder.map(({ child }) => child.pid ?? 0),
    stop,
  };
}

function usersFlags(
  folder: string,
  index: number,
  realm: string,
  { digestUsers, nodes }: ChordialOptions,
): Readonly<Record<string, string>> {
  if (digestUsers === undefined) return {};
  const usersFile = join(folder, `${index}.users`);
  const lines: string[] = [];
  for (let user = index; user < digestUsers; user += nodes) {
    const name = userName(user);
    lines.push(`${name}:${realm}:${digestHa1('MD5', { user: name, realm, password: passwordOf(name) })}\n`);
  }
  writeFileSync(usersFile, lines.join(''), { mode: 0o600 });
  return { 'sip.auth.usersFile': usersFile, 'sip.auth.mode': 'digest' };
}
