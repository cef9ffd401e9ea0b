// RFC 7118 (SIP over WebSocket) and what of RFC 6455 a server must do for it, over real sockets; every MUST that concerns a server.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TcpPeer } from '../../support/sip-peers.ts';
import { tcpPeer } from '../../support/sip-peers.ts';
import { requestText } from '../../support/sip-request.ts';
import { loopback, type SipWorld, type SipWorldOptions, sipWorld } from '../../support/sip-world.ts';
import { clientFrame as frame, handshake, handshakeRow } from '../../support/web-socket-frames.ts';
import { type WebSocketPeer, webSocketPeer } from '../../support/web-socket-peer.ts';

let world: SipWorld;
const peers: WebSocketPeer[] = [];
const start = async (options: SipWorldOptions = {}) => {
  await world?.close();
  world = await sipWorld({ listeners: [loopback('udp'), loopback('ws')], ...options });
};
beforeEach(() => start());
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.socket.terminate();
  await world.close();
});

const url = () => `ws://127.0.0.1:${world.placeOf('ws').port}`;
const phoneAt = async (options: Parameters<typeof webSocketPeer>[1] = {}) => {
  const peer = await webSocketPeer(url(), options);
  peers.push(peer);
  return peer;
};
const rawAt = () => tcpPeer(world.placeOf('ws'));
const dropped = (reason: string) => world.count('chordial_sip_dropped_total', `reason="${reason}"`);

const options = (callId = 'one', extra: readonly string[] = []) =>
  requestText({
    method: 'OPTIONS',
    uri: 'sip:example.com',
    via: `SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK${callId}`,
    callId,
    headers: extra,
  });

const opened = async (): Promise<TcpPeer> => {
  const raw = await rawAt();
  raw.send(handshake());
  await raw.until(/\r\n\r\n/);
  return raw;
};
/** What came behind the handshake. */
const frames = (raw: TcpPeer) =>
  Buffer.from(raw.received.slice(raw.received.indexOf('\r\n\r\n') + 4), 'latin1');
const closeFrame = (code: number) => Buffer.from([0x88, 2, code >> 8, code & 0xff]);

