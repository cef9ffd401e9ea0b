// The first line of a message: request or status line (RFC 3261 §7.1, §7.2), one space between its parts.
import { parseSipUri, schemeOf } from '../uri/parse.ts';
import { type Fault, faultOf } from './read-error.ts';
import { isAll, TOKEN, URI } from './scanner.ts';

const METHOD_CHARS_MAX = 64;

export type StartLine =
  | { readonly kind: 'request'; readonly method: string; readonly uri: string; readonly fault?: Fault }
  | { readonly kind: 'response'; readonly status: number; readonly reason: string }
  | { readonly kind: 'broken'; readonly fault: Fault };

const broken = (reason: string): StartLine => ({
  kind: 'broken',
  fault: faultOf('ERR_SIP_START_LINE', reason),
});

const readStatusLine = (line: string): StartLine => {
  const parts = /^SIP\/2\.0 ([1-6]\d\d)(?: (.*))?$/i.exec(line);
  if (parts === null) return broken('a status line that is none');
  const [, status = '', reason = ''] = parts;
  return { kind: 'response', status: Number(status), reason };
};

const uriFault = (uri: string): Fault | undefined => {
  if (!isAll(uri, URI)) return faultOf('ERR_SIP_START_LINE', 'blanks or brackets in the Request-URI');
  const scheme = schemeOf(uri);
  // Whether a scheme is served (416) is for the server to say.
  if (scheme === undefined || uri.length === scheme.length + 1)
    return faultOf('ERR_SIP_START_LINE', 'no URI in the request line');
  if (scheme !== 'sip' && scheme !== 'sips') return undefined;
  const parsed = parseSipUri(uri);
  if (!parsed.ok) return faultOf('ERR_SIP_START_LINE', `Request-URI: ${parsed.error}`);
  // RFC 3261 §19.1.1, table 1: header components have no place in a Request-URI.
  if (parsed.value.headers !== undefined)
    return faultOf('ERR_SIP_START_LINE', 'header components in the Request-URI');
  return undefined;
};

/** Reads the first line. A request whose line has a method and then goes wrong is still one that can be answered. */
export const readStartLine = (line: string): StartLine => {
  if (/^SIP\//i.test(line)) return readStatusLine(line);
  const first = line.indexOf(' ');
  const method = line.slice(0, Math.max(0, first));
  // A method is a token, and % is one of its characters: nothing is unescaped (RFC 4475 §3.1.1.5).
  if (method === '' || !isAll(method, TOKEN))
    return { kind: 'broken', fault: faultOf('ERR_SIP_NOT_SIP', 'no request line') };
  const last = line.lastIndexOf(' ');
  const uri = line.slice(first + 1, Math.max(first + 1, last));
  const version = line.slice(last + 1);
  const request = { kind: 'request', method, uri } as const;
  if (method.length > METHOD_CHARS_MAX)
    return { ...request, fault: faultOf('ERR_SIP_LIMIT', 'the method is too long') };
  // "The SIP-Version string is case-insensitive" (§7.1).
  if (last === first || !/^SIP\/\d{1,9}\.\d{1,9}$/i.test(version))
    return { ...request, fault: faultOf('ERR_SIP_START_LINE', 'a request line without its SIP version') };
  if (version.toUpperCase() !== 'SIP/2.0')
    return { ...request, fault: faultOf('ERR_SIP_VERSION', 'Version Not Supported', 505) };
  const fault = uriFault(uri);
  return fault === undefined ? request : { ...request, fault };
};
