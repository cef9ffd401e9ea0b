// What isn't heard: banned sources before anything is read, scanners once their name is; and who watches the wire.
import { afterEach, expect, test } from 'vitest';
import { readCertificate } from '../../../src/runtime/certificate.ts';
import { CertificateStore } from '../../../src/runtime/certificate-store.ts';
import { createAuthority } from '../../support/certificates.ts';
import { requestText } from '../../support/sip-request.ts';
import { loopback, type SipWorld, type SipWorldOptions, sipWorld } from '../../support/sip-world.ts';
import { webSocketPeer } from '../../support/web-socket-peer.ts';

let world: SipWorld;
const start = async (options: SipWorldOptions = {}) => {
  world = await sipWorld(options);
  return world;
};
afterEach(() => world.close());

const options = (callId: string, transport = 'UDP', userAgent = 'baresip') =>
  requestText({
    method: 'OPTIONS',
    uri: 'sip:example.com',
    via: `SIP/2.0/${transport} 127.0.0.1;rport;branch=z9hG4bK${callId}`,
    callId,
    headers: [`User-Agent: ${userAgent}`],
  });
const dropped = (reason: string) => world.count('chordial_sip_dropped_total', `reason="${reason}"`);

test('a datagram of a banned source is dropped unread; when the ban ends it is heard', async () => {
  const banned = new Set(['127.0.0.1']);
  await start({ isBanned: (host) => banned.has(host) });
  const phone = await world.udpPeer();
  const other = await world.udpPeer({ host: '127.0.0.2', port: 0 });

  phone.send(options('unheard'), world.udp);
  other.send(options('other'), world.udp);
  expect((await other.next()).text).toContain('Call-ID: other');
  expect([phone.unread, dropped('banned')]).toEqual([0, 1]);

  banned.clear();
  phone.send(options('heard'), world.udp);
  expect((await phone.next()).text).toContain('Call-ID: heard');
});

test('the open connection of a source that is banned is closed at its next byte, a new one at once', async () => {
  const banned = new Set<string>();
  await start({ isBanned: (host) => banned.has(host) });
  const phone = await world.tcpPeer();
  phone.send(options('one', 'TCP'));
  await phone.until(/200 OK/);

  banned.add('127.0.0.1');
  phone.send(options('two', 'TCP'));
  await phone.closed;
  expect(phone.received).not.toContain('Call-ID: two');

  const again = await world.tcpPeer();
  await again.closed;
  expect([again.received, dropped('banned')]).toEqual(['', 2]);
});

const isScanner = (userAgent: string) => userAgent === 'friendly-scanner';

test('a scanner gets no answer, and what stands behind it is served', async () => {
  await start({ trusted: false, isScanner });
  const one = await world.udpPeer();
  one.send(options('scan', 'UDP', 'friendly-scanner'), world.udp);
  one.send(options('phone'), world.udp);

  expect((await one.next()).text).toContain('Call-ID: phone');
  expect([one.unread, dropped('scanner')]).toEqual([0, 1]);
});

test('a broken request of a scanner gets no answer either', async () => {
  await start({ trusted: false, isScanner });
  const one = await world.udpPeer();
  one.send(options('scan', 'UDP', 'friendly-scanner').replace('CSeq: 1', 'CSeq: x'), world.udp);
  one.send(options('phone'), world.udp);

  expect((await one.next()).text).toContain('Call-ID: phone');
  expect(dropped('scanner')).toBe(1);
});

test('the connection of a scanner is closed', async () => {
  await start({ trusted: false, isScanner });
  const one = await world.tcpPeer();
  one.send(options('scan', 'TCP', 'friendly-scanner'));

  await one.closed;
  expect([one.received, dropped('scanner')]).toEqual(['', 1]);
});

test('a trusted source is no scanner, whatever it calls itself', async () => {
  await start({ trusted: true, isScanner });
  const one = await world.udpPeer();
  one.send(options('audit', 'UDP', 'friendly-scanner'), world.udp);

  expect((await one.next()).text).toMatch(/^SIP\/2\.0 200 /);
});

const watcher = () => {
  const seen: string[] = [];
  const tell = (way: string) => (bytes: Uint8Array, flow: { readonly transport: string }) =>
    void seen.push(`${way} ${flow.transport} ${Buffer.from(bytes).toString('latin1').split('\r\n', 1)[0]}`);
  return { seen, tap: { on: true, received: tell('in'), sent: tell('out') } };
};

test('who watches sees each message whole as it came and as it left, however it was cut', async () => {
  const { seen, tap } = watcher();
  await start({ tap });
  const udp = await world.udpPeer();
  udp.send(options('one'), world.udp);
  await udp.next();
  const tcp = await world.tcpPeer();
  const [first, second] = [options('two', 'TCP'), options('three', 'TCP')];
  tcp.send(first.slice(0, 10));
  tcp.send(first.slice(10) + second);
  await tcp.until(/200 OK[\s\S]*200 OK/);

  expect(seen).toEqual([
    'in udp OPTIONS sip:example.com SIP/2.0',
    'out udp SIP/2.0 200 OK',
    'in tcp OPTIONS sip:example.com SIP/2.0',
    'out tcp SIP/2.0 200 OK',
    'in tcp OPTIONS sip:example.com SIP/2.0',
    'out tcp SIP/2.0 200 OK',
  ]);
});

test('what comes over TLS and secure WebSocket is seen in plain', async () => {
  const authority = createAuthority();
  const { certPem, keyPem } = authority.issue({ commonName: 'example.com', names: ['DNS:example.com'] });
  const certificate = readCertificate(certPem, keyPem);
  if (!certificate.ok) throw new Error(certificate.error);
  const certificates = new CertificateStore();
  certificates.put(undefined, certificate.value);
  const { seen, tap } = watcher();
  await start({ tap, certificates, listeners: [loopback('udp'), loopback('tls'), loopback('wss')] });
  const phone = await world.tlsPeer(authority.certPem, 'example.com');
  phone.send(options('one', 'TLS'));
  await phone.until(/200 OK/);
  const page = await webSocketPeer(`wss://127.0.0.1:${world.placeOf('wss').port}/`, {
    ca: authority.certPem,
    servername: 'example.com',
  });
  page.send(options('two', 'WSS'));
  await page.next();
  page.socket.close();
  await page.closed;

  expect(seen).toEqual(
    ['tls', 'wss'].flatMap((transport) => [
      `in ${transport} OPTIONS sip:example.com SIP/2.0`,
      `out ${transport} SIP/2.0 200 OK`,
    ]),
  );
});

test('who watches sees what is dropped, too', async () => {
  const { seen, tap } = watcher();
  await start({ tap, isBanned: (host) => host === '127.0.0.1' });
  const banned = await world.udpPeer();
  const other = await world.udpPeer({ host: '127.0.0.2', port: 0 });
  banned.send(options('banned'), world.udp);
  other.send(options('other'), world.udp);
  await other.next();

  expect(seen.filter((line) => line.startsWith('in'))).toHaveLength(2);
});

test('nobody watches: nothing is handed over', async () => {
  const { seen, tap } = watcher();
  await start({ tap: { ...tap, on: false } });
  const udp = await world.udpPeer();
  udp.send(options('one'), world.udp);
  await udp.next();
  expect(seen).toEqual([]);
});
