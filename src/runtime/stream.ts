// Byte streams as a port: connections in and out with a bounded write buffer, so that nobody else knows node's sockets.
import { connect, createServer, isIP, type Socket } from 'node:net';
import type { Endpoint } from './datagram.ts';
import { CodedError } from './errors.ts';

export interface StreamPort {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** False once either side has closed. */
  readonly open: boolean;
  /** False while the handshake of a layer below (TLS) is going on; over TCP true from the start. */
  readonly ready: boolean;
  /** False if the stream is closed or its write buffer has no room; then nothing of `bytes` is sent. */
  send(bytes: Uint8Array): boolean;
  /** Stops reading; what the peer sends waits in its own buffers (TCP's flow control). */
  pause(): void;
  resume(): void;
  /** Sends what is buffered, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

export interface StreamHandlers {
  /** Once, when `ready` becomes true; not called for a stream that was ready when it was handed over. */
  onReady?(): void;
  onBytes(bytes: Uint8Array): void;
  /** Once, however the stream ended; `error` if not by a proper close. */
  onClose(error: Error | undefined): void;
}

export interface StreamListener {
  readonly local: Endpoint;
  /** Stops accepting; streams already accepted live on. */
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly writeBufferBytesMax: number;
  /** Asked for each connection as soon as it is accepted, before any handshake; undefined refuses it. */
  onStream(stream: StreamPort): StreamHandlers | undefined;
  /** Errors of the listener after binding (out of descriptors); counted by the owner. */
  onError(error: Error): void;
}

export interface ConnectOptions {
  readonly writeBufferBytesMax: number;
  /** Gives the attempt up. */
  readonly signal: AbortSignal;
  /** Whom the other side must show a certificate for (TLS); without it, for its address. */
  readonly serverName?: string;
  onStream(stream: StreamPort): StreamHandlers;
}

/** Binds and resolves, or rejects with what the system said. */
export type ListenStream = (bind: Endpoint, options: ListenOptions) => Promise<StreamListener>;
/** Resolves when connected and ready, or rejects with what the system said (refused, aborted, not to be trusted). */
export type ConnectStream = (to: Endpoint, options: ConnectOptions) => Promise<StreamPort>;

/** What lies above the sockets that a listener accepts. */
export interface Layer {
  /** The socket to serve, above the accepted one; asked only for connections that are let in. */
  readonly over: (raw: Socket) => Socket;
  /** The event by which it says that its handshake is done. */
  readonly readyEvent: string;
}

/** An attempt to connect, and the event that says that it has succeeded. */
export interface Dialled {
  readonly socket: Socket;
  readonly readyEvent: string;
}

/** `socketOf`: what is served now; a layer comes between only once the connection was let in. */
const serve = (
  raw: Socket,
  writeBufferBytesMax: number,
  now: { readonly socketOf: () => Socket; readonly isReady: () => boolean },
): StreamPort => {
  const local = { host: raw.localAddress ?? '', port: raw.localPort ?? 0 };
  const remote = { host: raw.remoteAddress ?? '', port: raw.remotePort ?? 0 };
  const { socketOf, isReady } = now;
  const open = () => !socketOf().destroyed && socketOf().writable;
  return {
    local,
    remote,
    get open() {
      return open();
    },
    get ready() {
      return isReady();
    },
    send(bytes) {
      if (!open() || socketOf().writableLength + bytes.length > writeBufferBytesMax) return false;
      socketOf().write(bytes);
      return true;
    },
    pause: () => void socketOf().pause(),
    resume: () => void socketOf().resume(),
    end: () => void socketOf().end(),
    destroy: () => void socketOf().destroy(),
  };
};

const attach = (socket: Socket, handlers: StreamHandlers): void => {
  let failure: Error | undefined;
  socket.on('data', (bytes: Uint8Array) => handlers.onBytes(bytes));
  socket.on('error', (error) => {
    failure = error;
  });
  socket.on('close', () => handlers.onClose(failure));
};

const accept = (raw: Socket, layer: Layer | undefined, options: ListenOptions): void => {
  // A peer that is gone before we looked has no address: nothing to serve.
  if (raw.remoteAddress === undefined) return void raw.destroy();
  // Answers are small and waited for: Nagle's algorithm would only delay them.
  raw.setNoDelay(true);
  let socket = raw;
  let ready = layer === undefined;
  const now = { socketOf: () => socket, isReady: () => ready };
  const handlers = options.onStream(serve(raw, options.writeBufferBytesMax, now));
  if (handlers === undefined) {
    // A reset of a refused connection is of no interest, but unheard it would end the process.
    raw.on('error', () => raw.destroy());
    raw.destroy();
    return;
  }
  if (layer !== undefined) socket = layer.over(raw);
  attach(socket, handlers);
  if (layer === undefined) return;
  socket.once(layer.readyEvent, () => {
    ready = true;
    handlers.onReady?.();
  });
};

/** Listens; each connection is served through the layer, if there is one. */
export const listenThrough =
  (layer?: Layer): ListenStream =>
  (bind, options) =>
    new Promise((resolve, reject) => {
      const server = createServer((raw) => accept(raw, layer, options));
      server.once('error', reject);
      server.listen({ host: bind.host, port: bind.port, ipv6Only: bind.host.includes(':') }, () => {
        server.off('error', reject);
        server.on('error', (error) => options.onError(error));
        const address = server.address();
        let closing: Promise<void> | undefined;
        resolve({
          local: {
            host: bind.host,
            port: address !== null && typeof address === 'object' ? address.port : bind.port,
          },
          close() {
            closing ??= new Promise((done) => {
              // `close` waits for the connections, which their owner closes; the port is free at once.
              server.close();
              setImmediate(done);
            });
            return closing;
          },
        });
      });
    });

/** Connects; `dial` begins the attempt. */
export const connectThrough =
  (dial: (to: Endpoint, serverName: string | undefined) => Dialled): ConnectStream =>
  (to, options) =>
    new Promise((resolve, reject) => {
      if (isIP(to.host) === 0 || to.port < 1 || to.port > 65535)
        return reject(
          new CodedError('ERR_STREAM_TARGET', `not an address to connect to: ${to.host}:${to.port}`),
        );
      if (options.signal.aborted)
        return reject(new CodedError('ERR_STREAM_ABORTED', 'the attempt was given up'));
      const { socket, readyEvent } = dial(to, options.serverName);
      const abort = () => socket.destroy(new CodedError('ERR_STREAM_ABORTED', 'the attempt was given up'));
      options.signal.addEventListener('abort', abort, { once: true });
      const fail = (error: Error) => {
        options.signal.removeEventListener('abort', abort);
        reject(error);
      };
      socket.once('error', fail);
      socket.once(readyEvent, () => {
        options.signal.removeEventListener('abort', abort);
        socket.off('error', fail);
        socket.setNoDelay(true);
        const now = { socketOf: () => socket, isReady: () => true };
        const stream = serve(socket, options.writeBufferBytesMax, now);
        attach(socket, options.onStream(stream));
        resolve(stream);
      });
    });

export const listenStream: ListenStream = listenThrough();

export const connectStream: ConnectStream = connectThrough(({ host, port }) => ({
  socket: connect({ host, port }),
  readyEvent: 'connect',
}));
