// Time for n, 2n, 4n … bytes of each hostile shape: to read it, and to have it answered by a whole registrar over UDP.
// npx tsx test/bench/hostile.ts

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { parseCredentials } from '../../src/sip/credentials.ts';
import { parseTokens } from '../../src/sip/header-values.ts';
import { parseContacts, parseNameAddrs } from '../../src/sip/name-addr.ts';
import { readMessage } from '../../src/sip/reader.ts';
import { canonicalContact } from '../../src/uri/compare.ts';
import { locationName } from '../../src/uri/name.ts';
import { HOSTILE, messageWith } from '../support/hostile-shapes.ts';
import { makeDomain, startServer, trustOf } from '../support/servers.ts';
import { SipClient } from '../support/sip-client.ts';

/** Up to the bound of a line. */
const SIZES = [1000, 2000, 4000, 8000, 16_000];
/** What fits no line goes into several, where a header may stand again. */
const LINE = 16_000;
const LARGEST = 60_000;
const ONCE = /^(?:From|Max-Forwards):/;
const READ_MS = 40;
const ROUNDS = 60;
/** What a socket's buffer holds of the largest. */
const BURST = 2;

let messages = 0;
const messageOf = (hostile: (size: number) => string, size: number): Uint8Array => {
  messages += 1;
  const lines = Array.from({ length: Math.ceil(size / LINE) }, () => hostile(Math.min(size, LINE)));
  const given = {
    via: `SIP/2.0/UDP 127.9.2.1:9;branch=z9hG4bKhostile${messages}`,
    callId: `hostile${messages}`,
    from: '<sip:a@example.com>;tag=a',
    to: '<sip:a@example.com>',
  };
  return Buffer.from(messageWith(lines, given), 'latin1');
};

/** Everything that the server ever reads of a REGISTER. */
const readAll = (bytes: Uint8Array): void => {
  const read = readMessage(bytes);
  const message = read.ok ? read.value : read.error.request;
  if (message === undefined) return;
  const { rows } = message;
  const contacts = parseContacts(rows);
  for (const one of contacts.ok ? contacts.value : []) {
    if (one === '*') continue;
    canonicalContact(one.uri);
    locationName(one.uri);
  }
  parseNameAddrs(rows, 'path');
  parseTokens(rows, 'supported');
  for (const { name, value } of rows) if (name === 'authorization') parseCredentials(value);
};

/** Other work of the machine only ever adds: of several times the middle one is told. */
const median = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[times.length >> 1] ?? 0;

const readMicros = (bytes: Uint8Array): number => {
  const rounds: number[] = [];
  for (const endMs = performance.now() + READ_MS; performance.now() < endMs; ) {
    const startedMs = performance.now();
    readAll(bytes);
    rounds.push(performance.now() - startedMs);
  }
  return 1000 * median(rounds);
};

const domain = makeDomain('example.com');
const server = await startServer({ domain, trust: trustOf([domain]), config: { publication: 'local' } });
server.wire.onSip = (_bytes, to) => to.host === '127.9.2.2';
const phone = await SipClient.open('127.9.2.2');
const socket = createSocket('udp4').bind(0, '127.9.2.1');
await once(socket, 'listening');
const alive = () =>
  phone.ask(server.sip, {
    method: 'OPTIONS',
    uri: 'sip:example.com',
    from: 'sip:a@b',
    to: 'sip:example.com',
  });

/** From some datagrams to the answer that says all were looked at, the question's own time taken off. */
const servedMicros = async (next: () => Uint8Array): Promise<number> => {
  const burst = async (count: number): Promise<number> => {
    const startedMs = performance.now();
    for (let one = 0; one < count; one += 1) socket.send(next(), server.sip.port, server.sip.host);
    await alive();
    return performance.now() - startedMs;
  };
  const [without, withThem]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    without.push(await burst(0));
    withThem.push(await burst(BURST));
  }
  return (1000 * (median(withThem) - median(without))) / BURST;
};

const head = ['shape', ...SIZES.map((size) => `${size}`), '16 ×', `${LARGEST}`, '60 ×'];
const print = (cells: readonly string[]): void =>
  void process.stdout.write(
    `| ${cells.map((cell, index) => (index === 0 ? cell.padEnd(34) : cell.padStart(7))).join(' | ')} |\n`,
  );
const table = async (title: string, micros: (next: () => Uint8Array) => Promise<number>): Promise<void> => {
  process.stdout.write(`\n${title}\n\n`);
  print(head);
  print(head.map(() => '---'));
  for (const [what, hostile] of Object.entries(HOSTILE)) {
    const took: number[] = [];
    for (const size of SIZES) took.push(await micros(() => messageOf(hostile, size)));
    const times = (more: number): string => `× ${(more / (took[0] ?? 1)).toFixed(1)}`;
    const largest = ONCE.test(hostile(9)) ? undefined : await micros(() => messageOf(hostile, LARGEST));
    const cells = [...took.map((one) => one.toFixed(0)), times(took.at(-1) ?? 0)];
    print([what, ...cells, ...(largest === undefined ? ['', ''] : [largest.toFixed(0), times(largest)])]);
  }
};

await table('µs to read one message, of so many bytes', async (next) => readMicros(next()));
await table('µs for a whole registrar, from the datagram to its answer', servedMicros);
socket.close();
await phone.close();
await server.app.stop();
process.exit(0);
