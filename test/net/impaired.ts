// A UDP socket with a bad line in front: delay, jitter, loss and cuts, in a process of its own beside others on loopback.
import type { OpenDatagram } from '../../src/runtime/datagram.ts';

export interface Line {
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Share of datagrams that never leave. */
  readonly loss: number;
}

export const CLEAR_LINE: Line = { delayMs: 0, jitterMs: 0, loss: 0 };

export interface Impaired {
  readonly open: OpenDatagram;
  /** From now on nothing passes to or from these hosts. */
  cut(hosts: readonly string[]): void;
}

/** What leaves is late or lost; what comes from a host that is cut off is dropped, too, so that a cut is one at once. */
export const impaired = (real: OpenDatagram, line: Line): Impaired => {
  let away: ReadonlySet<string> = new Set();
  const open: OpenDatagram = async (bind, handlers) => {
    const port = await real(bind, {
      onMessage: (bytes, from) => {
        if (!away.has(from.host)) handlers.onMessage(bytes, from);
      },
      onError: handlers.onError,
    });
    const { delayMs, jitterMs, loss } = line;
    return {
      local: port.local,
      close: () => port.close(),
      send: (bytes, to) => {
        if (away.has(to.host) || Math.random() < loss) return;
        if (delayMs === 0 && jitterMs === 0) return port.send(bytes, to);
        // The sender may use its buffer again before this leaves.
        const copy = Uint8Array.from(bytes);
        setTimeout(() => port.send(copy, to), delayMs + jitterMs * Math.random());
      },
    };
  };
  return {
    open,
    cut: (hosts) => {
      away = new Set(hosts);
    },
  };
};
