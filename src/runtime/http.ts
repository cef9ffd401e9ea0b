// HTTP as a port: one small, bounded server for requests without bodies.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Endpoint } from './datagram.ts';

export interface HttpRequest {
  readonly method: string;
  /** Without the query; starts with `/`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** One header's value by its lower-case name; the first where it stands twice. */
  readonly header: (name: string) => string | undefined;
  /** The peer's IP literal. */
  readonly remote: string;
}

export interface HttpReply {
  readonly status: number;
  readonly contentType: string;
  /** The whole of it, or who writes it from now on. */
  readonly body: string | ((stream: HttpStream) => void);
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that goes on for a while. Silence doesn't end it; its writer does, or the peer by going away. */
export interface HttpStream {
  /** False, and nothing written, if the peer is gone or has so much yet to read. */
  write(bytes: Uint8Array): boolean;
  end(): void;
  /** Called once, whoever ended it. */
  onClose(tell: () => void): void;
}

/** Answers a request; a rejection becomes a plain 500. */
type HttpHandler = (request: HttpRequest) => Promise<HttpReply>;

export interface HttpPort {
  /** The address really bound (port 0 resolved). */
  readonly local: Endpoint;
  close(): Promise<void>;
}

interface HttpHandlers {
  readonly onRequest: HttpHandler;
  /** The handler rejected: a fault of ours. */
  readonly onError: (error: unknown) => void;
}

/** Binds and resolves, or rejects with what the system said. */
export type OpenHttp = (bind: Endpoint, handlers: HttpHandlers) => Promise<HttpPort>;

const HEADER_BYTES_MAX = 8192;
const HEADERS_COUNT_MAX = 50;
const CONNECTIONS_MAX = 64;
const REQUESTS_PER_CONNECTION_MAX = 1000;
/** A request without body is one packet; whoever needs longer has no business here. */
const REQUEST_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 5_000;
/** How long an answer may take in the end; a look-up in the overlay is done in 3 s. */
const SOCKET_IDLE_MS = 30_000;
/** What a peer may leave unread of an answer that goes on. */
const STREAM_BUFFER_BYTES = 1 << 20;

const requestOf = (message: IncomingMessage): HttpRequest | undefined => {
  const target = message.url ?? '';
  // Only the origin form (RFC 9112 §3.2.1): no proxy requests, no `*`.
  if (!target.startsWith('/')) return undefined;
  const question = target.indexOf('?');
  return {
    method: message.method ?? '',
    path: question < 0 ? target : target.slice(0, question),
    query: new URLSearchParams(question < 0 ? '' : target.slice(question + 1)),
    header: (name) => {
      const value = message.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    remote: message.socket.remoteAddress ?? '',
  };
};

const streamTo = (response: ServerResponse): HttpStream => ({
  write: (bytes) => {
    if (!response.writable || response.writableLength > STREAM_BUFFER_BYTES) return false;
    response.write(bytes);
    return true;
  },
  end: () => response.end(),
  onClose: (tell) => void response.once('close', tell),
});

const PLAIN = 'text/plain; charset=utf-8';

const send = (response: ServerResponse, reply: HttpReply, head: boolean): void => {
  const headers = {
    'Content-Type': reply.contentType,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...reply.headers,
  };
  if (typeof reply.body === 'string') {
    const body = Buffer.from(reply.body, 'utf8');
    response.writeHead(reply.status, { ...headers, 'Content-Length': body.length });
    response.end(head ? undefined : body);
    return;
  }
  // Asked for behind another answer on the same connection (HTTP/1.1 pipelining): that may go on for a day, and if its
  // reader goes away nobody tells this one.
  if (response.socket === null) {
    send(response, { status: 503, contentType: PLAIN, body: 'another answer is under way here\n' }, head);
    return;
  }
  response.setTimeout(0);
  response.writeHead(reply.status, { ...headers, Connection: 'close' });
  response.flushHeaders();
  reply.body(streamTo(response));
};

export const openHttp: OpenHttp = (bind, handlers) =>
  new Promise((resolve, reject) => {
    const server = createServer(
      {
        maxHeaderSize: HEADER_BYTES_MAX,
        requestTimeout: REQUEST_TIMEOUT_MS,
        headersTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: 1_000,
      },
      (message, response) => {
        message.resume();
        // A peer that went away is no fault of ours; the response is dropped with its socket.
        message.on('error', () => response.destroy());
        response.on('error', () => response.destroy());
        const head = message.method === 'HEAD';
        const request = requestOf(message);
        if (request === undefined) {
          send(response, { status: 400, contentType: PLAIN, body: 'bad request target\n' }, head);
          return;
        }
        handlers.onRequest(request).then(
          (reply) => send(response, reply, head),
          (error: unknown) => {
            handlers.onError(error);
            send(response, { status: 500, contentType: PLAIN, body: 'internal error\n' }, head);
          },
        );
      },
    );
    server.maxConnections = CONNECTIONS_MAX;
    server.maxHeadersCount = HEADERS_COUNT_MAX;
    server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX;
    server.setTimeout(SOCKET_IDLE_MS, (socket) => socket.destroy());
    server.on('clientError', (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      else socket.destroy();
    });
    server.once('error', reject);
    server.listen({ host: bind.host, port: bind.port, ipv6Only: bind.host.includes(':') }, () => {
      server.off('error', reject);
      server.on('error', handlers.onError);
      // A TCP server that listens has an address of this kind, not a pipe's name.
      const { port } = server.address() as AddressInfo;
      let closing: Promise<void> | undefined;
      resolve({
        local: { host: bind.host, port },
        close: () => {
          closing ??= new Promise<void>((done) => {
            server.close(() => done());
            server.closeAllConnections();
          });
          return closing;
        },
      });
    });
  });
