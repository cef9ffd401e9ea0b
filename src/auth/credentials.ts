// The digest credentials of a request for one realm, out of its Authorization or Proxy-Authorization rows.
import { parseCredentials } from '../sip/credentials.ts';
import type { SipRequest } from '../sip/types.ts';
import { algorithmOf, type DigestAlgorithm, type DigestCredentials } from './digest.ts';

/** A phone sends one set of credentials per realm it was challenged for; more than these are not looked at. */
const ROWS_READ_MAX = 8;

/** `UTF-8'language'%HH…` (RFC 5987 §3.2); the bytes as latin1, as all of a message is. Undefined for what isn't that. */
const extendedValue = (text: string): string | undefined => {
  const [, escaped] =
    /^utf-8'[A-Za-z0-9-]*'((?:%[0-9A-Fa-f]{2}|[A-Za-z0-9!#$&+.^_`|~-])*)$/i.exec(text) ?? [];
  return escaped?.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
};

/**
 * RFC 7616 §3.4: "If the username contains characters not allowed inside the ABNF quoted-string production, the username*
 * parameter can be used. Sending both username and username* in the same header option MUST be treated as an error."
 */
const usernameOf = (params: ReadonlyMap<string, string>): string | undefined => {
  const [plain, extended] = [params.get('username'), params.get('username*')];
  if (extended === undefined) return plain;
  return plain === undefined ? extendedValue(extended) : undefined;
};

const digestOf = (params: ReadonlyMap<string, string>): DigestCredentials | undefined => {
  const [username, realm, nonce, uri, response] = [
    usernameOf(params),
    params.get('realm'),
    params.get('nonce'),
    params.get('uri'),
    params.get('response'),
  ];
  if (
    username === undefined ||
    realm === undefined ||
    nonce === undefined ||
    uri === undefined ||
    response === undefined
  )
    return undefined;
  const [algorithm, qop, cnonce, nc] = [
    params.get('algorithm'),
    params.get('qop'),
    params.get('cnonce'),
    params.get('nc'),
  ];
  return {
    username,
    realm,
    nonce,
    uri,
    response,
    ...(algorithm === undefined ? {} : { algorithm }),
    ...(qop === undefined ? {} : { qop }),
    ...(cnonce === undefined ? {} : { cnonce }),
    ...(nc === undefined ? {} : { nc }),
  };
};

/**
 * The first complete digest credentials for `realm`, which compares without regard to case (it is a domain), by one of the
 * `algorithms` that were offered; the first by another if there are no such. What is incomplete, malformed, of another
 * scheme or for another realm counts as absent: the answer is then a challenge, as it is for the empty credentials that
 * some phones send before they know a nonce.
 */
export const readCredentials = (
  request: SipRequest,
  header: 'authorization' | 'proxy-authorization',
  realm: string,
  algorithms: readonly DigestAlgorithm[],
): DigestCredentials | undefined => {
  let read = 0;
  let other: DigestCredentials | undefined;
  for (const row of request.rows) {
    if (row.name !== header) continue;
    read += 1;
    if (read > ROWS_READ_MAX) break;
    const parsed = parseCredentials(row.value);
    if (!parsed.ok || parsed.value.scheme !== 'digest') continue;
    const credentials = digestOf(parsed.value.params);
    if (credentials?.realm.toLowerCase() !== realm.toLowerCase()) continue;
    // A client that was challenged for several algorithms may answer more than one of them (RFC 8760 §2.3).
    const algorithm = algorithmOf(credentials);
    if (algorithm !== undefined && algorithms.includes(algorithm)) return credentials;
    other ??= credentials;
  }
  return other;
};
