// A WebSocket client of another house (npm ws), as a browser phone would open it: what comes is waited for, never slept for.
import type { ConnectionOptions } from 'node:tls';
import WebSocket, { type ClientOptions } from 'ws';

export interface Received {
  readonly text: string;
  readonly binary: boolean;
}

export interface WebSocketPeer {
  readonly socket: WebSocket;
  /** What the server chose. */
  readonly protocol: string;
  send(message: string | Uint8Array): void;
  /** The next message, as latin1 text. */
  next(): Promise<Received>;
  /** The code that the other side closed with. */
  readonly closed: Promise<number>;
}

/** Rejects if the handshake is refused, with the HTTP status in its words. */
export const webSocketPeer = (
  url: string,
  {
    protocols = ['sip'],
    ...options
  }: ClientOptions & Pick<ConnectionOptions, 'servername'> & { readonly protocols?: string[] } = {},
): Promise<WebSocketPeer> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options });
    const items: Received[] = [];
    const waiting: ((item: Received) => void)[] = [];
    socket.on('message', (data: Buffer, binary) => {
      const item = { text: data.toString('latin1'), binary };
      const next = waiting.shift();
      if (next === undefined) items.push(item);
      else next(item);
    });
    const closed = new Promise<number>((tell) => {
      socket.on('close', tell);
    });
    socket.on('error', reject);
    socket.on('open', () =>
      resolve({
        socket,
        protocol: socket.protocol,
        send: (message) => socket.send(message),
        next: () => {
          const item = items.shift();
          return item === undefined ? new Promise((tell) => waiting.push(tell)) : Promise.resolve(item);
        },
        closed,
      }),
    );
  });
