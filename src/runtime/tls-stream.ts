// TLS as byte streams: listeners that choose the certificate by server name, connections that check the other side's.

import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type SecureContext, TLSSocket } from 'node:tls';
import { identityProblem } from './certificate.ts';
import { CodedError } from './errors.ts';
import { type ConnectStream, connectThrough, type ListenStream, listenThrough } from './stream.ts';

export interface TlsServerIdentity {
  /** Asked at each handshake, so that what was exchanged is in force for the next one. `serverName` as the client sent it (SNI). */
  contextFor(serverName: string | undefined): SecureContext | undefined;
}

/** The layer takes the raw connection over; nothing is decrypted, or counted as ready, before the handshake is done. */
export const createListenTls = (identity: TlsServerIdentity): ListenStream =>
  listenThrough({
    readyEvent: 'secure',
    over(raw) {
      const common = identity.contextFor(undefined);
      const socket = new TLSSocket(raw, {
        isServer: true,
        ...(common === undefined ? {} : { secureContext: common }),
        SNICallback: (name, done) => done(null, identity.contextFor(name)),
        requestCert: false,
      });
      // Without a tls.Server above it (which would accept, and so count, connections only after their handshake) a socket
      // tells of a broken record by this event and does nothing else about it.
      socket.on('_tlsError', (error: Error) => socket.destroy(error));
      socket.once('secure', () => {
        // A client that asks for a new handshake again and again costs us far more than itself (CVE-2011-1473).
        socket.disableRenegotiation();
      });
      return socket;
    },
  });

export interface TlsTrust {
  /** PEM of those whom we trust to vouch for others; undefined: whom the system trusts. */
  ca(): string | undefined;
  /** Whoever answers is taken: for asking whether a server is alive, where nothing is told to it. */
  readonly anybody?: boolean;
}

export const createConnectTls = (trust: TlsTrust): ConnectStream =>
  connectThrough(({ host, port }, serverName = host) => {
    const ca = trust.ca();
    return {
      socket: connect({
        host,
        port,
        minVersion: 'TLSv1.2',
        // RFC 6066 §3: "Literal IPv4 and IPv6 addresses are not permitted in "HostName"."
        ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
        ...(ca === undefined ? {} : { ca }),
        rejectUnauthorized: trust.anybody !== true,
        checkServerIdentity: (_host, { raw }) => {
          const problem = identityProblem(serverName, new X509Certificate(raw));
          return problem === undefined ? undefined : new CodedError('ERR_TLS_IDENTITY', problem);
        },
      }),
      readyEvent: 'secureConnect',
    };
  });
