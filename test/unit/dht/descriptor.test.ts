import { describe, expect, test } from 'vitest';
import { decodeCbor, encodeCbor } from '../../../src/dht/cbor.ts';
import { encodePeer, nodeId, peerDecoder } from '../../../src/dht/descriptor.ts';
import type { Identity } from '../../../src/record/types.ts';
import { atlanta, biloxi, OVERLAY, sampleIdentity } from '../../support/lsp-samples.ts';

const identity = sampleIdentity('atlanta.com');
const fields = {
  domain: 'atlanta.com',
  selector: 0,
  vnode: 0,
  endpoints: [{ host: '192.0.2.10', port: 7184 }],
  bootSequence: 1,
};

/** The descriptor signed over a payload in which something was changed first. */
const signedWith = (
  change: (payload: Map<number, unknown>) => void,
  signer: Identity = identity,
): Uint8Array => {
  let out = new Uint8Array();
  const tampering: Identity = {
    ...signer,
    sign(message) {
      const structure = decodeCbor(message);
      if (!structure.ok || !Array.isArray(structure.value)) throw new Error('not a Sig_structure');
      const [context, header, external, payload] = structure.value;
      const map = decodeCbor(payload);
      if (!map.ok || !(map.value instanceof Map)) throw new Error('not a payload');
      change(map.value);
      const changed = encodeCbor(map.value);
      const signature = signer.sign(encodeCbor([context, header, external, changed]));
      out = Uint8Array.from(encodeCbor([header, new Map(), changed, signature]));
      return signature;
    },
  };
  encodePeer(fields, tampering, OVERLAY);
  return out;
};

const refusal = (bytes: Uint8Array): string => {
  const decoded = peerDecoder(OVERLAY)(bytes);
  return decoded.ok ? 'accepted' : decoded.error;
};

describe('a good descriptor', () => {
  test.each([atlanta, biloxi])('of $domain comes back as it was', (peer) => {
    expect(peerDecoder(OVERLAY)(peer.encoded)).toEqual({ ok: true, value: peer });
  });

  test('is compact: an ordinary one takes at most 160 bytes, one with two families 180', () => {
    expect(atlanta.encoded.length).toBeLessThanOrEqual(160);
    expect(biloxi.encoded.length).toBeLessThanOrEqual(180);
  });

  test('with payload fields of a later version is read', () => {
    expect(refusal(signedWith((payload) => payload.set(99, ['later'])))).toBe('accepted');
  });

  test('decoded twice is the same object, and its signature was checked once', () => {
    const decode = peerDecoder(OVERLAY);
    const first = decode(atlanta.encoded);
    const second = decode(Uint8Array.from(atlanta.encoded));
    expect(first.ok && second.ok && first.value === second.value).toBe(true);
  });

  test('pushed out of the full cache is checked again', () => {
    const decode = peerDecoder(OVERLAY, { decodedMax: 1 });
    const first = decode(atlanta.encoded);
    decode(biloxi.encoded);
    const again = decode(atlanta.encoded);
    expect(first.ok && again.ok && first.value !== again.value).toBe(true);
  });
});

