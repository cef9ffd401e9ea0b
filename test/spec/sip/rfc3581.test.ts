// RFC 3581, symmetric response routing, sentence by sentence over real sockets; and what RFC 3261 §18.2 has it begin from.
import { afterAll, beforeAll, expect } from 'vitest';
import type { Endpoint } from '../../../src/runtime/datagram.ts';
import { clause } from '../../support/clause.ts';
import { type Office, openOffice } from '../../support/office.ts';
import type { UdpPeer } from '../../support/sip-peers.ts';
import { requestText } from '../../support/sip-request.ts';
import { loopback, type SipWorld, sipWorld } from '../../support/sip-world.ts';

let world: SipWorld;
let six: SipWorld;
let office: Office;
beforeAll(async () => {
  world = await sipWorld({ listeners: [loopback('udp'), loopback('udp'), loopback('tcp')] });
  six = await sipWorld({ listeners: [loopback('udp', '::1'), loopback('tcp', '::1')] });
  office = await openOffice({ open: true });
});
afterAll(async () => {
  await Promise.all([world.close(), six.close(), office.close()]);
});

let branches = 0;
const options = (via: string): string => {
  branches += 1;
  return requestText({
    method: 'OPTIONS',
    uri: 'sip:example.com',
    via: `${via};branch=z9hG4bK${branches}`,
    callId: `call-${branches}`,
  });
};
/** The top Via of an answer, its branch left out. */
const viaOf = (text: string): string | undefined =>
  /^Via: (.*)\r$/m.exec(text)?.[1]?.replace(/;branch=[^;]*/, '');
const over = async (phone: UdpPeer, via: string, to: Endpoint = world.udp) => {
  phone.send(options(via), to);
  return phone.next();
};

const SETS = 'it MUST set the value of the parameter to the source port of the request.';
const RECEIVED =
  'the server MUST insert a "received" parameter containing the source IP address that the request came from, even if it is identical to the value of the "sent-by" component.';
const TO_SOURCE =
  'if there is no "maddr" parameter, but there is both a "received" parameter and an "rport" parameter, the response MUST be sent to the IP address listed in the "received" parameter, and the port in the "rport" parameter.';
const SAME_SOCKET =
  'The response MUST be sent from the same address and port that the corresponding request was received on.';

clause('RFC 3581 §3 Client Behavior', [
  {
    id: '3-1',
    says: 'A client … MAY include an "rport" parameter in the top Via header field value of requests it generates. This parameter MUST have no value',
    when: 'in what we forward',
    shows: async () => {
      const callee = await office.peer();
      const phone = await office.phone();
      phone.tell({ uri: `sip:x@127.0.0.1:${callee.local.port}`, method: 'MESSAGE' });
      expect((await callee.next()).text).toMatch(/^Via: [^\r,]*;rport(?:;[^\r,]*)?\r$/m);
    },
  },
  {
    id: '3-2',
    says: 'the client MUST be prepared to receive the response on the same IP address and port it used to populate the source IP address and source port of the request. … the client MUST still be prepared to receive a response on the port indicated in the sent-by field',
    notOurs:
      'they are one: what is forwarded leaves by the listener that its Via names (4-10 has the answer come back)',
  },
  {
    id: '3-3',
    says: 'the client SHOULD retransmit its INVITE every 20 seconds or so.',
    notOurs: 'a phone behind a NAT does; its retransmissions are passed on or answered like the first',
  },
]);

