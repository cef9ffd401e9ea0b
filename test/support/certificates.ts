// Certificates made while a test runs, so that none expires in the repository and no tool is needed: X.509 in plain DER.
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

const tlv = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
};
const sequence = (...parts: readonly Uint8Array[]): Buffer => tlv(0x30, ...parts);
const oid = (...bytes: readonly number[]): Buffer => tlv(0x06, Buffer.from(bytes));
const boolean = (value: boolean): Buffer => tlv(0x01, Buffer.from([value ? 0xff : 0]));
const bits = (bytes: Uint8Array): Buffer => tlv(0x03, Buffer.from([0]), bytes);
const octets = (bytes: Uint8Array): Buffer => tlv(0x04, bytes);
const time = (ms: number): Buffer =>
  tlv(0x18, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`, 'latin1'));

const ECDSA_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const nameOf = (commonName: string): Buffer =>
  sequence(tlv(0x31, sequence(oid(0x55, 0x04, 0x03), tlv(0x0c, Buffer.from(commonName, 'utf8')))));

/** `DNS:a.example`, `URI:sip:a.example`, `IP:192.0.2.1` (RFC 5280 §4.2.1.6). */
const generalName = (text: string): Buffer => {
  const at = text.indexOf(':');
  const value = text.slice(at + 1);
  switch (text.slice(0, at)) {
    case 'DNS':
      return tlv(0x82, Buffer.from(value, 'latin1'));
    case 'URI':
      return tlv(0x86, Buffer.from(value, 'latin1'));
    case 'IP':
      return tlv(0x87, Buffer.from(value.split('.').map(Number)));
    default:
      throw new Error(`no name of a certificate: ${text}`);
  }
};

const extension = (id: readonly number[], critical: boolean, value: Uint8Array): Buffer =>
  sequence(oid(...id), ...(critical ? [boolean(true)] : []), octets(value));

export interface Pair {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface CertificateWish {
  /** Its subject, and without `names` its only name. */
  readonly commonName: string;
  readonly names?: readonly string[];
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
}

const CENTURY_MS = 100 * 365 * 86_400_000;
const pem = (der: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;

interface Issuer {
  readonly name: string;
  readonly key: KeyObject;
}

const issue = (wish: CertificateWish, issuer: Issuer | undefined): Pair & { readonly key: KeyObject } => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const { names = [] } = wish;
  const extensions = [
    extension([0x55, 0x1d, 0x13], true, sequence(...(issuer === undefined ? [boolean(true)] : []))),
    ...(names.length === 0
      ? []
      : [extension([0x55, 0x1d, 0x11], false, sequence(...names.map(generalName)))]),
  ];
  const toBeSigned = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    // A positive number of its own for each key.
    tlv(0x02, Buffer.from([1]), createHash('sha256').update(spki).digest().subarray(0, 15)),
    ECDSA_SHA256,
    nameOf(issuer?.name ?? wish.commonName),
    sequence(
      time(wish.notBeforeMs ?? Date.now() - 86_400_000),
      time(wish.notAfterMs ?? Date.now() + CENTURY_MS),
    ),
    nameOf(wish.commonName),
    spki,
    tlv(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', toBeSigned, issuer?.key ?? privateKey);
  return {
    certPem: pem(sequence(toBeSigned, ECDSA_SHA256, bits(signature))),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    key: privateKey,
  };
};

export interface Authority {
  readonly certPem: string;
  issue(wish: CertificateWish): Pair;
}

export const createAuthority = (name = 'Test Authority'): Authority => {
  const { certPem, key } = issue({ commonName: name }, undefined);
  return { certPem, issue: (wish) => issue(wish, { name, key }) };
};
