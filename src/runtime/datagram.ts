// UDP as a port: what the overlay and SIP need of a datagram socket, so that tests can put a network between.
import { createSocket } from 'node:dgram';

/** An IP literal (IPv6 without brackets) and a port. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface DatagramPort {
  /** The address really bound (port 0 resolved). */
  readonly local: Endpoint;
  /** Fire and forget: an unreachable or refused address is an error event, not an exception. */
  send(bytes: Uint8Array, to: Endpoint): void;
  close(): Promise<void>;
}

export interface DatagramHandlers {
  onMessage(bytes: Uint8Array, from: Endpoint): void;
  /** Errors after binding (ICMP unreachable, no route); counted by the owner. */
  onError(error: Error): void;
}

/** Binds and resolves, or rejects with what the system said (port taken, no such address). */
export type OpenDatagram = (bind: Endpoint, handlers: DatagramHandlers) => Promise<DatagramPort>;

export const openDatagram: OpenDatagram = (bind, handlers) =>
  new Promise((resolve, reject) => {
    const ipv6 = bind.host.includes(':');
    const socket = createSocket({
      type: ipv6 ? 'udp6' : 'udp4',
      ipv6Only: ipv6,
      recvBufferSize: 4 << 20,
      sendBufferSize: 1 << 20,
    });
    socket.once('error', reject);
    socket.bind(bind.port, bind.host, () => {
      socket.off('error', reject);
      socket.on('error', (error) => handlers.onError(error));
      socket.on('message', (bytes, from) =>
        handlers.onMessage(bytes, { host: from.address, port: from.port }),
      );
      let closed = false;
      resolve({
        local: { host: bind.host, port: socket.address().port },
        send(bytes, to) {
          // Port 0 throws in dgram; a closed socket does too. Both can come from the network's timing.
          if (closed || to.port < 1 || to.port > 65535) return;
          socket.send(bytes, to.port, to.host, (error) => {
            if (error !== null && !closed) handlers.onError(error);
          });
        },
        close: () =>
          new Promise((done) => {
            if (closed) return done();
            closed = true;
            socket.close(() => done());
          }),
      });
    });
  });

/** `host:port`, IPv6 in brackets. */
export const formatEndpoint = (endpoint: Endpoint): string =>
  endpoint.host.includes(':') ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`;
