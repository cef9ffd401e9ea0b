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

/** What a connection is served through: its own socket, or a layer above it. */
export interface Layer {
  readonly socket: Socket;
  /** The event that says that its handshake is done; undefined if there is none. */
  readonly readyEvent: string | undefined;
}

const serve = (socket: Socket, writeBufferBytesMax: number, isReady: () => boolean): StreamPort => {
  const local = { host: socket.localAddress ?? '', port: socket.localPort ?? 0 };
  const remote = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
  const open = () => !socket.destroyed && socket.writable;
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
      if (!open() || socket.writableLength + bytes.length > writeBufferBytesMax) return false;
      socket.write(bytes);
      return true;
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
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

const accept = (raw: Socket, layerOf: (raw: Socket) => Layer, options: ListenOptions): void => {
  // A peer that is gone before we looked has no address: nothing to serve.
  if (raw.remoteAddress === undefined) return void raw.destroy();
  // Answers are small and waited for: Nagle's algorithm would only delay them.
  raw.setNoDelay(true);
  const { socket, readyEvent } = layerOf(raw);
  let ready = readyEvent === undefined;
  const handlers = options.onStream(serve(socket, options.writeBufferBytesMax, () => ready));
  if (handlers === undefined) {
    // A reset of a refused connection is of no interest, but unheard it would end the process.
    socket.on('error', () => socket.destroy());
    socket.destroy();
    return;
  }
  attach(socket, handlers);
  if (readyEvent === undefined) return;
  socket.once(readyEvent, () => {
    ready = true;
    handlers.onReady?.();
  });
};

/** Listens; each connection is served through what `layerOf` puts above it. */
export const listenThrough =
  (layerOf: (raw: Socket) => Layer): ListenStream =>
  (bind, options) =>
    new Promise((resolve, reject) => {
      const server = createServer((raw) => accept(raw, layerOf, options));
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

/** Connects; `dial` begins the attempt, which has succeeded when the socket emits the layer's event. */
export const connectThrough =
  (dial: (to: Endpoint, serverName: string | undefined) => Layer): ConnectStream =>
  (to, options) =>
    new Promise((resolve, reject) => {
      if (isIP(to.host) === 0 || to.port < 1 || to.port > 65535)
        return reject(
          new CodedError('ERR_STREAM_TARGET', `not an address to connect to: ${to.host}:${to.port}`),
        );
      if (options.signal.aborted)
        return reject(new CodedError('ERR_STREAM_ABORTED', 'the attempt was given up'));
      const { socket, readyEvent = 'connect' } = dial(to, options.serverName);
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
        const stream = serve(socket, options.writeBufferBytesMax, () => true);
        attach(socket, options.onStream(stream));
        resolve(stream);
      });
    });

export const listenStream: ListenStream = listenThrough((socket) => ({ socket, readyEvent: undefined }));

export const connectStream: ConnectStream = connectThrough(({ host, port }) => ({
  socket: connect({ host, port }),
  readyEvent: undefined,
}));
