// The sockets as the forwarder sees them, on loopback.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readCertificate } from '../../../src/runtime/certificate.ts';
import { CertificateStore } from '../../../src/runtime/certificate-store.ts';
import { type Endpoint, formatEndpoint } from '../../../src/runtime/datagram.ts';
import { listenStream, type StreamListener, type StreamPort } from '../../../src/runtime/stream.ts';
import { createListenTls } from '../../../src/runtime/tls-stream.ts';
import { type CertificateWish, createAuthority } from '../../support/certificates.ts';
import { requestText } from '../../support/sip-request.ts';
import { loopback, type SipWorld, sipWorld } from '../../support/sip-world.ts';

let world: SipWorld;
let listeners: StreamListener[];
beforeEach(async () => {
  listeners = [];
  world = await sipWorld({
    listeners: [loopback('udp'), loopback('udp'), loopback('tcp'), loopback('udp', '::1')],
  });
});
afterEach(async () => {
  await world.close();
  for (const listener of listeners) await listener.close();
});

/** A next hop over TCP that keeps its connections and what came. */
const hopOver = async () => {
  const streams: StreamPort[] = [];
  const waiting: ((text: string) => void)[] = [];
  const listener = await listenStream(
    { host: '127.0.0.1', port: 0 },
    {
      writeBufferBytesMax: 100_000,
      onStream(stream) {
        streams.push(stream);
        return {
          onBytes: (bytes) => waiting.shift()?.(Buffer.from(bytes).toString('latin1')),
          onClose: () => undefined,
        };
      },
      onError: (error) => {
        throw error;
      },
    },
  );
  listeners.push(listener);
  const next = () => new Promise<string>((resolve) => waiting.push(resolve));
  return { local: listener.local, streams, next };
};

const tcpTo = (to: Endpoint) => ({ transport: 'tcp' as const, host: to.host, port: to.port });

test('UDP leaves by the first listener of the family, or by the one that is named', async () => {
  const phone = await world.udpPeer();
  const hop = { transport: 'udp' as const, host: '127.0.0.1', port: phone.local.port };
  const [first, second] = world.server.listeners.filter((one) => one.bound.host === '127.0.0.1');
  if (first === undefined || second === undefined) throw new Error('two listeners');

  (await world.server.sender.flowTo(hop))?.send(Buffer.from('one'));
  expect((await phone.next()).from.port).toBe(first.bound.port);
  (await world.server.sender.flowTo({ ...hop, local: second.bound }))?.send(Buffer.from('two'));
  expect((await phone.next()).from.port).toBe(second.bound.port);
});

test('IPv6 leaves by an IPv6 listener; without one there is no way', async () => {
  const phone = await world.udpPeer({ host: '::1', port: 0 });

  const flow = await world.server.sender.flowTo({ transport: 'udp', host: '::1', port: phone.local.port });
  flow?.send(Buffer.from('six'));

  expect((await phone.next()).text).toBe('six');
  expect(await world.server.sender.flowTo({ transport: 'tcp', host: '::1', port: 5060 })).toBeUndefined();
});

test.each([
  ['a name', { transport: 'udp', host: 'phone.example', port: 5060 }],
  ['port 0', { transport: 'udp', host: '127.0.0.1', port: 0 }],
  ['a transport without a listener', { transport: 'tls', host: '127.0.0.1', port: 5061 }],
] as const)('there is no way to %s', async (_what, hop) => {
  expect(await world.server.sender.flowTo(hop)).toBeUndefined();
});

test('advertised tells what others reach a listener at', () => {
  const tcp = world.server.listeners.find((one) => one.transport === 'tcp');
  expect(world.server.sender.advertised('tcp', 4)).toEqual(tcp?.advertised);
  expect(world.server.sender.advertised('udp', 6)?.host).toBe('::1');
  expect(world.server.sender.advertised('tcp', 6)).toBeUndefined();
});

test('TCP opens one connection for all who ask, and uses it again', async () => {
  const hop = await hopOver();

  const [one, two] = await Promise.all([
    world.server.sender.flowTo(tcpTo(hop.local)),
    world.server.sender.flowTo(tcpTo(hop.local)),
  ]);
  expect(one).toBeDefined();
  expect(two).toBe(one);
  expect(await world.server.sender.flowTo(tcpTo(hop.local))).toBe(one);

  const coming = hop.next();
  one?.send(Buffer.from('hello'));
  expect(await coming).toBe('hello');
  expect(hop.streams).toHaveLength(1);
});

test('what comes over a connection that we opened is served like any other', async () => {
  const hop = await hopOver();
  await world.server.sender.flowTo(tcpTo(hop.local));
  const coming = hop.next();

  hop.streams[0]?.send(
    Buffer.from(
      requestText({
        method: 'OPTIONS',
        uri: 'sip:example.com',
        via: 'SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1',
      }),
    ),
  );

  expect(await coming).toMatch(/^SIP\/2\.0 200 /);
});

