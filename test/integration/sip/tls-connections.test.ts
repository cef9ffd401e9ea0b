// SIP over TLS on loopback: certificates by server name, exchanged while connections live, and whom we trust ourselves.
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readCertificate } from '../../../src/runtime/certificate.ts';
import { CertificateStore } from '../../../src/runtime/certificate-store.ts';
import { type Authority, type CertificateWish, createAuthority } from '../../support/certificates.ts';
import { tcpPeer } from '../../support/sip-peers.ts';
import { requestText } from '../../support/sip-request.ts';
import { loopback, type SipWorld, type SipWorldOptions, sipWorld } from '../../support/sip-world.ts';

let authority: Authority;
beforeAll(() => {
  authority = createAuthority();
});

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const certificate = (wish: CertificateWish) => {
  const { certPem, keyPem } = authority.issue(wish);
  const read = readCertificate(certPem, keyPem);
  if (!read.ok) throw new Error(read.error);
  return read.value;
};

const start = async (options: SipWorldOptions = {}) => {
  const certificates = new CertificateStore();
  certificates.put(undefined, certificate({ commonName: 'example.com', names: ['DNS:example.com'] }));
  const world = await sipWorld({
    certificates,
    ca: authority.certPem,
    listeners: [loopback('udp'), loopback('tls')],
    ...options,
  });
  closers.push(() => world.close());
  return { world, certificates };
};

const options = (callId = 'one') =>
  requestText({
    method: 'OPTIONS',
    uri: 'sip:example.com',
    via: `SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bK${callId}`,
    callId,
  });
const answers = (count: number) => new RegExp(`(?:SIP/2\\.0 200 OK[\\s\\S]*?\\r\\n\\r\\n){${count}}`);
const dropped = (world: SipWorld, reason: string) =>
  world.count('chordial_sip_dropped_total', `reason="${reason}"`);

test('a request over TLS is answered on its connection, and counted as such', async () => {
  const { world } = await start();
  const phone = await world.tlsPeer(authority.certPem, 'example.com');

  phone.send(options());

  expect(await phone.until(answers(1))).toMatch(/^SIP\/2\.0 200 OK/);
  expect(world.count('chordial_sip_requests_total', 'transport="tls"')).toBe(1);
});

test('split, pipelined and large messages arrive as over TCP', async () => {
  const { world } = await start();
  const phone = await world.tlsPeer(authority.certPem, 'example.com');
  const large = options('large').replace(
    'Content-Length: 0\r\n\r\n',
    `Content-Length: 64000\r\n\r\n${'x'.repeat(64_000)}`,
  );

  for (const byte of options()) phone.send(byte);
  phone.send(options('two') + large + options('three'));

  const ids = [...(await phone.until(answers(4))).matchAll(/^Call-ID: (.*)\r$/gm)].map(([, id]) => id);
  expect(ids).toEqual(['one', 'two', 'large', 'three']);
});

test('without a Content-Length, and beyond the largest message, the stream has no frames any more: answered, then closed', async () => {
  const { world } = await start({ limits: { messageBytesMax: 2000 } });
  for (const [message, answer] of [
    [options().replace('Content-Length: 0\r\n', ''), /^SIP\/2\.0 400 /],
    [options().replace('Content-Length: 0', 'Content-Length: 5000'), /^SIP\/2\.0 513 /],
  ] as const) {
    const phone = await world.tlsPeer(authority.certPem, 'example.com');
    phone.send(message);
    await phone.closed;
    expect(phone.received).toMatch(answer);
  }
  expect(dropped(world, 'stream-garbage')).toBe(2);
});

describe('which certificate', () => {
  const tenants = async () => {
    const { world, certificates } = await start();
    certificates.put(
      'a.example',
      certificate({ commonName: 'a', names: ['DNS:a.example', 'DNS:*.a.example'] }),
    );
    certificates.put('b.example', certificate({ commonName: 'b', names: ['URI:sip:b.example'] }));
    return { world, certificates };
  };

  test.each([
    ['the domain that has one of its own', 'a.example'],
    ['a host that the certificate of a domain names', 'b.example'],
    ['any other name: the common one', 'example.com'],
  ])('%s', async (_, name) => {
    const { world } = await tenants();
    const phone = await world.tlsPeer(authority.certPem, name);
    phone.send(options());
    await phone.until(answers(1));
  });

  test('a client that asks for no name gets the common one, which has no address in it', async () => {
    const { world } = await tenants();
    await expect(world.tlsPeer(authority.certPem)).rejects.toThrow(/does not speak for 127\.0\.0\.1/);
  });

  test('a new one is in force for the next handshake, and connections that are open live on', async () => {
    const { world, certificates } = await start();
    const before = await world.tlsPeer(authority.certPem, 'example.com');
    const other = createAuthority('Other Authority');
    const { certPem, keyPem } = other.issue({ commonName: 'example.com', names: ['DNS:example.com'] });
    const next = readCertificate(certPem, keyPem);
    if (!next.ok) throw new Error(next.error);

    certificates.put(undefined, next.value);

    const after = await world.tlsPeer(other.certPem, 'example.com');
    await expect(world.tlsPeer(authority.certPem, 'example.com')).rejects.toThrow();
    for (const phone of [before, after]) {
      phone.send(options());
      await phone.until(answers(1));
    }
  });
});

