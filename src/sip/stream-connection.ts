// One SIP connection, over whatever stream and framing: messages in, bytes out, closed when it is idle, slow or not SIP.
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import { fail, type Result } from '../runtime/result.ts';
import type { StreamHandlers, StreamPort } from '../runtime/stream.ts';
import type { FrameItem, Framing } from './framing.ts';
import type { SipReadError } from './read-error.ts';
import type { DropReason, SipMetrics } from './sip-metrics.ts';
import type { Flow, SipMessage, StreamTransportName } from './types.ts';
import type { WireTap } from './wire-tap.ts';

export interface ConnectionDeps {
  readonly clock: Clock;
  readonly metrics: SipMetrics;
}

export interface ConnectionOptions {
  readonly limits: {
    readonly messageBytesMax: number;
    /** Without a byte for so long the connection is closed. */
    readonly idleMs: number;
  };
  /** A message whose first byte came must be complete by then, and a handshake done. */
  readonly messageMs: number;
  /** Nothing of such a source is looked at: its connection is closed. */
  readonly isBanned: (host: string) => boolean;
  /** May this source have one more message served now? If not, its bytes wait for a while. */
  readonly admit: (host: string) => boolean;
  /** One whole message, read. */
  readonly onMessage: (read: Result<SipMessage, SipReadError>, flow: Flow) => void;
  readonly tap: WireTap;
}

export interface Connection {
  readonly flow: Flow;
  readonly handlers: StreamHandlers;
  /** Resolves once the connection is gone. */
  readonly closed: Promise<void>;
  /** Sends what is buffered, then closes. */
  end(): void;
  destroy(): void;
}

export interface ConnectionEnds {
  readonly transport: StreamTransportName;
  readonly stream: StreamPort;
  readonly framing: Framing;
  readonly local: Endpoint;
  readonly advertised: Endpoint;
  /** We opened it, for something to send. */
  readonly dialled: boolean;
  /** Once, when handshakes are done and something was said, as far as that is waited for; before `onClosed`, if at all. */
  readonly onGrown: () => void;
  readonly onClosed: () => void;
}

const PONG = new Uint8Array([13, 10]);
/** How long a source that sends too much is not read from: TCP's own flow control then slows it. */
const HOLD_MS = 100;
/** A peer silent for a quarter of the idle time, or half a minute, is asked: proxies before a WebSocket close it after one. */
const PROBE_MS_MAX = 30_000;

