// Header injection: something hostile at every place of a request, on every way to an answer; what leaves is looked at row by row.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestHa1 } from '../../../src/auth/digest.ts';
import { type DatagramPort, openDatagram } from '../../../src/runtime/datagram.ts';
import { simRandom } from '../../../src/sim/sim-random.ts';
import { chanceOf, nextMessage } from '../../fuzz/mutations.ts';
import { type Fields, PAYLOADS, PLACES, written } from '../../support/hostile-messages.ts';
import { startProcess } from '../../support/server-process.ts';
import { makeDomain, startServer, type TestServer, trustOf } from '../../support/servers.ts';
import { SipClient } from '../../support/sip-client.ts';
import { until } from '../../support/until.ts';

/** What one of our answers may hold, and how often; what is forwarded may hold more, but nothing injected. */
const REPLY_ROWS =
  /^(?:Via|From|To|Call-ID|CSeq|Timestamp|Contact|Path|Date|Allow|Allow-Events|Accept|Accept-Encoding|Accept-Language|Supported|Unsupported|Min-Expires|Retry-After|Warning|WWW-Authenticate|Proxy-Authenticate|Content-Length): /;
const ONCE = [
  'From',
  'To',
  'Call-ID',
  'CSeq',
  'Content-Length',
  'Unsupported',
  'Allow',
  'Date',
  'Retry-After',
];

/** What is wrong with bytes that left; empty for what should be. */
const wrongWith = (bytes: Uint8Array): readonly string[] => {
  const text = Buffer.from(bytes).toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const rows = text.slice(0, end).split('\r\n');
  const ours = /^SIP\/2\.0 /.test(text) && !text.includes('X-From-Elsewhere');
  const wrong: string[] = [];
  if (end < 0) wrong.push('no end of the head');
  if (ours && end + 4 !== text.length) wrong.push('something behind the head');
  for (const [index, row] of rows.entries()) {
    if (/[\r\n]/.test(row)) wrong.push(`a bare CR or LF: ${JSON.stringify(row)}`);
    // NUL leaves only as the quoted pair it came as (RFC 4475 §3.1.1.2).
    if (/(?:^|[^\\])\0/.test(row)) wrong.push(`a NUL: ${JSON.stringify(row)}`);
    // Whole rows are the sender's own to write: in what is forwarded they are no injection.
    if (ours && /^Injected/i.test(row)) wrong.push(`injected: ${row}`);
    if (ours && index > 0 && !REPLY_ROWS.test(row)) wrong.push(`a row nobody wrote: ${JSON.stringify(row)}`);
  }
  if (ours)
    for (const name of ONCE)
      if (rows.filter((row) => row.startsWith(`${name}:`)).length > 1) wrong.push(`${name} twice`);
  return wrong;
};

const none = async () => ({ kind: 'none' as const });
const domain = makeDomain('example.com');
const start = (auth: Record<string, unknown>, users?: Parameters<typeof startServer>[0]['users']) =>
  startServer({
    domain,
    trust: trustOf([domain]),
    users,
    config: { publication: 'local', sip: { auth } },
    world: { dns: { naptr: none, srv: none, addresses: none } },
  });

let open: TestServer;
let closed: TestServer;
let phone: SipClient;
let source: DatagramPort;
/** A far end that answers what is forwarded to it with rows of its own. */
let callee: DatagramPort;
const statuses = new Set<string>();
const wrong: string[] = [];
let left = 0;

beforeAll(async () => {
  const ha1 = digestHa1('MD5', { user: 'bob', realm: 'example.com', password: 'x' });
  open = await start({ mode: 'none' });
  closed = await start({ mode: 'digest', usersFile: 'given' }, [
    { kind: 'password', user: 'bob', realm: 'example.com', algorithm: 'MD5', ha1 },
  ]);
  await Promise.all([open.app.ready, closed.app.ready]);
  phone = await SipClient.open('127.9.1.1');
  source = await openDatagram(
    { host: '127.9.1.2', port: 0 },
    { onMessage: () => undefined, onError: () => undefined },
  );
  callee = await openDatagram(
    { host: '127.9.1.3', port: 0 },
    {
      onMessage(bytes, from) {
        const text = Buffer.from(bytes).toString('latin1');
        if (!/^(?!ACK|CANCEL)[A-Z]+ /.test(text)) return;
        const kept = text.split('\r\n').filter((row) => /^(?:Via|From|To|Call-ID|CSeq):/i.test(row));
        for (const payload of PAYLOADS) {
          const answer = [
            `SIP/2.0 180 Ringing${payload}`,
            ...kept,
            `X-From-Elsewhere: ${payload}`,
            'Content-Length: 0',
            '\r\n',
          ];
          callee.send(Buffer.from(answer.join('\r\n'), 'latin1'), from);
        }
      },
      onError: () => undefined,
    },
  );
  for (const server of [open, closed])
    server.wire.onSip = (bytes, to) => {
      left += 1;
      statuses.add(/^SIP\/2\.0 (\d{3})/.exec(Buffer.from(bytes).toString('latin1'))?.[1] ?? 'forwarded');
      for (const one of wrongWith(bytes)) wrong.push(one);
      return to.host.startsWith('127.9.1.');
    };
  await phone.register(open.sip, 'sip:bound@example.com', { contact: '<sip:bound@192.0.2.4>;q=0.5' });
});

afterAll(async () => {
  await Promise.all([source, callee, phone].map((one) => one.close()));
  await Promise.all([open.app.stop(), closed.app.stop()]);
});

