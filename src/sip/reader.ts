// One datagram (or WebSocket frame) into one message: our own strict, linear, bounded reader in front of everything.

import { fail, type Result } from '../runtime/result.ts';
import { readHead } from './message-head.ts';
import { faultOf, type SipReadError } from './read-error.ts';
import type { Work } from './scanner.ts';
import type { SipMessage } from './types.ts';

export const MESSAGE_BYTES_MAX = 65_535;

const CR = 13;
const LF = 10;
const EMPTY_LINE = '\r\n\r\n';

/** Reads one datagram. What follows the body is cut off (RFC 3261 §18.3), what is missing from it is a 400. */
export const readMessage = (bytes: Uint8Array, work?: Work): Result<SipMessage, SipReadError> => {
  if (bytes.length > MESSAGE_BYTES_MAX) return fail(faultOf('ERR_SIP_TOO_LARGE', 'Message Too Large', 513));
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = 0;
  // RFC 3261 §7.5: "Implementations processing SIP messages over stream-oriented transports MUST ignore any CRLF
  // appearing before the start-line"; over datagrams it does no harm.
  while (buffer[start] === CR && buffer[start + 1] === LF) start += 2;
  const headEnd = buffer.indexOf(EMPTY_LINE, start, 'latin1');
  const bodyStart = headEnd < 0 ? buffer.length : headEnd + EMPTY_LINE.length;
  if (work !== undefined) work.steps += bodyStart;
  const head = readHead(buffer.toString('latin1', start, headEnd < 0 ? buffer.length : headEnd), work);
  const rest = bytes.subarray(bodyStart);
  if (headEnd < 0) return head.complete(rest, faultOf('ERR_SIP_LINE', 'no empty line behind the headers'));
  const { contentLength } = head;
  // §18.3: "If there are additional bytes in the transport packet beyond the end of the body, they MUST be discarded.
  // If the transport packet ends before the end of the message body, this is considered an error. If the message is a
  // response, it MUST be discarded. If the message is a request, the element SHOULD generate a 400 (Bad Request)
  // response. If the message has no Content-Length header field, the message body is assumed to end at the end of the
  // transport packet."
  if (contentLength === 'absent' || contentLength === 'bad') return head.complete(rest);
  if (contentLength > rest.length)
    return head.complete(rest, faultOf('ERR_SIP_CONTENT_LENGTH', 'Content-Length beyond the datagram'));
  return head.complete(rest.subarray(0, contentLength));
};
