// SIP over TCP on loopback: framing however the bytes arrive, keep-alives, and every limit of a connection.
import { afterEach, describe, expect, test } from 'vitest';
import { requestText } from '../../support/sip-request.ts';
import { type SipWorld, type SipWorldOptions, sipWorld } from '../../support/sip-world.ts';

let world: SipWorld;
const start = async (options: SipWorldOptions = {}) => {
  world = await sipWorld(options);
  return world;
};
afterEach(() => world.close());

const options = (callId = 'one') =>
  requestText({
    method: 'OPTIONS',
    uri: 'sip:example.com',
    via: `SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK${callId}`,
    callId,
  });
const answers = (count: number) => new RegExp(`(?:SIP/2\\.0 200 OK[\\s\\S]*?\\r\\n\\r\\n){${count}}`);
const callIds = (text: string) => [...text.matchAll(/^Call-ID: (.*)\r$/gm)].map(([, id]) => id);
const dropped = (reason: string) => world.count('chordial_sip_dropped_total', `reason="${reason}"`);

describe('framing', () => {
  test('a message in single bytes is one message', async () => {
    await start();
    const phone = await world.tcpPeer();

    for (const byte of options()) phone.send(byte);

    expect(await phone.until(answers(1))).toMatch(/^SIP\/2\.0 200 OK/);
  });

  test('several messages in one segment are answered in order', async () => {
    await start();
    const phone = await world.tcpPeer();

    phone.send(options('one') + options('two') + options('three'));

    expect(callIds(await phone.until(answers(3)))).toEqual(['one', 'two', 'three']);
  });

  test('CRLF CRLF gets CRLF, also between messages (RFC 5626 §3.5.1)', async () => {
    await start();
    const phone = await world.tcpPeer();

    phone.send('\r\n\r\n');
    expect(await phone.until(/\n/)).toBe('\r\n');
    phone.send(`${options()}\r\n\r\n`);

    expect(await phone.until(/\r\n\r\n\r\n$/)).toMatch(/^\r\nSIP\/2\.0 200 OK/);
  });

  test('a broken message inside its frame is answered 400 and the next one is served', async () => {
    await start();
    const phone = await world.tcpPeer();

    phone.send(options('one').replace('CSeq: 1', 'CSeq: x') + options('two'));

    expect(await phone.until(/200 OK[\s\S]*\r\n\r\n/)).toMatch(/^SIP\/2\.0 400 /);
    expect(phone.stream.open).toBe(true);
  });

  test('without a Content-Length nobody knows where the next begins: 400, then closed (RFC 3261 §20.14)', async () => {
    await start();
    const phone = await world.tcpPeer();

    phone.send(options().replace('Content-Length: 0\r\n', ''));

    await phone.closed;
    expect(phone.received).toMatch(/^SIP\/2\.0 400 /);
    expect(dropped('stream-garbage')).toBe(1);
  });

  test('what is no SIP at all ends the connection, which is counted', async () => {
    await start();
    const phone = await world.tcpPeer();

    phone.send('GET / HTTP/1.1\r\nHost: example.com\r\n\r\n');

    await phone.closed;
    expect(phone.received).toBe('');
    expect(dropped('stream-garbage')).toBe(1);
  });

  test('a head that never ends is cut off at the largest message', async () => {
    await start({ limits: { messageBytesMax: 2000 } });
    const phone = await world.tcpPeer();

    phone.send(`${options().slice(0, -4)}\r\nX: ${'x'.repeat(3000)}`);

    await phone.closed;
    expect(phone.received).toMatch(/^SIP\/2\.0 (400|513) /);
  });
});

