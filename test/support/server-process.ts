// A registrar as its own process, for tests that kill it: started from the sources, with an empty environment.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Endpoint } from '../../src/runtime/datagram.ts';

export interface ServerProcess {
  readonly child: ChildProcess;
  readonly sip: Endpoint;
  readonly tcp: Endpoint;
  readonly overlay: Endpoint;
  readonly admin: Endpoint;
  /** The first listener of a transport. */
  placeOf(transport: string): Endpoint;
  /** Sends the signal and waits for the end; the exit status, null if killed. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

const endpointOf = (text: string): Endpoint => {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
};

interface Listening {
  readonly msg: string;
  readonly sip: readonly string[];
  readonly overlay?: string;
  readonly admin: string;
}

/**
 * Starts `chordial serve` with these flags (ports 0 unless given) and resolves at its line `awaited`: `listening` once
 * the sockets are bound, `ready` once /health/ready is true. `onLine` is shown every line of its log.
 */
export async function startProcess(
  flags: Readonly<Record<string, string>>,
  awaited: 'listening' | 'ready' = 'ready',
  onLine?: (text: string) => void,
): Promise<ServerProcess> {
  const all = {
    'sip.listen': 'udp:127.0.0.1:0,tcp:127.0.0.1:0',
    'overlay.listen': '127.0.0.1:0',
    'admin.listen': '127.0.0.1:0',
    'trust.dns': 'false',
    ...flags,
  };
  const args = Object.entries(all).flatMap(([key, value]) => [`--${key}`, value]);
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', 'serve', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
  });
  // A test that fails before it can end its servers leaves none behind.
  const kill = (): unknown => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = `${stderr}${chunk}`.slice(-4000);
  });
  const line = await new Promise<Listening>((resolve, reject) => {
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (text) => {
      onLine?.(text);
      const entry = JSON.parse(text) as Listening; // our own log line
      if (entry.msg !== awaited) return;
      resolve(entry);
      if (onLine !== undefined) return;
      // What it logs from now on is thrown away unread: a busy server says a line a call.
      lines.close();
      child.stdout.resume();
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${stderr}`)));
  });
  const of = (transport: string): Endpoint =>
    endpointOf((line.sip.find((one) => one.startsWith(`${transport}:`)) ?? '').slice(transport.length + 1));
  return {
    child,
    sip: of('udp'),
    tcp: of('tcp'),
    overlay: endpointOf(line.overlay ?? ''),
    admin: endpointOf(line.admin),
    placeOf: of,
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit');
        child.kill(signal);
        await ended;
      }
      return child.exitCode;
    },
  };
}
