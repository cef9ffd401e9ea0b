// Peer descriptors: who a member is and where it listens, signed by its own key (docs/lsp.md, "Descriptor").
import { hashToId, type Id } from '../record/id.ts';
import { type VerifySignature, verifySignature } from '../record/identity.ts';
import { SELECTOR_MAX } from '../record/limits.ts';
import type { Identity } from '../record/types.ts';
import { BoundedMap } from '../runtime/bounded-map.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import { fail, ok, type Result } from '../runtime/result.ts';
import { endpointFromBytes, endpointToBytes } from './address.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { Peer } from './types.ts';

/** The longest domain name (253 characters, RFC 1035) with two IPv6 addresses takes about 450 bytes. */
export const DESCRIPTOR_BYTES_MAX = 512;
export const VNODE_MAX = 15;
const ENDPOINTS_MAX = 2;
const DECODED_MAX = 8192;

// Lower-case A-label form: labels of letters, digits, hyphen and underscore. IPv6 literals (loopback rings) have colons.
const DOMAIN = /^[a-z0-9_:.-]{1,253}$/;

// {1: -8}: EdDSA (RFC 9053 §2.2). The only protected header there is, so it is compared, not parsed.
const PROTECTED = Uint8Array.of(0xa1, 0x01, 0x27);

export interface DescriptorFields {
  readonly domain: string;
  readonly selector: number;
  readonly vnode: number;
  readonly endpoints: readonly Endpoint[];
  readonly bootSequence: number;
}

/** A place on the ring is granted by the domain's name, not chosen by the node (DESIGN §6). */
export const nodeId = (
  overlayId: string,
  name: { readonly domain: string; readonly selector: number; readonly vnode: number },
): Id => hashToId(encodeCbor(['lsp-node', overlayId, name.domain, name.selector, name.vnode]));

/** RFC 9052 §4.4: what COSE_Sign1 signs; the overlay is external data, so a descriptor means nothing in another one. */
const toBeSigned = (overlayId: string, payload: Uint8Array): Uint8Array =>
  encodeCbor(['Signature1', PROTECTED, encodeCbor(['lsp-peer', overlayId]), payload]);

const boundsProblem = (fields: DescriptorFields): string | undefined => {
  if (!DOMAIN.test(fields.domain)) return 'domain is not a lower-case A-label name';
  if (!(fields.selector <= SELECTOR_MAX)) return 'selector out of range';
  if (!(fields.vnode <= VNODE_MAX)) return 'vnode out of range';
  if (fields.endpoints.length < 1 || fields.endpoints.length > ENDPOINTS_MAX) return 'one or two endpoints';
  return undefined;
};

/** Signs a descriptor of our own; throws on values out of bounds (config has checked them). */
export const encodePeer = (fields: DescriptorFields, identity: Identity, overlayId: string): Peer => {
  const endpoints = fields.endpoints.map(endpointToBytes);
  const problem =
    boundsProblem(fields) ?? (endpoints.includes(undefined) ? 'endpoint is no IP address' : undefined);
  if (problem !== undefined) throw new Error(`own descriptor: ${problem}`);
  const payload = encodeCbor(
    new Map<number, unknown>([
      [1, fields.domain],
      [2, fields.selector],
      [3, fields.vnode],
      [4, identity.publicKey],
      [5, endpoints],
      [6, fields.bootSequence],
    ]),
  );
  const signature = identity.sign(toBeSigned(overlayId, payload));
  return {
    id: nodeId(overlayId, fields),
    domain: fields.domain,
    selector: fields.selector,
    vnode: fields.vnode,
    publicKey: new Uint8Array(identity.publicKey),
    endpoints: fields.endpoints,
    bootSequence: fields.bootSequence,
    encoded: encodeCbor([PROTECTED, new Map(), payload, signature]),
  };
};

export type DecodePeer = (bytes: Uint8Array) => Result<Peer>;

