// docs/lsp.md by its vectors: what a stranger's implementation must reproduce, read here from the file alone.
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { encodeCbor } from '../../../src/dht/cbor.ts';
import { encodePeer, peerDecoder } from '../../../src/dht/descriptor.ts';
import { type Frame, overlayTag, readFrame, writeFrame } from '../../../src/dht/frame.ts';
import { messageCodec } from '../../../src/dht/messages.ts';
import type { Answer, Peer, Request } from '../../../src/dht/types.ts';
import { identityFromSeed } from '../../../src/record/identity.ts';
import { buildExchanges } from '../../support/lsp-exchanges.ts';
import { buildRefused } from '../../support/lsp-refused.ts';
import { buildVectors, fromHex, fromJson } from '../../support/lsp-vectors.ts';

const VECTORS = new URL('../../vectors/lsp.json', import.meta.url);

const message = z.object({ name: z.string(), value: z.unknown(), cbor: z.string() });
const file = z
  .object({
    overlay: z.string(),
    overlayTag: z.string(),
    descriptors: z.array(
      z.object({
        name: z.string(),
        seed: z.string(),
        domain: z.string(),
        selector: z.number(),
        vnode: z.number(),
        publicKey: z.string(),
        endpoints: z.array(z.object({ host: z.string(), port: z.number() })),
        bootSequence: z.number(),
        id: z.string(),
        cose: z.string(),
      }),
    ),
    requests: z.array(message.extend({ byName: z.boolean().optional() })),
    answers: z.array(message.extend({ sizeEstimate: z.number() })),
    signature: z.object({
      key: z.string(),
      transaction: z.string(),
      cookie: z.string(),
      body: z.string(),
      signature: z.string(),
    }),
    frames: z.array(
      z.object({
        name: z.string(),
        kind: z.enum(['plain', 'challenge']),
        answer: z.boolean(),
        signed: z.boolean(),
        bitmap: z.boolean(),
        part: z.number(),
        partCount: z.number(),
        transaction: z.string(),
        cookie: z.string().optional(),
        body: z.string(),
        padTo: z.number(),
        datagram: z.string(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(VECTORS, 'utf8')));

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const decodePeer = peerDecoder(file.overlay);
const peers = new Map<string, Peer>();
const codec = messageCodec(decodePeer, (id, bootSequence) =>
  [...peers.values()].find((peer) => peer.id === id && peer.bootSequence === bootSequence),
);
for (const { name, cose } of file.descriptors) {
  const decoded = decodePeer(fromHex(cose));
  if (decoded.ok) peers.set(name, decoded.value);
}

test('the file is what the samples make (npx vitest run --project spec -u writes it anew)', async () => {
  const text = `${JSON.stringify(buildVectors(), undefined, 2)}\n`;
  await expect(text).toMatchFileSnapshot('../../vectors/lsp.json');
});

test('unknown versions, kinds, flags, requests and fields, cookies, parts and signatures: each answered as the page says', async () => {
  const text = `${JSON.stringify(await buildExchanges(), undefined, 2)}\n`;
  await expect(text).toMatchFileSnapshot('../../vectors/lsp-exchanges.json');
});

test('overlay tag: the first 8 bytes of SHA-256 of CBOR ["lsp-overlay", id]', () => {
  expect(hex(overlayTag(file.overlay))).toBe(file.overlayTag);
});

describe('descriptor', () => {
  test.each(file.descriptors)('of $name, both ways', ({ name, seed, id, publicKey, cose, ...fields }) => {
    const identity = identityFromSeed(fromHex(seed), fields);
    expect(hex(identity.publicKey)).toBe(publicKey);
    expect(hex(encodePeer(fields, identity, file.overlay).encoded)).toBe(cose);
    const { domain, selector, vnode, endpoints, bootSequence } = fields;
    expect(peers.get(name)).toEqual({
      id,
      domain,
      selector,
      vnode,
      publicKey: fromHex(publicKey),
      endpoints,
      bootSequence,
      encoded: fromHex(cose),
    });
  });
});

describe('request', () => {
  test.each(file.requests)('$name, both ways', ({ value, cbor, byName }) => {
    const given = fromJson(value, peers);
    const opened = codec.openRequest(fromHex(cbor));
    expect(opened.ok && opened.value.read()).toEqual({ ok: true, value: given });
    // The file says what the type is; the codec above has just confirmed it.
    expect(hex(codec.encodeRequest(given as Request, byName))).toBe(cbor);
  });

  test('the file has every type', () => {
    const { requests } = buildVectors();
    expect(file.requests.map(({ name }) => name)).toEqual(requests.map(({ name }) => name));
  });
});

describe('answer', () => {
  test.each(file.answers)('$name, both ways', ({ value, cbor, sizeEstimate }) => {
    const given = fromJson(value, peers);
    expect(codec.decodeAnswer(fromHex(cbor))).toEqual({ ok: true, value: { answer: given, sizeEstimate } });
    expect(hex(codec.encodeAnswer(given as Answer, sizeEstimate))).toBe(cbor);
  });
});

describe('frame', () => {
  test.each(file.frames)(
    '$name, both ways',
    ({ name: _, datagram, body, padTo, transaction, cookie, ...rest }) => {
      const given: Frame = {
        ...rest,
        overlayTag: fromHex(file.overlayTag),
        transaction: fromHex(transaction),
        cookie: cookie === undefined ? undefined : fromHex(cookie),
        chunk: fromHex(body),
      };
      expect(readFrame(fromHex(datagram))).toEqual({ ok: true, frame: given });
      expect(hex(writeFrame(given, padTo))).toBe(datagram);
    },
  );
});

test('signature of JOIN, NOTIFY and LEAVE, checked by the words of docs/lsp.md', () => {
  const { key, transaction, cookie, body, signature } = file.signature;
  const raw = peers.get(key)?.publicKey ?? new Uint8Array();
  const x = Buffer.from(raw).toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const signed = encodeCbor([
    'lsp-request',
    file.overlay,
    fromHex(transaction),
    fromHex(cookie),
    fromHex(body),
  ]);
  expect(verify(null, signed, publicKey, fromHex(signature))).toBe(true);
});

describe('refused', () => {
  const refused = buildRefused();

  test('the file is what the samples make', async () => {
    await expect(`${JSON.stringify(refused, undefined, 2)}\n`).toMatchFileSnapshot(
      '../../vectors/lsp-refused.json',
    );
  });

  test.each(refused.frames)('frame: $name', ({ datagram = '', error }) => {
    expect(readFrame(fromHex(datagram))).toMatchObject({ ok: false, problem: error });
  });

  test.each(refused.requests)('request: $name', ({ cbor = '', error }) => {
    const opened = codec.openRequest(fromHex(cbor));
    expect(opened.ok ? opened.value.read().ok || 'malformed' : opened.error.code).toBe(error);
  });

  test.each(refused.answers)('answer: $name', ({ cbor = '' }) => {
    expect(codec.decodeAnswer(fromHex(cbor)).ok).toBe(false);
  });

  test.each(refused.descriptors)('descriptor: $name', ({ cose = '', error }) => {
    expect(decodePeer(fromHex(cose))).toEqual({ ok: false, error });
  });
});
