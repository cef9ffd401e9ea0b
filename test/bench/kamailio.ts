// The peer: Kamailio as registrar and redirect server, with its bindings in memory or in Redis.
import { type ChildProcess, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { end, freePort, type Subject, startServer, untilUp } from './subject.ts';

const CONFIG = new URL('./kamailio.cfg', import.meta.url).pathname;
const REDIS_SCHEMA = '/usr/share/kamailio/db_redis/kamailio';
/** What usrloc of Kamailio 5.6 asks the version table for. */
const LOCATION_TABLE_VERSION = '9';

const isInstalled = (program: string): boolean => spawnSync('which', [program]).status === 0;

export const hasKamailio = (): boolean => isInstalled('kamailio');
export const hasRedis = (): boolean => isInstalled('redis-server') && existsSync(REDIS_SCHEMA);

export interface KamailioOptions {
  readonly name: string;
  readonly children: number;
  /** `-x tlsf -X tlsf` instead of Debian's default allocator. */
  readonly tlsf: boolean;
  readonly digest: boolean;
  readonly redis: boolean;
}

async function freeTcpPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}

/** One OPTIONS, true if anything comes back. */
async function answers(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  const heard = new Promise<boolean>((resolve) => {
    socket.once('message', () => resolve(true));
    setTimeout(() => resolve(false), 200);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const rows = [
    'OPTIONS sip:d0.example SIP/2.0',
    `Via: SIP/2.0/UDP 127.0.0.1:${socket.address().port};branch=z9hG4bKup;rport`,
    'Max-Forwards: 70\r\nFrom: <sip:up@d0.example>;tag=up\r\nTo: <sip:d0.example>\r\nCall-ID: up\r\nCSeq: 1 OPTIONS',
    'Content-Length: 0\r\n\r\n',
  ];
  socket.send(rows.join('\r\n'), port, '127.0.0.1');
  const up = await heard;
  socket.close();
  return up;
}

async function startRedis(port: number): Promise<ChildProcess> {
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const redis = startServer('redis-server', args, 'ignore');
  const ask = (...words: string[]): string =>
    spawnSync('redis-cli', ['-p', `${port}`, ...words], { encoding: 'utf8' }).stdout.trim();
  await untilUp(redis, 'redis-server', () => ask('PING') === 'PONG');
  ask('HSET', 'version:entry::location', 'table_name', 'location', 'table_version', LOCATION_TABLE_VERSION);
  return redis;
}

export async function startKamailio(options: KamailioOptions): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), 'chordial-bench-peer-'));
  const port = await freePort();
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children.toReversed()) await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const args = ['-DD', '-E', '-f', CONFIG, '-l', `udp:127.0.0.1:${port}`, '-n', `${options.children}`];
    args.push('-m', '1024', '-M', '32', '-Y', folder, '-P', join(folder, 'pid'));
    if (options.tlsf) args.push('-x', 'tlsf', '-X', 'tlsf');
    if (options.digest) args.push('-A', 'WITH_AUTH');
    if (options.redis) {
      const redisPort = await freeTcpPort();
      children.push(await startRedis(redisPort));
      args.push('-A', 'WITH_REDIS', '-A', `REDIS_URL="redis://127.0.0.1:${redisPort}/0"`);
    }
    const kamailio = startServer('kamailio', args, 'ignore');
    children.push(kamailio);
    await untilUp(kamailio, 'kamailio', () => answers(port));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    name: options.name,
    targets: [{ host: '127.0.0.1', port, domain: 'd0.example' }],
    pids: children.map(({ pid }) => pid ?? 0),
    stop,
  };
}
