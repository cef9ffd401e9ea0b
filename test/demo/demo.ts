// npm run demo: three registrars of three domains on this machine, phones that call across them, and what happens when
// registrars are killed. `--stay` leaves it running for a real phone.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LspClient } from '../../src/lsp-client.ts';
import { generateKeyPem } from '../../src/record/identity.ts';
import { formatEndpoint } from '../../src/runtime/datagram.ts';
import { type ServerProcess, startProcess } from '../support/server-process.ts';
import { bold, dim, green, Ladder, red } from './ladder.ts';
import { Phone } from './phone.ts';

const DOMAINS = ['atlanta.example', 'biloxi.example', 'chicago.example'] as const;
const REPAIR_MS = 60_000;

const print = (text = ''): void => {
  process.stdout.write(`${text}\n`);
};
const heading = (text: string): void => print(`\n${bold(`== ${text}`)}`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Registrar {
  readonly domain: string;
  readonly server: ServerProcess;
}

const folder = mkdtempSync(join(tmpdir(), 'chordial-demo-'));
const trustFile = join(folder, 'trust.yaml');
const ladder = new Ladder();
const running: Registrar[] = [];
const phones: Phone[] = [];
let trust = '';

async function main(): Promise<void> {
  heading('Three domains, each with its own registrar; together they are the ring');
  const keys = DOMAINS.map((domain) => ({ domain, ...generateKeyPem() }));
  trust = keys
    .map(({ domain, publicKey }) => `${domain}: { 0: "${Buffer.from(publicKey).toString('base64')}" }`)
    .join('\n');
  writeFileSync(trustFile, trust);
  for (const { domain, pem } of keys) {
    writeFileSync(keyFileOf(domain), pem, { mode: 0o600 });
    running.push({ domain, server: await startRegistrar(domain) });
  }
  for (const { domain, server } of running) ladder.server(server.sip.port, domain);
  await settled(running.length);
  await showRing();

  heading('Phones register, each at its own domain; the bindings are published into the ring');
  const [atlanta, biloxi, chicago] = running;
  if (atlanta === undefined || biloxi === undefined || chicago === undefined)
    throw new Error('not all registrars run');
  const alice = await openPhone('alice', atlanta);
  const bob = await openPhone('bob', biloxi);
  const carol = await openPhone('carol', chicago);
  for (const [phone, home] of [
    [alice, atlanta],
    [bob, biloxi],
    [carol, chicago],
  ] as const) {
    const status = await phone.register(home.server.sip);
    print(
      `  ${phone.aor.padEnd(28)} at ${home.domain.padEnd(18)} ${status === 200 ? green('200 OK') : red(String(status))}`,
    );
    if (status !== 200) process.exitCode = 1;
  }

  heading(
    'alice@atlanta calls bob@biloxi: her own registrar finds him in the ring, she goes to his phone directly',
  );
  await showCall(alice, bob, atlanta);
  heading('carol@chicago calls alice@atlanta');
  await showCall(carol, alice, chicago);

  heading(`${red('SIGKILL')} to ${biloxi.domain}, bob's registrar; alice calls him again at once`);
  await kill(biloxi);
  await showCall(alice, bob, atlanta);

  heading('The ring notices and repairs itself');
  const startedMs = performance.now();
  await settled(running.length);
  print(`  repaired after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  await showRing();

  heading(`${red('SIGKILL')} to ${chicago.domain} as well; alice calls bob once more`);
  await kill(chicago);
  await showCall(alice, bob, atlanta);
  print();
  print(
    dim(
      '  One member of three is left: it gives out what it holds, and takes no new registrations (503) until a second is back.',
    ),
  );

  if (process.argv.includes('--stay')) {
    heading('Both are started again, with their keys and nothing else');
    for (const { domain } of [biloxi, chicago])
      running.push({ domain, server: await startRegistrar(domain) });
    await settled(running.length);
    await showRing();
    stay();
    await ended;
  }
}

const keyFileOf = (domain: string): string => join(folder, `${domain}.pem`);

function startRegistrar(domain: string): Promise<ServerProcess> {
  const seed = running[0];
  return startProcess({
    domain,
    'identity.keyFile': keyFileOf(domain),
    'trust.file': trustFile,
    ...(seed === undefined ? {} : { 'overlay.seeds': formatEndpoint(seed.server.overlay) }),
  });
}

async function openPhone(name: string, home: Registrar): Promise<Phone> {
  const phone = await Phone.open(name, home.domain, ladder);
  phones.push(phone);
  return phone;
}

async function showCall(caller: Phone, callee: Phone, through: Registrar): Promise<void> {
  const holders = await withClient((client) => client.find(callee.aor));
  print(`  ${callee.aor} is held by ${holders.replicas.map(({ domain }) => domain).join(', ')}`);
  ladder.open([caller.port, through.server.sip.port, callee.port]);
  const call = await caller.call(callee.aor, through.server.sip);
  ladder.open([]);
  const how = `found at ${call.contact ?? 'nowhere'}; answered after ${call.tookMs.toFixed(0)} ms`;
  print(
    `\n  ${call.status === 200 ? green('call established') : red(`call failed: ${call.status}`)}, ${how}`,
  );
  if (call.status !== 200) process.exitCode = 1;
}

async function showRing(): Promise<void> {
  const { members, problems } = await withClient((client) => client.members());
  print(`  ${bold('id'.padEnd(10))}${bold('domain'.padEnd(20))}${bold('address'.padEnd(18))}${bold('keys')}`);
  for (const { peer, endpoint, status } of members)
    print(
      `  ${peer.id.slice(0, 8).padEnd(10)}${peer.domain.padEnd(20)}${formatEndpoint(endpoint).padEnd(18)}${status.keys}`,
    );
  print(problems.length === 0 ? green(`  one ring of ${members.length}`) : red(`  ${problems.join('; ')}`));
}

/** Waits until everybody left sees the same ring of this many. */
async function settled(size: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < REPAIR_MS; waitedMs += 200) {
    const { members, problems } = await withClient((client) => client.members());
    if (members.length === size && problems.length === 0) return;
    await pause(200);
  }
  print(red('  the ring did not settle within a minute'));
  process.exitCode = 1;
}

async function withClient<T>(use: (client: LspClient) => Promise<T>): Promise<T> {
  const client = new LspClient({ via: running.map(({ server }) => server.overlay), trust, dns: false });
  await client.start();
  try {
    return await use(client);
  } finally {
    await client.stop();
  }
}

async function kill(registrar: Registrar): Promise<void> {
  await registrar.server.end('SIGKILL');
  running.splice(running.indexOf(registrar), 1);
}

function stay(): void {
  heading('Staying; Ctrl-C ends it');
  print('  Point phones at, with any password:');
  for (const { domain, server } of running)
    print(
      `  NAME@${domain.padEnd(16)} registrar ${formatEndpoint(server.sip)} (udp) or ${formatEndpoint(server.tcp)} (tcp)   status page http://${formatEndpoint(server.admin)}/`,
    );
}

/** A signal ends the demo wherever it is, and nothing of it stays behind. From a terminal it comes twice: tsx passes it on. */
const ended = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve());
});

try {
  await Promise.race([main(), ended]);
} finally {
  for (const phone of phones) phone.close();
  await Promise.all(running.map(({ server }) => server.end('SIGTERM')));
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
