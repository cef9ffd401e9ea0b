// Throws mutated messages at a registrar, a million if asked, and says what it answered and what its memory did.
// npm run fuzz -- --transport udp --messages 1000000 --seed 1 [--from 0] [--seconds 600] [--passwords] [--keep FOLDER]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Endpoint, formatEndpoint } from '../../src/runtime/datagram.ts';
import { simRandom } from '../../src/sim/sim-random.ts';
import { chanceOf, nextMessage } from './mutations.ts';
import { type Sender, udpSender } from './senders.ts';
import { KINDS, streamSender } from './streams.ts';
import type { FromSubject, ToSubject } from './talk.ts';

const { values } = parseArgs({
  options: {
    transport: { type: 'string', default: 'udp' },
    messages: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    /** A run goes on where another stopped: every batch has its own chance. */
    from: { type: 'string', default: '0' },
    /** It stops by then at the latest. */
    seconds: { type: 'string', default: '86400' },
    /** The server asks for them: of what is sent nobody knows any. */
    passwords: { type: 'boolean', default: false },
    /** Where the messages go among which a fault came. */
    keep: { type: 'string', default: 'test/vectors/crashers' },
  },
});
const count = Number(values.messages);
const first = Number(values.from);

const TRANSPORTS = ['udp', 'tcp', 'tls', 'ws', 'wss'] as const;
const transport = TRANSPORTS.find((one) => one === values.transport);
if (transport === undefined)
  throw new Error(`--transport is one of ${TRANSPORTS.join(', ')}, not ${values.transport}`);
const child = fork('test/fuzz/subject.ts', [values.passwords ? 'digest' : 'none', ...TRANSPORTS], {
  execArgv: ['--import', 'tsx'],
});
const errors: string[] = [];
let ended = false;
child.on('exit', () => {
  ended = true;
});
child.on('message', (message: FromSubject) => {
  if (message.kind === 'error') errors.push(message.line);
});
const tell = (message: ToSubject): boolean => child.send(message);
const hear = async <K extends FromSubject['kind']>(kind: K): Promise<Extract<FromSubject, { kind: K }>> => {
  for (;;) {
    const [message] = (await once(child, 'message')) as [FromSubject]; // what talk.ts says
    if (message.kind === kind) return message as Extract<FromSubject, { kind: K }>; // by its kind
  }
};

const ready = await hear('ready');
const endpointOf = (transport: string): Endpoint => {
  const text = ready.sip.find((one) => one.startsWith(`${transport}:`)) ?? '';
  const at = text.lastIndexOf(':');
  return { host: text.slice(transport.length + 1, at), port: Number(text.slice(at + 1)) };
};

const sender: Sender =
  transport === 'udp'
    ? await udpSender(endpointOf('udp'))
    : await streamSender(KINDS[transport], endpointOf(transport), endpointOf('udp'));

const MIB = 2 ** 20;
const series: string[] = [];
const measure = async (sent: number): Promise<void> => {
  tell('measure');
  const { heapBytes, rssBytes } = await hear('memory');
  series.push(
    `${sent.toLocaleString('en')}: heap ${(heapBytes / MIB).toFixed(1)} MiB, RSS ${(rssBytes / MIB).toFixed(0)} MiB`,
  );
};

const startedMs = performance.now();
const show = (sent: number): void => {
  const share = sent / count;
  const perSec = Math.round((1000 * sent) / (performance.now() - startedMs));
  const bar = '#'.repeat(Math.round(30 * share)).padEnd(30);
  const line = `[${bar}] ${Math.floor(100 * share)} %  ${perSec}/s  ${series.at(-1) ?? ''}`;
  process.stderr.write(process.stderr.isTTY ? `\r${line}` : `${line}\n`);
};

/** Keeps a batch among whose messages something went wrong. */
const keep = (messages: readonly Uint8Array[], at: number): void => {
  mkdirSync(values.keep, { recursive: true });
  for (const [index, message] of messages.entries())
    writeFileSync(`${values.keep}/${values.transport}-${values.seed}-${at + index}.dat`, message);
};

/** What ended or upset a server once is the first that every later one gets. */
const kept = existsSync(values.keep) ? readdirSync(values.keep).filter((name) => name.endsWith('.dat')) : [];
const crashers = kept.map((name) => readFileSync(`${values.keep}/${name}`));

const STEPS = 10;
let sent = 0;
let bytes = 0;
let wrong: string | undefined;
await measure(0);
const lastMs = performance.now() + 1000 * Number(values.seconds);
while (sent < count && wrong === undefined && performance.now() < lastMs) {
  const chance = chanceOf(simRandom(`fuzz/${values.transport}/${values.seed}/${first + sent}`));
  const messages =
    crashers.length > 0
      ? crashers.splice(0, sender.batch)
      : Array.from({ length: Math.min(sender.batch, count - sent) }, () => nextMessage(chance));
  try {
    await sender.send(messages, chance);
  } catch (error) {
    wrong = ended ? 'the server ended' : String(error);
  }
  if (errors.length > 0) wrong ??= `an error line: ${errors[0]}`;
  if (wrong !== undefined) keep(messages, first + sent);
  const step = Math.floor((STEPS * sent) / count);
  sent += messages.length;
  bytes += messages.reduce((sum, message) => sum + message.length, 0);
  if (Math.floor((STEPS * sent) / count) > step) {
    if (!ended) await measure(sent);
    show(sent);
  }
}

if (!ended && sent < count) await measure(sent);

const seconds = (performance.now() - startedMs) / 1000;
const out: string[] = [
  `${sent.toLocaleString('en')} messages (${(bytes / MIB).toFixed(0)} MiB) over ${values.transport}, seed ${values.seed}` +
    `${first === 0 ? '' : ` from ${first}`}, in ${seconds.toFixed(0)} s`,
  ...series,
];
if (!ended) {
  const metrics = await (await fetch(`http://${formatEndpoint(ready.admin)}/metrics`)).text();
  for (const name of ['requests', 'dropped', 'acks', 'forwarded', 'answers_forwarded']) {
    // BOUNDED: by the labels.
    const sums = new Map<string, number>();
    for (const [, labels = '', value] of metrics.matchAll(
      new RegExp(`^chordial_sip_${name}_total(?:\\{([^}]*)\\})? (\\d+)$`, 'gm'),
    )) {
      const label =
        /(?:code|reason|result)="([^"]*)"/.exec(labels)?.[1] ?? /(\w+="[^"]*")/.exec(labels)?.[1] ?? 'all';
      sums.set(label, (sums.get(label) ?? 0) + Number(value));
    }
    out.push(
      `${name}: ${[...sums].map(([label, sum]) => `${label} ${sum.toLocaleString('en')}`).join(', ')}`,
    );
  }
  if (/^chordial_sip_dropped_total\{reason="fault"\} [1-9]/m.test(metrics)) wrong ??= 'a fault was counted';
}
out.push(wrong === undefined ? 'no fault' : `WRONG: ${wrong}`);
process.stdout.write(`${out.join('\n')}\n`);
await sender.close();
if (!ended) {
  tell('stop');
  await once(child, 'exit');
}
process.exit(wrong === undefined ? 0 : 1);
