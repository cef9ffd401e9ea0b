// HTTP Digest as SIP uses it (RFC 7616, RFC 8760): hashes, responses and challenges as pure functions.
import { createHash, timingSafeEqual } from 'node:crypto';

/** By their names in challenges and in the user file; SHA-512-256 is SHA-512/256 (RFC 7616 §3.2). */
export const DIGEST_ALGORITHMS = ['MD5', 'SHA-256', 'SHA-512-256'] as const;
export type DigestAlgorithm = (typeof DIGEST_ALGORITHMS)[number];

/** The credentials of one Authorization or Proxy-Authorization row; every string as sent, unquoted. */
export interface DigestCredentials {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  readonly response: string;
  readonly algorithm?: string;
  readonly qop?: string;
  readonly cnonce?: string;
  readonly nc?: string;
}

const NODE_NAME = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' } as const;
/** Length of a response in hex digits (RFC 8760 §2.2). */
export const HEX_LENGTH = { MD5: 32, 'SHA-256': 64, 'SHA-512-256': 64 } as const;

// Messages are bytes read as latin1, so hashing them as latin1 hashes what was on the wire.
const hash = (algorithm: DigestAlgorithm, text: string): string =>
  createHash(NODE_NAME[algorithm]).update(text, 'latin1').digest('hex');

/** H(username ":" realm ":" password), RFC 7616 §3.4.2. The parts are hashed as UTF-8. */
export const digestHa1 = (
  algorithm: DigestAlgorithm,
  parts: { readonly user: string; readonly realm: string; readonly password: string },
): string =>
  createHash(NODE_NAME[algorithm]).update(`${parts.user}:${parts.realm}:${parts.password}`).digest('hex');

/** The algorithm that credentials name; RFC 7616 §3.4: "if the algorithm parameter is absent, MD5 is assumed". */
export const algorithmOf = (
  credentials: Pick<DigestCredentials, 'algorithm'>,
): DigestAlgorithm | undefined => {
  const named = (credentials.algorithm ?? 'MD5').toUpperCase();
  return DIGEST_ALGORITHMS.find((algorithm) => algorithm === named);
};

/** What a client that knows `ha1` answers (RFC 7616 §3.4.1), or undefined for a quality of protection we never offered. */
export const digestResponse = (
  algorithm: DigestAlgorithm,
  ha1: string,
  method: string,
  credentials: DigestCredentials,
): string | undefined => {
  const { nonce, uri, qop, cnonce, nc } = credentials;
  const ha2 = hash(algorithm, `${method}:${uri}`);
  // RFC 8760 §2.6 (8): "for backward compatibility reasons, the "qop" parameter is optional for clients and servers
  // based on [RFC3261] to receive": without it, the form of RFC 2069.
  if (qop === undefined) return hash(algorithm, `${ha1}:${nonce}:${ha2}`);
  if (qop.toLowerCase() !== 'auth' || cnonce === undefined || nc === undefined) return undefined;
  return hash(algorithm, `${ha1}:${nonce}:${nc}:${cnonce}:${qop}:${ha2}`);
};

/** Compares two strings of secrets in a time that depends on their lengths alone. */
const sameSecret = (left: string, right: string): boolean => {
  const [one, two] = [Buffer.from(left, 'latin1'), Buffer.from(right, 'latin1')];
  return one.length === two.length && timingSafeEqual(one, two);
};

/** True if the response is the one for this HA1. Takes the same time whether it is or not. */
export const responseMatches = (
  algorithm: DigestAlgorithm,
  ha1: string,
  method: string,
  credentials: DigestCredentials,
): boolean => {
  const expected = digestResponse(algorithm, ha1, method, credentials);
  // RFC 7616 writes LHEX; some send upper case.
  return expected !== undefined && sameSecret(expected, credentials.response.toLowerCase());
};

const quoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;

/** One challenge value, as it stands in WWW-Authenticate or Proxy-Authenticate. */
export const formatChallenge = (challenge: {
  readonly realm: string;
  readonly nonce: string;
  readonly algorithm: DigestAlgorithm;
  readonly stale: boolean;
}): string =>
  // RFC 8760 §2.6 (8): "A UAS MUST always send a "qop" parameter in WWW-Authenticate and Proxy-Authenticate".
  `Digest realm=${quoted(challenge.realm)}, nonce=${quoted(challenge.nonce)}, algorithm=${challenge.algorithm}, ` +
  `qop="auth"${challenge.stale ? ', stale=true' : ''}`;
