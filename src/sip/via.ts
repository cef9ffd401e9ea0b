// The top Via of a request: where it really came from (received, rport), where its answer goes, and what names its transaction.
import { type Endpoint, formatEndpoint } from '../runtime/datagram.ts';
import { canonicalHost } from '../uri/hosts.ts';
import { findParam, formatParams } from '../uri/params.ts';
import type { Param } from '../uri/types.ts';
import type { HeaderRow, SipRequest, Via } from './types.ts';

/** sent-by as it stands in the Via. */
const formatSentBy = (via: Via): string => {
  if (via.port !== undefined) return formatEndpoint({ host: via.host, port: via.port });
  return via.host.includes(':') ? `[${via.host}]` : via.host;
};

/** What the server adds to the top Via; undefined if it stays as it is. */
const stampedParams = (via: Via, from: Endpoint): readonly Param[] | undefined => {
  // The zone of a link-local address (fe80::1%eth0) means something on this machine only.
  const source = { host: from.host.split('%', 1)[0] ?? from.host, port: from.port };
  const rport = findParam(via.params, 'rport') !== undefined;
  // RFC 3261 §18.2.1: "If the host portion of the "sent-by" parameter contains a domain name, or if it contains an IP
  // address that differs from the packet source address, the server MUST add a "received" parameter".
  // RFC 3581 §4: with rport, "the server MUST insert a "received" parameter …, even if it is identical to the value of the
  // "sent-by" component."
  const received = rport || (via.host !== source.host && canonicalHost(via.host) !== source.host);
  // Nobody but us says where the message came from: what the sender wrote there is a lie or a mistake.
  const forged = findParam(via.params, 'received') !== undefined;
  if (!received && !forged) return undefined;
  const params: Param[] = via.params
    .filter((param) => param.name !== 'received')
    // RFC 3581 §4: "it MUST set the value of the parameter to the source port of the request."
    .map((param) => (param.name === 'rport' ? { name: 'rport', value: String(source.port) } : param));
  // RFC 5118 §4.5: an IPv6 address stands in `received` without brackets.
  if (received) params.push({ name: 'received', value: source.host });
  return params;
};

/** The request with `received` and `rport` filled in, in the parsed Via and in its row alike. */
export const stampVia = (request: SipRequest, source: Endpoint): SipRequest => {
  const [top, ...below] = request.vias;
  const params = stampedParams(top, source);
  if (params === undefined) return request;
  const text = `SIP/2.0/${top.transport} ${formatSentBy(top)}${formatParams(params)}`;
  const index = request.rows.findIndex((row) => row.name === 'via');
  const row = request.rows[index];
  if (row === undefined) return request;
  // One row may hold several values; those after the first stay as written.
  const stamped: HeaderRow = { ...row, value: text + row.value.slice(top.text.length) };
  return {
    ...request,
    rows: request.rows.with(index, stamped),
    vias: [{ ...top, params, text }, ...below],
  };
};

const DEFAULT_PORT = 5060;

/**
 * The port of the source that a UDP answer goes to. RFC 3581 §4: with rport "the response MUST be sent to the IP
 * address listed in the "received" parameter, and the port in the "rport" parameter"; else RFC 3261 §18.2.2: "using
 * the port indicated in the "sent-by" value, or using port 5060 if none is specified explicitly". maddr is ignored: it
 * would let a stranger aim our answers at others.
 */
export const answerPort = (via: Via, source: Endpoint): number =>
  findParam(via.params, 'rport') === undefined ? (via.port ?? DEFAULT_PORT) : source.port;

const MAGIC_COOKIE = 'z9hG4bK';

/**
 * What names the transaction of a request (RFC 3261 §17.2.3): branch, sent-by and method. Without the magic cookie, or
 * with nothing behind it, the fields that RFC 2543 matched by: Request-URI, To tag, From tag, Call-ID, CSeq number and
 * the top Via. `method` and `toTag` stand in for the request's own where a CANCEL or an ACK asks for its INVITE.
 */
export const transactionKey = (request: SipRequest, method = request.method, toTag?: string): string => {
  const via = request.vias[0];
  const branch = findParam(via.params, 'branch')?.value;
  const sentBy = `${via.host.toLowerCase()}:${via.port ?? DEFAULT_PORT}`;
  if (branch?.startsWith(MAGIC_COOKIE) && branch.length > MAGIC_COOKIE.length)
    return `${branch}\0${sentBy}\0${method}`;
  return [
    request.uri,
    toTag ?? findParam(request.to.params, 'tag')?.value ?? '',
    findParam(request.from.params, 'tag')?.value ?? '',
    request.callId,
    String(request.cseq.seq),
    sentBy,
    branch ?? '',
    method,
  ].join('\0');
};

/**
 * What a request that came by two ways has in common (RFC 3261 §8.2.2.2); undefined inside a dialog, where the rule
 * doesn't apply.
 */
export const mergeKey = (request: SipRequest): string | undefined =>
  findParam(request.to.params, 'tag') === undefined
    ? [
        request.callId,
        findParam(request.from.params, 'tag')?.value ?? '',
        String(request.cseq.seq),
        request.method,
      ].join('\0')
    : undefined;