describe('time', () => {
  test('a message that does not come to its end in 10 s ends the connection', async () => {
    await start();
    const phone = await world.tcpPeer();
    // The answer to the first shows that the bytes of the second, sent with it, have arrived.
    phone.send(options() + options('two').slice(0, 40));
    await phone.until(answers(1));

    world.clock.advance(9999);
    expect(world.count('chordial_sip_dropped_total')).toBe(0);
    world.clock.advance(1);

    await phone.closed;
    expect(dropped('slow-sender')).toBe(1);
  });

  test('dripping more bytes buys no time', async () => {
    await start();
    const phone = await world.tcpPeer();
    phone.send(options() + options('two').slice(0, 40));
    await phone.until(answers(1));

    world.clock.advance(9000);
    phone.send(options('two').slice(40, 41));
    const other = await world.tcpPeer();
    other.send(options());
    await other.until(answers(1));
    world.clock.advance(1000);

    await phone.closed;
    expect(dropped('slow-sender')).toBe(1);
  });

  test('half a keep-alive is no message that is late', async () => {
    await start();
    const phone = await world.tcpPeer();
    phone.send(`${options()}\r\n`);
    await phone.until(answers(1));

    world.clock.advance(20_000);

    expect(world.count('chordial_sip_dropped_total')).toBe(0);
    phone.send('\r\n');
    await phone.until(/\r\n\r\n\r\n$/);
  });

  test('a connection without a byte for the idle time is closed, one that pings is not', async () => {
    await start({ limits: { idleMs: 60_000 } });
    const quiet = await world.tcpPeer();
    const lively = await world.tcpPeer();
    quiet.send(options());
    lively.send(options());
    await quiet.until(answers(1));
    await lively.until(answers(1));

    world.clock.advance(40_000);
    lively.send('\r\n\r\n');
    await lively.until(/\r\n\r\n\r\n$/);
    world.clock.advance(40_000);

    await quiet.closed;
    expect(lively.stream.open).toBe(true);
    expect(dropped('idle')).toBe(1);
  });
});

describe('numbers', () => {
  test('connections beyond the limit are refused, and there is room again when one closes', async () => {
    await start({ limits: { connectionsMax: 1 } });
    const first = await world.tcpPeer();
    first.send(options());
    await first.until(answers(1));

    const second = await world.tcpPeer();
    await second.closed;
    expect(dropped('connections')).toBe(1);

    first.stream.end();
    await first.closed;
    const third = await world.tcpPeer();
    third.send(options());
    await third.until(answers(1));
  });

  test('one source gets no more than its share of them, trusted sources excepted', async () => {
    await start({ trusted: false, limits: { connectionsPerSourceMax: 2 } });
    for (let held = 0; held < 2; held += 1) {
      const phone = await world.tcpPeer();
      phone.send(options());
      await phone.until(answers(1));
    }

    const third = await world.tcpPeer();
    await third.closed;
    expect(dropped('connections-per-source')).toBe(1);
  });

  test('those that say nothing leave half of the room to those that do, and go after 10 s', async () => {
    await start({ trusted: false, limits: { connectionsPerSourceMax: 4 } });
    const silent = [await world.tcpPeer(), await world.tcpPeer()];
    const third = await world.tcpPeer();
    await third.closed;
    expect(dropped('handshakes')).toBe(1);

    world.clock.advance(10_000);
    await Promise.all(silent.map(({ closed }) => closed));
    expect(dropped('slow-sender')).toBe(2);
    for (let spoken = 0; spoken < 4; spoken += 1) {
      const phone = await world.tcpPeer();
      phone.send(spoken === 0 ? '\r\n\r\n' : options());
      await phone.until(spoken === 0 ? /\r\n/ : answers(1));
    }
    world.clock.advance(20_000);
    expect(dropped('slow-sender')).toBe(2);
  });

  test('a source over its rate waits, and nothing of what it sent is lost', async () => {
    await start({ trusted: false, limits: { perSourcePerSec: 5 } });
    const phone = await world.tcpPeer();
    const ids = Array.from({ length: 14 }, (_, index) => `c${index}`);

    phone.send(ids.map(options).join(''));
    // Twice the rate at once.
    await phone.until(answers(10));
    expect(callIds(phone.received)).toHaveLength(10);
    world.clock.advance(1000);

    expect(callIds(await phone.until(answers(14)))).toEqual(ids);
    expect(dropped('held')).toBeGreaterThan(0);
  });

  test('a peer that asks and never reads is closed when its buffer is full', async () => {
    await start();
    const phone = await world.tcpPeer();
    phone.stream.pause();
    const many = options().repeat(500);

    while (dropped('slow-reader') === 0 && phone.stream.open) {
      phone.stream.send(Buffer.from(many, 'latin1'));
      await new Promise((resolve) => setImmediate(resolve));
    }

    expect(dropped('slow-reader')).toBe(1);
  });
});

test('stop sends what is buffered, closes every connection and frees the port', async () => {
  await start();
  const phone = await world.tcpPeer();
  phone.send(options());
  await phone.until(answers(1));

  await world.server.stop();

  await phone.closed;
  await expect(world.tcpPeer()).rejects.toThrow(/ECONNREFUSED/);
});
