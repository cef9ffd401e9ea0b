// DESIGN §5.1, cell by cell: what `publication: local`, `public` and `hybrid` promise, the ring there and the ring away.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Dns } from '../../../src/runtime/dns.ts';
import { statusOf } from '../../support/admin-client.ts';
import { ServerRing } from '../../support/server-ring.ts';
import { makeDomain, startServer, type TestServer, trustOf } from '../../support/servers.ts';
import { SipClient } from '../../support/sip-client.ts';
import { freeEndpoints } from '../../support/sites.ts';
import { until } from '../../support/until.ts';

const LOCAL = makeDomain('local.example');
const PUBLIC = [makeDomain('public.example', 0), makeDomain('public.example', 1)] as const;
const HYBRID = [makeDomain('hybrid.example', 0), makeDomain('hybrid.example', 1)] as const;
const [ALONE, LATE] = [makeDomain('alone.example'), makeDomain('late.example')];
const ALL = [LOCAL, ...PUBLIC, ...HYBRID, ALONE, LATE];
const BACK_LIMIT_MS = 20_000;

/** What SRV says of each domain: its SIP servers. BOUNDED: by the test. */
const servedAt = new Map<string, TestServer>();
const dns: Dns = {
  naptr: async () => ({ kind: 'none' }),
  srv: async (name) => {
    const server = servedAt.get(name.replace(/^_sip\._udp\./, ''));
    if (server === undefined || !name.startsWith('_sip._udp.')) return { kind: 'none' };
    return {
      kind: 'found',
      records: [{ priority: 1, weight: 1, name: 'sip.invalid', port: server.sip.port }],
    };
  },
  addresses: async (name, family) =>
    name === 'sip.invalid' && family === 4 ? { kind: 'found', records: ['127.0.0.1'] } : { kind: 'none' },
};
const world = { dns };

const ring = new ServerRing(ALL);
const startLocal = (): Promise<TestServer> =>
  startServer({ domain: LOCAL, trust: trustOf([LOCAL]), config: { publication: 'local' }, world });
const hybridConfig = { publication: 'hybrid', registrar: { minExpiresSec: 1 } };

let phones: SipClient;
let local: TestServer;
let publics: readonly [TestServer, TestServer];
let hybrids: readonly [TestServer, TestServer];

beforeAll(async () => {
  phones = await SipClient.open();
  local = await startLocal();
  publics = [await ring.start(PUBLIC[0], { world }), await ring.start(PUBLIC[1], { world })];
  hybrids = [
    await ring.start(HYBRID[0], { world, config: hybridConfig }),
    await ring.start(HYBRID[1], { world, config: hybridConfig }),
  ];
  await ring.settled([...publics, ...hybrids], 4);
  servedAt.set('local.example', local);
  servedAt.set('public.example', publics[0]);
  servedAt.set('hybrid.example', hybrids[0]);
}, 60_000);

afterAll(async () => {
  await ring.end();
  await local.kill();
  await local.app.stop();
  await phones.close();
});

const contactOf = (aor: string): string =>
  `<${aor.replace('@', '.at.')}:5062>`.replace(/\.at\..*:/, '@192.0.2.3:');
const register = async (
  server: TestServer,
  aor: string,
  more: { expires?: number; cseq?: number; contact?: string; callId?: string } = {},
): Promise<string> => {
  const answer = await phones.register(server.sip, aor, { contact: contactOf(aor), expires: 600, ...more });
  return `${answer.status} ${answer.header('contact').map((one) => one.replace(/;expires=\d+/, ''))}`;
};
const bound = (aor: string): string => `200 ${contactOf(aor)}`;
/** What an INVITE from a user of that server's own domain is answered. */
const call = async (server: TestServer, aor: string, from?: string): Promise<string> => {
  const caller = from ?? `sip:caller@${server.config.domain[0]}`;
  const answer = await phones.invite(server.sip, aor, caller);
  return `${answer.status} ${answer.header('contact')}`;
};
const moved = (aor: string): string => `302 ${contactOf(aor)}`;
const STRANGER = 'sip:stranger@elsewhere.invalid';

/** Seconds left of a binding, as its registrar lists it. */
const secondsLeft = async (server: TestServer, aor: string): Promise<number> => {
  const answer = await phones.register(server.sip, aor, { callId: `query-${aor}` });
  return Number(/;expires=(\d+)/.exec(answer.header('contact')[0] ?? '')?.[1] ?? Number.NaN);
};
const unpublished = async (server: TestServer): Promise<number | undefined> =>
  (await statusOf(server.admin)).unpublished;