describe('refused', () => {
  test('in another overlay: the signature covers its id', () => {
    const decoded = peerDecoder('other')(atlanta.encoded);
    expect(decoded).toEqual({ ok: false, error: 'signature does not fit' });
  });

  test('every single flipped bit', () => {
    const accepted: number[] = [];
    for (let bit = 0; bit < atlanta.encoded.length * 8; bit += 1) {
      const bytes = Uint8Array.from(atlanta.encoded);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      if (peerDecoder(OVERLAY)(bytes).ok) accepted.push(bit);
    }
    expect(accepted).toEqual([]);
  });

  test('a descriptor of one domain under the key of another is good only for the key inside', () => {
    // The domain's word for its key is the ring's question; the signature must at least be by the key named inside.
    expect(refusal(signedWith((payload) => payload.set(4, sampleIdentity('mallory.net').publicKey)))).toBe(
      'signature does not fit',
    );
  });

  const endpoint = (host: readonly number[], port: number): Uint8Array =>
    Uint8Array.of(...host, port >> 8, port & 0xff);
  const v6 = (first: number, last: number): number[] => [first, ...new Array<number>(14).fill(0), last];
  test.each<[string, (payload: Map<number, unknown>) => void, string]>([
    ['no domain', (p) => p.delete(1), 'domain missing'],
    ['upper case', (p) => p.set(1, 'Atlanta.com'), 'domain is not'],
    ['white space in the domain', (p) => p.set(1, 'atlanta.com\n'), 'domain is not'],
    ['a domain of 254', (p) => p.set(1, 'a'.repeat(254)), 'domain is not'],
    ['selector 16', (p) => p.set(2, 16), 'selector out of range'],
    ['selector -1', (p) => p.set(2, -1), 'selector missing'],
    ['vnode 16', (p) => p.set(3, 16), 'vnode out of range'],
    ['a short key', (p) => p.set(4, new Uint8Array(31)), 'key is not'],
    ['no endpoint', (p) => p.set(5, []), 'one or two'],
    ['three endpoints', (p) => p.set(5, new Array(3).fill(endpoint([192, 0, 2, 1], 1))), 'one or two'],
    ['port 0', (p) => p.set(5, [endpoint([192, 0, 2, 1], 0)]), 'endpoint is not'],
    ['an address of five bytes', (p) => p.set(5, [endpoint([192, 0, 2], 1)]), 'endpoint is not'],
    ['0.0.0.0', (p) => p.set(5, [endpoint([0, 0, 0, 0], 1)]), 'endpoint is not'],
    ['multicast', (p) => p.set(5, [endpoint([224, 0, 0, 1], 1)]), 'endpoint is not'],
    ['broadcast', (p) => p.set(5, [endpoint([255, 255, 255, 255], 1)]), 'endpoint is not'],
    ['::', (p) => p.set(5, [endpoint(v6(0, 0), 1)]), 'endpoint is not'],
    ['IPv6 multicast', (p) => p.set(5, [endpoint(v6(0xff, 1), 1)]), 'endpoint is not'],
    ['no boot sequence', (p) => p.delete(6), 'boot sequence missing'],
    ['a boot sequence beyond 2^53', (p) => p.set(6, 2n ** 60n), 'safe integer'],
  ])('%s, though signed', (_, change, problem) => {
    expect(refusal(signedWith(change))).toContain(problem);
  });

  test.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['too long', new Uint8Array(513)],
    ['three elements', encodeCbor([new Uint8Array(), new Map(), new Uint8Array()])],
    [
      'another algorithm',
      encodeCbor([Uint8Array.of(0xa1, 1, 0x26), new Map(), new Uint8Array(), new Uint8Array(64)]),
    ],
    [
      'unsigned header fields',
      encodeCbor([Uint8Array.of(0xa1, 1, 0x27), new Map([[4, 1]]), new Uint8Array(), new Uint8Array(64)]),
    ],
    ['trailing bytes', Buffer.concat([atlanta.encoded, Buffer.of(0)])],
  ])('%s', (_, bytes) => {
    expect(refusal(bytes)).not.toBe('accepted');
  });
});

test('the id hashes overlay, domain, selector and vnode, and nothing a node can choose', () => {
  const name = { domain: 'atlanta.com', selector: 0, vnode: 0 };
  expect(atlanta.id).toBe(nodeId(OVERLAY, name));
  const ids = [
    nodeId('other', name),
    nodeId(OVERLAY, { ...name, domain: 'biloxi.com' }),
    nodeId(OVERLAY, { ...name, selector: 1 }),
    nodeId(OVERLAY, { ...name, vnode: 1 }),
  ];
  expect(new Set([atlanta.id, ...ids]).size).toBe(5);
});

test('a descriptor of our own with impossible values is a fault of ours', () => {
  expect(() => encodePeer({ ...fields, endpoints: [] }, identity, OVERLAY)).toThrow('one or two endpoints');
  expect(() =>
    encodePeer({ ...fields, endpoints: [{ host: 'ring.atlanta.com', port: 1 }] }, identity, OVERLAY),
  ).toThrow('no IP address');
});
