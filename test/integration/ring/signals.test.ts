// The end of a process: SIGTERM under load loses nothing and ends in 10 s, a second signal ends at once, and nobody runs twice.
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatEndpoint } from '../../../src/runtime/datagram.ts';
import { gaugeOf, isReady } from '../../support/admin-client.ts';
import { chordial } from '../../support/commands.ts';
import { type ServerProcess, startProcess } from '../../support/server-process.ts';
import { inParallel, SipClient } from '../../support/sip-client.ts';
import { makeSites, type Sites } from '../../support/sites.ts';
import { until } from '../../support/until.ts';

const DOMAINS = ['a.example', 'b.example', 'c.example', 'd.example'];
const BINDINGS = 300;
const LANES = 4;
/** Prime to the number of domains, so that every lane has users of each. */
const LANES_APART = 5;
const STOP_LIMIT_MS = 10_000;

const made: Sites = makeSites(
  DOMAINS.map((domain) => ({ domain })),
  [],
);
const servers: ServerProcess[] = [];
let phones: SipClient;

const at = (index: number): ServerProcess => {
  const server = servers[index];
  if (server === undefined) throw new Error(`no server ${index}`);
  return server;
};
const flagsOf = (index: number) => {
  const [seed] = servers;
  const seeds = seed === undefined ? {} : { 'overlay.seeds': formatEndpoint(seed.overlay) };
  return { ...made.sites[index]?.flags, ...seeds };
};
const aorOf = (index: number): string => `sip:user${index}@${DOMAINS[index % DOMAINS.length]}`;
const contactOf = (index: number): string => `<sip:user${index}@192.0.2.8:${6000 + index}>`;
const register = async (server: ServerProcess, index: number, cseq: number): Promise<number> =>
  (await phones.register(server.sip, aorOf(index), { contact: contactOf(index), expires: 600, cseq })).status;
const call = async (server: ServerProcess, index: number): Promise<string> => {
  const answer = await phones.invite(server.sip, aorOf(index));
  return `${answer.status} ${answer.header('contact')}`;
};
const members = (server: ServerProcess, count: number) => async (): Promise<boolean> =>
  (await gaugeOf(server.admin, 'chordial_ring_members')) === count &&
  (await gaugeOf(server.admin, 'chordial_store_settled')) === 1;

beforeAll(async () => {
  phones = await SipClient.open();
  servers.push(await startProcess(flagsOf(0)));
  servers.push(...(await Promise.all([1, 2, 3].map((index) => startProcess(flagsOf(index))))));
  for (const server of servers) await until('four members', members(server, DOMAINS.length));
}, 60_000);

afterAll(async () => {
  await Promise.all(servers.map((server) => server.end('SIGKILL')));
  await phones.close();
  made.remove();
});

test('a second process with the key and selector of one that lives says so and exits 2', async () => {
  const flags = { ...flagsOf(1), 'sip.listen': 'udp:127.0.0.1:0', 'overlay.listen': '127.0.0.1:0' };
  const args = Object.entries({ ...flags, 'admin.listen': '127.0.0.1:0', 'trust.dns': 'false' });
  const ran = await chordial(['serve', ...args.flatMap(([key, value]) => [`--${key}`, value])]);
  expect(ran.code).toBe(2);
  // Whoever reads the log is told whose place it is and where that runs.
  expect(ran.stderr + ran.stdout).toContain(formatEndpoint(at(1).overlay));
  expect(await until('the first goes on', members(at(1), DOMAINS.length))).toBeLessThan(STOP_LIMIT_MS);
}, 60_000);

test('SIGTERM under load: exit 0 within 10 s, no binding lost, no call elsewhere fails', async () => {
  await inParallel(BINDINGS, 16, async (index) => {
    expect(await register(at(index % DOMAINS.length), index, 1)).toBe(200);
  });
  const wrong: string[] = [];
  let going = true;
  let calls = 0;
  let refreshes = 0;
  const calling = inParallel(LANES, LANES, async (lane) => {
    for (let index = lane; going; index = (index + LANES) % BINDINGS) {
      const said = await call(at(1 + (index % 3)), index);
      calls += 1;
      if (said !== `302 ${contactOf(index)}`) wrong.push(`call of ${aorOf(index)}: ${said}`);
    }
  });
  const refreshing = inParallel(LANES, LANES, async (lane) => {
    // Of all domains but that of the one that goes; each lane has users of its own, whose CSeq it counts.
    const users = Array.from({ length: BINDINGS }, (_, index) => index).filter(
      (index) => index % DOMAINS.length !== 0 && index % LANES_APART === lane,
    );
    for (let turn = 0; going; turn += 1) {
      const index = users[turn % users.length] ?? 1;
      const status = await register(at(index % DOMAINS.length), index, 2 + Math.floor(turn / users.length));
      refreshes += 1;
      if (status !== 200) wrong.push(`refresh of ${aorOf(index)}: ${status}`);
    }
  });
  const load = Promise.all([calling, refreshing]);
  await until('the load is on', () => calls > 50 && refreshes > 20);

  const startedMs = performance.now();
  expect(await at(0).end('SIGTERM')).toBe(0);
  const endedMs = Math.round(performance.now() - startedMs);
  for (const index of [1, 2, 3]) await until('three settled', members(at(index), 3));
  going = false;
  await load;
  process.stderr.write(
    `SIGTERM: ended after ${endedMs} ms; ${calls} calls, ${refreshes} refreshes meanwhile\n`,
  );
  expect(endedMs).toBeLessThan(STOP_LIMIT_MS);
  expect(wrong).toEqual([]);
  await inParallel(BINDINGS, 16, async (index) => {
    expect(await call(at(1 + (index % 3)), index)).toBe(`302 ${contactOf(index)}`);
  });
}, 90_000);

test('a second SIGTERM ends it at once', async () => {
  const { child } = at(1);
  // Its last neighbours do not hear it go: it would wait for them.
  at(2).child.kill('SIGSTOP');
  at(3).child.kill('SIGSTOP');
  const ended = once(child, 'exit');
  const startedMs = performance.now();
  child.kill('SIGTERM');
  await until('it says that it goes', async () => !(await isReady(at(1).admin)));
  child.kill('SIGTERM');
  const [code] = await ended;
  expect(code).toBe(1);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
}, 30_000);
