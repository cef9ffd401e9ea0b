// The way of one request: its next hops one after the other, each with an open flow and the message as it is sent there.
import type { Clock } from '../runtime/clock.ts';
import { delay } from '../runtime/clock.ts';
import { formatEndpoint } from '../runtime/datagram.ts';
import type { Dns } from '../runtime/dns.ts';
import type { Flow, NextHop, SipSender } from '../sip/types.ts';
import { familyOf } from '../uri/hosts.ts';
import { ownDomain, type Self } from '../uri/self.ts';
import type { SipUri } from '../uri/types.ts';
import type { HopRests } from './hop-rests.ts';
import { mayReach } from './next-hop-scope.ts';
import { hearing, type NoWay, noWay } from './no-way.ts';
import { resolveHops } from './resolve.ts';

export interface WayDeps {
  readonly clock: Clock;
  readonly dns: Dns;
  readonly sender: SipSender;
  readonly self: Self;
  readonly rests: HopRests;
}

export interface WayOptions {
  readonly uri: SipUri;
  /** What chance is drawn from. */
  readonly seed: string;
  /** The address that the request came from. */
  readonly source: string;
  /** The message for the hop of this number, from 1, as it is sent by `down`. */
  readonly write: (down: Flow, attempt: number) => Uint8Array;
  /** DNS has told a hop: from now on it is connections that take time. */
  readonly onFound: () => void;
  /** Nobody waits any more for what is found. */
  readonly isOver: () => boolean;
}

/** A hop with a flow to it. */
export interface Reached {
  readonly hop: NextHop;
  readonly down: Flow;
  readonly attempt: number;
  readonly bytes: Uint8Array;
}

/** RFC 3261 §18.1.1: "if it is larger than 1300 bytes and the path MTU is unknown, the request MUST be sent using" TCP. */
const DATAGRAM_BYTES_MAX = 1300;
/**
 * §18.1.1 goes back to UDP on "a TCP reset". Behind a NAT nobody resets: a phone that TCP does not reach within this
 * time gets its fragments.
 */
const STREAM_INSTEAD_MS = 1000;
/** So long its TCP is not tried again. */
const NO_STREAM_MS = 300_000;

export class Way {
  readonly #deps: WayDeps;
  readonly #options: WayOptions;
  readonly #said: ReturnType<typeof hearing>['said'];
  readonly #hops: AsyncGenerator<NextHop>;
  // BOUNDED: the hops of one name (resolve.ts).
  readonly #resting: NextHop[] = [];
  #attempts = 0;
  // BOUNDED: the hops of one name (resolve.ts).
  readonly #tried = new Set<string>();
  #barred = false;
  #ourselves = false;

  constructor(deps: WayDeps, options: WayOptions) {
    this.#deps = deps;
    this.#options = options;
    const { dns, said } = hearing(deps.dns, options.isOver);
    this.#said = said;
    const supports = (transport: NextHop['transport'], family: 4 | 6): boolean =>
      deps.sender.advertised(transport, family) !== undefined;
    this.#hops = resolveHops(options.uri, { dns, supports, seed: options.seed });
  }

  /** The next hop that a flow leads to; undefined if there is none left. Never rejects. */
  async next(): Promise<Reached | undefined> {
    for (;;) {
      const hop = await this.#nextHop();
      if (hop === undefined || this.#options.isOver()) return undefined;
      const reached = await this.#reach(hop);
      if (reached !== undefined) return reached;
    }
  }

  /** Why there was none. */
  get problem(): NoWay {
    return noWay({
      tried: [...this.#tried],
      barred: this.#barred,
      ourselves: this.#ourselves,
      said: this.#said(),
    });
  }

  async #nextHop(): Promise<NextHop | undefined> {
    const { self, rests, clock } = this.#deps;
    for (;;) {
      const { done, value: hop } = await this.#hops.next();
      if (done === true) return this.#resting.shift();
      const { host, port } = hop;
      // Where a name leads back here, the next round would do the same.
      if (ownDomain({ scheme: 'sip', host, port, params: [] }, self) !== undefined) this.#ourselves = true;
      else if (!mayReach(this.#options.source, host)) this.#barred = true;
      else if (rests.rests(hop, clock.monoMs())) this.#resting.push(hop);
      else return hop;
    }
  }

  async #reach(hop: NextHop): Promise<Reached | undefined> {
    if (this.#tried.size === 0) this.#options.onFound();
    this.#tried.add(`${hop.transport}:${formatEndpoint(hop)}`);
    const down = await this.#deps.sender.flowTo(hop);
    if (down === undefined) return undefined;
    const attempt = this.#attempts + 1;
    this.#attempts = attempt;
    const bytes = this.#options.write(down, attempt);
    if (hop.transport !== 'udp' || bytes.length <= DATAGRAM_BYTES_MAX) return { hop, down, attempt, bytes };
    const stream = await this.#streamInstead({ ...hop, transport: 'tcp' });
    if (stream === undefined) return { hop, down, attempt, bytes };
    // §18.1.1: "the value in the top Via MUST be changed."
    return { hop: stream.hop, down: stream.flow, attempt, bytes: this.#options.write(stream.flow, attempt) };
  }

  async #streamInstead(hop: NextHop): Promise<{ readonly hop: NextHop; readonly flow: Flow } | undefined> {
    const { sender, clock, rests } = this.#deps;
    const family = familyOf(hop.host);
    if (family === undefined || sender.advertised('tcp', family) === undefined) return undefined;
    if (rests.rests(hop, clock.monoMs())) return undefined;
    const flow = await Promise.race([
      sender.flowTo(hop),
      delay(clock, STREAM_INSTEAD_MS).then(() => undefined),
    ]);
    if (flow === undefined) rests.rest(hop, NO_STREAM_MS, clock.monoMs());
    return flow === undefined ? undefined : { hop, flow };
  }
}
