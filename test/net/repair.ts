// npx tsx test/net/repair.ts [--nodes 8] [--held 10000] [--lanes 4]: a ring of processes on loopback in which one member
// holds so many names; it is killed, and its copies are made again elsewhere while everybody looks up. Prints a table.
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { until } from '../support/until.ts';
import { Fleet, type Member } from './fleet.ts';
import { Ledger, type Tally } from './ledger.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '8' },
    held: { type: 'string', default: '10000' },
    lanes: { type: 'string', default: '4' },
  },
});
const nodes = Number(values.nodes);
const held = Number(values.held);
const REPLICAS = 3;
const WATCH_MS = 15_000;

const fleet = new Fleet();
const say = (text: string): unknown => process.stdout.write(`${text}\n`);
const total = async (of: 'keys' | 'bytesOut' | 'keysPulled' | 'keysPushed' | 'cpuMs'): Promise<number> =>
  (await fleet.states()).reduce((sum, state) => sum + state[of], 0);
const keysOf = async (member: Member): Promise<number> => (await member.order({ do: 'state' }))?.keys ?? 0;
const row = (name: string, seconds: number, { lookups, found, unanswered, p50Ms, p99Ms }: Tally): unknown =>
  say(
    `| ${name} | ${seconds.toFixed(1)} | ${lookups} | ${found} | ${unanswered} | ${p50Ms.toFixed(1)} | ${p99Ms.toFixed(1)} |`,
  );

process.once('SIGINT', () => void fleet.end().then(() => process.exit(130)));
try {
  await fleet.start('m0', '127.80.0.1', { seeds: [] });
  await Promise.all(
    Array.from({ length: nodes - 1 }, (_, index) => fleet.start(`m${index + 1}`, `127.80.0.${index + 2}`)),
  );
  await until('one ring', () => fleet.settled(), 120_000);
  // Register a sample first: which member would hold how many of all.
  const sample = new Ledger(Math.ceil(held / 10));
  await sample.registerAll(fleet.living);
  const sizes = await Promise.all(
    fleet.living.map(async (member) => ({ member, keys: await keysOf(member) })),
  );
  const [largest] = sizes.sort((a, b) => b.keys - a.keys);
  if (largest === undefined) throw new Error('nobody');
  const users = Math.ceil((held * sample.users) / largest.keys);
  const ledger = new Ledger(users);
  await ledger.registerAll(fleet.living, 32);
  await until('all copies', async () => (await total('keys')) === REPLICAS * users, 120_000);
  const victim = largest.member;
  const copies = await keysOf(victim);
  say(`${nodes} processes on loopback, ${users} names; the victim holds ${copies}\n`);
  say('| | s | lookups | found | no answer | p50 ms | p99 ms |\n|---|---|---|---|---|---|---|');
  const others = fleet.living.filter((one) => one !== victim);
  const pick = () => {
    const member = others[Math.floor(Math.random() * others.length)];
    return member === undefined
      ? undefined
      : { user: Math.floor(Math.random() * users), member, apart: true };
  };
  ledger.markFloor();
  ledger.begin(pick, { lanes: Number(values.lanes), pauseMs: 5 });
  await wait(2000);
  ledger.tally();
  await wait(WATCH_MS);
  row('before', WATCH_MS / 1000, ledger.tally());
  const others0 = async (of: 'bytesOut' | 'keysPulled' | 'keysPushed' | 'cpuMs') =>
    (await Promise.all(others.map((one) => one.order({ do: 'state' })))).reduce(
      (sum, state) => sum + (state?.[of] ?? 0),
      0,
    );
  const [bytes0, pulled0, cpu0] = [
    await others0('bytesOut'),
    await others0('keysPulled'),
    await others0('cpuMs'),
  ];
  const startedMs = performance.now();
  await victim.end('SIGKILL');
  const noticedMs = await until(
    'noticed',
    async () => (await fleet.states()).every(({ members }) => members === nodes - 1),
    60_000,
  );
  const noticed = ledger.tally();
  row('SIGKILL until everybody knows', noticedMs / 1000, noticed);
  await until('all copies again', async () => (await total('keys')) >= REPLICAS * users, 120_000);
  const restoredMs = performance.now() - startedMs;
  row('until all copies are restored', (restoredMs - noticedMs) / 1000, ledger.tally());
  const [bytes1, pulled1, cpu1] = [
    await others0('bytesOut'),
    await others0('keysPulled'),
    await others0('cpuMs'),
  ];
  await wait(WATCH_MS);
  row('after', WATCH_MS / 1000, ledger.tally());
  await ledger.end();
  say(
    `\n${copies} copies restored ${(restoredMs / 1000).toFixed(1)} s after the SIGKILL; ${pulled1 - pulled0} keys fetched; ` +
      `${((bytes1 - bytes0) / 2 ** 20).toFixed(1)} MiB sent by all, lookups included; ${((cpu1 - cpu0) / 1000).toFixed(1)} s of CPU\n` +
      `denied or wrong: ${ledger.wrong.length} ${ledger.wrong.slice(0, 5).join('; ')}; by one replica alone and old: ${ledger.outdated.length}`,
  );
  process.exitCode = ledger.wrong.length > 0 ? 1 : 0;
} finally {
  await fleet.end();
}
