// A forwarded port, as a NAT's or a relay's: what comes to the public address is passed in from a socket per sender, and
// answered from the public address. What the member behind it sends of its own accord leaves from its own address.
import {
  type DatagramPort,
  type Endpoint,
  formatEndpoint,
  type OpenDatagram,
} from '../../src/runtime/datagram.ts';

const SENDERS_MAX = 1000;

export interface Forwarder {
  readonly public: Endpoint;
  /** Datagrams passed in. */
  passed(): number;
  close(): Promise<void>;
}

export const createForwarder = async (
  open: OpenDatagram,
  ends: { readonly public: Endpoint; readonly target: Endpoint; readonly innerHost: string },
): Promise<Forwarder> => {
  // BOUNDED: SENDERS_MAX; who comes after that is not passed in.
  const inner = new Map<string, Promise<DatagramPort>>();
  let passed = 0;
  const outer = await open(ends.public, {
    onMessage: (bytes, from) => {
      const sender = formatEndpoint(from);
      const copy = Uint8Array.from(bytes);
      if (!inner.has(sender) && inner.size < SENDERS_MAX) {
        const port = open(
          { host: ends.innerHost, port: 0 },
          {
            onMessage: (answer) => outer.send(Uint8Array.from(answer), from),
            onError: () => undefined,
          },
        );
        inner.set(sender, port);
      }
      passed += 1;
      void inner.get(sender)?.then((port) => port.send(copy, ends.target));
    },
    onError: () => undefined,
  });
  return {
    public: outer.local,
    passed: () => passed,
    close: async () => {
      await outer.close();
      for (const port of inner.values()) await (await port).close();
    },
  };
};
