// Where answers go: RFC 3581 and RFC 3261 §18.2, over real loopback sockets.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { requestText } from '../../support/sip-request.ts';
import { loopback, type SipWorld, sipWorld } from '../../support/sip-world.ts';

let world: SipWorld;
beforeEach(async () => {
  world = await sipWorld({ listeners: [loopback('udp'), loopback('udp'), loopback('tcp')] });
});
afterEach(() => world.close());

const options = (via: string) => requestText({ method: 'OPTIONS', uri: 'sip:example.com', via });
const viaLine = (text: string) => /^Via: (.*)\r$/m.exec(text)?.[1];

test('with rport the answer goes to the source port and says which (RFC 3581 §4)', async () => {
  const phone = await world.udpPeer();

  phone.send(options('SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bK1'), world.udp);

  const { text, from } = await phone.next();
  expect(text.startsWith('SIP/2.0 200 ')).toBe(true);
  expect(viaLine(text)).toBe(
    `SIP/2.0/UDP 10.0.0.1:5060;rport=${phone.local.port};branch=z9hG4bK1;received=127.0.0.1`,
  );
  expect(from.port).toBe(world.udp.port);
});

test('with rport `received` is there although it is identical to the sent-by (RFC 3581 §4)', async () => {
  const phone = await world.udpPeer();

  phone.send(options(`SIP/2.0/UDP 127.0.0.1:${phone.local.port};branch=z9hG4bK1;rport`), world.udp);

  const { text } = await phone.next();
  expect(viaLine(text)).toBe(
    `SIP/2.0/UDP 127.0.0.1:${phone.local.port};branch=z9hG4bK1;rport=${phone.local.port};received=127.0.0.1`,
  );
});

test('without rport it goes to the port in sent-by at the source address (RFC 3261 §18.2.2)', async () => {
  const phone = await world.udpPeer();
  const ear = await world.udpPeer();

  phone.send(options(`SIP/2.0/UDP phone.invalid:${ear.local.port};branch=z9hG4bK1`), world.udp);

  const { text } = await ear.next();
  expect(viaLine(text)).toBe(
    `SIP/2.0/UDP phone.invalid:${ear.local.port};branch=z9hG4bK1;received=127.0.0.1`,
  );
  expect(phone.unread).toBe(0);
});

test('a Via that tells the truth stays as it was (RFC 3261 §18.2.1)', async () => {
  const phone = await world.udpPeer();
  const via = `SIP/2.0/UDP 127.0.0.1:${phone.local.port};branch=z9hG4bK1;x=y`;

  phone.send(options(via), world.udp);

  expect(viaLine((await phone.next()).text)).toBe(via);
});

test('maddr does not aim our answers at others', async () => {
  const phone = await world.udpPeer();
  const victim = await world.udpPeer();

  phone.send(
    options(`SIP/2.0/UDP 10.0.0.1:${victim.local.port};maddr=127.0.0.1;rport;branch=z9hG4bK1`),
    world.udp,
  );

  await phone.next();
  expect(victim.unread).toBe(0);
});

test('the answer leaves by the socket that the request came to', async () => {
  const phone = await world.udpPeer();
  const second = world.server.listeners.filter((one) => one.transport === 'udp')[1]?.bound;
  expect(second).toBeDefined();
  if (second === undefined) return;

  phone.send(options(`SIP/2.0/UDP 127.0.0.1:${phone.local.port};branch=z9hG4bK1`), second);

  expect((await phone.next()).from.port).toBe(second.port);
});

test('over TCP the answer comes by the connection of the request, whatever the Via says (RFC 3261 §18.2.2)', async () => {
  const phone = await world.tcpPeer();

  phone.send(options('SIP/2.0/TCP 10.0.0.1:9;branch=z9hG4bK1'));

  expect(viaLine(await phone.until(/\r\n\r\n/))).toBe(
    'SIP/2.0/TCP 10.0.0.1:9;branch=z9hG4bK1;received=127.0.0.1',
  );
});

test('IPv6 the same: brackets around sent-by, none in received (RFC 5118 §4.5)', async () => {
  const six = await sipWorld({ listeners: [loopback('udp', '::1'), loopback('tcp', '::1')] });
  try {
    const phone = await six.udpPeer({ host: '::1', port: 0 });
    phone.send(options('SIP/2.0/UDP [2001:db8::9]:5060;rport;branch=z9hG4bK1'), six.udp);
    expect(viaLine((await phone.next()).text)).toBe(
      `SIP/2.0/UDP [2001:db8::9]:5060;rport=${phone.local.port};branch=z9hG4bK1;received=::1`,
    );

    const stream = await six.tcpPeer();
    stream.send(options('SIP/2.0/TCP [::1]:5060;branch=z9hG4bK1'));
    expect(viaLine(await stream.until(/\r\n\r\n/))).toBe('SIP/2.0/TCP [::1]:5060;branch=z9hG4bK1');
  } finally {
    await six.close();
  }
});
