// Whole calls through a real server on loopback: the phones are sockets that say what linphone and baresip say.
import { afterEach, describe, expect, test } from 'vitest';
import { AuthGuard } from '../../../src/auth/auth-guard.ts';
import { createAuthenticator } from '../../../src/auth/authenticator.ts';
import { digestHa1 } from '../../../src/auth/digest.ts';
import { FlowTokens } from '../../../src/auth/flow-token.ts';
import { UserTable } from '../../../src/auth/users.ts';
import type { Binding } from '../../../src/location/types.ts';
import { Branches } from '../../../src/proxy/branch.ts';
import { Forwarder } from '../../../src/proxy/forwarder.ts';
import { Redirector } from '../../../src/redirect/redirector.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { openDatagram } from '../../../src/runtime/datagram.ts';
import { createDns } from '../../../src/runtime/dns.ts';
import { Lifecycle } from '../../../src/runtime/lifecycle.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { MetricsRegistry } from '../../../src/runtime/metrics.ts';
import { systemRandom } from '../../../src/runtime/random.ts';
import { connectStream, listenStream } from '../../../src/runtime/stream.ts';
import { Retransmitter } from '../../../src/sip/client-transaction.ts';
import { SipServer } from '../../../src/sip/server.ts';
import { createSelf } from '../../../src/uri/self.ts';
import { answerTo } from '../../support/digest-phone.ts';
import { answerOf, rowsOf } from '../../support/sip-callee.ts';
import { type TcpPeer, tcpPeer, type UdpPeer, udpPeer } from '../../support/sip-peers.ts';
import { loopback } from '../../support/sip-world.ts';

const ALICE = { user: 'alice', password: 'wonderland' };
const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const startServer = async (contactOf: () => string) => {
  const deps = { clock: systemClock, random: systemRandom, log: silentLog, metrics: new MetricsRegistry() };
  const secret = new Uint8Array(32);
  const server = new SipServer(
    { ...deps, openDatagram, listenStream, connectStream },
    {
      listeners: [loopback('udp'), loopback('tcp')],
      secret,
      limits: {
        perSourcePerSec: 1000,
        messageBytesMax: 65_535,
        connectionsMax: 100,
        connectionsPerSourceMax: 100,
        idleMs: 120_000,
      },
      isTrusted: () => true,
      isBanned: () => false,
      isScanner: () => false,
      isOurs: (uri) => uri.includes('biloxi.com'),
      isSelf: () => false,
      supported: [],
    },
  );
  await server.start();
  closers.push(() => server.stop());
  const realm = 'biloxi.com';
  const ha1 = digestHa1('MD5', { ...ALICE, realm });
  const authenticator = createAuthenticator(
    {
      ...deps,
      users: new UserTable([{ kind: 'password', user: ALICE.user, realm, algorithm: 'MD5', ha1 }]),
      guard: new AuthGuard(systemClock, { banSec: 0, isTrusted: () => false }),
      isOurs: () => false,
    },
    {
      mode: 'digest',
      algorithms: ['MD5'],
      nonceLifetimeSec: 300,
      secret,
    },
  );
  const self = createSelf({ domains: [realm], aliases: [], listeners: server.listeners });
  const tokens = new FlowTokens(secret);
  const retransmitter = new Retransmitter(deps, { max: 1000 });
  closers.push(() => retransmitter.stop());
  const forwarder = new Forwarder(
    {
      ...deps,
      dns: createDns({ timeoutMs: 1000 }),
      sender: server.sender,
      retransmitter,
      tokens,
      branches: new Branches(secret),
      self,
      background: new Lifecycle(silentLog),
    },
    { max: 1000, bytesMax: 1_000_000 },
  );
  const binding = (): Binding => ({
    contact: contactOf(),
    canonicalContact: contactOf(),
    params: [],
    path: [],
    expiresAtMs: Number.MAX_SAFE_INTEGER,
  });
  const redirector = new Redirector({
    ...deps,
    location: { query: async () => ({ kind: 'found', bindings: [binding()] }) },
    forwarder,
    authenticator,
    tokens,
    self,
    userFor: (name) => name,
    isPeer: () => false,
    unmet: () => undefined,
  });
  server.handleOthers((transaction) => redirector.handle(transaction));
  server.handle('ACK', (transaction) => redirector.handleAck(transaction));
  server.handle('CANCEL', (transaction) => redirector.handleCancel(transaction));
  server.handleResponses((response, flow) => forwarder.onResponse(response, flow));
  const [udp, tcp] = server.listeners.map(({ bound }) => bound);
  if (udp === undefined || tcp === undefined) throw new Error('no listeners');
  return { udp, tcp };
};

const phone = async (): Promise<UdpPeer> => {
  const peer = await udpPeer();
  closers.push(() => peer.close());
  return peer;
};

interface Said {
  readonly method: string;
  readonly uri: string;
  readonly via: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly toTag?: string;
  readonly from?: string;
  readonly to?: string;
  readonly rows?: readonly string[];
}

