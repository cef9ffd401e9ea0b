// npx tsx test/bench/flood.ts [N]: what each of N unwelcome datagrams costs a server in CPU, and what is left of them in memory.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatEndpoint, openDatagram } from '../../src/runtime/datagram.ts';
import { login, userLines } from '../support/accounts.ts';
import { startProcess } from '../support/server-process.ts';
import { SipClient } from '../support/sip-client.ts';

const [COUNT = 100_000] = process.argv.slice(2).map(Number);
const REALM = 'biloxi.example';
/** So many are sent in a row; then the server is waited for, so that the kernel loses few. */
const BURST = 100;
const PAUSE_MS = 10;
const PAGE_BYTES = 4096;
const TICK_MS = 10;

interface Kind {
  readonly name: string;
  /** Banned by then, if they differ. */
  readonly from: string;
  readonly method: string;
  readonly uri: string;
  readonly userAgent: string;
}

const FLOODER = '127.0.0.41';
const BANNED = '127.0.0.42';
const PHONE = 'Yealink SIP-T46G';
const KINDS: readonly Kind[] = [
  {
    name: 'REGISTER without credentials: 401',
    from: FLOODER,
    method: 'REGISTER',
    uri: `sip:${REALM}`,
    userAgent: PHONE,
  },
  {
    name: 'INVITE for nobody: 404',
    from: FLOODER,
    method: 'INVITE',
    uri: `sip:nobody@${REALM}`,
    userAgent: PHONE,
  },
  {
    name: 'INVITE of a scanner: dropped',
    from: FLOODER,
    method: 'INVITE',
    uri: `sip:100@${REALM}`,
    userAgent: 'friendly-scanner',
  },
  {
    name: 'INVITE of a banned source: dropped unread',
    from: BANNED,
    method: 'INVITE',
    uri: `sip:100@${REALM}`,
    userAgent: PHONE,
  },
];

const folder = mkdtempSync(join(tmpdir(), 'chordial-bench-'));
const usersFile = join(folder, 'users');
writeFileSync(usersFile, userLines(REALM, ['alice']));
const server = await startProcess({
  domain: REALM,
  publication: 'local',
  'sip.auth.usersFile': usersFile,
  'limits.trusted': '[]',
  'limits.banSec': '3600',
  'limits.perSourcePerSec': '1000000',
});

const usage = (): { readonly cpuMs: number; readonly bytes: number } => {
  const proc = `/proc/${server.child.pid}`;
  const fields = readFileSync(`${proc}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
    bytes: Number(readFileSync(`${proc}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES,
  };
};

/** How many messages the server has dealt with, one way or the other: what the kernel lost it hasn't seen. */
const seen = async (): Promise<number> => {
  const text = await (await fetch(`http://${formatEndpoint(server.admin)}/metrics`)).text();
  return [...text.matchAll(/^chordial_sip_(?:requests|dropped)_total\{.*\} (\d+)$/gm)].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  );
};

const message = ({ method, uri, userAgent }: Kind, via: string, index: number): Uint8Array =>
  Buffer.from(
    [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${via};branch=z9hG4bK${method}${index};rport`,
      'Max-Forwards: 70',
      `From: <sip:alice@${REALM}>;tag=${index}`,
      `To: <sip:alice@${REALM}>`,
      `Call-ID: ${method}${userAgent.length}${index}@${via}`,
      `CSeq: 1 ${method}`,
      `User-Agent: ${userAgent}`,
      'Content-Length: 0',
      '\r\n',
    ].join('\r\n'),
    'latin1',
  );

const flood = async (kind: Kind, count: number): Promise<void> => {
  const socket = await openDatagram(
    { host: kind.from, port: 0 },
    { onMessage: () => undefined, onError: () => undefined },
  );
  const via = formatEndpoint(socket.local);
  for (let index = 0; index < count; index += 1) {
    socket.send(message(kind, via, index), server.sip);
    if (index % BURST === BURST - 1) await sleep(PAUSE_MS);
  }
  await sleep(1_000);
  await socket.close();
};

const guesser = await SipClient.open(BANNED);
for (let at = 0; at < 60; at += 1)
  await login(guesser, server.sip, {
    user: `user${at}`,
    realm: REALM,
    password: 'x',
    cseq: 1,
    giveUpMs: 500,
  }).catch(() => undefined);
await guesser.close();

process.stdout.write(`${COUNT} datagrams of a kind\tseen\tµs of CPU each\tresident MB, before and after\n`);
for (const kind of KINDS) {
  // Code is compiled and tables are filled by the first ones.
  await flood(kind, COUNT / 5);
  const [before, seenBefore] = [usage(), await seen()];
  await flood(kind, COUNT);
  const [after, seenAfter] = [usage(), await seen()];
  const dealt = seenAfter - seenBefore;
  const each = (1000 * (after.cpuMs - before.cpuMs)) / dealt;
  const megabytes = [before, after].map(({ bytes }) => (bytes / 1e6).toFixed(0)).join(' → ');
  process.stdout.write(`${kind.name}\t${dealt}\t${each.toFixed(0)}\t${megabytes}\n`);
}
await server.end('SIGTERM');
rmSync(folder, { recursive: true });
