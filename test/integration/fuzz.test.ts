// A whole registrar under garbage: 100,000 datagrams at its SIP and its LSP port, and a short form of `npm run fuzz`.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DatagramPort, type Endpoint, openDatagram } from '../../src/runtime/datagram.ts';
import { type SimRandom, simRandom } from '../../src/sim/sim-random.ts';
import { corpusFolder } from '../support/corpus.ts';
import { heapAfterCollection } from '../support/heap.ts';
import { makeDomain, startServer, type TestServer, trustOf } from '../support/servers.ts';
import { SipClient } from '../support/sip-client.ts';

const WARM_UP = 20_000;
const MEASURED = 80_000;
/** So many are sent before the server is asked whether it is still there: what a socket's buffer holds. */
const BURST = 100;
/** Noise of the collector and of tables that come to their bound; a leak of 100 bytes a datagram would be twice that. */
const HEAP_NOISE_BYTES = 4 << 20;

const domain = makeDomain('fuzz.example');
let server: TestServer;
let phone: SipClient;
let attacker: DatagramPort;

beforeAll(async () => {
  server = await startServer({ domain, trust: trustOf([domain]) });
  await server.app.ready;
  phone = await SipClient.open();
  attacker = await openDatagram(
    { host: '127.0.0.1', port: 0 },
    { onMessage: () => undefined, onError: () => undefined },
  );
});

afterAll(async () => {
  await attacker.close();
  await phone.close();
  await server.app.stop();
});

const randomBytes = (random: SimRandom, max: number): Buffer =>
  Buffer.from(random.bytes(1 + Math.floor(random.float() * max)));

/** One of the samples with some bytes changed, cut out or put in; now and then nothing but noise. */
function mutated(random: SimRandom, samples: readonly Uint8Array[]): Uint8Array {
  if (random.float() < 0.2) return randomBytes(random, 1400);
  const bytes = Buffer.from(samples[Math.floor(random.float() * samples.length)] ?? []);
  for (let edits = Math.floor(random.float() * 6); edits >= 0; edits -= 1) {
    const at = Math.floor(random.float() * bytes.length);
    bytes[at] = Math.floor(random.float() * 256);
  }
  if (random.float() < 0.2) return bytes.subarray(0, Math.floor(random.float() * bytes.length));
  if (random.float() < 0.1) return Buffer.concat([bytes, randomBytes(random, 100)]);
  return bytes;
}

async function alive(): Promise<void> {
  const answer = await phone.ask(server.sip, {
    method: 'OPTIONS',
    uri: 'sip:fuzz.example',
    from: 'sip:a@b',
    to: 'sip:fuzz.example',
  });
  expect(answer.status).toBe(200);
}

async function bombard(count: number, to: Endpoint, next: () => Uint8Array): Promise<void> {
  for (let sent = 0; sent < count; sent += BURST) {
    for (let one = 0; one < BURST; one += 1) attacker.send(next(), to);
    await alive();
  }
}

const sipSamples = (['rfc4475', 'rfc5118', 'rfc3665', 'real'] as const).flatMap((folder) =>
  corpusFolder(folder).map(({ bytes }) => bytes),
);

/** Datagrams of every kind, as docs/lsp.md shows them. */
const lspSamples = (): Uint8Array[] =>
  [...readFileSync('test/vectors/lsp.json', 'utf8').matchAll(/"([0-9a-f]{40,})"/g)].map((match) =>
    Buffer.from(match[1] ?? '', 'hex'),
  );

describe('under random and mutated datagrams', () => {
  test.each([
    { port: 'SIP', to: () => server.sip, samples: sipSamples },
    { port: 'LSP', to: () => server.overlay ?? server.sip, samples: lspSamples() },
  ])(
    'the $port port neither ends the server nor grows its heap',
    { timeout: 240_000 },
    async ({ to, samples }) => {
      const random = simRandom(20_261_122);
      expect(samples.length).toBeGreaterThan(20);
      await bombard(WARM_UP, to(), () => mutated(random, samples));
      const before = heapAfterCollection();
      await bombard(MEASURED, to(), () => mutated(random, samples));
      const after = heapAfterCollection();
      expect(after - before).toBeLessThan(HEAP_NOISE_BYTES);

      const registered = await phone.register(server.sip, `sip:after-${to().port}@fuzz.example`, {
        contact: '<sip:a@192.0.2.9>',
      });
      expect(registered.status).toBe(200);
    },
  );
});

/** A few seconds each; `npm run fuzz` takes a million. */
const SHORT = 3000;

test.each(['udp', 'tcp', 'tls', 'ws', 'wss'])(
  `${SHORT} messages over %s, mutated by grammar, cause no fault`,
  { timeout: 120_000 },
  async (transport) => {
    const args = [
      '--import',
      'tsx',
      'test/fuzz/run.ts',
      '--transport',
      transport,
      '--messages',
      String(SHORT),
    ];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout).toMatch(/^no fault$/m);
    // That the server was there to have one.
    expect(stdout).toMatch(/^requests: .*\b302 [1-9]/m);
  },
);
