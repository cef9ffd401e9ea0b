// Calls of our own users to domains in DNS, over real sockets: the servers that are dead, and the ones that answer.
import { afterEach, describe, expect, test } from 'vitest';
import type { Endpoint } from '../../../src/runtime/datagram.ts';
import { type Office, type OfficePhone, openOffice } from '../../support/office.ts';
import { makeDomain, startServer, trustOf } from '../../support/servers.ts';
import { answerOf, type Callee, rowsOf, tcpCallee, udpCallee } from '../../support/sip-callee.ts';
import { type SipAnswer, SipClient } from '../../support/sip-client.ts';
import { naptr, srv, type Zone, zoneDns } from '../../support/zone-dns.ts';

const FAR = 'far.example';
const CALL = { uri: `sip:bob@${FAR}`, callId: 'far', fromTag: 'a1' } as const;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const callee = async (transport: 'udp' | 'tcp'): Promise<Callee> => {
  const made = transport === 'udp' ? await udpCallee() : await tcpCallee();
  closers.push(() => made.close());
  return made;
};

/** A port that nothing listens on. */
const closedPort = async (): Promise<Endpoint> => {
  const made = await tcpCallee();
  await made.close();
  return made.local;
};

const opened = async (zone: Zone): Promise<{ readonly office: Office; readonly alice: OfficePhone }> => {
  const office = await openOffice({
    world: {
      dns: zoneDns({ a: { 'one.far.example': ['127.0.0.1'], 'two.far.example': ['127.0.0.1'] }, ...zone }),
    },
  });
  closers.push(() => office.close());
  return { office, alice: await office.phone() };
};

/** Two servers of one domain over one transport, the first preferred. */
const twoServers = (transport: 'udp' | 'tcp', first: Endpoint, second: Endpoint): Zone => ({
  srv: {
    [`_sip._${transport}.${FAR}`]: [
      srv(`10 0 ${first.port} one.far.example`),
      srv(`20 0 ${second.port} two.far.example`),
    ],
  },
});

const startOf = (text: string): string => text.split('\r\n', 1).join('');
const branchOf = (text: string): string => /branch=([^;]*)/.exec(rowsOf(text, 'Via')[0] ?? '')?.[1] ?? '';

/** The call is taken, acknowledged and hung up by the caller, all by the same server. */
const talk = async (alice: OfficePhone, server: Callee, invite: string): Promise<void> => {
  server.send(answerOf(invite, '200 OK', [`Contact: <sip:bob@127.0.0.1:${server.local.port}>`]));
  const ok = await alice.next();
  expect(ok.status).toBe(200);
  const within = {
    uri: `sip:bob@127.0.0.1:${server.local.port}${rowsOf(invite, 'Via')[0]?.includes('/TCP') === true ? ';transport=tcp' : ''}`,
    callId: CALL.callId,
    from: rowsOf(invite, 'From')[0] ?? '',
    to: rowsOf(ok.text, 'To')[0] ?? '',
    headers: ok
      .header('Record-Route')
      .toReversed()
      .map((route) => `Route: ${route}`),
  };
  alice.tell({ ...within, method: 'ACK', cseq: 2 });
  expect(startOf(await server.next())).toMatch(/^ACK sip:bob@/);
  const answered = alice.ask({ ...within, method: 'BYE', cseq: 3 });
  const bye = await server.next();
  expect(startOf(bye)).toMatch(/^BYE sip:bob@/);
  server.send(answerOf(bye, '200 OK'));
  expect((await answered).status).toBe(200);
};

