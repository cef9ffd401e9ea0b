// Three registrars as processes, four members of the ring each: they register and call, one is killed; and an id that is alive
// at another address ends the process that comes second with exit status 2 and says where.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatEndpoint } from '../../../src/runtime/datagram.ts';
import { gaugeOf, isReady } from '../../support/admin-client.ts';
import { chordial } from '../../support/commands.ts';
import { type ServerProcess, startProcess } from '../../support/server-process.ts';
import { SipClient } from '../../support/sip-client.ts';
import { freeEndpoints, makeSites, type Sites } from '../../support/sites.ts';
import { until } from '../../support/until.ts';

const DOMAINS = ['a.example', 'b.example', 'c.example'];
const VNODES = 4;
const PHONES = 30;

let made: Sites;
let servers: ServerProcess[];
let phones: SipClient;

const userOf = (n: number): string => `sip:user${n}@${DOMAINS[n % DOMAINS.length]}`;
const contactOf = (n: number): string => `<sip:user${n}@192.0.2.${n + 1}:5060>`;
const serverAt = (n: number): ServerProcess => {
  const server = servers[n];
  if (server === undefined) throw new Error(`no server ${n}`);
  return server;
};

const settled = (count: number) => async (): Promise<boolean> => {
  const all = await Promise.all(
    servers.map(
      async ({ admin }) =>
        (await gaugeOf(admin, 'chordial_ring_members')) === count &&
        (await gaugeOf(admin, 'chordial_store_settled')) === 1 &&
        (await isReady(admin)),
    ),
  );
  return all.every(Boolean);
};

const called = (): Promise<readonly string[]> =>
  Promise.all(
    servers.flatMap((server) =>
      Array.from({ length: PHONES }, async (_, n) => {
        const answer = await phones.invite(server.sip, userOf(n));
        return `${n} ${answer.status} ${answer.header('contact').join()}`;
      }),
    ),
  );
const EVERY_CALL = Array.from({ length: PHONES }, (_, n) => `${n} 302 ${contactOf(n)}`);

beforeAll(async () => {
  const overlays = await freeEndpoints(DOMAINS.length);
  made = makeSites(
    DOMAINS.map((domain) => ({ domain })),
    overlays,
  );
  phones = await SipClient.open();
  servers = await Promise.all(
    made.sites.map(({ flags }, n) => {
      const overlay = overlays[n] ?? { host: '127.0.0.1', port: 0 };
      return startProcess({
        ...flags,
        'overlay.listen': formatEndpoint(overlay),
        'overlay.vnodes': String(VNODES),
      });
    }),
  );
  await until('twelve members of three processes', settled(VNODES * DOMAINS.length));
}, 90_000);

afterAll(async () => {
  await Promise.all(servers.map((server) => server.end('SIGKILL')));
  await phones.close();
  made.remove();
});

test('every member is a line of the ring, and soon nothing in it is broken', async () => {
  const via = formatEndpoint(serverAt(0).overlay);
  let members: readonly string[] = [];
  await until(
    'nothing broken',
    async () => {
      const { code, stdout } = await chordial(['ring', '--json', '--via', via]);
      const ring = JSON.parse(stdout) as { members: readonly { domain: string; vnode: number }[] }; // our own JSON
      members = ring.members.map(({ domain, vnode }) => `${domain} ${vnode}`);
      return code === 0;
      // Lists grow by a neighbour's with every round: 5 s each.
    },
    60_000,
  );
  const all = DOMAINS.flatMap((domain) => Array.from({ length: VNODES }, (_, n) => `${domain} ${n}`));
  expect(members.toSorted()).toEqual(all.toSorted());
}, 90_000);

test('an id that is alive at another address: the second process says where, and exits with 2', async () => {
  const flags = made.sites[1]?.flags ?? {};
  const twin = startProcess({ ...flags, 'overlay.vnodes': '2' });
  await expect(twin).rejects.toThrow('ended with 2');
  await expect(twin).rejects.toThrow(`runs at ${formatEndpoint(serverAt(1).overlay)}`);
}, 30_000);

test('what was registered is called from everywhere, at once after one process was killed', async () => {
  for (let n = 0; n < PHONES; n += 1) {
    const options = { contact: contactOf(n), expires: 600 };
    expect((await phones.register(serverAt(n % 3).sip, userOf(n), options)).status).toBe(200);
  }
  expect((await called()).toSorted()).toEqual([...EVERY_CALL, ...EVERY_CALL, ...EVERY_CALL].toSorted());
  await serverAt(1).end('SIGKILL');
  servers = servers.filter((_, n) => n !== 1);
  expect((await called()).toSorted()).toEqual([...EVERY_CALL, ...EVERY_CALL].toSorted());
  await until('eight members', settled(VNODES * 2), 40_000);
  expect((await called()).toSorted()).toEqual([...EVERY_CALL, ...EVERY_CALL].toSorted());
}, 90_000);
