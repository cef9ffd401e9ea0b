// Fuzz over connections: TCP, TLS, WebSocket and secure WebSocket; messages in pieces of any size, pipelined, many lanes at once.
import { isUtf8 } from 'node:buffer';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { Endpoint } from '../../src/runtime/datagram.ts';
import { SipClient } from '../support/sip-client.ts';
import type { Chance } from './mutations.ts';
import { aliveOver, type Sender, source } from './senders.ts';
import { FENCED } from './talk.ts';

/** What one kind of connection is to the messages on it. */
interface Kind {
  readonly secure: boolean;
  /** What opens the stream, and what answers it. */
  readonly opening?: { readonly request: string; readonly answer: RegExp };
  frame(message: Uint8Array, chance: Chance): Uint8Array;
  /** Messages of one connection: few where those behind a broken frame are lost, many where opening one costs. */
  readonly messages: number;
}

const asIs = (message: Uint8Array): Uint8Array => message;

/** RFC 6455 §5.2, as a client writes it: masked. One in thirty has something odd about it. */
const webSocketFrame = (message: Uint8Array, chance: Chance): Uint8Array => {
  const odd = chance.often(1 / 30);
  // Text that is no UTF-8 ends the connection (§8.1), and much of what is mutated is none.
  const opcode = odd ? chance.below(16) : isUtf8(message) ? chance.pick([1, 2]) : 2;
  const final = odd ? chance.below(2) : 1;
  const reserved = odd && chance.often(0.2) ? chance.below(8) : 0;
  const masked = odd && chance.often(0.2) ? 0 : 0x80;
  const { length } = message;
  const size =
    length < 126
      ? Buffer.from([masked | length])
      : length < 65_536
        ? Buffer.from([masked | 126, length >> 8, length & 0xff])
        : Buffer.from([
            masked | 127,
            0,
            0,
            0,
            0,
            length >> 24,
            (length >> 16) & 0xff,
            (length >> 8) & 0xff,
            length & 0xff,
          ]);
  if (odd && chance.often(0.2)) size[size.length - 1] = chance.below(256);
  const mask = chance.bytes(4);
  const payload = Buffer.from(message);
  for (let at = 0; masked !== 0 && at < length; at += 1)
    payload[at] = (payload[at] ?? 0) ^ (mask[at & 3] ?? 0);
  return Buffer.concat([
    Buffer.from([(final << 7) | (reserved << 4) | opcode]),
    size,
    ...(masked === 0 ? [] : [mask]),
    payload,
  ]);
};

const HANDSHAKE = {
  request: [
    'GET / HTTP/1.1',
    'Host: example.com',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol: sip',
    'Sec-WebSocket-Version: 13',
    '\r\n',
  ].join('\r\n'),
  answer: /^HTTP\/1\.1 101 /,
};

export const KINDS = {
  tcp: { secure: false, frame: asIs, messages: 4 },
  tls: { secure: true, frame: asIs, messages: 8 },
  ws: { secure: false, opening: HANDSHAKE, frame: webSocketFrame, messages: 16 },
  wss: { secure: true, opening: HANDSHAKE, frame: webSocketFrame, messages: 16 },
} as const satisfies Readonly<Record<string, Kind>>;

const FENCE_ANSWERED = /SIP\/2\.0 200 [^\r]*\r\n(?:[^\r]+\r\n)*Call-ID: fence\r\n/;
let fences = 0;
/** The last message of a stream: its answer says that all before it were looked at. */
const fenceMessage = (): Uint8Array => {
  fences += 1;
  return Buffer.from(
    `OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/TCP fence.invalid;branch=z9hG4bKfence${fences}\r\n` +
      'From: <sip:fence@example.com>;tag=f\r\nTo: <sip:example.com>\r\nCall-ID: fence\r\n' +
      `CSeq: ${fences} OPTIONS\r\nContent-Length: 0\r\n\r\n`,
    'latin1',
  );
};

/** A stream whose frames are lost, or that waits for the rest of a body, never answers the fence. */
const STREAM_MS = 60;
const LANES = 64;

/** One connection: it opens, says all, waits for the fence, and ends. */
const overStream = async (
  open: () => Promise<Socket>,
  kind: Kind,
  messages: readonly Uint8Array[],
  chance: Chance,
): Promise<void> => {
  const socket = await open();
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => void socket.on('close', () => resolve()));
  let tail = '';
  let look: () => void = () => undefined;
  const heard = (pattern: RegExp): Promise<void> =>
    new Promise((resolve) => {
      look = () => {
        if (pattern.test(tail)) resolve();
      };
      look();
    });
  socket.on('data', (bytes: Buffer) => {
    tail = (tail + bytes.toString('latin1')).slice(-4000);
    look();
  });
  if (kind.opening !== undefined) {
    socket.write(kind.opening.request);
    await Promise.race([heard(kind.opening.answer), closed]);
  }
  const stream = Buffer.concat([...messages, fenceMessage()].map((message) => kind.frame(message, chance)));
  for (let at = 0; at < stream.length && !socket.destroyed; ) {
    const size = chance.often(0.5) ? stream.length : 1 + chance.below(600);
    socket.write(stream.subarray(at, at + size));
    at += size;
    // Another turn of the loop, and mostly another segment.
    if (at < stream.length) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.race([heard(FENCE_ANSWERED), closed, wait(STREAM_MS, undefined, { ref: false })]);
  socket.end();
  await Promise.race([closed, wait(1000, undefined, { ref: false })]);
  socket.destroy();
};

const openTo = async (to: Endpoint, secure: boolean, localAddress: string): Promise<Socket> => {
  const socket = connect({ host: to.host, port: to.port, localAddress, noDelay: true });
  await once(socket, 'connect');
  if (!secure) return socket;
  socket.on('error', () => undefined);
  const over = connectTls({ socket, servername: 'example.com', rejectUnauthorized: false });
  await once(over, 'secureConnect');
  return over;
};

/** `fenceAt`: the UDP port of the same server, which is asked after each batch whether it is there. */
export const streamSender = async (kind: Kind, to: Endpoint, fenceAt: Endpoint): Promise<Sender> => {
  const fence = await SipClient.open(source(0));
  return {
    batch: LANES * kind.messages,
    async send(messages, chance) {
      const lanes = Array.from({ length: LANES }, (_, lane) =>
        messages.slice(lane * kind.messages, (lane + 1) * kind.messages),
      ).filter((lane) => lane.length > 0);
      await Promise.all(
        lanes.map((lane) => {
          const from = `${FENCED}${chance.below(250)}.${1 + chance.below(250)}`;
          return overStream(() => openTo(to, kind.secure, from), kind, lane, chance);
        }),
      );
      await aliveOver(fence, fenceAt);
    },
    close: () => fence.close(),
  };
};
