// A set of server processes under load, whoever made the server.
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { Target } from './load-plan.ts';

export interface Subject {
  readonly name: string;
  readonly targets: readonly Target[];
  /** Every process that takes part; children count too. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** Ends a child of ours; kills it if it doesn't. */
export async function end(child: ChildProcess, withinMs = 12_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const late = wait(withinMs, 'late' as const, { ref: false });
  if ((await Promise.race([ended, late])) === 'late') child.kill('SIGKILL');
  await ended;
}

/** A server process without a shell around it; what it says on stderr is shown if it ends before it should. */
export const startServer = (
  command: string,
  args: readonly string[],
  stdout: number | 'ignore',
): ChildProcess =>
  spawn(command, args, { stdio: ['ignore', stdout, 'pipe'], env: { PATH: process.env['PATH'] } });

/** Resolves when `holds`; rejects when the process ends first or after `withinMs`. */
export async function untilUp(
  child: ChildProcess,
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 30_000,
): Promise<void> {
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-2000);
  });
  const startedMs = performance.now();
  while (!(await holds())) {
    if (child.exitCode !== null) throw new Error(`${what} ended with ${child.exitCode}: ${said}`);
    if (performance.now() - startedMs > withinMs)
      throw new Error(`${what} is not up after ${withinMs} ms: ${said}`);
    await wait(25);
  }
}

/** A UDP port that was free just now. */
export async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
