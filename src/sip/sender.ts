// The sockets as the forwarder sees them: a flow to a next hop, over a listener or a connection opened for it.
import { BoundedMap } from '../runtime/bounded-map.ts';
import type { Clock } from '../runtime/clock.ts';
import { formatEndpoint } from '../runtime/datagram.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { jittered, type Random } from '../runtime/random.ts';
import { familyOf } from '../uri/hosts.ts';
import type { StreamTransport } from './stream-transport.ts';
import type { Flow, NextHop, SipSender, StreamTransportName } from './types.ts';
import type { UdpTransport } from './udp-transport.ts';

export interface SenderDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly udp: Pick<UdpTransport, 'flowTo' | 'listeners'>;
  readonly streams: Pick<StreamTransport, 'flowWith' | 'connect' | 'listeners'>;
}

export interface SenderOptions {
  /** A connection that isn't up by then is given up. */
  readonly connectMs: number;
  /** Connections being opened at once. */
  readonly connectingMax: number;
  /** A target that could not be reached is left alone for about so long. */
  readonly backoffMs: number;
}

const FAILED_MAX = 1024;
/** What a certificate says of itself is cut. */
const WHY_CHARS_MAX = 256;

export const createSender = (deps: SenderDeps, options: SenderOptions): SipSender => {
  const { clock, random, log, udp, streams } = deps;
  // BOUNDED: `connectingMax`; each leaves when its attempt ends, `connectMs` at the latest.
  const connecting = new Map<string, Promise<Flow | undefined>>();
  // BOUNDED: FAILED_MAX; until when (monotonic) a target is left alone.
  const failed = new BoundedMap<string, number>(FAILED_MAX);

  const open = async (
    hop: NextHop,
    transport: StreamTransportName,
    key: string,
  ): Promise<Flow | undefined> => {
    const abort = new AbortController();
    const timer = clock.setTimer(options.connectMs, () => abort.abort());
    try {
      const flow = await streams.connect(hop, transport, abort.signal);
      failed.delete(key);
      return flow;
    } catch (error) {
      // Refused, unreachable, too slow or not who it should be: all the forwarder needs to know is that there is no way, for
      // a while. An operator needs to know which; told once in that while.
      const why = abort.signal.aborted ? 'too slow' : messageOf(error).slice(0, WHY_CHARS_MAX);
      log.info({ to: `${transport}:${formatEndpoint(hop)}`, why }, 'no connection');
      failed.set(key, clock.monoMs() + jittered(random, options.backoffMs));
      return undefined;
    } finally {
      timer.cancel();
      connecting.delete(key);
    }
  };

  const overStream = async (hop: NextHop, transport: StreamTransportName): Promise<Flow | undefined> => {
    const known = streams.flowWith(hop, transport);
    if (known !== undefined) return known;
    const key = `${transport} ${hop.host} ${hop.port} ${hop.serverName ?? ''}`;
    const running = connecting.get(key);
    if (running !== undefined) return running;
    if ((failed.get(key) ?? 0) > clock.monoMs() || connecting.size >= options.connectingMax) return undefined;
    const attempt = open(hop, transport, key);
    connecting.set(key, attempt);
    return attempt;
  };

  return {
    async flowTo(hop) {
      if (familyOf(hop.host) === undefined || hop.port < 1 || hop.port > 65535) return undefined;
      return hop.transport === 'udp' ? udp.flowTo(hop, hop.local) : overStream(hop, hop.transport);
    },
    advertised: (transport, family) =>
      [...udp.listeners, ...streams.listeners].find(
        (one) => one.transport === transport && familyOf(one.bound.host) === family,
      )?.advertised,
  };
};
