// Peers for tests over real loopback sockets: what they receive is waited for, never slept for.
import { type Endpoint, openDatagram } from '../../src/runtime/datagram.ts';
import { type ConnectStream, connectStream, type StreamPort } from '../../src/runtime/stream.ts';
import { createConnectTls } from '../../src/runtime/tls-stream.ts';

/** A queue whose reader waits for the next item. */
class Inbox<T> {
  readonly #items: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];

  push(item: T): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else waiting(item);
  }

  next(): Promise<T> {
    const item = this.#items.shift();
    return item === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(item);
  }

  /** How many came that nobody has asked for. */
  get size(): number {
    return this.#items.length;
  }
}

export interface UdpPeer {
  readonly local: Endpoint;
  send(message: string | Uint8Array, to: Endpoint): void;
  /** The next datagram as latin1 text, with who sent it. */
  next(): Promise<{ readonly text: string; readonly from: Endpoint }>;
  readonly unread: number;
  close(): Promise<void>;
}

const bytesOf = (message: string | Uint8Array): Uint8Array =>
  typeof message === 'string' ? Buffer.from(message, 'latin1') : message;

export const udpPeer = async (bind: Endpoint = { host: '127.0.0.1', port: 0 }): Promise<UdpPeer> => {
  const inbox = new Inbox<{ text: string; from: Endpoint }>();
  const socket = await openDatagram(bind, {
    onMessage: (bytes, from) => inbox.push({ text: Buffer.from(bytes).toString('latin1'), from }),
    onError: (error) => {
      throw error;
    },
  });
  return {
    local: socket.local,
    send: (message, to) => socket.send(bytesOf(message), to),
    next: () => inbox.next(),
    get unread() {
      return inbox.size;
    },
    close: () => socket.close(),
  };
};

export interface TcpPeer {
  readonly stream: StreamPort;
  send(message: string | Uint8Array): void;
  /** What came so far, once it matches. */
  until(pattern: RegExp): Promise<string>;
  /** What came so far. */
  readonly received: string;
  /** Resolves when the other side has closed. */
  readonly closed: Promise<void>;
}

const streamPeer = async (connect: ConnectStream, to: Endpoint, serverName?: string): Promise<TcpPeer> => {
  let received = '';
  const waiting = new Set<() => void>();
  let tellClosed: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    tellClosed = resolve;
  });
  const stream = await connect(to, {
    ...(serverName === undefined ? {} : { serverName }),
    writeBufferBytesMax: 1 << 24,
    signal: new AbortController().signal,
    onStream: () => ({
      onBytes(bytes) {
        received += Buffer.from(bytes).toString('latin1');
        for (const look of waiting) look();
      },
      onClose: () => tellClosed(),
    }),
  });
  return {
    stream,
    closed,
    get received() {
      return received;
    },
    send(message) {
      if (!stream.send(bytesOf(message))) throw new Error('the connection is closed');
    },
    until: (pattern) =>
      new Promise((resolve) => {
        const look = () => {
          if (!pattern.test(received)) return;
          waiting.delete(look);
          resolve(received);
        };
        waiting.add(look);
        look();
      }),
  };
};

export const tcpPeer = (to: Endpoint): Promise<TcpPeer> => streamPeer(connectStream, to);

/** Trusts `ca` (PEM) and wants a certificate for `serverName`, or for the address. */
export const tlsPeer = (to: Endpoint, ca: string, serverName?: string): Promise<TcpPeer> =>
  streamPeer(createConnectTls({ ca: () => ca }), to, serverName);