describe('§4.1 handshake', () => {
  test('"The 101 reply from the server MUST contain "sip" in its corresponding Sec-WebSocket-Protocol header."', async () => {
    const raw = await rawAt();
    raw.send(handshake());
    const answer = await raw.until(/\r\n\r\n/);
    expect(answer.split('\r\n')).toEqual([
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
      'Sec-WebSocket-Protocol: sip',
      '',
      '',
    ]);
  });

  test('another implementation agrees, and may offer other subprotocols beside', async () => {
    expect((await phoneAt({ protocols: ['other', 'sip'] })).protocol).toBe('sip');
  });

  test.each<[string, string, RegExp]>([
    [
      'without "sip" among the subprotocols',
      handshake({ at: 6, row: 'Sec-WebSocket-Protocol: chat' }),
      /^HTTP\/1\.1 400 /,
    ],
    ['without a subprotocol', handshake({ at: 6, row: undefined }), /^HTTP\/1\.1 400 /],
    ['without a Host (RFC 6455 §4.2.1)', handshake({ at: 1, row: undefined }), /^HTTP\/1\.1 400 /],
    ['without a key', handshake({ at: 4, row: undefined }), /^HTTP\/1\.1 400 /],
    [
      'with a key that is no 16 bytes',
      handshake({ at: 4, row: 'Sec-WebSocket-Key: c2hvcnQ=' }),
      /^HTTP\/1\.1 400 /,
    ],
    ['with two keys', handshake({ at: 99, row: handshakeRow(4) }), /^HTTP\/1\.1 400 /],
    [
      'in another version, which is told the right one (RFC 6455 §4.4)',
      handshake({ at: 7, row: 'Sec-WebSocket-Version: 8' }),
      /^HTTP\/1\.1 426 [\s\S]*Sec-WebSocket-Version: 13\r\n/,
    ],
    [
      'that is a plain GET',
      'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
      /^HTTP\/1\.1 426 [\s\S]*Upgrade: websocket\r\n/,
    ],
    ['that is a POST', handshake({ at: 0, row: 'POST / HTTP/1.1' }), /^HTTP\/1\.1 405 /],
    ['in HTTP/1.0', handshake({ at: 0, row: 'GET / HTTP/1.0' }), /^HTTP\/1\.1 505 /],
    ['in HTTP/2', 'PRI * HTTP/2.0\r\n\r\n', /^HTTP\/1\.1 (400|405|505) /],
    ['with a folded line', handshake({ at: 99, row: ' folded' }), /^HTTP\/1\.1 400 /],
    ['that is SIP', options(), /^HTTP\/1\.1 400 /],
    ['that has no end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(9000)}`, /^HTTP\/1\.1 400 /],
  ])('a request %s is refused and the connection closed', async (_, request, answer) => {
    const raw = await rawAt();
    raw.send(request);
    await raw.closed;
    expect(raw.received).toMatch(answer);
    expect(raw.received).toMatch(/\r\nConnection: close\r\n/);
    expect(dropped('stream-garbage')).toBe(1);
  });

  test('a handshake in single bytes is one', async () => {
    const raw = await rawAt();
    for (const byte of handshake()) raw.send(byte);
    expect(await raw.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 101 /);
  });

  test('one that does not come to its end in 10 s ends the connection', async () => {
    const raw = await rawAt();
    raw.send(handshake().slice(0, 50));
    // Another's answer shows that the first bytes have arrived.
    await phoneAt();

    world.clock.advance(10_000);

    await raw.closed;
    expect(dropped('slow-sender')).toBe(1);
  });

  test('pages of other origins than those listed are refused; programs, which send none, are not (RFC 6455 §4.2.2)', async () => {
    await start({ webSocketOrigins: ['https://phone.example.com'] });
    await expect(phoneAt({ origin: 'https://evil.example' })).rejects.toThrow(/403/);
    await phoneAt({ origin: 'https://phone.example.com' });
    await phoneAt();
  });
});

describe('§4.2 encoding', () => {
  test.each([
    ['a text', false],
    ['a binary', true],
  ])('"SIP WebSocket Servers MUST accept both text and binary frames": %s frame', async (_, binary) => {
    const phone = await phoneAt();
    phone.socket.send(options(), { binary });
    expect((await phone.next()).text).toMatch(/^SIP\/2\.0 200 OK/);
  });

  test('an answer in UTF-8 is a text, which is what a browser hands to its page as one', async () => {
    const phone = await phoneAt();
    phone.send(options().replace('From: ', 'From: "caf\u00e9" '));
    const answer = await phone.next();
    expect(Buffer.from(answer.text, 'latin1').toString('utf8')).toContain('"caf\u00e9"');
    expect(answer.binary).toBe(false);
  });

  test('"If there is at least one non-UTF-8 symbol in the whole SIP message …, then the whole message MUST be sent within a WebSocket binary message."', async () => {
    const phone = await phoneAt();
    const bytes = Buffer.from(options().replace('From: ', 'From: "caf\u00e9" '), 'latin1');
    phone.send(bytes);
    const answer = await phone.next();
    expect(answer.text).toMatch(/^SIP\/2\.0 /);
    expect(answer.text).toContain('caf\u00e9');
    expect(answer.binary).toBe(true);
  });

  test('a text that is no UTF-8 ends the connection with 1007 (RFC 6455 §8.1)', async () => {
    const raw = await opened();
    raw.send(frame(1, Buffer.from([0x4f, 0xc3, 0x28, 0x20, 0x20])));
    await raw.closed;
    expect(frames(raw)).toEqual(closeFrame(1007));
  });
});

describe('§5 transport', () => {
  test('"Each SIP message MUST be carried within a single WebSocket message": so are ours', async () => {
    const phone = await phoneAt();
    phone.send(options('one'));
    phone.send(options('two'));
    for (const id of ['one', 'two']) {
      const { text } = await phone.next();
      expect(text.match(/^SIP\/2\.0 /gm)).toHaveLength(1);
      expect(text).toContain(`\r\nCall-ID: ${id}\r\n`);
    }
  });

  test('"a WebSocket message MUST NOT contain more than one SIP message": what stands behind the first is cut off', async () => {
    const phone = await phoneAt();
    phone.send(options('one') + options('two'));
    phone.send(options('three'));
    expect((await phone.next()).text).toContain('Call-ID: one');
    expect((await phone.next()).text).toContain('Call-ID: three');
  });

  test('"the use of the Content-Length header in SIP messages is not necessary"', async () => {
    const phone = await phoneAt();
    phone.send(options().replace('Content-Length: 0\r\n', ''));
    expect((await phone.next()).text).toMatch(/^SIP\/2\.0 200 OK/);
  });

  test('a Content-Length beyond the message is a 400, and the connection lives on', async () => {
    const phone = await phoneAt();
    phone.send(options().replace('Content-Length: 0', 'Content-Length: 10'));
    expect((await phone.next()).text).toMatch(/^SIP\/2\.0 400 /);
    phone.send(options('two'));
    expect((await phone.next()).text).toMatch(/^SIP\/2\.0 200 OK/);
  });

  test('a message in many frames, with pings between them, is one message (RFC 6455 §5.4)', async () => {
    const raw = await opened();
    const text = options();
    raw.send(frame(1, text.slice(0, 10), { final: false }));
    raw.send(frame(0, '', { final: false }));
    raw.send(frame(9, 'hello'));
    for (const byte of text.slice(10, 60)) raw.send(frame(0, byte, { final: false }));
    raw.send(frame(0, text.slice(60)));
    expect(await raw.until(/SIP\/2\.0 200 OK/)).toContain('\x8a\x05hello');
  });

  test('a message of 64 kB is served, a larger one ends the connection with 1009 before it is read', async () => {
    const phone = await phoneAt();
    const body = 'x'.repeat(64_000);
    phone.send(options('large').replace('Content-Length: 0\r\n\r\n', `Content-Length: 64000\r\n\r\n${body}`));
    expect((await phone.next()).text).toMatch(/^SIP\/2\.0 200 OK/);

    phone.send('x'.repeat(65_536));
    expect(await phone.closed).toBe(1009);
  });

  test('parts that together are too large end it too', async () => {
    await start({ limits: { messageBytesMax: 2000 } });
    const raw = await opened();
    raw.send(frame(1, 'x'.repeat(1500), { final: false }));
    raw.send(frame(0, 'x'.repeat(1500), { final: false }));
    await raw.closed;
    expect(frames(raw)).toEqual(closeFrame(1009));
  });

  test('"client and server transactions … MUST follow the procedures and timer values for reliable transports": a final answer is sent once', async () => {
    const phone = await phoneAt();
    phone.send(options('one').replaceAll('OPTIONS', 'INVITE'));
    expect((await phone.next()).text).toMatch(/^SIP\/2\.0 \d/);
    world.clock.advance(40_000);
    phone.send(options('two'));
    expect((await phone.next()).text).toContain('Call-ID: two');
  });
});

describe('§5.1 to §5.5', () => {
  test('§5.1 the answer keeps the Via with WS as it came, and metrics say so', async () => {
    const phone = await phoneAt();
    phone.send(options());
    expect((await phone.next()).text).toMatch(
      /\r\nVia: SIP\/2\.0\/WS df7jal23ls0d\.invalid;branch=z9hG4bKone/,
    );
    expect(world.count('chordial_sip_requests_total', 'transport="ws"')).toBe(1);
  });

  test('§5.3 "received" MAY be left out; here it is added, as §18.2.1 of RFC 3261 says', async () => {
    const phone = await phoneAt();
    phone.send(options());
    expect((await phone.next()).text).toContain(';received=127.0.0.1');
  });
});

describe('§6 keep-alive', () => {
  test('a Ping is answered with its payload (RFC 6455 §5.5.3)', async () => {
    const phone = await phoneAt();
    const pong = new Promise((resolve) => phone.socket.on('pong', (data) => resolve(data.toString())));
    phone.socket.ping('are you there');
    expect(await pong).toBe('are you there');
  });

  test('CRLF CRLF is answered with CRLF, each a message (RFC 5626 §3.5.1)', async () => {
    const phone = await phoneAt();
    phone.send('\r\n\r\n');
    expect((await phone.next()).text).toBe('\r\n');
  });

  test('a silent phone is pinged every 30 s and, as long as it answers, kept', async () => {
    const phone = await phoneAt();
    for (let minute = 0; minute < 5; minute += 1) {
      const pinged = new Promise((resolve) => phone.socket.once('ping', resolve));
      world.clock.advance(30_000);
      await pinged;
      // The answer to what follows the pong shows that the pong has arrived.
      phone.send(options(`c${minute}`));
      await phone.next();
    }
    expect(dropped('idle')).toBe(0);
  });

  test('one that does not answer is closed when the idle time is over', async () => {
    const raw = await opened();
    world.clock.advance(119_999);
    expect(dropped('idle')).toBe(0);
    world.clock.advance(1);
    await raw.closed;
    expect(dropped('idle')).toBe(1);
  });
});

describe('§7 authentication', () => {
  // "A SIP WebSocket Server MUST be ready to read session cookies when present in the WebSocket handshake request and use
  // such a cookie value for determining whether the WebSocket connection has been initiated by an HTTP client navigating a
  // website in the same domain": there is no website here whose session a cookie could be of. Digest asks each request.
  test.fails('a session cookie decides who may connect', async () => {
    await expect(phoneAt({ headers: { Cookie: 'session=somebody-elses' } })).rejects.toThrow(/401|403/);
  });

  test('"authentication MAY be requested at the SIP level": a handshake with cookies is as good as one without', async () => {
    const phone = await phoneAt({ headers: { Cookie: 'session=1' } });
    phone.send(options());
    expect((await phone.next()).text).toMatch(/^SIP\/2\.0 200 OK/);
  });
});

describe('RFC 6455 frames no client may send end the connection with 1002', () => {
  test.each<[string, Uint8Array]>([
    ['one without a mask (§5.1)', frame(1, 'hello', { masked: false })],
    ['one with a reserved bit (§5.2)', frame(1, 'hello', { reserved: 0x40 })],
    ['one with a reserved opcode (§5.2)', frame(3, 'hello')],
    ['a control frame with a reserved opcode', frame(11, 'hello')],
    ['a control frame in parts (§5.5)', frame(9, 'hello', { final: false })],
    ['a control frame of more than 125 bytes (§5.5)', frame(9, 'x'.repeat(126))],
    ['a length in more bytes than needed (§5.2)', Buffer.from([0x81, 0xfe, 0, 5, 1, 2, 3, 4, 0, 0, 0, 0, 0])],
    ['a next part without a first (§5.4)', frame(0, 'hello')],
    ['a close with one byte (§5.5.1)', frame(8, Buffer.from([3]))],
    ['a close with a code that stands for nothing (§7.4)', frame(8, Buffer.from([3, 0xed]))],
  ])('%s', async (_, bytes) => {
    const raw = await opened();
    raw.send(bytes);
    await raw.closed;
    expect(frames(raw)).toEqual(closeFrame(1002));
    expect(dropped('stream-garbage')).toBe(1);
  });

  test('a first part within another message (§5.4)', async () => {
    const raw = await opened();
    raw.send(frame(1, 'one', { final: false }));
    raw.send(frame(1, 'two'));
    await raw.closed;
    expect(frames(raw)).toEqual(closeFrame(1002));
  });

  test('a proper close is answered with its code, and is no fault (§5.5.1)', async () => {
    const phone = await phoneAt();
    phone.socket.close(1000, 'bye');
    expect(await phone.closed).toBe(1000);
    expect(dropped('stream-garbage')).toBe(0);
  });

  test('a server that stops says 1001 (§7.4.1)', async () => {
    const phone = await phoneAt();
    await world.server.stop();
    expect(await phone.closed).toBe(1001);
  });
});

test('a source that floods with Pings waits like one that floods with messages, and nothing is lost', async () => {
  await start({ trusted: false, limits: { perSourcePerSec: 5 } });
  const raw = await opened();
  raw.send(Buffer.concat(Array.from({ length: 14 }, (_, index) => frame(9, String(index % 10)))));
  // Twice the rate at once, the handshake among them.
  const pongs = () => frames(raw).length / 3;
  while (pongs() < 9) await new Promise((resolve) => setImmediate(resolve));
  expect(pongs()).toBe(9);
  expect(dropped('held')).toBeGreaterThan(0);
  world.clock.advance(1000);
  while (pongs() < 14) await new Promise((resolve) => setImmediate(resolve));
  expect(pongs()).toBe(14);
});
