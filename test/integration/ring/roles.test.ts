// `overlay.role: client` publishes and redirects without joining; below `overlay.minMembers` nothing is promised or denied.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ringOf, statusOf } from '../../support/admin-client.ts';
import { ServerRing } from '../../support/server-ring.ts';
import { makeDomain, type TestServer } from '../../support/servers.ts';
import { SipClient } from '../../support/sip-client.ts';
import { until } from '../../support/until.ts';

const MEMBERS = [makeDomain('a.example'), makeDomain('b.example'), makeDomain('c.example')] as const;
const CLIENT = makeDomain('client.example');

let phones: SipClient;
beforeAll(async () => {
  phones = await SipClient.open();
});
afterAll(() => phones.close());

const contactOf = (aor: string): string => `<${aor.replace(/@.*/, '@192.0.2.6:5064')}>`;
const register = async (server: TestServer, aor: string, cseq = 1): Promise<number> =>
  (await phones.register(server.sip, aor, { contact: contactOf(aor), expires: 600, cseq })).status;
const call = async (server: TestServer, aor: string): Promise<string> => {
  const answer = await phones.invite(server.sip, aor);
  return `${answer.status} ${answer.header('contact')}`;
};

describe('a registrar that is a client of the ring', () => {
  const ring = new ServerRing([...MEMBERS, CLIENT]);
  let members: readonly TestServer[];
  let client: TestServer;
  beforeAll(async () => {
    members = await ring.startAll(MEMBERS);
    client = await ring.start(CLIENT, { config: { overlay: { role: 'client' } } });
    await client.app.ready;
  }, 60_000);
  afterAll(() => ring.end());

  test('publishes for its users and redirects to those of others', async () => {
    const [own, foreign] = ['sip:bob@client.example', 'sip:carol@a.example'];
    const [first = client] = members;
    expect(await register(client, own)).toBe(200);
    expect(await register(first, foreign)).toBe(200);
    for (const server of [...members, client]) {
      expect(await call(server, own)).toBe(`302 ${contactOf(own)}`);
      expect(await call(server, foreign)).toBe(`302 ${contactOf(foreign)}`);
    }
    expect(await call(client, 'sip:nobody@client.example')).toBe('480 ');
  });

  test('is no member and holds nothing', async () => {
    const { overlay } = await statusOf(client.admin);
    expect(overlay).toMatchObject({ role: 'client', keys: 0, entries: 0 });
    const seen = await ringOf(client.admin);
    expect(seen.members.map(({ domain }) => domain).sort()).toEqual(MEMBERS.map(({ domain }) => domain));
    expect(seen.broken).toEqual([]);
  });

  test('finds everybody when the member that it asked first is gone', async () => {
    const aor = 'sip:dave@client.example';
    expect(await register(client, aor)).toBe(200);
    await members[0]?.kill();
    expect(await call(client, aor)).toBe(`302 ${contactOf(aor)}`);
    expect(await register(client, aor, 2)).toBe(200);
  });
});

test('below overlay.minMembers nothing is acknowledged and nothing denied', async () => {
  const ring = new ServerRing(MEMBERS);
  const overlay = { minMembers: 3 };
  const [a, b] = [
    await ring.start(MEMBERS[0], { config: { overlay } }),
    await ring.start(MEMBERS[1], { config: { overlay } }),
  ];
  const knows = (server: TestServer, count: number) => async (): Promise<boolean> =>
    (await statusOf(server.admin)).overlay?.members === count;
  await until('two know each other', knows(b, 2));
  await until('two know each other', knows(a, 2));
  const aor = 'sip:bob@a.example';
  const [registered, called] = await Promise.all([register(a, aor), call(b, aor)]);
  expect([registered, called]).toEqual([503, expect.stringMatching(/^50[34] $/)]);
  expect((await statusOf(a.admin)).ready).toBe(false);

  const c = await ring.start(MEMBERS[2], { config: { overlay } });
  await ring.settled([a, b, c], 3);
  expect(await register(a, aor, 2)).toBe(200);
  for (const server of [a, b, c]) expect(await call(server, aor)).toBe(`302 ${contactOf(aor)}`);
  expect(await call(a, 'sip:nobody@a.example')).toBe('480 ');
  await ring.end();
}, 60_000);
