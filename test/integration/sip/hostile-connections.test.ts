// Connections whose peer wants to cost us something: more than its rate, places that it never gives back, frames of nothing.
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { Endpoint } from '../../../src/runtime/datagram.ts';
import { requestText } from '../../support/sip-request.ts';
import { loopback, type SipWorld, type SipWorldOptions, sipWorld } from '../../support/sip-world.ts';
import { until } from '../../support/until.ts';
import { clientFrame, handshake } from '../../support/web-socket-frames.ts';

let world: SipWorld;
const start = async (options: SipWorldOptions = {}) => {
  world = await sipWorld(options);
  return world;
};
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await world.close();
});

/** A peer that never closes its side, and everything that it heard. */
const stubborn = ({ host, port }: Endpoint) =>
  new Promise<{ socket: Socket; heard: () => string; ended: Promise<void> }>((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true });
    sockets.push(socket);
    let heard = '';
    socket.on('data', (bytes) => {
      heard += bytes.toString('latin1');
    });
    socket.once('error', reject);
    const ended = new Promise<void>((done) => socket.once('end', () => done()));
    socket.once('connect', () => resolve({ socket, heard: () => heard, ended }));
  });

const options = (callId: string) =>
  requestText({
    method: 'OPTIONS',
    uri: 'sip:example.com',
    via: `SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK${callId}`,
    callId,
  });
const dropped = (reason: string) => world.count('chordial_sip_dropped_total', `reason="${reason}"`);
const requests = () => world.count('chordial_sip_requests_total');
const connections = () => world.gauge('chordial_sip_connections');

test('a source has one rate, however many connections it sends by', async () => {
  await start({ trusted: false, limits: { perSourcePerSec: 5 } });
  const phones = await Promise.all(Array.from({ length: 20 }, () => world.tcpPeer()));

  phones.forEach((phone, index) => {
    phone.send(options(`a${index}`) + options(`b${index}`));
  });
  await until('all of them are held', () => dropped('held') >= 15);

  expect(requests()).toBe(10);
  for (let step = 0; step < 10; step += 1) world.clock.advance(100);
  expect(requests()).toBe(15);
});

test('datagrams in the name of a source, which anybody can send, leave its connections their rate', async () => {
  await start({ trusted: false, limits: { perSourcePerSec: 5 } });
  const [phone, forger] = [await world.tcpPeer(), await world.udpPeer()];
  for (let count = 0; count < 30; count += 1) forger.send(options(`forged${count}`), world.udp);
  await until('the datagrams are too many', () => dropped('rate') === 20);

  phone.send(options('mine'));

  expect(await phone.until(/\r\n\r\n/)).toMatch(/^SIP\/2\.0 200/);
});

test('a source that connects again and again is refused, and has as many at once as it may hold', async () => {
  await start({ trusted: false, limits: { perSourcePerSec: 5, connectionsPerSourceMax: 4 } });
  const once = async () => {
    const phone = await world.tcpPeer();
    phone.send('\r\n\r\n');
    await Promise.race([phone.until(/\r\n/), phone.closed]);
    phone.stream.destroy();
    await until('it is gone', () => connections() === 0);
    return phone.received;
  };
  for (let count = 0; count < 4; count += 1) expect(await once()).toBe('\r\n');

  expect(await once()).toBe('');
  expect(dropped('rate')).toBe(1);
  world.clock.advance(200);
  expect(await once()).toBe('\r\n');
});

test.each([
  ['what is no SIP', 'tcp', 'GET / HTTP/1.1\r\n\r\n'],
  ['a WebSocket that is refused', 'ws', handshake({ at: 6, row: undefined })],
  ['a close of a WebSocket', 'ws', `${handshake()}${clientFrame(8, '').toString('latin1')}`],
] as const)(
  '%s ends a connection within 10 s, though its peer holds it open and goes on',
  async (_, transport, bytes) => {
    await start({ listeners: [loopback(transport)] });
    const peer = await stubborn(world.placeOf(transport));
    peer.socket.write(Buffer.from(bytes, 'latin1'));
    await peer.ended;

    world.clock.advance(9_000);
    peer.socket.write('x');
    world.clock.advance(1_000);

    await until('the place is free', () => connections() === 0);
  },
);

test.each([
  ['pongs', [clientFrame(10, '')]],
  ['parts of nothing', [clientFrame(1, '', { final: false }), clientFrame(0, '', { final: false })]],
  ['empty messages', [clientFrame(1, '')]],
])('WebSocket frames that say nothing count against the rate: %s', async (_, frames) => {
  await start({ trusted: false, limits: { perSourcePerSec: 5 }, listeners: [loopback('ws')] });
  const peer = await stubborn(world.placeOf('ws'));
  peer.socket.write(handshake());
  await until('the handshake is answered', () => peer.heard().includes('101 Switching'));

  const last = frames.at(-1) ?? Buffer.alloc(0);
  peer.socket.write(Buffer.concat([...frames, ...new Array<Buffer>(20).fill(last)]));

  await until('it waits', () => dropped('held') > 0);
});