clause('RFC 3581 §4 Server Behavior', [
  {
    id: '4-1',
    says: SETS,
    shows: async () => {
      const phone = await world.udpPeer();
      const { text } = await over(phone, 'SIP/2.0/UDP 10.0.0.1:5060;rport');
      expect(text).toMatch(/^SIP\/2\.0 200 /);
      expect(viaOf(text)).toBe(`SIP/2.0/UDP 10.0.0.1:5060;rport=${phone.local.port};received=127.0.0.1`);
    },
  },
  {
    id: '4-2',
    says: SETS,
    when: 'a value that a client wrote there itself is no more than a guess',
    shows: async () => {
      const phone = await world.udpPeer();
      const { text } = await over(phone, 'SIP/2.0/UDP 10.0.0.1:5060;rport=9');
      expect(viaOf(text)).toBe(`SIP/2.0/UDP 10.0.0.1:5060;rport=${phone.local.port};received=127.0.0.1`);
    },
  },
  {
    id: '4-3',
    says: RECEIVED,
    shows: async () => {
      const phone = await world.udpPeer();
      const via = `SIP/2.0/UDP 127.0.0.1:${phone.local.port};rport`;
      expect(viaOf((await over(phone, via)).text)).toBe(`${via}=${phone.local.port};received=127.0.0.1`);
    },
  },
  {
    id: '4-4',
    says: RECEIVED,
    when: 'what a client wrote there itself is replaced',
    shows: async () => {
      const phone = await world.udpPeer();
      const { text } = await over(phone, 'SIP/2.0/UDP 10.0.0.1;received=192.0.2.66;rport');
      expect(viaOf(text)).toBe(`SIP/2.0/UDP 10.0.0.1;rport=${phone.local.port};received=127.0.0.1`);
    },
  },
  {
    id: '4-5',
    says: 'Note that this processing takes place independent of the transport protocol.',
    when: 'TCP',
    shows: async () => {
      const phone = await world.tcpPeer();
      phone.send(options('SIP/2.0/TCP 10.0.0.1:9;rport'));
      expect(viaOf(await phone.until(/\r\n\r\n/))).toBe(
        `SIP/2.0/TCP 10.0.0.1:9;rport=${phone.stream.local.port};received=127.0.0.1`,
      );
    },
  },
  {
    id: '4-6',
    says: TO_SOURCE,
    shows: async () => {
      const [phone, ear] = [await world.udpPeer(), await world.udpPeer()];
      await over(phone, `SIP/2.0/UDP 127.0.0.1:${ear.local.port};rport`);
      expect(ear.unread).toBe(0);
    },
  },
  {
    id: '4-7',
    says: 'and there is no "maddr" parameter',
    when: 'RFC 3261 §18.2.2: with one, "the response MUST be forwarded to the address listed there"',
    fails: 'maddr is ignored: whoever writes it would aim our answers at others',
    shows: async () => {
      const [phone, other] = [await world.udpPeer(), await world.udpPeer()];
      phone.send(options(`SIP/2.0/UDP 10.0.0.1:${other.local.port};maddr=127.0.0.1;rport`), world.udp);
      await phone.next();
      expect(other.unread).toBe(1);
    },
  },
  {
    id: '4-8',
    says: SAME_SOCKET,
    shows: async () => {
      const phone = await world.udpPeer();
      const second = world.server.listeners.filter((one) => one.transport === 'udp')[1]?.bound;
      if (second === undefined) throw new Error('no second listener');
      for (const listener of [world.udp, second])
        expect((await over(phone, 'SIP/2.0/UDP 10.0.0.1;rport', listener)).from.port).toBe(listener.port);
    },
  },
  {
    id: '4-9',
    says: SAME_SOCKET,
    when: 'also to the port of sent-by, without rport',
    shows: async () => {
      const phone = await world.udpPeer();
      const second = world.server.listeners.filter((one) => one.transport === 'udp')[1]?.bound;
      if (second === undefined) throw new Error('no second listener');
      const { from } = await over(phone, `SIP/2.0/UDP 127.0.0.1:${phone.local.port}`, second);
      expect(from.port).toBe(second.port);
    },
  },
  {
    id: '4-10',
    says: 'a stateless proxy can encode the destination address and port of a request into the Via header field value that it inserts.',
    when: 'the example of §6: the answer to what was forwarded comes back by the port that the phone sent to',
    shows: async () => {
      const [callee, phone] = [await office.peer(), await office.peer()];
      const via = 'SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bKkjshdyff';
      phone.send(
        requestText({
          method: 'MESSAGE',
          uri: `sip:x@127.0.0.1:${callee.local.port}`,
          from: '<sip:alice@biloxi.com>;tag=1',
          via,
        }),
        office.server.sip,
      );
      const { text, from } = await callee.next();
      const stamped = `SIP/2.0/UDP 10.1.1.1:4540;rport=${phone.local.port};branch=z9hG4bKkjshdyff;received=127.0.0.1`;
      expect(text).toContain(`Via: ${stamped}\r\n`);
      const answer = text
        .replace(/^MESSAGE .*\r\n/, 'SIP/2.0 200 OK\r\n')
        .replace(/^Max-Forwards.*\r\n/m, '');
      callee.send(answer, from);
      const back = await phone.next();
      expect(back.from.port).toBe(office.server.sip.port);
      expect(back.text).toMatch(/^SIP\/2\.0 200 OK\r\n/);
      expect(/^Via: (.*)\r$/m.exec(back.text)?.[1]).toBe(stamped);
    },
  },
]);