export const createConnection = (
  deps: ConnectionDeps,
  options: ConnectionOptions,
  ends: ConnectionEnds,
): Connection => {
  const { clock, metrics } = deps;
  const { stream, framing } = ends;
  const { tap } = options;
  let tellClosed: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    tellClosed = resolve;
  });
  let lastByteMs = clock.monoMs();
  let established = false;
  // Whoever opens a connection does it to say something, and the places are few. A page in a browser may register later.
  let spoken = ends.dialled || ends.transport === 'ws' || ends.transport === 'wss';
  let idleTimer: Timer | undefined;
  let messageTimer: Timer | undefined;
  let holdTimer: Timer | undefined;
  /** Read, and not served before its source is within its rate again. */
  let held: FrameItem | undefined;

  let closing = false;
  const close = (reason: DropReason): void => {
    closing = true;
    metrics.dropped(reason);
    stream.destroy();
  };

  const put = (bytes: Uint8Array): boolean => {
    if (stream.send(bytes)) return true;
    // Open, and yet no room: its peer asks and doesn't read.
    if (stream.open) close('slow-reader');
    return false;
  };

  const flow: Flow = {
    transport: ends.transport,
    local: ends.local,
    advertised: ends.advertised,
    remote: stream.remote,
    get open() {
      return stream.open && established;
    },
    send(bytes) {
      if (tap.on) tap.sent(bytes, flow);
      return put(framing.wrap(bytes));
    },
    close() {
      closing = true;
      stream.destroy();
    },
  };

  const probeAfterMs = (): number => Math.min(PROBE_MS_MAX, options.limits.idleMs / 4);

  const armIdle = (delayMs: number): void => {
    // One timer, looked at when it fires: a busy connection doesn't set one for each segment.
    idleTimer = clock.setTimer(delayMs, () => {
      const silentMs = clock.monoMs() - lastByteMs;
      const { idleMs } = options.limits;
      if (silentMs >= idleMs) return close('idle');
      const probeMs = probeAfterMs();
      if (framing.probe === undefined || !established) return armIdle(idleMs - silentMs);
      if (silentMs >= probeMs) put(framing.probe);
      armIdle(Math.min(silentMs >= probeMs ? probeMs : probeMs - silentMs, idleMs - silentMs));
    });
  };

  /** What is buffered goes out and the connection is closed, whether or not its peer takes part in that. */
  const finish = (): void => {
    closing = true;
    stream.end();
    messageTimer?.cancel();
    messageTimer = clock.setTimer(options.messageMs, () => stream.destroy());
  };

  /** One thing at a time must be complete in time: the handshake, the first message, then each that has begun. */
  const armMessage = (completed: boolean): void => {
    if (closing) return;
    const waits = !established || !spoken || framing.partial;
    if (completed || !waits) {
      messageTimer?.cancel();
      messageTimer = undefined;
    }
    if (waits && holdTimer === undefined)
      messageTimer ??= clock.setTimer(options.messageMs, () => close('slow-sender'));
  };

  const establish = (): boolean => {
    if (established || !stream.ready || !framing.established) return false;
    established = true;
    if (spoken) ends.onGrown();
    return true;
  };

  const take = (item: FrameItem): void => {
    switch (item.kind) {
      case 'message':
        if (item.raw !== undefined) tap.received(item.raw, flow);
        options.onMessage(item.read, flow);
        return;
      // RFC 5626 §3.5.1: "the server … MUST immediately respond with a pong", a single CRLF.
      case 'ping':
        put(framing.wrap(PONG));
        return;
      case 'control':
        put(item.bytes);
        return;
      case 'end':
        if (item.fault) metrics.dropped('stream-garbage');
        put(item.bytes);
        finish();
        return;
      case 'nothing':
        return;
      case 'broken':
        options.onMessage(fail(item.error), flow);
        metrics.dropped('stream-garbage');
        finish();
    }
  };

  /** A source over its rate is not read from for a while; what it sends waits in its own buffers. */
  const hold = (): void => {
    metrics.dropped('held');
    stream.pause();
    // That what comes after it is late is our doing.
    messageTimer?.cancel();
    messageTimer = undefined;
    holdTimer = clock.setTimer(HOLD_MS, () => {
      holdTimer = undefined;
      stream.resume();
      serve();
    });
  };

  /** Serves what is whole, as far as its source may have it served. */
  const serve = (): void => {
    let completed = false;
    while (stream.open && holdTimer === undefined) {
      held ??= framing.next();
      if (held === undefined) break;
      if (!options.admit(stream.remote.host)) {
        hold();
        break;
      }
      const item = held;
      held = undefined;
      // Before the item is served: an answer to the first message goes out by a connection that counts as open.
      const first = establish();
      const says = item.kind !== 'control' && item.kind !== 'nothing';
      if (!spoken && says) {
        spoken = true;
        ends.onGrown();
      }
      // A pong between the parts of a message buys no time for the message.
      completed ||= first || says;
      take(item);
    }
    armMessage(completed);
  };

  establish();
  armIdle(framing.probe === undefined ? options.limits.idleMs : probeAfterMs());
  armMessage(false);
  return {
    flow,
    closed,
    handlers: {
      onReady() {
        lastByteMs = clock.monoMs();
        armMessage(establish());
      },
      onBytes(bytes) {
        if (closing) return;
        if (options.isBanned(stream.remote.host)) return close('banned');
        lastByteMs = clock.monoMs();
        framing.push(bytes);
        serve();
      },
      onClose(error) {
        if (!stream.ready && !closing) metrics.dropped('handshake');
        else if (error !== undefined) metrics.dropped('socket-error');
        else if (framing.partial && !closing) metrics.dropped('truncated');
        idleTimer?.cancel();
        messageTimer?.cancel();
        holdTimer?.cancel();
        ends.onClosed();
        tellClosed();
      },
    },
    end() {
      closing = true;
      if (established && framing.farewell !== undefined) put(framing.farewell);
      stream.end();
    },
    destroy: () => stream.destroy(),
  };
};