describe('local', () => {
  test('200 when the local store has it, with no ring at all, and own users are found there', async () => {
    expect(await register(local, 'sip:bob@local.example')).toBe('200 <sip:bob@192.0.2.3:5062>');
    expect(await call(local, 'sip:bob@local.example', STRANGER)).toBe('302 <sip:bob@192.0.2.3:5062>');
    expect(await call(local, 'sip:nobody@local.example')).toBe('480 ');
  });

  test('users of other domains are called by RFC 3263, and only by users of ours', async () => {
    await register(publics[0], 'sip:carol@public.example');
    expect(await call(local, 'sip:carol@public.example')).toBe(moved('sip:carol@public.example'));
    expect(await call(local, 'sip:carol@public.example', STRANGER)).toBe('403 ');
    // Where DNS leads nowhere the ring is not asked either.
    servedAt.delete('public.example');
    expect(await call(local, 'sip:carol@public.example')).not.toMatch(/^302/);
    servedAt.set('public.example', publics[0]);
  });

  test('other domains find its users by DNS and its SIP servers, not in the ring', async () => {
    const aor = 'sip:dave@local.example';
    await register(local, aor);
    expect(await call(publics[1], aor)).toBe(moved(aor));
    servedAt.delete('local.example');
    expect(await call(publics[1], aor)).not.toMatch(/^302/);
    servedAt.set('local.example', local);
  });

  test('a restart loses what the store held, until phones refresh', async () => {
    const aor = 'sip:erin@local.example';
    await register(local, aor);
    const before = local;
    await before.kill();
    local = await startLocal();
    servedAt.set('local.example', local);
    expect(await call(local, aor)).toBe('480 ');
    expect(await register(local, aor, { cseq: 2 })).toBe(bound(aor));
    expect(await call(local, aor)).toBe(moved(aor));
    await before.app.stop();
  });
});

describe('public', () => {
  test('own users and those of other domains are found in the ring, wherever they registered', async () => {
    const [own, foreign] = ['sip:frank@public.example', 'sip:grace@hybrid.example'];
    expect(await register(publics[0], own)).toBe(bound(own));
    expect(await register(hybrids[0], foreign)).toBe(bound(foreign));
    servedAt.clear();
    expect(await call(publics[1], own)).toBe(moved(own));
    expect(await call(publics[1], foreign, STRANGER)).toBe(moved(foreign));
    expect(await call(hybrids[1], own, STRANGER)).toBe(moved(own));
    servedAt.set('local.example', local).set('public.example', publics[0]).set('hybrid.example', hybrids[0]);
  });

  test('no 200 without the ring: 503 to REGISTER, and to a call for whom it can not know', async () => {
    const [aor, other] = ['sip:heidi@public.example', 'sip:hugo@public.example'];
    publics[1].wire.cut = true;
    expect(await register(publics[1], aor)).toBe('503 ');
    await until('calls are refused', async () => (await call(publics[1], other)) === '503 ');
    publics[1].wire.cut = false;
    await ring.settled([...publics, ...hybrids], 4, BACK_LIMIT_MS);
    expect(await register(publics[1], aor, { cseq: 2 })).toBe(bound(aor));
    expect(await call(hybrids[0], aor)).toBe(moved(aor));
  }, 60_000);
});

