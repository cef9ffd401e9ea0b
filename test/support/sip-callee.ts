// Callees for tests of forwarding: what they hear is waited for, what they answer is written from it.
import { type Endpoint, formatEndpoint } from '../../src/runtime/datagram.ts';
import { type ListenStream, listenStream, type StreamPort } from '../../src/runtime/stream.ts';
import { udpPeer } from './sip-peers.ts';

/** The values of a header, in order, one a row. */
export const rowsOf = (text: string, name: string): readonly string[] =>
  text
    .split('\r\n\r\n', 1)
    .join('')
    .split('\r\n')
    .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    .map((line) => line.slice(name.length + 1).trim());

/** What a user agent answers to a request that it got. */
export const answerOf = (request: string, status: string, rows: readonly string[] = []): string =>
  [
    `SIP/2.0 ${status}`,
    ...rowsOf(request, 'Via').map((via) => `Via: ${via}`),
    ...rowsOf(request, 'Record-Route').map((route) => `Record-Route: ${route}`),
    `From: ${rowsOf(request, 'From')[0]}`,
    `To: ${rowsOf(request, 'To')[0]}${/;tag=/.test(rowsOf(request, 'To')[0] ?? '') ? '' : ';tag=b1'}`,
    `Call-ID: ${rowsOf(request, 'Call-ID')[0]}`,
    `CSeq: ${rowsOf(request, 'CSeq')[0]}`,
    ...rows,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');

export interface Callee {
  readonly local: Endpoint;
  /** The next message that comes. */
  next(): Promise<string>;
  /** To whoever sent the last one. */
  send(text: string): void;
  /** How many came that nobody has asked for. */
  readonly unread: number;
  close(): Promise<void>;
}

export const udpCallee = async (bind?: Endpoint): Promise<Callee> => {
  const peer = await udpPeer(bind);
  let last: Endpoint | undefined;
  return {
    local: peer.local,
    async next() {
      const { text, from } = await peer.next();
      last = from;
      return text;
    },
    send(text) {
      if (last === undefined) throw new Error('nobody has spoken yet');
      peer.send(text, last);
    },
    get unread() {
      return peer.unread;
    },
    close: () => peer.close(),
  };
};

/** One that listens on TCP, or on what else is a stream. */
export const tcpCallee = async (
  bind: Endpoint = { host: '127.0.0.1', port: 0 },
  listen: ListenStream = listenStream,
): Promise<Callee> => {
  const messages: string[] = [];
  const waiting: ((text: string) => void)[] = [];
  const streams = new Set<StreamPort>();
  let last: StreamPort | undefined;
  const take = (text: string): void => {
    const waiter = waiting.shift();
    if (waiter === undefined) messages.push(text);
    else waiter(text);
  };
  const listener = await listen(bind, {
    writeBufferBytesMax: 1 << 20,
    // A handshake that the other side gave up.
    onError: () => undefined,
    onStream: (stream) => {
      streams.add(stream);
      let text = '';
      return {
        onBytes(bytes) {
          last = stream;
          text += Buffer.from(bytes).toString('latin1');
          for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
            const length = Number(rowsOf(text.slice(0, end + 4), 'Content-Length')[0] ?? 0);
            if (text.length < end + 4 + length) break;
            take(text.slice(0, end + 4 + length));
            text = text.slice(end + 4 + length);
          }
        },
        onClose: () => streams.delete(stream),
      };
    },
  });
  return {
    local: listener.local,
    next() {
      const message = messages.shift();
      return message === undefined
        ? new Promise((resolve) => waiting.push(resolve))
        : Promise.resolve(message);
    },
    send(text) {
      if (last?.send(Buffer.from(text, 'latin1')) !== true)
        throw new Error(`no connection at ${formatEndpoint(listener.local)}`);
    },
    get unread() {
      return messages.length;
    },
    async close() {
      for (const stream of streams) stream.destroy();
      await listener.close();
    },
  };
};