test('a connection that a phone opened is the way back to it', async () => {
  const phone = await world.tcpPeer();
  phone.send('\r\n\r\n');
  await phone.until(/\r\n/);

  const flow = await world.server.sender.flowTo(tcpTo(phone.stream.local));
  flow?.send(Buffer.from('for you'));

  await phone.until(/for you/);
});

test('a target that refuses is left alone for a while, then tried again', async () => {
  const hop = await hopOver();
  const [listener] = listeners.splice(0);
  await listener?.close();
  expect(await world.server.sender.flowTo(tcpTo(hop.local))).toBeUndefined();

  const again = await listenStream(hop.local, {
    writeBufferBytesMax: 1000,
    onStream: () => ({ onBytes: () => undefined, onClose: () => undefined }),
    onError: () => undefined,
  });
  listeners.push(again);
  expect(await world.server.sender.flowTo(tcpTo(hop.local))).toBeUndefined();
  // Why is told once, not with every call.
  expect(world.infos).toEqual([
    ['no connection', { to: `tcp:${formatEndpoint(hop.local)}`, why: expect.stringMatching(/ECONNREFUSED/) }],
  ]);
  world.clock.advance(15_000);
  expect(await world.server.sender.flowTo(tcpTo(hop.local))).toBeDefined();
});

describe('TLS to a next hop', () => {
  const authority = createAuthority();
  let secure: SipWorld;
  const certificates = new CertificateStore();
  beforeEach(async () => {
    certificates.put(undefined, certificateFor({ commonName: 'us.example', names: ['DNS:us.example'] }));
    secure = await sipWorld({ listeners: [loopback('tls')], certificates, ca: authority.certPem });
  });
  afterEach(() => secure.close());

  const certificateFor = (wish: CertificateWish) => {
    const { certPem, keyPem } = authority.issue(wish);
    const read = readCertificate(certPem, keyPem);
    if (!read.ok) throw new Error(read.error);
    return read.value;
  };

  /** A server of others with a certificate of these names; how many connections it has seen. */
  const hopWith = async (names: readonly string[], commonName = 'hop') => {
    const { context } = certificateFor({ commonName, names });
    let seen = 0;
    const listener = await createListenTls({ contextFor: () => context })(
      { host: '127.0.0.1', port: 0 },
      {
        writeBufferBytesMax: 100_000,
        onStream: () => {
          seen += 1;
          return { onBytes: () => undefined, onClose: () => undefined };
        },
        onError: (error) => {
          throw error;
        },
      },
    );
    listeners.push(listener);
    const to = (serverName?: string) =>
      secure.server.sender.flowTo({
        transport: 'tls',
        ...listener.local,
        ...(serverName === undefined ? {} : { serverName }),
      });
    return { to, seen: () => seen };
  };

  test.each<[string, readonly string[], string | undefined]>([
    ['that names the domain asked for', ['DNS:far.example'], 'far.example'],
    ['that names it in capitals', ['DNS:FAR.example'], 'far.EXAMPLE'],
    ['that names it as a SIP domain', ['URI:sip:far.example'], 'far.example'],
    ['that names the address, where no domain was looked up', ['IP:127.0.0.1'], undefined],
  ])('a certificate %s is accepted', async (_, names, serverName) => {
    const { to } = await hopWith(names);
    expect((await to(serverName))?.transport).toBe('tls');
  });

  const WHY = /^the certificate does not speak for |is no host$/;
  test.each<[string, readonly string[], string | undefined]>([
    ['for another domain', ['DNS:other.example'], 'far.example'],
    ['for a domain below (RFC 5922 §7.2: no suffixes)', ['DNS:a.far.example'], 'far.example'],
    ['with a wildcard (§7.2: "MUST NOT match any form of wildcard")', ['DNS:*.example'], 'far.example'],
    ['for a user (§7.1)', ['URI:sip:bob@far.example'], 'far.example'],
    [
      'whose SIP domain is another, whatever its DNS name (§7.1)',
      ['URI:sip:other.example', 'DNS:far.example'],
      'far.example',
    ],
    ['that names no address', ['DNS:far.example'], undefined],
    ['where what was asked for is no host', ['DNS:far.example'], 'far example'],
  ])('a certificate %s is refused', async (_, names, serverName) => {
    const { to } = await hopWith(names);
    expect(await to(serverName)).toBeUndefined();
    expect(secure.infos).toEqual([
      ['no connection', { to: expect.stringMatching(/^tls:/), why: expect.stringMatching(WHY) }],
    ]);
  });

  test('one connection serves all who ask for the same domain, and nobody else (§7.3)', async () => {
    const hop = await hopWith(['DNS:far.example', 'DNS:near.example']);
    const one = await hop.to('far.example');
    expect(await hop.to('far.example')).toBe(one);
    expect(hop.seen()).toBe(1);
    expect(await hop.to('near.example')).not.toBe(one);
    expect(hop.seen()).toBe(2);
  });

  test('no WebSocket is opened to anybody', async () => {
    const hop = { host: '127.0.0.1', port: secure.placeOf('tls').port };
    expect(await secure.server.sender.flowTo({ transport: 'wss', ...hop })).toBeUndefined();
  });
});