// From here on: bytes of strangers. Unknown keys of the payload are ignored (later versions add), known ones are checked.
const readFields = (payload: Uint8Array): Result<DescriptorFields & { readonly publicKey: Uint8Array }> => {
  const decoded = decodeCbor(payload);
  if (!decoded.ok) return decoded;
  const map = decoded.value;
  if (!(map instanceof Map)) return fail('payload is not a map');
  const domain: unknown = map.get(1);
  const selector: unknown = map.get(2);
  const vnode: unknown = map.get(3);
  const publicKey: unknown = map.get(4);
  const rawEndpoints: unknown = map.get(5);
  const bootSequence: unknown = map.get(6);
  if (typeof domain !== 'string') return fail('domain missing');
  if (typeof selector !== 'number' || selector < 0) return fail('selector missing');
  if (typeof vnode !== 'number' || vnode < 0) return fail('vnode missing');
  if (!(publicKey instanceof Uint8Array) || publicKey.length !== 32) return fail('key is not 32 bytes');
  if (!Array.isArray(rawEndpoints) || rawEndpoints.length > ENDPOINTS_MAX)
    return fail('one or two endpoints');
  if (typeof bootSequence !== 'number' || bootSequence < 0) return fail('boot sequence missing');
  const endpoints: Endpoint[] = [];
  for (const raw of rawEndpoints) {
    const endpoint = raw instanceof Uint8Array ? endpointFromBytes(raw) : undefined;
    if (endpoint === undefined) return fail('endpoint is not an address of one peer');
    endpoints.push(endpoint);
  }
  const fields = { domain, selector, vnode, publicKey, endpoints, bootSequence };
  const problem = boundsProblem(fields);
  return problem === undefined ? ok(fields) : fail(problem);
};

const decodeFresh = (bytes: Uint8Array, overlayId: string, verify: VerifySignature): Result<Peer> => {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok) return decoded;
  const outer = decoded.value;
  if (!Array.isArray(outer) || outer.length !== 4) return fail('not a COSE_Sign1');
  const [header, unprotected, payload, signature]: readonly unknown[] = outer;
  if (!(header instanceof Uint8Array) || Buffer.compare(header, PROTECTED) !== 0)
    return fail('algorithm is not EdDSA');
  // Unsigned bytes would let anybody make new descriptors out of an old one: none are allowed.
  if (!(unprotected instanceof Map) || unprotected.size !== 0) return fail('unprotected header not empty');
  if (!(payload instanceof Uint8Array) || !(signature instanceof Uint8Array)) return fail('not a COSE_Sign1');
  const fields = readFields(payload);
  if (!fields.ok) return fields;
  if (!verify(fields.value.publicKey, toBeSigned(overlayId, payload), signature)) {
    return fail('signature does not fit');
  }
  return ok({ ...fields.value, id: nodeId(overlayId, fields.value), encoded: new Uint8Array(bytes) });
};

/**
 * A decoder of descriptors of one overlay that checks each signature once: good ones are remembered by their bytes.
 * Bad ones are not, so that strangers can't push good ones out for free. Whether the domain vouches for the key is
 * the ring's question.
 */
export const peerDecoder = (
  overlayId: string,
  options: { readonly decodedMax?: number; readonly verify?: VerifySignature } = {},
): DecodePeer => {
  const { decodedMax = DECODED_MAX, verify = verifySignature } = options;
  // BOUNDED: decodedMax, oldest out first.
  const decoded = new BoundedMap<string, Peer>(decodedMax);
  return (bytes) => {
    if (bytes.length > DESCRIPTOR_BYTES_MAX) return fail('descriptor too long');
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    const known = decoded.get(key);
    if (known !== undefined) return ok(known);
    const fresh = decodeFresh(bytes, overlayId, verify);
    if (fresh.ok) decoded.set(key, fresh.value);
    return fresh;
  };
};
