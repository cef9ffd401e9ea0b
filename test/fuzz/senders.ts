// The ways of fuzz to a server: batches of messages over one transport, each batch over once the server has looked at all of it.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { type DatagramPort, type Endpoint, openDatagram } from '../../src/runtime/datagram.ts';
import { SipClient } from '../support/sip-client.ts';
import type { Chance } from './mutations.ts';
import { FENCED } from './talk.ts';

export interface Sender {
  /** How many messages make a batch. */
  readonly batch: number;
  /** Resolves when the server has seen the batch and still answers. */
  send(messages: readonly Uint8Array[], chance: Chance): Promise<void>;
  close(): Promise<void>;
}

const SOURCES = 16;
const source = (index: number): string => `${FENCED}0.${1 + (index % SOURCES)}`;

/** What a socket's buffer holds of the largest of them: datagrams beyond it are lost before the server sees them. */
const DATAGRAMS = 40;
const ALIVE_WITHIN_MS = 20_000;

const aliveOver = async (client: SipClient, to: Endpoint): Promise<void> => {
  const answer = await client.ask(
    to,
    { method: 'OPTIONS', uri: 'sip:example.com', from: 'sip:fence@example.com', to: 'sip:example.com' },
    ALIVE_WITHIN_MS,
  );
  if (answer.status !== 200) throw new Error(`the server answers OPTIONS with ${answer.status}`);
};

export const udpSender = async (to: Endpoint): Promise<Sender> => {
  const sockets = await Promise.all(
    Array.from(
      { length: SOURCES },
      (_, index): Promise<DatagramPort> =>
        openDatagram(
          { host: source(index), port: 0 },
          { onMessage: () => undefined, onError: () => undefined },
        ),
    ),
  );
  const fence = await SipClient.open(source(0));
  return {
    batch: DATAGRAMS,
    async send(messages) {
      for (const [index, message] of messages.entries()) sockets[index % SOURCES]?.send(message, to);
      await aliveOver(fence, to);
    },
    close: async () => void (await Promise.all([...sockets, fence].map((one) => one.close()))),
  };
};

const OPEN = /^SIP\/2\.0 200 [^\r]*\r\n(?:[^\r]+\r\n)*Call-ID: fence\r\n/m;
let fences = 0;
/** The last message of a stream: its answer says that all before it were looked at. */
const fenceMessage = (): string => {
  fences += 1;
  return (
    `OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/TCP fence.invalid;branch=z9hG4bKfence${fences}\r\n` +
    'From: <sip:fence@example.com>;tag=f\r\nTo: <sip:example.com>\r\nCall-ID: fence\r\n' +
    `CSeq: ${fences} OPTIONS\r\nContent-Length: 0\r\n\r\n`
  );
};

/** A stream whose frames are lost, or that waits for the rest of a body, never answers the fence. */
const STREAM_MS = 60;
const LANES = 64;
/** Few, because what follows a frame that is lost is lost too. */
const STREAM_MESSAGES = 4;

/** One connection: messages in pieces of any size, pipelined, then the fence, then the end. */
const overStream = async (
  open: () => Promise<Socket>,
  messages: readonly Uint8Array[],
  chance: Chance,
): Promise<void> => {
  const socket = await open();
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  let tail = '';
  const answered = new Promise<void>((resolve) => {
    socket.on('data', (bytes: Buffer) => {
      tail = (tail + bytes.toString('latin1')).slice(-4000);
      if (OPEN.test(tail)) resolve();
    });
  });
  const stream = Buffer.concat([...messages, Buffer.from(fenceMessage(), 'latin1')]);
  for (let at = 0; at < stream.length && !socket.destroyed; ) {
    const size = chance.often(0.5) ? stream.length : 1 + chance.below(600);
    socket.write(stream.subarray(at, at + size));
    at += size;
    // Another turn of the loop, and mostly another segment.
    if (at < stream.length) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.race([answered, closed, wait(STREAM_MS, undefined, { ref: false })]);
  socket.end();
  await Promise.race([closed, wait(1000, undefined, { ref: false })]);
  socket.destroy();
};

const tcpSocket = async (to: Endpoint, localAddress: string): Promise<Socket> => {
  const socket = connect({ host: to.host, port: to.port, localAddress, noDelay: true });
  await once(socket, 'connect');
  return socket;
};

/** `open` connects to the server from a local address. */
export const streamSender = (
  fenceAt: Endpoint,
  open: (localAddress: string) => Promise<Socket>,
): (() => Promise<Sender>) => {
  return async () => {
    const fence = await SipClient.open(source(0));
    return {
      batch: LANES * STREAM_MESSAGES,
      async send(messages, chance) {
        const lanes = Array.from({ length: LANES }, (_, lane) =>
          messages.slice(lane * STREAM_MESSAGES, (lane + 1) * STREAM_MESSAGES),
        ).filter((lane) => lane.length > 0);
        await Promise.all(
          lanes.map((lane) =>
            overStream(() => open(`${FENCED}${chance.below(250)}.${1 + chance.below(250)}`), lane, chance),
          ),
        );
        await aliveOver(fence, fenceAt);
      },
      close: () => fence.close(),
    };
  };
};

export const tcpSender = (to: Endpoint, fenceAt: Endpoint): Promise<Sender> =>
  streamSender(fenceAt, (localAddress) => tcpSocket(to, localAddress))();