describe('handshakes', () => {
  test('one that takes more than 10 s is given up', async () => {
    const { world } = await start();
    const idle = await tcpPeer(world.placeOf('tls'));
    // Another connection's answer shows that the first one has been accepted.
    const phone = await world.tlsPeer(authority.certPem, 'example.com');
    phone.send(options());
    await phone.until(answers(1));

    world.clock.advance(9_999);
    expect(dropped(world, 'slow-sender')).toBe(0);
    world.clock.advance(1);

    await idle.closed;
    expect(dropped(world, 'slow-sender')).toBe(1);
    expect(phone.stream.open).toBe(true);
  });

  test('one that comes to nothing is counted', async () => {
    const { world } = await start();
    await expect(world.tlsPeer(createAuthority().certPem, 'example.com')).rejects.toThrow();
    const noTls = await tcpPeer(world.placeOf('tls'));
    noTls.send('GET / HTTP/1.1\r\n\r\n');
    await noTls.closed;
    expect(dropped(world, 'handshake')).toBeGreaterThan(0);
  });

  test('a source that begins many has half of its connections left for those that are done', async () => {
    const { world } = await start({ trusted: false, limits: { connectionsPerSourceMax: 6 } });
    const begun = await Promise.all([1, 2, 3].map(() => tcpPeer(world.placeOf('tls'))));
    const fourth = await tcpPeer(world.placeOf('tls'));
    await fourth.closed;
    expect(dropped(world, 'handshakes')).toBe(1);

    // One of them goes: there is room for another, which finishes, and for two more that do.
    begun[0]?.stream.end();
    await begun[0]?.closed;
    for (let done = 0; done < 3; done += 1) {
      const phone = await world.tlsPeer(authority.certPem, 'example.com');
      phone.send(options(`c${done}`));
      await phone.until(answers(1));
    }
  });

  test('all sources together leave half of the room, too', async () => {
    const { world } = await start({ limits: { connectionsMax: 4 } });
    await Promise.all([1, 2].map(() => tcpPeer(world.placeOf('tls'))));
    const third = await tcpPeer(world.placeOf('tls'));
    await third.closed;
    expect(dropped(world, 'handshakes')).toBe(1);
  });
});

describe('limits are those of TCP', () => {
  test('connections beyond the limit are refused before their handshake', async () => {
    const { world } = await start({ limits: { connectionsMax: 1 } });
    const phone = await world.tlsPeer(authority.certPem, 'example.com');
    phone.send(options());
    await phone.until(answers(1));
    const second = await tcpPeer(world.placeOf('tls'));
    await second.closed;
    expect(dropped(world, 'connections')).toBe(1);
  });

  test('a half message, and a silent connection, are given up in time', async () => {
    const { world } = await start();
    const slow = await world.tlsPeer(authority.certPem, 'example.com');
    const silent = await world.tlsPeer(authority.certPem, 'example.com');
    // The answer to the first shows that the bytes of the second, sent with it, have arrived.
    slow.send(options() + options('half').slice(0, 50));
    silent.send(options());
    for (const phone of [slow, silent]) await phone.until(answers(1));
    world.clock.advance(10_000);
    await slow.closed;
    expect(dropped(world, 'slow-sender')).toBe(1);
    world.clock.advance(110_000);
    await silent.closed;
    expect(dropped(world, 'idle')).toBe(1);
  });

  test('a banned source is refused before its handshake', async () => {
    const { world } = await start({ isBanned: () => true });
    const phone = await tcpPeer(world.placeOf('tls'));
    await phone.closed;
    expect(dropped(world, 'banned')).toBe(1);
  });

  test('a peer that asks and never reads is closed when its buffer is full', async () => {
    const { world } = await start();
    const phone = await world.tlsPeer(authority.certPem, 'example.com');
    phone.stream.pause();
    const many = Buffer.from(options().repeat(500), 'latin1');
    while (dropped(world, 'slow-reader') === 0 && phone.stream.open) {
      phone.stream.send(many);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(dropped(world, 'slow-reader')).toBe(1);
  });
});
