// The head of a message as typed values: Via, From, To, CSeq, Call-ID, Max-Forwards and Content-Length, and what was wrong.
import { fail, ok, type Result } from '../runtime/result.ts';
import { parseCseq, parseUint } from './header-values.ts';
import { isKnownMethod } from './methods.ts';
import { parseNameAddr } from './name-addr.ts';
import { type Fault, faultOf, type SipReadError } from './read-error.ts';
import { readRows } from './rows.ts';
import { isAll, VISIBLE, type Work } from './scanner.ts';
import { readStartLine, type StartLine } from './start-line.ts';
import type { HeaderRow, NameAddr, SipMessage, SipRequest, Via } from './types.ts';
import { readVias } from './via-reader.ts';

/** `absent`: the rest of a datagram; a stream has no rest. `bad`: nobody knows where the message ends. */
export type ContentLength = number | 'absent' | 'bad';

export interface MessageHead {
  readonly contentLength: ContentLength;
  /** The message with its body, or what is wrong with it; `late` is a fault found outside the head. */
  complete(body: Uint8Array, late?: Fault): Result<SipMessage, SipReadError>;
}

interface Values {
  vias: Via[];
  from: NameAddr | undefined;
  to: NameAddr | undefined;
  callId: string | undefined;
  cseq: { readonly seq: number; readonly method: string } | undefined;
  maxForwards: number | undefined;
  contentLength: ContentLength;
  fault: Fault | undefined;
}

/** Rows of which there is one at most, a bit each. */
const SINGLE: ReadonlyMap<string, number> = new Map(
  ['from', 'to', 'call-id', 'cseq', 'max-forwards', 'content-length', 'content-type', 'expires'].map(
    (name, index) => [name, 1 << index] as const,
  ),
);

const readSingle = (row: HeaderRow, values: Values, work?: Work): string | undefined => {
  const { value } = row;
  switch (row.name) {
    case 'from':
    case 'to': {
      const address = parseNameAddr(value, work);
      if (!address.ok) return address.error;
      values[row.name] = address.value;
      return undefined;
    }
    case 'call-id':
      values.callId = value;
      return value !== '' && isAll(value, VISIBLE) ? undefined : 'no word, or more than one';
    case 'cseq':
      values.cseq = parseCseq(value, work);
      return values.cseq === undefined ? 'no number below 2^32 and method' : undefined;
    case 'max-forwards':
      values.maxForwards = parseUint(value, 255);
      return values.maxForwards === undefined ? 'no number from 0 to 255' : undefined;
    case 'content-length':
      values.contentLength = parseUint(value) ?? 'bad';
      return values.contentLength === 'bad' ? 'no number' : undefined;
    default:
      return undefined;
  }
};

const readValues = (rows: readonly HeaderRow[], headFault: Fault | undefined, work?: Work): Values => {
  const values: Values = {
    vias: [],
    from: undefined,
    to: undefined,
    callId: undefined,
    cseq: undefined,
    maxForwards: undefined,
    contentLength: 'absent',
    fault: headFault,
  };
  let seen = 0;
  for (const row of rows) {
    if (row.name === 'via') {
      const fault = readVias(row.value, values.vias, work);
      if (fault !== undefined) values.fault ??= faultOf('ERR_SIP_HEADER', `Via: ${fault}`);
      continue;
    }
    const bit = SINGLE.get(row.name);
    if (bit === undefined) continue;
    // RFC 3261 §7.3.1 allows several rows of one name only where the value is a list. Which of two an element took would
    // decide what it does: 400 (RFC 4475 §3.3.8, §3.3.9).
    if ((seen & bit) !== 0) {
      values.fault ??= faultOf('ERR_SIP_HEADER', `${row.name} stands twice`);
      if (row.name === 'content-length') values.contentLength = 'bad';
      continue;
    }
    seen |= bit;
    const fault = readSingle(row, values, work);
    if (fault !== undefined) values.fault ??= faultOf('ERR_SIP_HEADER', `${row.name}: ${fault}`);
  }
  return values;
};

const BLANK: NameAddr = { uri: '', params: [], text: '' };
const NO_CSEQ = { seq: 0, method: '' };

const missing = (what: string): Fault => faultOf('ERR_SIP_MISSING', `no ${what}`);

/** What a whole message must have (RFC 3261 §8.1.1), beyond what each row says for itself. */
const wholeFault = (start: StartLine, values: Values): Fault | undefined => {
  if (values.vias.length === 0) return missing('Via');
  if (values.from === undefined) return missing('From');
  if (values.to === undefined) return missing('To');
  if (values.callId === undefined) return missing('Call-ID');
  if (values.cseq === undefined) return missing('CSeq');
  if (start.kind !== 'request' || values.cseq.method === start.method) return undefined;
  // §8.1.1.5: "The method part of the CSeq … MUST match that of the request." RFC 4475 §3.1.2.18, of a method that nobody
  // knows: "A 400 Bad Request is also acceptable, but choosing a 501 … has better future-proof characteristics."
  return isKnownMethod(start.method)
    ? faultOf('ERR_SIP_HEADER', 'CSeq names another method')
    : faultOf('ERR_SIP_HEADER', 'Not Implemented', 501);
};

/** Reads a head: everything before the empty line, as latin1 text. */
export const readHead = (text: string, work?: Work): MessageHead => {
  const { startLine, rows, fault: headFault } = readRows(text, work);
  const start = readStartLine(startLine);
  if (work !== undefined) work.steps += startLine.length;
  const startFault = start.kind === 'response' ? undefined : start.fault;
  const values = readValues(rows, startFault ?? headFault, work);

  const complete = (body: Uint8Array, late?: Fault): Result<SipMessage, SipReadError> => {
    const fault = values.fault ?? wholeFault(start, values) ?? late;
    const [top, ...below] = values.vias;
    if (start.kind === 'broken' || top === undefined) return fail(fault ?? missing('Via'));
    const vias = [top, ...below] as const;
    const { from = BLANK, to = BLANK, callId = '', cseq = NO_CSEQ, maxForwards } = values;
    // Written out: a spread costs more than reading a Via.
    if (start.kind === 'response') {
      const { status, reason } = start;
      if (fault !== undefined) return fail(fault);
      return ok({ kind: 'response', status, reason, rows, vias, from, to, callId, cseq, body });
    }
    const { method, uri } = start;
    const request: SipRequest =
      maxForwards === undefined
        ? { kind: 'request', method, uri, rows, vias, from, to, callId, cseq, body }
        : { kind: 'request', method, uri, maxForwards, rows, vias, from, to, callId, cseq, body };
    if (fault === undefined) return ok(request);
    // RFC 3261 §17.1.1.3: nothing answers an ACK.
    return fail(method === 'ACK' ? fault : { ...fault, request });
  };

  return { contentLength: values.contentLength, complete };
};