clause('RFC 3581 §5 Syntax', [
  {
    id: '5-1',
    says: 'response-port = "rport" [EQUAL 1*DIGIT]',
    when: 'in any case and with blanks around',
    shows: async () => {
      const phone = await world.udpPeer();
      const { text } = await over(phone, 'SIP/2.0/UDP 10.0.0.1 ; RPort');
      expect(viaOf(text)).toBe(`SIP/2.0/UDP 10.0.0.1;rport=${phone.local.port};received=127.0.0.1`);
    },
  },
  {
    id: '5-2',
    says: 'response-port = "rport" [EQUAL 1*DIGIT]',
    when: 'a value without digits is no reason to refuse: it is replaced',
    shows: async () => {
      const phone = await world.udpPeer();
      const { text } = await over(phone, 'SIP/2.0/UDP 10.0.0.1;rport=x');
      expect(viaOf(text)).toBe(`SIP/2.0/UDP 10.0.0.1;rport=${phone.local.port};received=127.0.0.1`);
    },
  },
]);

clause('RFC 3261 §18.2, from which it begins', [
  {
    id: '18.2.1-1',
    says: 'If the host portion of the "sent-by" parameter contains a domain name, or if it contains an IP address that differs from the packet source address, the server MUST add a "received" parameter',
    when: 'and without rport the answer goes to the port of sent-by (§18.2.2)',
    shows: async () => {
      const [phone, ear] = [await world.udpPeer(), await world.udpPeer()];
      phone.send(options(`SIP/2.0/UDP phone.invalid:${ear.local.port}`), world.udp);
      expect(viaOf((await ear.next()).text)).toBe(
        `SIP/2.0/UDP phone.invalid:${ear.local.port};received=127.0.0.1`,
      );
      expect(phone.unread).toBe(0);
    },
  },
  {
    id: '18.2.1-2',
    says: 'that differs from the packet source address',
    when: 'a Via that tells the truth stays as it was',
    shows: async () => {
      const phone = await world.udpPeer();
      const via = `SIP/2.0/UDP 127.0.0.1:${phone.local.port};x=y`;
      expect(viaOf((await over(phone, via)).text)).toBe(via);
    },
  },
  {
    id: '18.2.2-1',
    says: 'the response MUST be sent using the existing connection to the source of the original request',
    when: 'TCP, whatever the Via says',
    shows: async () => {
      const phone = await world.tcpPeer();
      phone.send(options('SIP/2.0/TCP 10.0.0.1:9'));
      expect(viaOf(await phone.until(/\r\n\r\n/))).toBe('SIP/2.0/TCP 10.0.0.1:9;received=127.0.0.1');
    },
  },
  {
    id: '18.2.1-3',
    says: 'the server MUST add a "received" parameter',
    when: 'IPv6: brackets around sent-by, none in received (RFC 5118 §4.5)',
    shows: async () => {
      const phone = await six.udpPeer({ host: '::1', port: 0 });
      expect(viaOf((await over(phone, 'SIP/2.0/UDP [2001:db8::9]:5060;rport', six.udp)).text)).toBe(
        `SIP/2.0/UDP [2001:db8::9]:5060;rport=${phone.local.port};received=::1`,
      );
      const stream = await six.tcpPeer();
      stream.send(options('SIP/2.0/TCP [::1]:5060'));
      expect(viaOf(await stream.until(/\r\n\r\n/))).toBe('SIP/2.0/TCP [::1]:5060');
    },
  },
]);
