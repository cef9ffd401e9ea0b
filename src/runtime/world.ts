// The outside world of a running server, all ports together; a test hands in another one.
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type Clock, systemClock } from './clock.ts';
import { type OpenDatagram, openDatagram } from './datagram.ts';
import { createDns, createResolveTxt, type Dns } from './dns.ts';
import { type OpenHttp, openHttp } from './http.ts';
import type { Log } from './log.ts';
import { type Random, systemRandom } from './random.ts';
import { type ConnectStream, connectStream, type ListenStream, listenStream } from './stream.ts';
import { createConnectTls, createListenTls, type TlsServerIdentity, type TlsTrust } from './tls-stream.ts';

export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly openDatagram: OpenDatagram;
  readonly listenStream: ListenStream;
  readonly connectStream: ConnectStream;
  /** TLS above TCP, with our certificates and those we trust. */
  readonly listenTls: (identity: TlsServerIdentity) => ListenStream;
  readonly connectTls: (trust: TlsTrust) => ConnectStream;
  readonly openHttp: OpenHttp;
  readonly dns: Dns;
  /** TXT records of a name; rejects with the system's code. */
  resolveTxt(name: string): Promise<readonly (readonly string[])[]>;
  /** Addresses of this machine's interfaces, for listeners on all of them. */
  localAddresses(): readonly string[];
}

const DNS_TIMEOUT_MS = 2_000;

export const systemWorld = (log: Log): World => ({
  clock: systemClock,
  random: systemRandom,
  log,
  openDatagram,
  listenStream,
  connectStream,
  listenTls: createListenTls,
  connectTls: createConnectTls,
  openHttp,
  dns: createDns({ timeoutMs: DNS_TIMEOUT_MS }),
  resolveTxt: createResolveTxt(DNS_TIMEOUT_MS),
  localAddresses: () =>
    Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)),
});

/** The addresses of a host name, for those who have one socket a family; a literal is its own. Never rejects. */
export const resolveHostWith =
  (dns: Dns) =>
  async (host: string): Promise<readonly string[]> => {
    if (isIP(host) !== 0) return [host];
    const answers = await Promise.all([dns.addresses(host, 4), dns.addresses(host, 6)]);
    return answers.flatMap((answer) => (answer.kind === 'found' ? answer.records : []));
  };
