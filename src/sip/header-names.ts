// Header names: every compact form there is, the lower-case long names, and their usual spelling.
import { isAll, TOKEN } from './scanner.ts';

// RFC 3261 §7.3.3 and the IANA registry: RFC 3841 (a d j), 3892 (b), 4474 (n y), 6665 (o u), 3515 (r), 4028 (x).
const COMPACT: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  n: 'identity-info',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
};

const USUAL = [
  'Accept',
  'Accept-Encoding',
  'Accept-Language',
  'Allow',
  'Allow-Events',
  'Authorization',
  'CSeq',
  'Call-ID',
  'Contact',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Length',
  'Content-Type',
  'Date',
  'Event',
  'Expires',
  'From',
  'Max-Forwards',
  'Min-Expires',
  'Organization',
  'P-Asserted-Identity',
  'Path',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'Proxy-Require',
  'Reason',
  'Record-Route',
  'Refer-To',
  'Require',
  'Retry-After',
  'Route',
  'SIP-ETag',
  'SIP-If-Match',
  'Server',
  'Service-Route',
  'Session-Expires',
  'Subject',
  'Supported',
  'To',
  'Unsupported',
  'User-Agent',
  'Via',
  'WWW-Authenticate',
  'Warning',
] as const;

// Most names come spelt as usual: one look-up then saves making the lower-case text.
// BOUNDED: by the two tables above.
const LONG_NAMES: ReadonlyMap<string, string> = new Map([
  ...USUAL.map((name) => [name, name.toLowerCase()] as const),
  ...Object.entries(COMPACT),
  ...Object.entries(COMPACT).map(([short, long]) => [short.toUpperCase(), long] as const),
]);

/** The lower-case long form of a header name as written, or undefined if it is no token. */
export const longName = (as: string): string | undefined =>
  LONG_NAMES.get(as) ?? (as !== '' && isAll(as, TOKEN) ? as.toLowerCase() : undefined);

/** Spelt so that npm sip's table of headers leaves it as it is. */
export const isUsualName = (as: string): boolean => as.length > 1 && LONG_NAMES.has(as);
