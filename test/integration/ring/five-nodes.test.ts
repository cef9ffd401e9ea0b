// Issue: "Five nodes, 2,000 bindings: SIGKILL one registrar, and at once every binding is still found from every other";
// restart elsewhere, a second death after repair, and all five stopped and started again.
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Endpoint, formatEndpoint } from '../../../src/runtime/datagram.ts';
import { gaugeOf, isReady } from '../../support/admin-client.ts';
import { chordial } from '../../support/commands.ts';
import { type ServerProcess, startProcess } from '../../support/server-process.ts';
import { inParallel, SipClient } from '../../support/sip-client.ts';
import { freeEndpoints, makeSites, type Site, type Sites } from '../../support/sites.ts';
import { until } from '../../support/until.ts';

const DOMAINS = ['a.example', 'b.example', 'c.example', 'd.example', 'e.example'];
const BINDINGS = 2_000;
/** Every binding, and every fifth: another fifth from each server. */
const ALL = { count: BINDINGS, step: 1 };
const SPREAD = { count: BINDINGS / 5, step: 5 };
const AT_ONCE = 16;
const BETWEEN_STARTS_MS = 500;
const SHOWN_MAX = 8;

interface Node {
  readonly site: Site;
  server: ServerProcess | undefined;
}

const figures: Record<string, number> = {};
let made: Sites;
let nodes: readonly Node[];
let overlays: Awaited<ReturnType<typeof freeEndpoints>>;
let phones: SipClient;

const userOf = (index: number): string => `sip:user${index}@${DOMAINS[index % DOMAINS.length]}`;
const contactOf = (index: number): string => `sip:user${index}@192.0.2.${index % 250}:${5060 + index}`;
const at = (index: number): Node => {
  const node = nodes[index];
  if (node === undefined) throw new Error(`no node ${index}`);
  return node;
};
const running = (): readonly ServerProcess[] => nodes.flatMap(({ server }) => server ?? []);

/** Elsewhere than before unless told where: SIP, admin and overlay at ports that the system chooses. */
const start = async (
  node: Node,
  overlay: Endpoint = { host: '127.0.0.1', port: 0 },
): Promise<ServerProcess> => {
  node.server = await startProcess({ ...node.site.flags, 'overlay.listen': formatEndpoint(overlay) });
  return node.server;
};
const end = async (node: Node, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null | undefined> => {
  const { server } = node;
  node.server = undefined;
  return server?.end(signal);
};

/** Asks every one of these for every binding; what was not answered by 302 with exactly the contact. */
const misses = async (servers: readonly ServerProcess[], which = ALL): Promise<readonly string[]> => {
  const wrong: string[] = [];
  await Promise.all(
    servers.map((server, from) =>
      inParallel(which.count, AT_ONCE, async (turn) => {
        const index = turn * which.step + (from % which.step);
        const answer = await phones.invite(server.sip, userOf(index));
        const contacts = answer.header('contact').join(' | ');
        if (answer.status !== 302 || contacts !== `<${contactOf(index)}>`)
          wrong.push(`${from}: ${userOf(index)} → ${answer.status} ${contacts}`);
      }),
    ),
  );
  return wrong.length > SHOWN_MAX ? [`${wrong.length} wrong`, ...wrong.slice(0, SHOWN_MAX)] : wrong;
};

/** Every one that runs knows `count` members and holds all that it should. */
const settled = (count: number) => async (): Promise<boolean> => {
  const all = await Promise.all(
    running().map(async ({ admin }) => {
      const [members, complete] = await Promise.all([
        gaugeOf(admin, 'chordial_ring_members'),
        gaugeOf(admin, 'chordial_store_settled'),
      ]);
      return members === count && complete === 1 && (await isReady(admin));
    }),
  );
  return all.every(Boolean);
};

beforeAll(async () => {
  overlays = await freeEndpoints(DOMAINS.length);
  made = makeSites(
    DOMAINS.map((domain) => ({ domain })),
    overlays.slice(0, 3),
  );
  nodes = made.sites.map((site) => ({ site, server: undefined }));
  phones = await SipClient.open();
  await timed('five started at once', async () => {
    await Promise.all(nodes.map((node, i) => start(node, overlays[i])));
    await until('five members, settled', settled(5));
  });
}, 60_000);

afterAll(async () => {
  process.stderr.write(`five nodes, ms: ${JSON.stringify(figures)}\n`);
  await Promise.all(nodes.map((node) => end(node, 'SIGKILL')));
  await phones.close();
  made.remove();
});

const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  const startedMs = performance.now();
  const result = await work();
  figures[what] = Math.round(performance.now() - startedMs);
  return result;
};