const say = ({ method, uri, via, callId = 'c1', cseq = 1, toTag, from, to, rows = [] }: Said): string =>
  [
    `${method} ${uri} SIP/2.0`,
    `Via: ${via}`,
    `From: ${from ?? '<sip:alice@biloxi.com>;tag=a1'}`,
    `To: ${to ?? '<sip:bob@example.com>'}${toTag === undefined ? '' : `;tag=${toTag}`}`,
    `CSeq: ${cseq} ${method}`,
    `Call-ID: ${callId}`,
    'Max-Forwards: 70',
    ...rows,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');

const start = (text: string): string => text.split('\r\n', 1).join('');

const udpVia = (peer: UdpPeer, branch: string) =>
  `SIP/2.0/UDP 127.0.0.1:${peer.local.port};branch=z9hG4bK.${branch};rport`;

/** A call that rings: redirected, sent back here with the Contact as Request-URI, challenged, forwarded. */
const ringing = async (routes: (port: number) => readonly string[] = () => []) => {
  const [caller, callee] = [await phone(), await phone()];
  const contact = `sip:bob@127.0.0.1:${callee.local.port};transport=udp`;
  const { udp } = await startServer(() => contact);
  const invite = { method: 'INVITE', rows: [`Contact: <sip:alice@127.0.0.1:${caller.local.port}>`] } as const;
  caller.send(say({ ...invite, uri: 'sip:bob@example.com', via: udpVia(caller, 'i1') }), udp);
  const moved = (await caller.next()).text;
  const toTag = /;tag=(.*)/.exec(rowsOf(moved, 'To')[0] ?? '')?.[1] ?? '';
  caller.send(say({ method: 'ACK', uri: 'sip:bob@example.com', via: udpVia(caller, 'i1'), toTag }), udp);
  const rows = [...invite.rows, ...routes(udp.port).map((route) => `Route: ${route}`)];
  // linphone: "sends the new INVITE back to the registrar, Request-URI = the Contact, new Call-ID, no Route".
  const again = { method: 'INVITE', uri: contact, callId: 'c2', to: `<${contact}>` } as const;
  caller.send(say({ ...again, via: udpVia(caller, 'i2'), rows }), udp);
  const challenge = (await caller.next()).text;
  const proof = answerTo(rowsOf(challenge, 'Proxy-Authenticate')[0], ALICE, {
    method: 'INVITE',
    uri: contact,
  });
  const credentials = `Proxy-Authorization: ${proof}`;
  const third = { ...again, cseq: 2, via: udpVia(caller, 'i3') };
  caller.send(say({ ...third, rows: [...rows, credentials] }), udp);
  const got = await callee.next();
  callee.send(answerOf(got.text, '180 Ringing'), got.from);
  const ring = (await caller.next()).text;
  return { caller, callee, udp, contact, moved, challenge, invite: got, ring, third };
};

describe('a call that linphone sends back to its registrar', () => {
  test('is redirected, challenged and forwarded, without the password', async () => {
    const { moved, challenge, invite, ring, contact } = await ringing();
    expect(start(moved)).toMatch(/ 302 /);
    expect(rowsOf(moved, 'Contact')).toEqual([`<${contact}>`]);
    expect(start(challenge)).toMatch(/ 407 /);
    expect(start(invite.text)).toBe(`INVITE ${contact} SIP/2.0`);
    expect(rowsOf(invite.text, 'Proxy-Authorization')).toEqual([]);
    expect(start(ring)).toMatch(/ 180 /);
    expect(rowsOf(ring, 'Via')).toHaveLength(1);
  });

  test('is answered, acknowledged and hung up from either side along its Record-Route', async () => {
    const { caller, callee, udp, contact, invite, third } = await ringing();
    callee.send(answerOf(invite.text, '200 OK', [`Contact: <${contact}>`]), invite.from);
    const ok = (await caller.next()).text;
    const [route = ''] = rowsOf(ok, 'Record-Route');
    const within = { uri: contact, callId: 'c2', to: third.to, toTag: 'b1', rows: [`Route: ${route}`] };
    caller.send(say({ ...within, method: 'ACK', cseq: 2, via: udpVia(caller, 'a1') }), udp);
    expect(start((await callee.next()).text)).toBe(`ACK ${contact} SIP/2.0`);
    caller.send(say({ ...within, method: 'INFO', cseq: 3, via: udpVia(caller, 'n1') }), udp);
    const info = await callee.next();
    expect([start(info.text), rowsOf(info.text, 'Route')]).toEqual([`INFO ${contact} SIP/2.0`, []]);
    callee.send(answerOf(info.text, '200 OK'), info.from);
    expect(start((await caller.next()).text)).toMatch(/ 200 /);
    const alice = `sip:alice@127.0.0.1:${caller.local.port}`;
    callee.send(
      say({
        method: 'BYE',
        uri: alice,
        callId: 'c2',
        from: `${third.to};tag=b1`,
        to: '<sip:alice@biloxi.com>;tag=a1',
        via: udpVia(callee, 'b1'),
        rows: [`Route: ${route}`],
      }),
      udp,
    );
    const bye = await caller.next();
    expect(start(bye.text)).toBe(`BYE ${alice} SIP/2.0`);
    caller.send(answerOf(bye.text, '200 OK'), bye.from);
    expect(start((await callee.next()).text)).toMatch(/ 200 /);
  });

  test('is cancelled at the callee, whose 487 comes back and is acknowledged', async () => {
    const { caller, callee, udp, invite, third } = await ringing();
    caller.send(say({ ...third, method: 'CANCEL' }), udp);
    const cancel = await callee.next();
    expect(start(cancel.text)).toMatch(/^CANCEL /);
    expect(rowsOf(cancel.text, 'Via')[0]).toBe(rowsOf(invite.text, 'Via')[0]);
    callee.send(answerOf(cancel.text, '200 OK'), cancel.from);
    expect(rowsOf((await caller.next()).text, 'CSeq')).toEqual(['2 CANCEL']);
    callee.send(answerOf(invite.text, '487 Request Terminated'), invite.from);
    expect(start((await caller.next()).text)).toMatch(/ 487 /);
    caller.send(say({ ...third, method: 'ACK', toTag: 'b1' }), udp);
    expect(start((await callee.next()).text)).toMatch(/^ACK /);
  });
});

describe('a call of baresip with outbound=', () => {
  test('comes back with a Route to us, which goes no further', async () => {
    const { invite } = await ringing((port) => [`<sip:127.0.0.1:${port};lr>`]);
    expect(rowsOf(invite.text, 'Route')).toEqual([]);
  });
});

describe('a stranger', () => {
  test('has nothing forwarded: no INVITE, no BYE, no ACK, no answer', async () => {
    const [stranger, victim] = [await phone(), await phone()];
    const { udp } = await startServer(() => 'sip:bob@127.0.0.1:1');
    const uri = `sip:bob@127.0.0.1:${victim.local.port}`;
    const from = '<sip:eve@evil.example>;tag=e';
    const attempts = [
      say({ method: 'INVITE', uri, from, via: udpVia(stranger, '1') }),
      say({ method: 'BYE', uri, from, toTag: 'x', via: udpVia(stranger, '2'), callId: 'c9' }),
      say({
        method: 'MESSAGE',
        uri,
        from,
        via: udpVia(stranger, '3'),
        rows: [`Route: <sip:d1.aaaa.${'A'.repeat(16)}@127.0.0.1:${udp.port};lr>`],
      }),
    ];
    for (const attempt of attempts) {
      stranger.send(attempt, udp);
      expect(start((await stranger.next()).text)).toMatch(/ 403 /);
    }
    stranger.send(
      say({ method: 'ACK', uri, from, toTag: 'x', via: udpVia(stranger, '4'), callId: 'c8' }),
      udp,
    );
    const made = `Via: SIP/2.0/UDP 127.0.0.1:${udp.port};branch=z9hG4bK${'a'.repeat(44)}`;
    const invented = say({ method: 'INVITE', uri, via: udpVia(victim, '5') }).replace(
      /^.*\r\n/,
      `SIP/2.0 200 OK\r\n${made}\r\n`,
    );
    stranger.send(invented, udp);
    stranger.send(say({ method: 'CANCEL', uri, from, via: udpVia(stranger, '6') }), udp);
    expect(start((await stranger.next()).text)).toMatch(/ 481 /);
    expect(victim.unread).toBe(0);
  });
});

describe('a caller on TCP', () => {
  test('reaches a phone on UDP, which finds the way back', async () => {
    const callee = await phone();
    const contact = `sip:bob@127.0.0.1:${callee.local.port};transport=udp`;
    const { tcp } = await startServer(() => contact);
    const caller: TcpPeer = await tcpPeer(tcp);
    closers.push(() => caller.stream.destroy());
    const via = (branch: string) => `SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK.${branch}`;
    caller.send(say({ method: 'INVITE', uri: contact, via: via('1') }));
    const challenge = await caller.until(/407[\s\S]*\r\n\r\n/);
    const proof = answerTo(rowsOf(challenge, 'Proxy-Authenticate')[0], ALICE, {
      method: 'INVITE',
      uri: contact,
    });
    caller.send(
      say({
        method: 'INVITE',
        uri: contact,
        cseq: 2,
        via: via('2'),
        rows: [`Proxy-Authorization: ${proof}`],
      }),
    );
    const got = await callee.next();
    expect(rowsOf(got.text, 'Record-Route').map((value) => value.includes('transport=tcp'))).toEqual([
      false,
      true,
    ]);
    callee.send(answerOf(got.text, '486 Busy Here'), got.from);
    expect(await caller.until(/486[\s\S]*\r\n\r\n/)).toContain('Busy Here');
  });
});
