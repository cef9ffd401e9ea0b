// The sockets as the forwarder sees them: a flow to a next hop, over a listener or a connection opened for it.
import { BoundedMap } from '../runtime/bounded-map.ts';
import type { Clock } from '../runtime/clock.ts';
import { jittered, type Random } from '../runtime/random.ts';
import { familyOf } from '../uri/hosts.ts';
import type { TcpTransport } from './tcp-transport.ts';
import type { BoundListener, Flow, NextHop, SipSender, Transport } from './types.ts';
import type { UdpTransport } from './udp-transport.ts';

export interface SenderDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly udp: Pick<UdpTransport, 'flowTo' | 'listeners'>;
  readonly tcp: Pick<TcpTransport, 'flowWith' | 'connect' | 'listeners'>;
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

export const createSender = (deps: SenderDeps, options: SenderOptions): SipSender => {
  const { clock, random, udp, tcp } = deps;
  // BOUNDED: `connectingMax`; each leaves when its attempt ends, `connectMs` at the latest.
  const connecting = new Map<string, Promise<Flow | undefined>>();
  // BOUNDED: FAILED_MAX; until when (monotonic) a target is left alone.
  const failed = new BoundedMap<string, number>(FAILED_MAX);

  const open = async (hop: NextHop, key: string): Promise<Flow | undefined> => {
    const abort = new AbortController();
    const timer = clock.setTimer(options.connectMs, () => abort.abort());
    try {
      const flow = await tcp.connect(hop, abort.signal);
      failed.delete(key);
      return flow;
    } catch {
      // Refused, unreachable or too slow: all the forwarder needs to know is that there is no way, for a while.
      failed.set(key, clock.monoMs() + jittered(random, options.backoffMs));
      return undefined;
    } finally {
      timer.cancel();
      connecting.delete(key);
    }
  };

  const overTcp = async (hop: NextHop): Promise<Flow | undefined> => {
    const known = tcp.flowWith(hop);
    if (known !== undefined) return known;
    const key = `${hop.host} ${hop.port}`;
    const running = connecting.get(key);
    if (running !== undefined) return running;
    if ((failed.get(key) ?? 0) > clock.monoMs() || connecting.size >= options.connectingMax) return undefined;
    const attempt = open(hop, key);
    connecting.set(key, attempt);
    return attempt;
  };

  const listenersOf = (transport: Transport): readonly BoundListener[] =>
    transport === 'udp' ? udp.listeners : transport === 'tcp' ? tcp.listeners : [];

  return {
    async flowTo(hop) {
      if (familyOf(hop.host) === undefined || hop.port < 1 || hop.port > 65535) return undefined;
      if (hop.transport === 'udp') return udp.flowTo(hop, hop.local);
      return hop.transport === 'tcp' ? overTcp(hop) : undefined;
    },
    advertised: (transport, family) =>
      listenersOf(transport).find((one) => familyOf(one.bound.host) === family)?.advertised,
  };
};