describe('the first server is', () => {
  test('silent, over UDP: after 3.5 s the second one gets the same call with another branch, and it is held', async () => {
    const [dead, live] = [await callee('udp'), await callee('udp')];
    const { office, alice } = await opened(twoServers('udp', dead.local, live.local));
    const trying = alice.askAs('alice', CALL);
    const lost = await dead.next();
    office.clock.advance(200);
    expect((await trying).status).toBe(100);
    office.clock.advance(3300);
    const invite = await live.next();
    expect(branchOf(invite)).not.toBe(branchOf(lost));
    expect(rowsOf(invite, 'Call-ID')).toEqual(rowsOf(lost, 'Call-ID'));
    live.send(answerOf(invite, '180 Ringing'));
    expect((await alice.next()).status).toBe(180);
    await talk(alice, live, invite);
  });

  test('refusing connections, over TCP: the second one gets the call', async () => {
    const [dead, live] = [await closedPort(), await callee('tcp')];
    const { alice } = await opened(twoServers('tcp', dead, live.local));
    const ringing = alice.askAs('alice', CALL);
    const invite = await live.next();
    live.send(answerOf(invite, '180 Ringing'));
    expect((await ringing).status).toBe(180);
    await talk(alice, live, invite);
  });

  test('closing the connection without an answer: the second one gets the call', async () => {
    const [dead, live] = [await callee('tcp'), await callee('tcp')];
    const { office, alice } = await opened(twoServers('tcp', dead.local, live.local));
    const ringing = alice.askAs('alice', CALL);
    await dead.next();
    await dead.close();
    // The closing has to arrive; then the next look at the connection finds it gone.
    let invite: string | undefined;
    const arrived = live.next().then((text) => {
      invite = text;
      return text;
    });
    for (let turn = 0; turn < 200 && invite === undefined; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      office.clock.advance(10);
    }
    live.send(answerOf(await arrived, '180 Ringing'));
    const first = await ringing;
    expect(first.status === 100 ? (await alice.next()).status : first.status).toBe(180);
    await talk(alice, live, await arrived);
  });

  test('busy with a 503: it gets its ACK, the caller hears nothing of it, and the second one gets the call', async () => {
    const [busy, live] = [await callee('udp'), await callee('udp')];
    const { alice } = await opened(twoServers('udp', busy.local, live.local));
    const ringing = alice.askAs('alice', CALL);
    const refused = await busy.next();
    busy.send(answerOf(refused, '503 Service Unavailable', ['Retry-After: 60']));
    const ack = await busy.next();
    expect([startOf(ack), branchOf(ack), rowsOf(ack, 'To')]).toEqual([
      `ACK sip:bob@${FAR} SIP/2.0`,
      branchOf(refused),
      [`${rowsOf(refused, 'To')[0]};tag=b1`],
    ]);
    const invite = await live.next();
    live.send(answerOf(invite, '180 Ringing'));
    expect((await ringing).status).toBe(180);
    await talk(alice, live, invite);
    // It asked to be left alone for a minute: the next call goes to the other one at once.
    const again = alice.askAs('alice', { ...CALL, callId: 'far-2' });
    live.send(answerOf(await live.next(), '486 Busy Here'));
    expect((await again).status).toBe(486);
    expect(busy.unread).toBe(0);
  });
});

describe('a domain of two registrars like this one', () => {
  test('of which the first was killed: the second says where its user is', async () => {
    const domain = makeDomain(FAR);
    const start = () => startServer({ domain, trust: trustOf([domain]), config: { publication: 'local' } });
    const [first, second] = [await start(), await start()];
    for (const { app } of [first, second]) closers.push(() => app.stop());
    const bob = await SipClient.open();
    closers.push(() => bob.close());
    const contact = `<sip:bob@127.0.0.1:${bob.local.port}>`;
    expect((await bob.register(second.sip, `sip:bob@${FAR}`, { contact })).status).toBe(200);
    await first.kill();
    const { office, alice } = await opened(twoServers('udp', first.sip, second.sip));
    const trying = alice.askAs('alice', CALL);
    // The request is out, to nobody, once its 100 is due.
    let heard: SipAnswer | undefined;
    void trying.then((answer) => {
      heard = answer;
    });
    for (let turn = 0; turn < 500 && heard === undefined; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      if (turn % 50 === 49) office.clock.advance(200);
    }
    expect((await trying).status).toBe(100);
    office.clock.advance(3500);
    const moved = await alice.next();
    expect([moved.status, moved.header('Contact')]).toEqual([302, [contact]]);
  });
});

describe('nobody is reached', () => {
  test('where both are busy: 500, for their 503 says nothing about us', async () => {
    const [one, two] = [await callee('udp'), await callee('udp')];
    const { alice } = await opened(twoServers('udp', one.local, two.local));
    const answer = alice.askAs('alice', CALL);
    for (const server of [one, two]) server.send(answerOf(await server.next(), '503 Service Unavailable'));
    expect((await answer).status).toBe(500);
  });

  test('where both are silent: 408 after 32 s, to what was given up a CANCEL once it speaks', async () => {
    const [one, two] = [await callee('udp'), await callee('udp')];
    const { office, alice } = await opened(twoServers('udp', one.local, two.local));
    const trying = alice.askAs('alice', CALL);
    const lost = await one.next();
    office.clock.advance(3500);
    expect((await trying).status).toBe(100);
    await two.next();
    office.clock.advance(28_500);
    expect((await alice.next()).status).toBe(408);
    one.send(answerOf(lost, '180 Ringing'));
    let cancel = await one.next();
    while (!cancel.startsWith('CANCEL')) cancel = await one.next();
    expect(branchOf(cancel)).toBe(branchOf(lost));
  });
});