describe('hybrid, the ring there', () => {
  test('a 200 means both have it: found at once from other domains', async () => {
    const aor = 'sip:ivan@hybrid.example';
    expect(await register(hybrids[0], aor)).toBe(bound(aor));
    expect(await call(publics[0], aor)).toBe(moved(aor));
    expect(await call(hybrids[1], aor)).toBe(moved(aor));
    expect(await unpublished(hybrids[0])).toBe(0);
  });

  test('a phone registered at another registrar of the domain is merged with one registered here', async () => {
    const aor = 'sip:judy@hybrid.example';
    const [desk, cell] = ['<sip:judy@192.0.2.10:5060>', '<sip:judy@192.0.2.11:5060>'];
    await register(hybrids[0], aor, { contact: desk, callId: 'desk' });
    expect(await register(hybrids[1], aor, { contact: cell, callId: 'cell' })).toMatch(
      /^200 .*10.*11|^200 .*11.*10/,
    );
    expect((await call(hybrids[0], aor)).split(/[ ,]/).sort()).toEqual(['302', desk, cell].sort());
  });

  test('a phone that removed itself at another registrar is not found here', async () => {
    const aor = 'sip:kim@hybrid.example';
    await register(hybrids[0], aor);
    expect(await register(hybrids[1], aor, { expires: 0, cseq: 2 })).toBe('200 ');
    expect(await call(hybrids[0], aor)).toBe('480 ');
    expect(await call(publics[0], aor, STRANGER)).toBe('403 ');
  });

  test('users of other domains: the ring, then RFC 3263', async () => {
    const [inRing, byDns] = ['sip:leo@public.example', 'sip:mia@local.example'];
    await register(publics[0], inRing);
    await register(local, byDns);
    expect(await call(hybrids[0], inRing, STRANGER)).toBe(moved(inRing));
    expect(await call(hybrids[0], byDns)).toBe(moved(byDns));
    expect(await call(hybrids[0], byDns, STRANGER)).toBe('403 ');
  });

  test('other domains find its users by its SIP servers as well', async () => {
    const aor = 'sip:nina@hybrid.example';
    await register(hybrids[0], aor);
    expect(await call(local, aor)).toBe(moved(aor));
  });
});

describe('hybrid, the ring away', () => {
  test('200, found here, counted as unpublished; published with its version when the ring is back, unless it expired', async () => {
    const [aor, short] = ['sip:olga@hybrid.example', 'sip:paul@hybrid.example'];
    hybrids[0].wire.cut = true;
    const registeredMs = performance.now();
    expect(await register(hybrids[0], aor)).toBe(bound(aor));
    expect(await register(hybrids[0], short, { expires: 3 })).toBe(bound(short));
    expect(await call(hybrids[0], aor)).toBe(moved(aor));
    await until('both are counted', async () => (await unpublished(hybrids[0])) === 2);
    expect(await call(publics[0], aor, STRANGER)).toBe('403 ');
    await until('the short one has expired', async () => (await call(hybrids[0], short)) === '480 ');

    hybrids[0].wire.cut = false;
    const backMs = await until('published', async () => (await unpublished(hybrids[0])) === 0, BACK_LIMIT_MS);
    process.stderr.write(`hybrid: published ${backMs} ms after the cut's end\n`);
    for (const server of [...publics, hybrids[1]]) expect(await call(server, aor)).toBe(moved(aor));
    expect(await call(publics[0], short, STRANGER)).toBe('403 ');
    // A version of its own: the time that it waited counts.
    const waitedSec = Math.floor((performance.now() - registeredMs) / 1000);
    const leftSec = await secondsLeft(hybrids[1], aor);
    expect(leftSec).toBeLessThanOrEqual(600 - waitedSec);
    expect(leftSec).toBeGreaterThan(600 - waitedSec - 5);
  }, 90_000);

  test('an office that starts while no seed answers works, and its users are in the ring once there is one', async () => {
    const [seed = { host: '127.0.0.1', port: 9 }] = await freeEndpoints(1);
    const trust = trustOf(ALL);
    const alone = await startServer({ domain: ALONE, trust, seeds: [seed], config: hybridConfig, world });
    const aor = 'sip:quinn@alone.example';
    expect(await register(alone, aor)).toBe(bound(aor));
    expect(await call(alone, aor)).toBe(moved(aor));
    await until('it is counted', async () => (await unpublished(alone)) === 1);
    const late = await startServer({ domain: LATE, trust, overlayPort: seed.port, world });
    await until('published', async () => (await unpublished(alone)) === 0, BACK_LIMIT_MS);
    expect(await call(late, aor)).toBe(moved(aor));
    await Promise.all([alone.kill(), late.kill()]);
    await Promise.all([alone.app.stop(), late.app.stop()]);
  }, 60_000);

  test('a restart loses nothing that the ring holds', async () => {
    const aor = 'sip:rosa@hybrid.example';
    await register(hybrids[1], aor);
    await hybrids[1].kill();
    hybrids = [hybrids[0], await ring.start(HYBRID[1], { world, config: hybridConfig })];
    await ring.settled([...publics, ...hybrids], 4);
    expect(await call(hybrids[1], aor)).toBe(moved(aor));
  }, 60_000);
});
