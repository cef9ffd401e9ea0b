// One SIP connection over TCP: framed messages in, bytes out, closed when it is idle, slow or not SIP.
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import { fail, type Result } from '../runtime/result.ts';
import type { StreamHandlers, StreamPort } from '../runtime/stream.ts';
import { type FrameItem, StreamFramer } from './framer.ts';
import type { SipReadError } from './read-error.ts';
import type { DropReason, SipMetrics } from './sip-metrics.ts';
import type { Flow, SipMessage } from './types.ts';
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
  /** A message whose first byte came must be complete by then. */
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
  end(): void;
  destroy(): void;
}

const PONG = new Uint8Array([13, 10]);
/** How long a source that sends too much is not read from: TCP's own flow control then slows it. */
const HOLD_MS = 100;

export const createConnection = (
  deps: ConnectionDeps,
  options: ConnectionOptions,
  ends: {
    readonly stream: StreamPort;
    readonly local: Endpoint;
    readonly advertised: Endpoint;
    readonly onClosed: () => void;
  },
): Connection => {
  const { clock, metrics } = deps;
  const { stream } = ends;
  const { tap } = options;
  const framer = new StreamFramer({
    messageBytesMax: options.limits.messageBytesMax,
    wantsRaw: () => tap.on,
  });
  let tellClosed: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    tellClosed = resolve;
  });
  let lastByteMs = clock.monoMs();
  let idleTimer: Timer | undefined;
  let messageTimer: Timer | undefined;
  let holdTimer: Timer | undefined;

  let closing = false;
  const close = (reason: DropReason): void => {
    closing = true;
    metrics.dropped(reason);
    stream.destroy();
  };

  const flow: Flow = {
    transport: 'tcp',
    local: ends.local,
    advertised: ends.advertised,
    remote: stream.remote,
    get open() {
      return stream.open;
    },
    send(bytes) {
      if (tap.on) tap.sent(bytes, flow);
      if (stream.send(bytes)) return true;
      // Open, and yet no room: its peer asks and doesn't read.
      if (stream.open) close('slow-reader');
      return false;
    },
    close() {
      closing = true;
      stream.destroy();
    },
  };

  const armIdle = (delayMs: number): void => {
    // One timer, looked at when it fires: a busy connection doesn't set one for each segment.
    idleTimer = clock.setTimer(delayMs, () => {
      const leftMs = lastByteMs + options.limits.idleMs - clock.monoMs();
      if (leftMs > 0) armIdle(leftMs);
      else close('idle');
    });
  };

  const armMessage = (completed: boolean): void => {
    if (completed || !framer.partial) {
      messageTimer?.cancel();
      messageTimer = undefined;
    }
    if (framer.partial && holdTimer === undefined)
      messageTimer ??= clock.setTimer(options.messageMs, () => close('slow-sender'));
  };

  const take = (item: FrameItem): void => {
    if (item.kind === 'message') {
      if (item.raw !== undefined) tap.received(item.raw, flow);
      options.onMessage(item.read, flow);
    }
    // RFC 5626 §3.5.1: "the server … MUST immediately respond with a pong", a single CRLF.
    else if (item.kind === 'ping') flow.send(PONG);
    else {
      options.onMessage(fail(item.error), flow);
      metrics.dropped('stream-garbage');
      // What the answer says still goes out, then the connection is closed from our side.
      stream.end();
    }
  };

  /** Serves what is whole. A source over its rate is not read from for a while; the rest waits in its own buffers. */
  const serve = (): void => {
    let completed = false;
    while (stream.open && holdTimer === undefined) {
      const item = framer.next();
      if (item === undefined) break;
      completed = true;
      take(item);
      if (options.admit(stream.remote.host)) continue;
      metrics.dropped('held');
      stream.pause();
      holdTimer = clock.setTimer(HOLD_MS, () => {
        holdTimer = undefined;
        stream.resume();
        serve();
      });
    }
    armMessage(completed);
  };

  armIdle(options.limits.idleMs);
  return {
    flow,
    closed,
    handlers: {
      onBytes(bytes) {
        if (options.isBanned(stream.remote.host)) {
          close('banned');
          return;
        }
        lastByteMs = clock.monoMs();
        framer.push(bytes);
        serve();
      },
      onClose(error) {
        if (error !== undefined) metrics.dropped('socket-error');
        else if (framer.partial && !closing) metrics.dropped('truncated');
        idleTimer?.cancel();
        messageTimer?.cancel();
        holdTimer?.cancel();
        ends.onClosed();
        tellClosed();
      },
    },
    end: () => stream.end(),
    destroy: () => stream.destroy(),
  };
};