/** The binding's own registrar: that of its domain. */
const serverOf = (index: number): ServerProcess => {
  const { site, server } = at(index % nodes.length);
  if (server === undefined) throw new Error(`${site.domain} does not run`);
  return server;
};

const register = async (index: number, server: ServerProcess): Promise<void> => {
  const options = { contact: `<${contactOf(index)}>`, expires: 3600 };
  const { status, text } = await phones.register(server.sip, userOf(index), options);
  if (status !== 200) throw new Error(`${userOf(index)}: ${text}`);
};

/** `chordial ring --json`, through the first that runs. */
const ringCommand = async (): Promise<{
  members: number;
  problems: readonly string[];
  code: number | null;
}> => {
  const via = running()[0]?.overlay ?? { host: '127.0.0.1', port: 9 };
  const { code, stdout } = await chordial(['ring', '--json', '--via', formatEndpoint(via)]);
  const ring = JSON.parse(stdout) as { members: unknown[]; problems: string[] }; // our own JSON
  return { members: ring.members.length, problems: ring.problems, code };
};

describe('five registrars of five domains with 2,000 bindings', () => {
  test('every binding is found from every other at once after one registrar was killed', async () => {
    await timed('register 2,000', () => inParallel(BINDINGS, AT_ONCE, (i) => register(i, serverOf(i))));
    await end(at(1), 'SIGKILL');
    expect(await timed('2,000 found from each of 4', () => misses(running()))).toEqual([]);
  }, 120_000);

  test('started again elsewhere with the same configuration and no other file, all is as before', async () => {
    await timed('restarted elsewhere', () => start(at(1)));
    expect(await timed('found from it', () => misses([serverOf(1)], SPREAD))).toEqual([]);
    figures['five settled again'] = await until('five members, settled', settled(5));
    expect(await ringCommand()).toEqual({ members: 5, problems: [], code: 0 });
    await register(1, serverOf(1));
  }, 120_000);

  test('a second death after the repair loses nothing either, nor a third', async () => {
    await end(at(3), 'SIGKILL');
    expect(await timed('found at once after the second', () => misses(running(), SPREAD))).toEqual([]);
    figures['four settled'] = await until('four members, settled', settled(4), 60_000);
    await end(at(0), 'SIGKILL');
    expect(await timed('found at once after the third', () => misses(running(), SPREAD))).toEqual([]);
    expect(running()).toHaveLength(3);
  }, 120_000);

  test('all stopped and all started, seeds last, are one ring again', async () => {
    const stopped = await Promise.all(nodes.map((node) => end(node, 'SIGTERM')));
    expect(stopped.filter((code) => code !== undefined)).toEqual([0, 0, 0]);
    // The two that are no seeds come up first and find nobody; then the seeds, one after the other.
    const [one, two, three, ...others] = nodes.map((node, i) => () => start(node, overlays[i]));
    const starting = [...others, three, two, one].map(async (go, turn) => {
      await wait(turn * BETWEEN_STARTS_MS);
      return go?.();
    });
    await timed('all five ready', () => Promise.all(starting));
    figures['one ring of five'] = await until('five members, settled', settled(5), 60_000);
    expect(await ringCommand()).toEqual({ members: 5, problems: [], code: 0 });
    await inParallel(50, AT_ONCE, (index) => register(index, serverOf(index)));
    expect(await misses(running(), { count: 50, step: 1 })).toEqual([]);
  }, 120_000);
});
