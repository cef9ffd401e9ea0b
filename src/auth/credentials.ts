// The digest credentials of a request for one realm, out of its Authorization or Proxy-Authorization rows.
import { parseCredentials } from '../sip/credentials.ts';
import type { SipRequest } from '../sip/types.ts';
import type { DigestCredentials } from './digest.ts';

/** A phone sends one set of credentials per realm it was challenged for; more than these are not looked at. */
const ROWS_READ_MAX = 8;

const digestOf = (params: ReadonlyMap<string, string>): DigestCredentials | undefined => {
  const [username, realm, nonce, uri, response] = [
    params.get('username'),
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
 * The first complete digest credentials for `realm`, which compares without regard to case (it is a domain). What is
 * incomplete, malformed, of another scheme or for another realm counts as absent: the answer is then a challenge, as
 * it is for the empty credentials that some phones send before they know a nonce.
 */
export const readCredentials = (
  request: SipRequest,
  header: 'authorization' | 'proxy-authorization',
  realm: string,
): DigestCredentials | undefined => {
  let read = 0;
  for (const row of request.rows) {
    if (row.name !== header) continue;
    read += 1;
    if (read > ROWS_READ_MAX) return undefined;
    const parsed = parseCredentials(row.value);
    if (!parsed.ok || parsed.value.scheme !== 'digest') continue;
    const credentials = digestOf(parsed.value.params);
    if (credentials?.realm.toLowerCase() === realm.toLowerCase()) return credentials;
  }
  return undefined;
};