const alive = async (server: TestServer): Promise<void> => {
  const ask = { method: 'OPTIONS', uri: 'sip:example.com', from: 'sip:a@b', to: 'sip:example.com' };
  expect((await phone.ask(server.sip, ask)).status).toBe(200);
};

let sent = 0;
const fieldsOf = (method: string, uri: string): Fields => {
  sent += 1;
  return {
    method,
    uri,
    via: `SIP/2.0/UDP 127.9.1.2;rport;branch=z9hG4bKinject${sent}`,
    from: '<sip:bob@example.com>;tag=f',
    to: method === 'REGISTER' ? '<sip:bob@example.com>' : `<${uri}>`,
    callId: `inject${sent}`,
    cseq: `1 ${method}`,
    contact: '<sip:bob@192.0.2.5:5070>',
    more: [],
  };
};

/** `asked`: also at a server that asks for passwords. */
const WAYS: readonly (readonly [what: string, method: string, uri: () => string, asked: boolean])[] = [
  ['a registration', 'REGISTER', () => 'sip:example.com', true],
  ['a registration elsewhere', 'REGISTER', () => 'sip:elsewhere.example', false],
  ['a call to somebody who is there', 'INVITE', () => 'sip:bound@example.com', false],
  ['a call to somebody who is not', 'INVITE', () => 'sip:nobody@example.com', false],
  ['a call to elsewhere', 'INVITE', () => 'sip:x@elsewhere.example', true],
  ['a call that is forwarded', 'INVITE', () => `sip:x@127.9.1.3:${callee.local.port}`, false],
  ['a message that is forwarded', 'MESSAGE', () => `sip:x@127.9.1.3:${callee.local.port}`, true],
  ['OPTIONS to the server', 'OPTIONS', () => 'sip:example.com', false],
  ['a subscription', 'SUBSCRIBE', () => 'sip:bob@example.com', false],
  ['a CANCEL of nothing', 'CANCEL', () => 'sip:bob@example.com', false],
  ['a BYE of nothing', 'BYE', () => 'sip:bob@example.com', false],
  ['a method that nobody knows', 'NEWMETHOD', () => 'sip:bob@example.com', false],
  ['a scheme that nobody knows', 'INVITE', () => 'new:bob@example.com', false],
];

describe.each(WAYS)('%s', (_what, method, uri, asked) => {
  test.each(Object.entries(PLACES))(
    'with something hostile in %s lets none of it out',
    async (_place, at) => {
      const before = left;
      for (const server of asked ? [open, closed] : [open]) {
        for (const payload of PAYLOADS)
          source.send(written(at(fieldsOf(method, uri()), payload)), server.sip);
        await alive(server);
      }
      // The questions whether it is alive, at least.
      expect(left).toBeGreaterThan(before);
      expect(wrong).toEqual([]);
    },
  );
});

test('mutated messages let none of what they hold out either', async () => {
  const chance = chanceOf(simRandom('injection'));
  for (let burst = 0; burst < 75; burst += 1) {
    for (let one = 0; one < 40; one += 1) source.send(nextMessage(chance), open.sip);
    await alive(open);
  }
  expect(wrong).toEqual([]);
});

test('all ways to an answer were gone', () => {
  for (const status of [
    '180',
    '200',
    '302',
    '400',
    '401',
    '403',
    '404',
    '407',
    '416',
    '420',
    '480',
    '481',
    '483',
    '489',
    '501',
    '505',
    'forwarded',
  ])
    expect([...statuses].sort()).toContain(status);
});

test('the check sees what it looks for', () => {
  const answer = (row: string) =>
    Buffer.from(`SIP/2.0 200 OK\r\nVia: x\r\n${row}\r\nContent-Length: 0\r\n\r\n`, 'latin1');
  expect(wrongWith(answer('To: y'))).toEqual([]);
  for (const row of [
    'Injected: yes',
    'To: a\nInjected: yes',
    'To: a\rb',
    'To: a\0b',
    'X: y',
    'To: a\r\nTo: b',
    'To: a\r\n\r\nb',
  ])
    expect(wrongWith(answer(row)).length).toBeGreaterThan(0);
});

test('every line of the log is one JSON object, whatever stood in a message', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chordial-log-'));
  const users = join(folder, 'users');
  writeFileSync(
    users,
    `bob:example.com:${digestHa1('MD5', { user: 'bob', realm: 'example.com', password: 'x' })}\n`,
  );
  const server = await startProcess({
    domain: 'example.com',
    publication: 'local',
    'sip.auth.mode': 'digest',
    'sip.auth.usersFile': users,
    'log.level': 'debug',
  });
  try {
    let text = '';
    server.child.stdout?.on('data', (bytes: Buffer) => {
      text += bytes.toString('utf8');
    });
    for (const at of Object.values(PLACES))
      for (const payload of PAYLOADS)
        source.send(written(at(fieldsOf('REGISTER', 'sip:example.com'), payload)), server.sip);
    await phone.register(server.sip, 'sip:last@example.com');
    await until('the last line is written', () => text.includes('sip:last@example.com'));
    const lines = text.split('\n').slice(0, -1);
    expect(lines.length).toBeGreaterThan(20);
    for (const line of lines) {
      const entry: { readonly msg?: unknown; readonly src?: unknown } = JSON.parse(line);
      expect(typeof entry.msg).toBe('string');
      // Whoever reads the line by patterns finds no address but the true one.
      if (entry.src !== undefined) expect(String(entry.src)).toMatch(/^127\.9\.1\.[12](?::\d+)?$/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
      expect(line).not.toMatch(/[\x00-\x1f\x7f]/);
    }
  } finally {
    await server.end('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});
