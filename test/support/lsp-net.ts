// LspRpc endpoints and bare sockets on a simulated network.
import { type Frame, overlayTag, readFrame, TRANSACTION_BYTES, writeFrame } from '../../src/dht/frame.ts';
import { LspRpc, type LspRpcOptions } from '../../src/dht/rpc.ts';
import type { KnownPeer } from '../../src/dht/speaker.ts';
import type { RequestHandler } from '../../src/dht/types.ts';
import type { Identity } from '../../src/record/types.ts';
import type { Endpoint } from '../../src/runtime/datagram.ts';
import { type Log, silentLog } from '../../src/runtime/log.ts';
import { MetricsRegistry } from '../../src/runtime/metrics.ts';
import type { SimWorld } from '../../src/sim/sim-world.ts';
import { OVERLAY, sampleIdentity } from './lsp-samples.ts';

export const PORT = 7184;

export interface LspNode {
  readonly rpc: LspRpc;
  readonly at: Endpoint;
  readonly metrics: MetricsRegistry;
  /** Faults of ours that were logged. */
  readonly faults: readonly string[];
  /** The value of a counter's series, e.g. `chordial_lsp_dropped_total{reason="rate"}`. */
  count(series: string): number;
}

export const lspNode = async (
  world: SimWorld,
  host: string,
  more: {
    handler?: RequestHandler;
    identity?: Identity;
    anonymous?: boolean;
    options?: Partial<LspRpcOptions>;
    overlayId?: string;
    known?: KnownPeer;
  } = {},
): Promise<LspNode> => {
  const process = world.boot(host);
  const metrics = new MetricsRegistry();
  const faults: string[] = [];
  const log: Log = { ...silentLog, error: (fields) => faults.push(String(fields['err'])) };
  const rpc = new LspRpc(
    {
      openDatagram: process.openDatagram,
      clock: process.clock,
      random: process.random,
      ...(more.anonymous === true ? {} : { identity: more.identity ?? sampleIdentity('atlanta.com') }),
      handler: more.handler ?? (async () => ({ type: 'pong' })),
      known: more.known,
      sizeEstimate: () => 3,
      log,
      metrics,
    },
    { bind: { host, port: PORT }, overlayId: more.overlayId ?? OVERLAY, ...more.options },
  );
  await rpc.start();
  const count = (series: string): number => {
    const line = metrics
      .text()
      .split('\n')
      .find((one) => one.startsWith(`${series} `));
    return line === undefined ? 0 : Number(line.slice(series.length + 1));
  };
  return { rpc, at: rpc.local, metrics, faults, count };
};

/** A bare socket: sends what it likes and keeps what it gets. */
export interface Stranger {
  readonly at: Endpoint;
  readonly got: { readonly bytes: Uint8Array; readonly from: Endpoint }[];
  send(bytes: Uint8Array, to: Endpoint): void;
  /** The frames it got that could be read. */
  frames(): readonly Frame[];
}

export const stranger = async (world: SimWorld, host: string): Promise<Stranger> => {
  const got: { bytes: Uint8Array; from: Endpoint }[] = [];
  const port = await world.boot(host).openDatagram(
    { host, port: PORT },
    {
      onMessage: (bytes, from) => got.push({ bytes, from }),
      onError: () => undefined,
    },
  );
  return {
    at: port.local,
    got,
    send: (bytes, to) => port.send(bytes, to),
    frames: () =>
      got.flatMap(({ bytes }) => {
        const reading = readFrame(bytes);
        return reading.ok ? [reading.frame] : [];
      }),
  };
};

/** A request frame as a stranger writes it by hand. */
export const requestFrame = (chunk: Uint8Array, more: Partial<Frame> = {}, padTo = 0): Uint8Array =>
  writeFrame(
    {
      kind: 'plain',
      answer: false,
      signed: false,
      bitmap: false,
      overlayTag: overlayTag(OVERLAY),
      transaction: new Uint8Array(TRANSACTION_BYTES).fill(5),
      part: 0,
      partCount: 1,
      cookie: undefined,
      chunk,
      ...more,
    },
    padTo,
  );
