// SIP traces that an operator switched on: messages of one address of record or one source, as pcap, credentials cut.
import { isIP } from 'node:net';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { cutCredentials } from './cut-credentials.ts';
import { pcapHeader, pcapRecord } from './pcap.ts';
import { readMessage } from './reader.ts';
import type { Flow } from './types.ts';
import type { WireTap } from './wire-tap.ts';

export type TraceFilter =
  /** `name`: as `nameOf` writes it. In From, To or Request-URI. */
  | { readonly kind: 'aor'; readonly name: string }
  | { readonly kind: 'source'; readonly holds: (host: string) => boolean };

/** Where a trace goes. */
export interface TraceSink {
  /** False if there is no room: the reader is too slow. */
  write(bytes: Uint8Array): boolean;
  end(): void;
}

export interface TraceOptions {
  readonly filter: TraceFilter;
  /** For the log: the filter in words. */
  readonly what: string;
  readonly seconds: number;
  readonly bytesMax: number;
  readonly sink: TraceSink;
}

export interface SipTracesDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** The canonical address of record that a URI stands for, ours or not; undefined for what is none. */
  readonly nameOf: (uri: string) => string | undefined;
}

interface Running extends TraceOptions {
  timer: Timer | undefined;
  bytes: number;
  messages: number;
  lost: number;
}

/** Each message is read once more for them, and an operator looks at one thing at a time. */
const TRACES_MAX = 4;
/** Keep-alives and their answers are no messages. */
const MESSAGE_BYTES_MIN = 5;

/** `host` if a packet of `family` may bear it, else the address that says nothing: a wildcard listener, a name. */
const addressFor = (family: number, { host, port }: Endpoint, or: Endpoint): Endpoint => {
  const wild = host === '0.0.0.0' || host === '::';
  const shown = wild ? or.host : host;
  const fits = isIP(shown.split('%', 1)[0] ?? '') === family;
  return { host: fits ? shown : family === 4 ? '0.0.0.0' : '::', port };
};

export class SipTraces implements WireTap {
  readonly #deps: SipTracesDeps;
  // BOUNDED: TRACES_MAX, held in `start`; each leaves after its seconds.
  readonly #running = new Set<Running>();

  constructor(deps: SipTracesDeps) {
    this.#deps = deps;
  }

  get on(): boolean {
    return this.#running.size > 0;
  }

  get full(): boolean {
    return this.#running.size >= TRACES_MAX;
  }

  /** Begins to write; undefined if too many run. The function ends it early. */
  start(options: TraceOptions): (() => void) | undefined {
    if (this.full) return undefined;
    const trace: Running = { ...options, timer: undefined, bytes: 0, messages: 0, lost: 0 };
    this.#running.add(trace);
    trace.timer = this.#deps.clock.setTimer(options.seconds * 1000, () => this.#end(trace));
    this.#deps.log.info({ what: options.what, seconds: options.seconds }, 'SIP trace on');
    trace.sink.write(pcapHeader());
    return () => this.#end(trace);
  }

  /** Ends all. */
  stop(): void {
    for (const trace of [...this.#running]) this.#end(trace);
  }

  received(bytes: Uint8Array, flow: Flow): void {
    this.#message(bytes, flow, false);
  }

  sent(bytes: Uint8Array, flow: Flow): void {
    this.#message(bytes, flow, true);
  }

  /** Called in the middle of sending and receiving: a fault in here must not become one there. */
  #message(bytes: Uint8Array, flow: Flow, outward: boolean): void {
    if (bytes.length < MESSAGE_BYTES_MIN) return;
    try {
      const names = this.#needsNames() ? this.#namesIn(bytes) : [];
      const { remote } = flow;
      let record: Uint8Array | undefined;
      for (const trace of [...this.#running]) {
        const { filter } = trace;
        if (filter.kind === 'aor' ? !names.includes(filter.name) : !filter.holds(remote.host)) continue;
        record ??= this.#record(bytes, flow, outward);
        this.#write(trace, record);
      }
    } catch (error) {
      this.#deps.log.error({ err: messageOf(error) }, 'a SIP trace failed');
      this.stop();
    }
  }

  #record(bytes: Uint8Array, { local, advertised, remote }: Flow, outward: boolean): Uint8Array {
    const family = remote.host.includes(':') ? 6 : 4;
    const ours = addressFor(family, local, advertised);
    return pcapRecord({
      wallMs: this.#deps.clock.wallMs(),
      from: outward ? ours : remote,
      to: outward ? remote : ours,
      payload: cutCredentials(bytes),
    });
  }

  #write(trace: Running, record: Uint8Array): void {
    if (trace.bytes + record.length > trace.bytesMax) {
      this.#end(trace);
      return;
    }
    if (trace.sink.write(record)) {
      trace.bytes += record.length;
      trace.messages += 1;
    } else trace.lost += 1;
  }

  #needsNames(): boolean {
    for (const { filter } of this.#running) if (filter.kind === 'aor') return true;
    return false;
  }

  #namesIn(bytes: Uint8Array): readonly string[] {
    const read = readMessage(bytes);
    const message = read.ok ? read.value : read.error.request;
    if (message === undefined) return [];
    const uris = [message.from.uri, message.to.uri, ...(message.kind === 'request' ? [message.uri] : [])];
    return uris.flatMap((uri) => this.#deps.nameOf(uri) ?? []);
  }

  #end(trace: Running): void {
    if (!this.#running.delete(trace)) return;
    trace.timer?.cancel();
    const { what, messages, lost, bytes } = trace;
    this.#deps.log.info({ what, messages, lost, bytes }, 'SIP trace off');
    trace.sink.end();
  }
}
