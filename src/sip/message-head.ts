// The head of a message as typed values: Via, From, To, CSeq, Call-ID, Max-Forwards and Content-Length, and what was wrong.
import type { Result } from '../runtime/result.ts';
import { parseCseq, parseUint } from './header-values.ts';
import { parseNameAddr } from './name-addr.ts';
import { type Fault, faultOf, type SipReadError } from './read-error.ts';
import { headerValue, readRows } from './rows.ts';
import { isAll, VISIBLE, type Work } from './scanner.ts';
import { readStartLine } from './start-line.ts';
import type { HeaderRow, NameAddr, SipMessage, Via } from './types.ts';
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

/**
 * RFC 3261 §7.3.1 allows several rows of one name only where the value is a list. Which of two an element took would
 * decide what it does: 400 (RFC 4475 §3.3.8, §3.3.9).
 */
const SINGLE: ReadonlySet<string> = new Set([
  'from',
  'to',
  'call-id',
  'cseq',
  'max-forwards',
  'content-length',
  'content-type',
  'expires',
]);

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
  // BOUNDED: SINGLE; gone with the call.
  const seen = new Set<string>();
  for (const row of rows) {
    if (row.name === 'via') {
      const fault = readVias(row.value, values.vias, work);
      if (fault !== undefined) values.fault ??= faultOf('ERR_SIP_HEADER', `Via: ${fault}`);
      continue;
    }
    if (!SINGLE.has(row.name)) continue;
    if (seen.has(row.name)) {
      values.fault ??= faultOf('ERR_SIP_HEADER', `${row.name} stands twice`);
      if (row.name === 'content-length') values.contentLength = 'bad';
      continue;
    }
    seen.add(row.name);
    const fault = readSingle(row, values, work);
    if (fault !== undefined) values.fault ??= faultOf('ERR_SIP_HEADER', `${row.name}: ${fault}`);
  }
  return values;
};

const BLANK: NameAddr = { uri: '', params: [], text: '' };

/** Reads a head: everything before the empty line, as latin1 text. */
export const readHead = (text: string, work?: Work): MessageHead => {
  const { startLine, rows, fault: headFault } = readRows(text, work);
  const start = readStartLine(startLine);
  const startFault = start.kind === 'response' ? undefined : start.fault;
  const values = readValues(rows, startFault ?? headFault, work);
  const { from, to, callId, cseq, maxForwards } = values;
  const [top, ...below] = values.vias;

  const complete: MessageHead['complete'] = (body, late) => {
    const fault =
      values.fault ??
      (top === undefined ? faultOf('ERR_SIP_MISSING', 'no Via') : undefined) ??
      (from === undefined ? faultOf('ERR_SIP_MISSING', 'no From') : undefined) ??
      (to === undefined ? faultOf('ERR_SIP_MISSING', 'no To') : undefined) ??
      (callId === undefined ? faultOf('ERR_SIP_MISSING', 'no Call-ID') : undefined) ??
      (cseq === undefined ? faultOf('ERR_SIP_MISSING', 'no CSeq') : undefined) ??
      // RFC 3261 §8.1.1.5: "The method part of the CSeq … MUST match that of the request."
      (start.kind === 'request' && cseq?.method !== start.method
        ? faultOf('ERR_SIP_HEADER', 'CSeq names another method')
        : undefined) ??
      late;
    const base =
      top === undefined
        ? undefined
        : {
            rows,
            vias: [top, ...below] as const,
            from: from ?? BLANK,
            to: to ?? BLANK,
            callId: callId ?? headerValue(rows, 'call-id') ?? '',
            cseq: cseq ?? { seq: 0, method: '' },
            body,
          };
    if (start.kind === 'broken' || base === undefined) {
      return { ok: false, error: fault ?? faultOf('ERR_SIP_NOT_SIP', 'no request line') };
    }
    if (start.kind === 'response') {
      if (fault !== undefined) return { ok: false, error: fault };
      return { ok: true, value: { kind: 'response', status: start.status, reason: start.reason, ...base } };
    }
    const request = {
      kind: 'request',
      method: start.method,
      uri: start.uri,
      ...base,
      ...(maxForwards === undefined ? {} : { maxForwards }),
    } as const;
    if (fault === undefined) return { ok: true, value: request };
    // RFC 3261 §17.1.1.3: nothing answers an ACK.
    return { ok: false, error: start.method === 'ACK' ? fault : { ...fault, request } };
  };

  return { contentLength: values.contentLength, complete };
};
