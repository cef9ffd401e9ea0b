// TCP as a port: byte streams in and out with a bounded write buffer, so that only this file knows node's sockets.
import { connect, createServer, isIP, type Socket } from 'node:net';
import type { Endpoint } from './datagram.ts';
import { CodedError } from './errors.ts';

export interface StreamPort {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** False once either side has closed. */
  readonly open: boolean;
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
  /** Asked for each connection; undefined refuses it. */
  onStream(stream: StreamPort): StreamHandlers | undefined;
  /** Errors of the listener after binding (out of descriptors); counted by the owner. */
  onError(error: Error): void;
}

export interface ConnectOptions {
  readonly writeBufferBytesMax: number;
  /** Gives the attempt up. */
  readonly signal: AbortSignal;
  onStream(stream: StreamPort): StreamHandlers;
}

/** Binds and resolves, or rejects with what the system said. */
export type ListenStream = (bind: Endpoint, options: ListenOptions) => Promise<StreamListener>;
/** Resolves when connected, or rejects with what the system said (refused, aborted). */
export type ConnectStream = (to: Endpoint, options: ConnectOptions) => Promise<StreamPort>;

const serve = (socket: Socket, writeBufferBytesMax: number): StreamPort => {
  const local = { host: socket.localAddress ?? '', port: socket.localPort ?? 0 };
  const remote = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
  // Answers are small and waited for: Nagle's algorithm would only delay them.
  socket.setNoDelay(true);
  const open = () => !socket.destroyed && socket.writable;
  return {
    local,
    remote,
    get open() {
      return open();
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

export const listenStream: ListenStream = (bind, options) =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      // A peer that is gone before we looked has no address: nothing to serve.
      if (socket.remoteAddress === undefined) return void socket.destroy();
      const handlers = options.onStream(serve(socket, options.writeBufferBytesMax));
      if (handlers !== undefined) return attach(socket, handlers);
      // A reset of a refused connection is of no interest, but unheard it would end the process.
      socket.on('error', () => socket.destroy());
      socket.destroy();
    });
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

export const connectStream: ConnectStream = (to, options) =>
  new Promise((resolve, reject) => {
    if (isIP(to.host) === 0 || to.port < 1 || to.port > 65535)
      return reject(
        new CodedError('ERR_STREAM_TARGET', `not an address to connect to: ${to.host}:${to.port}`),
      );
    if (options.signal.aborted)
      return reject(new CodedError('ERR_STREAM_ABORTED', 'the attempt was given up'));
    const socket = connect({ host: to.host, port: to.port });
    const abort = () => socket.destroy(new CodedError('ERR_STREAM_ABORTED', 'the attempt was given up'));
    options.signal.addEventListener('abort', abort, { once: true });
    const fail = (error: Error) => {
      options.signal.removeEventListener('abort', abort);
      reject(error);
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      options.signal.removeEventListener('abort', abort);
      socket.off('error', fail);
      const stream = serve(socket, options.writeBufferBytesMax);
      attach(socket, options.onStream(stream));
      resolve(stream);
    });
  });
