// Every message of the corpus at a whole registrar, over UDP and TCP: answered or counted, and none stops it.
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DatagramPort, formatEndpoint, openDatagram } from '../../src/runtime/datagram.ts';
import { corpusFolder } from '../support/corpus.ts';
import { makeDomain, startServer, type TestServer, trustOf } from '../support/servers.ts';
import { SipClient } from '../support/sip-client.ts';

const FOLDERS = ['rfc4475', 'rfc5118', 'rfc3665', 'real'] as const;

const none = async () => ({ kind: 'none' as const });

const domain = makeDomain('example.com');
let server: TestServer;
let phone: SipClient;
let source: DatagramPort;

beforeAll(async () => {
  server = await startServer({
    domain,
    trust: trustOf([domain]),
    config: { aliases: ['example.net', 'example.org', 'company.com'] },
    // Some messages are for elsewhere, from users of ours: nowhere to send them, said at once.
    world: { dns: { naptr: none, srv: none, addresses: none } },
  });
  await server.app.ready;
  phone = await SipClient.open();
  source = await openDatagram(
    { host: '127.0.0.1', port: 0 },
    { onMessage: () => undefined, onError: () => undefined },
  );
});

afterAll(async () => {
  await source.close();
  await phone.close();
  await server.app.stop();
});

const COUNTED =
  /^chordial_sip_(?:requests|dropped|forwarded|answers_forwarded|acks)_total(?:\{[^}]*\})? (\d+)$/gm;

/** Everything that was answered, dropped with a reason, or taken as an answer, since the start. */
async function counted(): Promise<number> {
  const response = await fetch(`http://${formatEndpoint(server.admin)}/metrics`);
  let sum = 0;
  for (const [, count] of (await response.text()).matchAll(COUNTED)) sum += Number(count);
  return sum;
}

/** One count more each time it is asked; the server has then looked at all that was sent before. */
async function alive(): Promise<void> {
  const answer = await phone.ask(server.sip, {
    method: 'OPTIONS',
    uri: 'sip:example.com',
    from: 'sip:a@b',
    to: 'sip:example.com',
  });
  expect(answer.status).toBe(200);
}

/** All that a connection says until the server has nothing to add to this message, or closes. */
const overTcp = (bytes: Uint8Array): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect(server.tcp.port, server.tcp.host, () => socket.end(bytes));
    socket.on('data', () => undefined);
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
  });

describe.each(FOLDERS)('corpus/%s', (folder) => {
  const messages = corpusFolder(folder);

  test('has messages', () => {
    expect(messages.length).toBeGreaterThan(10);
  });

  test.each(messages)('$file over UDP', async ({ bytes }) => {
    const before = await counted();
    source.send(bytes, server.sip);
    await alive();
    expect((await counted()) - before - 1).toBeGreaterThanOrEqual(1);
  });

  test.each(messages)('$file over TCP', async ({ bytes }) => {
    const before = await counted();
    await overTcp(bytes);
    await alive();
    expect((await counted()) - before - 1).toBeGreaterThanOrEqual(1);
  });
});
