// Messages to bytes by npm `sip`, which gets nothing but checked strings (docs/adr/0002-the-sip-package.md).
// The way in, from bytes to messages, is reader.ts: a byte from the network never reaches the package.
import assert from 'node:assert';
import { stringify } from 'sip';
import { findParam } from '../uri/params.ts';
import { isUsualName } from './header-names.ts';
import { reasonPhrase } from './reason-phrases.ts';
import { isAll, TOKEN, URI } from './scanner.ts';
import type { HeaderRow, Reply, SipRequest, SipResponse } from './types.ts';

// CR and LF end rows. Characters above 0xff lose their high byte on the way out, and U+010A would become an LF. NUL
// leaves only as the quoted pair it came as.
const UNFIT = /[\r\n\u0100-\uffff]|(?:^|[^\\])\0/;

/** True if `text` may stand in a header value, a Request-URI or a reason phrase: bytes as latin1, no CR, LF or bare NUL. */
export const isWritable = (text: string): boolean => !UNFIT.test(text);

const checked = (text: string): string => {
  assert(isWritable(text), 'CR, LF, NUL or a character that is no byte in a value to send');
  return text;
};

type Row = Pick<HeaderRow, 'as' | 'value'>;

/**
 * The package's table of headers holds each name once, respells names and reorders those that look like numbers. What it
 * would not keep as it is rides behind the row before it, in that row's value: the order and every byte stay.
 * Content-Length is the package's own to write; it comes last.
 */
const tableOf = (rows: readonly Row[]): Record<string, string> => {
  const table: Record<string, string> = Object.create(null);
  let carrier = '';
  for (const { as, value } of rows) {
    if (as.length === 14 && as.toLowerCase() === 'content-length') continue;
    if (as === 'l' || as === 'L') continue;
    checked(value);
    if (carrier === '' || (isUsualName(as) && table[as] === undefined)) {
      assert(isAll(as, TOKEN) && as !== '', 'a header name to send that is no token');
      table[as] = value;
      carrier = as;
    } else {
      assert(isAll(as, TOKEN) && as !== '', 'a header name to send that is no token');
      table[carrier] += `\r\n${as}: ${value}`;
    }
  }
  return table;
};

/** Body bytes as characters, one each: the package counts characters, and what it counts is then right. */
const contentOf = (body: Uint8Array): string =>
  body.length === 0 ? '' : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');

/** A request as it goes out: rows in order and verbatim, Content-Length last and right whatever the rows say. */
export const writeRequest = (message: Pick<SipRequest, 'method' | 'uri' | 'rows' | 'body'>): Uint8Array => {
  const { method, uri, rows, body } = message;
  assert(method !== '' && isAll(method, TOKEN), 'a method to send that is no token');
  assert(uri !== '' && isAll(uri, URI), 'a Request-URI to send that is none');
  return Buffer.from(stringify({ method, uri, headers: tableOf(rows), content: contentOf(body) }), 'latin1');
};

/** A response as it goes out, by the rules of `writeRequest`: what a forwarder passes on. */
export const writeResponse = (
  message: { readonly rows: readonly Row[] } & Pick<SipResponse, 'status' | 'reason' | 'body'>,
): Uint8Array => {
  const { status, rows, body } = message;
  assert(Number.isInteger(status) && status >= 100 && status <= 699, 'a status to send that is none');
  const reason = checked(message.reason);
  return Buffer.from(
    stringify({ status, reason, headers: tableOf(rows), content: contentOf(body) }),
    'latin1',
  );
};

const EMPTY = new Uint8Array();

interface ReplyOptions {
  readonly toTag?: string;
  /** Seconds since the request came, for the Timestamp of a 100. */
  readonly delaySec?: number;
}

/**
 * §8.2.6.1: "If there is a delay in generating the response, the UAS SHOULD add a delay value into the Timestamp value
 * in the response." What isn't a plain number is copied as it stands.
 */
const delayed = (timestamp: string, delaySec: number | undefined): string =>
  delaySec !== undefined && delaySec > 0 && /^\d+(?:\.\d*)?$/.test(timestamp)
    ? `${timestamp} ${delaySec.toFixed(3)}`
    : timestamp;

/** The rows of the request that every response repeats (RFC 3261 §8.2.6.2), with our tag in the To if it had none. */
const repeatedRows = (request: SipRequest, status: number, options: ReplyOptions): Row[] => {
  const { toTag, delaySec } = options;
  const rows: Row[] = request.vias.map((via) => ({ as: 'Via', value: via.text }));
  let from: Row | undefined;
  let to: Row | undefined;
  let callId: Row | undefined;
  let cseq: Row | undefined;
  let timestamp: Row | undefined;
  for (const { name, value } of request.rows) {
    if (name === 'from') from ??= { as: 'From', value };
    else if (name === 'call-id') callId ??= { as: 'Call-ID', value };
    else if (name === 'cseq') cseq ??= { as: 'CSeq', value };
    else if (name === 'timestamp') timestamp ??= { as: 'Timestamp', value: delayed(value, delaySec) };
    else if (name === 'to') {
      const untagged = request.to.text !== '' && findParam(request.to.params, 'tag') === undefined;
      to ??= { as: 'To', value: untagged && toTag !== undefined ? `${value};tag=${toTag}` : value };
    }
  }
  // §8.2.6.1: "any Timestamp header field present in the request MUST be copied into this 100 (Trying) response."
  for (const row of [from, to, callId, cseq, status === 100 ? timestamp : undefined])
    if (row !== undefined) rows.push(row);
  return rows;
};

/** Our own answer to `request`, whose Via was stamped before; also to what is left of a request that could not be read. */
export const writeReply = (request: SipRequest, reply: Reply, options: ReplyOptions = {}): Uint8Array => {
  const rows = repeatedRows(request, reply.status, options);
  for (const [as, value] of reply.headers ?? []) rows.push({ as, value });
  return writeResponse({
    status: reply.status,
    reason: reply.reason ?? reasonPhrase(reply.status),
    rows,
    body: reply.body ?? EMPTY,
  });
};
