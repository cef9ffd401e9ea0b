// A certificate with its key, read together: what they say, whether they belong together, and the TLS context of both.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { messageOf } from './errors.ts';
import { fail, ok, type Result } from './result.ts';
import { sha256Hex } from './sha256.ts';

export interface Certificate {
  readonly context: SecureContext;
  /** Wall time in ms. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Of the first certificate, the server's own: SHA-256 as hex with colons. */
  readonly fingerprint: string;
  /** Of all that was read: SHA-256 as hex. */
  readonly filesHash: string;
  /** Whether one of its names is this host (a wildcard counts). */
  readonly speaksFor: (host: string) => boolean;
}

/** RFC 8996 retired the versions below. */
const MIN_VERSION = 'TLSv1.2';

/** `certPem`: the server's certificate first, then those that vouch for it. What is wrong is told in words. */
export const readCertificate = (certPem: string, keyPem: string): Result<Certificate> => {
  let own: X509Certificate;
  try {
    own = new X509Certificate(certPem);
  } catch (error) {
    return fail(`the certificate cannot be read (${messageOf(error)})`);
  }
  try {
    const key = createPrivateKey(keyPem);
    if (!own.checkPrivateKey(key)) return fail('the key does not belong to the certificate');
  } catch (error) {
    return fail(`the key cannot be read (${messageOf(error)})`);
  }
  try {
    return ok({
      context: createSecureContext({ cert: certPem, key: keyPem, minVersion: MIN_VERSION }),
      notBeforeMs: Date.parse(own.validFrom),
      notAfterMs: Date.parse(own.validTo),
      fingerprint: own.fingerprint256,
      filesHash: sha256Hex(`${certPem}\0${keyPem}`),
      speaksFor: (host) => own.checkHost(host) !== undefined,
    });
  } catch (error) {
    return fail(`TLS does not take certificate and key (${messageOf(error)})`);
  }
};

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Why these are no certificates to trust; undefined if they are. */
export const rootsProblem = (pem: string): string | undefined => {
  const all = pem.match(PEM_CERTIFICATE) ?? [];
  if (all.length === 0) return 'there is no certificate in it';
  try {
    for (const one of all) new X509Certificate(one);
    return undefined;
  } catch (error) {
    return `a certificate in it cannot be read (${messageOf(error)})`;
  }
};

const HOST = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i;

/**
 * Whether a certificate speaks for a SIP domain (RFC 5922 §7.1, §7.2). Undefined if it does, else why not. `name` is the
 * domain that was looked up, or an IP address where the URI had one.
 */
export const identityProblem = (name: string, own: X509Certificate): string | undefined => {
  const refusal = `the certificate does not speak for ${name}`;
  // It is asked from within an event of a socket, where nothing may be thrown: what is no name of a host matches nothing.
  if (isIP(name) === 0 && !HOST.test(name)) return `${name} is no host`;
  if (isIP(name) !== 0) return own.checkIP(name) === undefined ? refusal : undefined;
  const domains = (own.subjectAltName ?? '').split(', ').flatMap((entry) => {
    const [, uri] = /^URI:sip:([^;?]*)/i.exec(entry) ?? [];
    // "If the scheme of the URI value is "sip", and the URI value that contains a userpart …, the implementation MUST NOT
    // accept the value as a SIP domain identity".
    return uri === undefined || uri.includes('@') ? [] : [uri.toLowerCase()];
  });
  // "An implementation MUST accept a domain name system identifier as a SIP domain identity if and only if no other
  // identity is found that matches the "sip" URI type". "Implementations MUST NOT match any form of wildcard".
  const matches =
    domains.length > 0
      ? domains.includes(name.toLowerCase())
      : own.checkHost(name, { wildcards: false, partialWildcards: false }) !== undefined;
  return matches ? undefined : refusal;
};
