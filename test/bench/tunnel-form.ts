// What both forms of a lookup share (docs/sip-tunnel.md): the peers on the way, the binding found, and the two roles.
import { readFileSync } from 'node:fs';
import { encodePeer } from '../../src/dht/descriptor.ts';
import type { Peer } from '../../src/dht/types.ts';
import type { Id } from '../../src/record/id.ts';
import type { Endpoint } from '../../src/runtime/datagram.ts';
import { sampleIdentity } from '../support/lsp-samples.ts';

export const OVERLAY = 'lsp';
export const HOST = '127.0.0.1';

export const vectors: {
  readonly given: { readonly seed: string };
  readonly derived: { readonly key: string };
  readonly entries: readonly { readonly entry: string }[];
} = JSON.parse(readFileSync(new URL('../vectors/entry.json', import.meta.url), 'utf8'));
export const ENTRY = new Uint8Array(Buffer.from(vectors.entries[0]?.entry ?? '', 'hex'));

// The brand's one door here: the vectors hold 40 hex digits.
export const KEY = vectors.derived.key as Id;
export const SEED = new Uint8Array(Buffer.from(vectors.given.seed, 'hex'));

/** A member of a domain of its own at `endpoint`. */
export const peerAt = (index: number, endpoint: Endpoint): Peer => {
  const domain = `peer${index}.example`;
  const fields = { domain, selector: 0, vnode: 0, endpoints: [endpoint], bootSequence: 1_800_000_000 };
  return encodePeer(fields, sampleIdentity(domain), OVERLAY);
};

/** Peers that an answer names beside the next one of the chain. */
export const OTHERS: readonly Peer[] = Array.from({ length: 7 }, (_, index) =>
  peerAt(100 + index, { host: `192.0.2.${10 + index}`, port: 7184 }),
);

/** UDP payload that went over the asker's sockets, both ways. */
export interface Traffic {
  datagrams: number;
  bytes: number;
}

export interface Asked {
  readonly ports: readonly number[];
  /** What is kept of requests that were answered. */
  held(): number;
  stop(): Promise<void>;
}

export interface Asker {
  readonly traffic: Traffic;
  /** One lookup: asks `ports` one after the other, each naming the next, and the last has the binding. */
  lookup(ports: readonly number[]): Promise<void>;
  held(): number;
  stop(): Promise<void>;
}
