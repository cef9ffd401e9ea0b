// Run by test/docker/run: a phone of atlanta.example calls one of biloxi.example through the containers, one of which dies.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DatagramPort,
  type Endpoint,
  formatEndpoint,
  openDatagram,
} from '../../src/runtime/datagram.ts';
import { digestHeader, type SipAnswer, SipClient } from '../support/sip-client.ts';

/** The host's own address in the network of docker-compose.yml: containers and phones reach each other directly. */
const HOST = '172.30.17.1';
const ATLANTA: Endpoint = { host: '172.30.17.10', port: 5060 };
const BILOXI_0: Endpoint = { host: '172.30.17.20', port: 5070 };
const BILOXI_1: Endpoint = { host: '172.30.17.21', port: 5080 };
const BOB = 'sip:bob@biloxi.example';
const HEALTHY_WITHIN_MS = 60_000;
const SERVICES = ['atlanta-0', 'biloxi-0', 'biloxi-1'] as const;

const docker = (...args: readonly string[]): string =>
  execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();

const container = (service: string): string =>
  docker(
    'ps',
    '-aq',
    '--filter',
    `label=com.docker.compose.project=${process.env['COMPOSE_PROJECT_NAME']}`,
    '--filter',
    `label=com.docker.compose.service=${service}`,
  );

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function took<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  const result = await work();
  say(`${what} (${((performance.now() - startMs) / 1000).toFixed(3)} s)`);
  return result;
}

async function healthy(service: string): Promise<void> {
  const id = container(service);
  const endMs = performance.now() + HEALTHY_WITHIN_MS;
  while (docker('inspect', '--format', '{{.State.Health.Status}}', id) !== 'healthy') {
    if (performance.now() > endMs) throw new Error(`${service} is not healthy: docker logs ${id}`);
    await sleep(250);
  }
}

/** The ring as a member sees it; `chordial ring` fails while an invariant is broken. */
async function ringOf(members: number): Promise<void> {
  const endMs = performance.now() + HEALTHY_WITHIN_MS;
  for (;;) {
    try {
      if (docker('exec', container('atlanta-0'), 'chordial', 'ring').endsWith(`one ring of ${members}`))
        return;
    } catch (error) {
      if (performance.now() > endMs) throw error;
    }
    assert(performance.now() < endMs, `no ring of ${members}`);
    await sleep(500);
  }
}

/** REGISTER as a phone does it: challenged once, then with the digest. Gives the last answer. */
async function register(
  phone: SipClient,
  server: Endpoint,
  contact: string,
  cseq: number,
): Promise<SipAnswer> {
  const ask = { method: 'REGISTER', uri: 'sip:biloxi.example', from: BOB, to: BOB, callId: 'bob@docker' };
  const headers = [`Contact: <${contact}>`, 'Expires: 600'];
  const challenged = await phone.ask(server, { ...ask, cseq, headers });
  assert.equal(challenged.status, 401, challenged.text);
  const credentials = digestHeader(challenged.header('www-authenticate')[0] ?? '', {
    user: 'bob',
    password: 'open-sesame',
    method: 'REGISTER',
    uri: ask.uri,
  });
  return phone.ask(server, { ...ask, cseq: cseq + 1, headers: [...headers, credentials] });
}

/** Bob's phone picks up whatever comes. */
const openBob = async (): Promise<DatagramPort> => {
  const socket: DatagramPort = await openDatagram(
    { host: HOST, port: 0 },
    {
      onMessage: (bytes, from) => {
        const [head = '', ...rows] = Buffer.from(bytes).toString('latin1').split('\r\n');
        if (head.startsWith('ACK ')) return;
        const kept = rows.filter((row) => /^(Via|From|To|Call-ID|CSeq):/i.test(row));
        const answer = ['SIP/2.0 200 OK', ...kept.map((row) => row.replace(/^(To: .*)$/, '$1;tag=bob'))];
        socket.send(Buffer.from([...answer, 'Content-Length: 0', '\r\n'].join('\r\n'), 'latin1'), from);
      },
      onError: (error) => say(`bob: ${String(error)}`),
    },
  );
  return socket;
};

const bob = await openBob();
const alice = await SipClient.open(HOST);
const contact = `sip:bob@${formatEndpoint(bob.local)}`;

/** Alice asks her own server for bob, and goes where it says. */
async function call(why: string): Promise<void> {
  await took(why, async () => {
    const redirected = await alice.invite(ATLANTA, BOB, 'sip:alice@atlanta.example');
    assert.equal(redirected.status, 302, redirected.text);
    assert.deepEqual(redirected.header('contact'), [`<${contact}>`]);
    const answered = await alice.invite(bob.local, contact, 'sip:alice@atlanta.example');
    assert.equal(answered.status, 200, answered.text);
  });
}

try {
  await took('three containers are healthy', async () => {
    for (const service of SERVICES) await healthy(service);
  });
  await took('one ring of 3', () => ringOf(3));
  const registered = await took('bob registers at biloxi-0', () => register(alice, BILOXI_0, contact, 1));
  assert.equal(registered.status, 200, registered.text);
  await call('alice calls bob: 302 from atlanta-0, 200 from the phone');

  docker('kill', container('biloxi-0'));
  await call('biloxi-0 is killed; alice calls bob at once');
  await took('one ring of 2', () => ringOf(2));
  const again = await took('bob refreshes at biloxi-1', () => register(alice, BILOXI_1, contact, 3));
  assert.equal(again.status, 200, again.text);

  docker('start', container('biloxi-0'));
  await took('biloxi-0 is healthy again', () => healthy('biloxi-0'));
  await took('one ring of 3', () => ringOf(3));
  await call('alice calls bob');

  for (const service of SERVICES.toReversed())
    await took(`${service} stops`, async () => {
      const id = container(service);
      docker('stop', id);
      assert.equal(docker('inspect', '--format', '{{.State.ExitCode}}', id), '0');
    });
  say('every registrar ended with 0');
} finally {
  await alice.close();
  await bob.close();
}
