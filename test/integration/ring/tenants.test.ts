// Two domains on one registrar of a real ring: each one's bindings are signed by its own key, and others believe that key alone.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LspClient } from '../../../src/lsp-client.ts';
import { formatKeyRecord } from '../../../src/record/dns-keys.ts';
import { ServerRing } from '../../support/server-ring.ts';
import { makeDomain, startServer, type TestServer, trustOf } from '../../support/servers.ts';
import { SipClient } from '../../support/sip-client.ts';
import { trustText } from '../../support/sites.ts';

// The tenant's selector is its own, too: the same registrar is 0 in one domain and 3 in the other.
const [node, tenant] = [makeDomain('a.example'), makeDomain('b.example', 3)];
const [third, asker] = [makeDomain('c.example'), makeDomain('d.example')];

let ring: ServerRing;
let both: TestServer;
let stranger: TestServer;
let phone: SipClient;

beforeAll(async () => {
  ring = new ServerRing([node, tenant, third, asker]);
  both = await ring.start(node, { tenants: [tenant], config: { domain: ['a.example', 'b.example'] } });
  await both.app.ready;
  stranger = await ring.start(third);
  await ring.settled([both, stranger], 2);
  phone = await SipClient.open();
  for (const domain of ['a.example', 'b.example']) {
    const stored = await phone.register(both.sip, `sip:alice@${domain}`, {
      contact: `<sip:alice@192.0.2.1;of=${domain}>`,
    });
    expect(stored.status).toBe(200);
  }
});
afterAll(async () => {
  await phone.close();
  await ring.end();
});

/** What somebody finds who believes these keys and nothing else. */
const lookup = async (uri: string, believes: Parameters<typeof trustText>[0]) => {
  const { overlay } = both;
  if (overlay === undefined) throw new Error('no overlay');
  const client = new LspClient({ via: [overlay], dns: false, trust: trustText(believes) });
  await client.start();
  try {
    const found = await client.lookup(uri);
    return found.kind === 'found' ? found.bindings.map(({ contact }) => contact) : found;
  } finally {
    await client.stop();
  }
};

describe('a third party', () => {
  test('that trusts the tenant’s file alone finds the tenant’s bindings', async () => {
    expect(await lookup('sip:alice@b.example', [tenant])).toEqual(['sip:alice@192.0.2.1;of=b.example']);
  });

  test('does not take the other domain’s key for the tenant’s', async () => {
    const forged = [
      { ...node, domain: 'b.example' },
      { ...node, domain: 'b.example', selector: 3 },
    ];
    expect(await lookup('sip:alice@b.example', forged)).toMatchObject({ kind: 'none', unvouched: 1 });
  });

  test('that trusts the first domain alone finds the first domain’s alone', async () => {
    expect(await lookup('sip:alice@a.example', [node])).toEqual(['sip:alice@192.0.2.1;of=a.example']);
    expect(await lookup('sip:alice@b.example', [node])).toMatchObject({ kind: 'none', unvouched: 1 });
  });
});

describe('a registrar that knows the tenant by DNS alone', () => {
  /** What a stranger's call to alice comes to there, and what DNS was asked. */
  const callBelieving = async (publicKey: Uint8Array) => {
    const asked: string[] = [];
    const server = await startServer({
      domain: asker,
      // Of the tenant the file says nothing.
      trust: trustOf([node, third, asker]),
      seeds: both.overlay === undefined ? [] : [both.overlay],
      config: { trust: { dns: true }, overlay: { role: 'client' } },
      world: {
        resolveTxt: async (name) => {
          asked.push(name);
          return [[formatKeyRecord(publicKey)]];
        },
      },
    });
    try {
      const { status } = await phone.invite(server.sip, 'sip:alice@b.example');
      return { status, asked };
    } finally {
      await server.app.stop();
    }
  };

  test('believes the key that its record shows', async () => {
    expect(await callBelieving(tenant.publicKey)).toEqual({ status: 302, asked: ['3._lsp.b.example'] });
  });

  test('and not the other domain’s, that of the same registrar', async () => {
    // Nobody vouches for what is there: the call would be forwarded, which a stranger's is not.
    expect(await callBelieving(node.publicKey)).toMatchObject({ status: 403 });
  });
});

test('callers at another registrar are sent to each', async () => {
  for (const domain of ['a.example', 'b.example']) {
    const answer = await phone.invite(stranger.sip, `sip:alice@${domain}`);
    expect([answer.status, answer.header('contact')[0]]).toEqual([302, `<sip:alice@192.0.2.1;of=${domain}>`]);
  }
});

test('the node is the first domain’s, whoever else lives in it', async () => {
  const response = await fetch(`http://${both.app.addresses.admin}/api/v1/ring`);
  const { members } = (await response.json()) as { members: { domain: string; selector: number }[] }; // our own JSON
  expect(members.map(({ domain, selector }) => `${domain}/${selector}`).toSorted()).toEqual([
    'a.example/0',
    'c.example/0',
  ]);
});
