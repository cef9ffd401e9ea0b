// SIP over UDP on loopback: what is dropped unread, what is told to the operator, what is advertised.
import { afterEach, expect, test } from 'vitest';
import { requestText } from '../../support/sip-request.ts';
import { loopback, type SipWorld, type SipWorldOptions, sipWorld } from '../../support/sip-world.ts';

let world: SipWorld;
const start = async (options: SipWorldOptions = {}) => {
  world = await sipWorld(options);
  return world;
};
afterEach(() => world.close());

const options = (callId: string) =>
  requestText({
    method: 'OPTIONS',
    uri: 'sip:example.com',
    via: `SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK${callId}`,
    callId,
  });
const dropped = (reason: string) => world.count('chordial_sip_dropped_total', `reason="${reason}"`);

test('keep-alives get no answer: CRLF, CRLF CRLF, four zero bytes', async () => {
  await start();
  const phone = await world.udpPeer();

  phone.send('\r\n', world.udp);
  phone.send('\r\n\r\n', world.udp);
  phone.send(new Uint8Array(4), world.udp);
  phone.send(options('one'), world.udp);

  expect((await phone.next()).text).toMatch(/^SIP\/2\.0 200 /);
  expect(phone.unread).toBe(0);
  expect(dropped('keep-alive')).toBe(3);
});

test('a source over its rate is not read, until its time has come again', async () => {
  await start({ trusted: false, limits: { perSourcePerSec: 5 } });
  const phone = await world.udpPeer();
  const quiet = await world.udpPeer({ host: '127.0.0.2', port: 0 });

  for (let index = 0; index < 12; index += 1) phone.send(options(`c${index}`), world.udp);
  quiet.send(options('quiet'), world.udp);
  expect((await quiet.next()).text).toMatch(/^SIP\/2\.0 200 /);
  expect(dropped('rate')).toBe(2);

  world.clock.advance(1000);
  phone.send(options('later'), world.udp);
  for (let index = 0; index < 10; index += 1) await phone.next();
  expect((await phone.next()).text).toContain('Call-ID: later');
});

test('a datagram larger than allowed is not read', async () => {
  await start({ limits: { messageBytesMax: 1000 } });
  const phone = await world.udpPeer();

  phone.send(options('x'.repeat(900)), world.udp);
  phone.send(options('one'), world.udp);

  expect((await phone.next()).text).toContain('Call-ID: one');
  expect(dropped('too-large')).toBe(1);
});

test('what cannot be read and has nobody to tell is counted', async () => {
  await start();
  const phone = await world.udpPeer();

  phone.send('this is no SIP at all', world.udp);
  phone.send('INVITE sip:bob@example.com SIP/2.0\r\nTo: <sip:bob@example.com>\r\n\r\n', world.udp);
  phone.send(options('one'), world.udp);

  expect((await phone.next()).text).toMatch(/^SIP\/2\.0 200 /);
  expect(phone.unread).toBe(0);
  expect(dropped('malformed')).toBe(2);
});

test('an advertised port of 0 is the port that was bound; any other stays', async () => {
  await start({
    listeners: [
      { transport: 'udp', host: '127.0.0.1', port: 0, advertised: { host: 'sip.example.com', port: 0 } },
      { transport: 'tcp', host: '127.0.0.1', port: 0, advertised: { host: 'sip.example.com', port: 5060 } },
    ],
  });

  const [udp, tcp] = world.server.listeners;
  expect(udp?.bound.port).toBeGreaterThan(0);
  expect(udp?.advertised).toEqual({ host: 'sip.example.com', port: udp?.bound.port });
  expect(tcp?.advertised).toEqual({ host: 'sip.example.com', port: 5060 });
});

test.each(['udp', 'tcp'] as const)(
  'a %s port that is taken stops the start, and nothing stays bound',
  async (transport) => {
    await start();
    const taken = transport === 'udp' ? world.udp : world.tcp;
    const free = await world.udpPeer();
    await free.close();

    const listeners = [
      { ...loopback('udp'), port: free.local.port },
      { ...loopback(transport), port: taken.port },
    ];
    await expect(sipWorld({ listeners })).rejects.toMatchObject({
      code: 'ERR_SIP_LISTEN',
      message: expect.stringMatching(
        new RegExp(`^can't listen on ${transport}:127\\.0\\.0\\.1:${taken.port}: .*EADDRINUSE`),
      ),
    });

    // The first listener's port is free again.
    await world.udpPeer(free.local);
  },
);