describe('NAPTR', () => {
  test('chooses TCP where the domain prefers it', async () => {
    const [datagrams, streams] = [await callee('udp'), await callee('tcp')];
    const { alice } = await opened({
      naptr: {
        [FAR]: [
          naptr(`50 50 s SIPS+D2T _sips._tcp.${FAR}`),
          naptr(`90 50 s SIP+D2T _sip._tcp.${FAR}`),
          naptr(`100 50 s SIP+D2U _sip._udp.${FAR}`),
        ],
      },
      srv: {
        [`_sip._tcp.${FAR}`]: [srv(`0 0 ${streams.local.port} one.far.example`)],
        [`_sip._udp.${FAR}`]: [srv(`0 0 ${datagrams.local.port} two.far.example`)],
      },
    });
    const ringing = alice.askAs('alice', CALL);
    const invite = await streams.next();
    expect(rowsOf(invite, 'Via')[0]).toMatch(/^SIP\/2\.0\/TCP /);
    streams.send(answerOf(invite, '180 Ringing'));
    expect((await ringing).status).toBe(180);
    await talk(alice, streams, invite);
    expect(datagrams.unread).toBe(0);
  });
});

describe('a request above 1,300 bytes', () => {
  const large = { ...CALL, body: `v=0\r\n${'a=x-long:1\r\n'.repeat(120)}` } as const;
  const zoneOf = ({ port }: Endpoint): Zone => ({
    srv: { [`_sip._udp.${FAR}`]: [srv(`0 0 ${port} one.far.example`)] },
  });

  test('goes by TCP where the server has it on the same port, with TCP in our Via (RFC 3261 §18.1.1)', async () => {
    const streams = await callee('tcp');
    const { alice } = await opened(zoneOf(streams.local));
    const ringing = alice.askAs('alice', large);
    const invite = await streams.next();
    expect(rowsOf(invite, 'Via')[0]).toMatch(/^SIP\/2\.0\/TCP /);
    expect(invite.length).toBeGreaterThan(1300);
    streams.send(answerOf(invite, '180 Ringing'));
    expect((await ringing).status).toBe(180);
  });

  test('goes by UDP all the same where TCP is refused', async () => {
    const datagrams = await callee('udp');
    const { alice } = await opened(zoneOf(datagrams.local));
    const ringing = alice.askAs('alice', large);
    const invite = await datagrams.next();
    expect(rowsOf(invite, 'Via')[0]).toMatch(/^SIP\/2\.0\/UDP /);
    datagrams.send(answerOf(invite, '180 Ringing'));
    expect((await ringing).status).toBe(180);
  });
});

describe('who hangs up before anybody has said anything', () => {
  test('gets 200 at once, and 487 as soon as the callee speaks; the second server is left in peace', async () => {
    const [slow, other] = [await callee('udp'), await callee('udp')];
    const { office, alice } = await opened(twoServers('udp', slow.local, other.local));
    const trying = alice.askAs('alice', CALL);
    const invite = await slow.next();
    office.clock.advance(200);
    expect((await trying).status).toBe(100);
    const reason = 'Reason: SIP;cause=200;text="Call completed elsewhere"';
    const [from = ''] = rowsOf(invite, 'From');
    const via = (rowsOf(invite, 'Via')[1] ?? '').replace(/;rport=.*/, ';rport');
    const cancelled = await alice.ask({ ...CALL, via, from, method: 'CANCEL', cseq: 2, headers: [reason] });
    expect(cancelled.status).toBe(200);
    office.clock.advance(5000);
    slow.send(answerOf(invite, '180 Ringing'));
    let cancel = await slow.next();
    while (!cancel.startsWith('CANCEL')) cancel = await slow.next();
    expect(rowsOf(cancel, 'Reason')).toEqual(['SIP;cause=200;text="Call completed elsewhere"']);
    expect(rowsOf(cancel, 'Via')).toEqual(rowsOf(invite, 'Via').slice(0, 1));
    slow.send(answerOf(cancel, '200 OK'));
    slow.send(answerOf(invite, '487 Request Terminated'));
    expect((await alice.next()).status).toBe(487);
    expect(other.unread).toBe(0);
  });
});
