// The simulated network: datagrams between hosts with delay, jitter, loss, duplication, reordering, cuts and partitions.
import {
  type DatagramHandlers,
  type DatagramPort,
  type Endpoint,
  formatEndpoint,
} from '../runtime/datagram.ts';
import type { SimClock, SimTime } from './sim-clock.ts';
import type { SimRandom } from './sim-random.ts';

/** How one direction of one link behaves. Probabilities are per datagram. */
export interface LinkOptions {
  readonly delayMs: number;
  /** Added uniformly, 0 to this. */
  readonly jitterMs: number;
  readonly loss: number;
  readonly duplicate: number;
  /** With this probability a datagram is held back by up to ten times the jitter. */
  readonly reorder: number;
  /** What is larger does not arrive. */
  readonly mtuBytes: number;
}

/** A datagram on its way, as a tap sees it. */
export interface Packet {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly bytes: Uint8Array;
}

export interface NetworkCounts {
  readonly sent: number;
  readonly delivered: number;
  readonly lost: number;
  readonly oversize: number;
  readonly bytes: number;
}

// LSP's datagram limit: so that nobody comes to rely on fragments.
const LOCAL_LINK: LinkOptions = {
  delayMs: 1,
  jitterMs: 1,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  mtuBytes: 1200,
};

interface Socket {
  readonly handlers: DatagramHandlers;
  readonly clock: SimClock;
}

export class SimNetwork {
  readonly #time: SimTime;
  readonly #random: SimRandom;
  readonly #trace: (packet: Packet) => void;
  #link: LinkOptions;
  // BOUNDED: all of these by the hosts and sockets the simulation's author makes.
  readonly #links = new Map<string, Partial<LinkOptions>>();
  readonly #clogs = new Map<string, number>();
  readonly #cuts = new Set<string>();
  readonly #groups = new Map<string, number>();
  readonly #sockets = new Map<string, Socket>();
  readonly #nextPort = new Map<string, number>();
  #filter: ((packet: Packet) => boolean) | undefined;
  #tap: ((packet: Packet) => void) | undefined;
  #counts = { sent: 0, delivered: 0, lost: 0, oversize: 0, bytes: 0 };

  constructor(
    deps: { time: SimTime; random: SimRandom; trace: (packet: Packet) => void },
    link: Partial<LinkOptions> = {},
  ) {
    this.#time = deps.time;
    this.#random = deps.random;
    this.#trace = deps.trace;
    this.#link = { ...LOCAL_LINK, ...link };
  }

