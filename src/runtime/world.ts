// The outside world of a running server, all ports together; a test hands in another one.
import { type Clock, systemClock } from './clock.ts';
import { type OpenDatagram, openDatagram } from './datagram.ts';
import { createDns, type Dns } from './dns.ts';
import { type OpenHttp, openHttp } from './http.ts';
import type { Log } from './log.ts';
import { type Random, systemRandom } from './random.ts';
import { type ConnectStream, connectStream, type ListenStream, listenStream } from './stream.ts';

export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly openDatagram: OpenDatagram;
  readonly listenStream: ListenStream;
  readonly connectStream: ConnectStream;
  readonly openHttp: OpenHttp;
  readonly dns: Dns;
}

const DNS_TIMEOUT_MS = 2_000;

export const systemWorld = (log: Log): World => ({
  clock: systemClock,
  random: systemRandom,
  log,
  openDatagram,
  listenStream,
  connectStream,
  openHttp,
  dns: createDns(DNS_TIMEOUT_MS),
});
