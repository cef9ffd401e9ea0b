// The opening handshake of a WebSocket for SIP, as text in and text out (RFC 6455 §4.2, RFC 7118 §4.1).
import { createHash } from 'node:crypto';

export type Handshake =
  /** `answer` is sent and frames follow. */
  | { readonly ok: true; readonly answer: string }
  /** `answer` is sent and the connection closed. */
  | { readonly ok: false; readonly answer: string };

const refuse = (status: string, why: string, headers = ''): Handshake => ({
  ok: false,
  answer: `HTTP/1.1 ${status}\r\n${headers}Connection: close\r\nContent-Type: text/plain\r\nContent-Length: ${why.length + 1}\r\n\r\n${why}\n`,
});

const REQUEST_LINE = /^([!-~]+) ([!-~]+) HTTP\/(\d)\.(\d)$/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;
/** 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
/** RFC 6455 §1.3: what every server hashes behind the client's key. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Rows by their lower-case name; several of one name joined as the list they are (RFC 9110 §5.2). */
const readHeaders = (lines: readonly string[]): ReadonlyMap<string, string> | undefined => {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, as, value = ''] = HEADER_LINE.exec(line) ?? [];
    if (as === undefined) return undefined;
    const name = as.toLowerCase();
    const before = headers.get(name);
    // RFC 6455 §11.3.1: "The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an HTTP request."
    if (before !== undefined && (name === 'sec-websocket-key' || name === 'host')) return undefined;
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
};

const has = (list: string | undefined, token: string): boolean =>
  (list ?? '').split(',').some((item) => item.trim().toLowerCase() === token);

/** `head`: the request up to its empty line, as latin1. `origins`: where pages may come from; none for all. */
export const answerHandshake = (head: string, origins: readonly string[]): Handshake => {
  const [first = '', ...lines] = head.split('\r\n');
  const [, method, , major, minor] = REQUEST_LINE.exec(first) ?? [];
  const headers = method === undefined ? undefined : readHeaders(lines);
  if (headers === undefined) return refuse('400 Bad Request', 'this is no HTTP request');
  // RFC 6455 §4.1: "The method of the request MUST be GET, and the HTTP version MUST be at least 1.1."
  if (method !== 'GET')
    return refuse('405 Method Not Allowed', 'a WebSocket begins with GET', 'Allow: GET\r\n');
  if (major !== '1' || minor === '0')
    return refuse('505 HTTP Version Not Supported', 'HTTP/1.1 is spoken here');
  if (!has(headers.get('upgrade'), 'websocket') || !has(headers.get('connection'), 'upgrade'))
    return refuse(
      '426 Upgrade Required',
      'SIP over WebSocket (RFC 7118) is spoken here',
      'Upgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n',
    );
  if ((headers.get('host') ?? '') === '') return refuse('400 Bad Request', 'Host is missing');
  // §4.4: "an appropriate HTTP error code (such as 426 Upgrade Required) and a |Sec-WebSocket-Version| header field
  // indicating the version(s) the server is capable of understanding."
  if (headers.get('sec-websocket-version') !== '13')
    return refuse(
      '426 Upgrade Required',
      'WebSocket version 13 is spoken here',
      'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n',
    );
  const key = headers.get('sec-websocket-key') ?? '';
  if (!KEY.test(key)) return refuse('400 Bad Request', 'Sec-WebSocket-Key is no 16 bytes in base64');
  // RFC 7118 §4.1: "The client MUST include the value "sip" in the Sec-WebSocket-Protocol header".
  if (!has(headers.get('sec-websocket-protocol'), 'sip'))
    return refuse('400 Bad Request', 'Sec-WebSocket-Protocol has no "sip"');
  const origin = headers.get('origin');
  // §4.2.2: "If the server does not validate the origin, it will accept connections from anywhere." Programs send none.
  if (origins.length > 0 && origin !== undefined && !origins.includes(origin.toLowerCase()))
    return refuse('403 Forbidden', 'pages of this origin are not served');
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  return {
    ok: true,
    answer: `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: sip\r\n\r\n`,
  };
};