  get counts(): NetworkCounts {
    return { ...this.#counts };
  }

  /** Changes what every link without options of its own does. */
  setDefaultLink(options: Partial<LinkOptions>): void {
    this.#link = { ...this.#link, ...options };
  }

  /** One direction of one link, between host addresses. */
  setLink(fromHost: string, toHost: string, options: Partial<LinkOptions>): void {
    this.#links.set(`${fromHost}>${toHost}`, options);
  }

  /** Nothing passes from one host to another; the other direction is a cut of its own. */
  cut(fromHost: string, toHost: string): void {
    this.#cuts.add(`${fromHost}>${toHost}`);
  }

  mend(fromHost: string, toHost: string): void {
    this.#cuts.delete(`${fromHost}>${toHost}`);
  }

  /** A host's links stall: what goes to it or from it until then arrives in one burst after. Longer of two counts. */
  clog(host: string, forMs: number): void {
    this.#clogs.set(host, Math.max(this.#clogs.get(host) ?? 0, this.#time.nowMs() + forMs));
  }

  /** Only hosts of the same group reach each other; hosts that are in none form one of their own. */
  partition(...groups: readonly (readonly string[])[]): void {
    this.#groups.clear();
    groups.forEach((hosts, index) => {
      for (const host of hosts) this.#groups.set(host, index);
    });
  }

  /** Ends every partition, cut and clog, and what was set for single links. */
  heal(): void {
    this.#groups.clear();
    this.#cuts.clear();
    this.#clogs.clear();
    this.#links.clear();
  }

  /** `keep` sees every datagram as it is sent and drops it by returning false; undefined ends that. */
  setFilter(keep: ((packet: Packet) => boolean) | undefined): void {
    this.#filter = keep;
  }

  /** Sees every datagram as it is sent, whatever becomes of it. */
  setTap(tap: ((packet: Packet) => void) | undefined): void {
    this.#tap = tap;
  }

  open(bind: Endpoint, handlers: DatagramHandlers, clock: SimClock): DatagramPort {
    const port = bind.port === 0 ? this.#freePort(bind.host) : bind.port;
    const local: Endpoint = { host: bind.host, port };
    const name = formatEndpoint(local);
    const holder = this.#sockets.get(name);
    if (holder !== undefined && !holder.clock.dead) throw new Error(`bind EADDRINUSE ${name}`);
    const socket: Socket = { handlers, clock };
    this.#sockets.set(name, socket);
    return {
      local,
      send: (bytes, to) => {
        if (!clock.dead && this.#sockets.get(name) === socket) this.#send({ from: local, to, bytes });
      },
      close: async () => {
        if (this.#sockets.get(name) === socket) this.#sockets.delete(name);
      },
    };
  }

  #freePort(host: string): number {
    const port = this.#nextPort.get(host) ?? 40_000;
    this.#nextPort.set(host, port + 1);
    return port;
  }

  #send(packet: Packet): void {
    this.#counts.sent += 1;
    this.#counts.bytes += packet.bytes.length;
    this.#trace(packet);
    this.#tap?.(packet);
    const { from, to } = packet;
    const link = this.#linkOf(from.host, to.host);
    if (packet.bytes.length > link.mtuBytes) {
      this.#counts.oversize += 1;
      return;
    }
    if (this.#filter !== undefined && !this.#filter(packet)) return;
    // The same draws whatever happens to the datagram: a cut elsewhere does not reshuffle this link's luck.
    const random = this.#random;
    const lost = random.float();
    const doubled = random.float();
    const held = random.float();
    const jitter = random.float();
    const hold = random.float();
    if (this.#severed(from.host, to.host) || lost < link.loss) {
      this.#counts.lost += 1;
      return;
    }
    // The sender may reuse its buffer.
    const bytes = packet.bytes.slice();
    const stalledMs = this.#clogs.size === 0 ? 0 : this.#stalledMs(from.host, to.host);
    const delayMs =
      stalledMs +
      link.delayMs +
      jitter * link.jitterMs +
      (held < link.reorder ? hold * 10 * link.jitterMs : 0);
    this.#deliver({ from, to, bytes }, delayMs);
    if (doubled < link.duplicate) this.#deliver({ from, to, bytes }, delayMs + hold * link.jitterMs);
  }

  #linkOf(fromHost: string, toHost: string): LinkOptions {
    if (this.#links.size === 0) return this.#link;
    const own = this.#links.get(`${fromHost}>${toHost}`);
    return own === undefined ? this.#link : { ...this.#link, ...own };
  }

  #stalledMs(fromHost: string, toHost: string): number {
    const untilMs = Math.max(this.#clogs.get(fromHost) ?? 0, this.#clogs.get(toHost) ?? 0);
    return Math.max(0, untilMs - this.#time.nowMs());
  }

  #severed(fromHost: string, toHost: string): boolean {
    if (fromHost === toHost) return false;
    if (this.#cuts.size > 0 && this.#cuts.has(`${fromHost}>${toHost}`)) return true;
    return this.#groups.size > 0 && this.#groups.get(fromHost) !== this.#groups.get(toHost);
  }

  #deliver(packet: Packet, delayMs: number): void {
    this.#time.queue.push(this.#time.nowMs() + delayMs, () => {
      const socket = this.#sockets.get(formatEndpoint(packet.to));
      if (socket === undefined) return;
      // Through the receiver's clock: a paused process reads its socket when it runs again.
      socket.clock.runOrHold(() => {
        this.#counts.delivered += 1;
        socket.handlers.onMessage(packet.bytes, packet.from);
      });
    });
  }
}
