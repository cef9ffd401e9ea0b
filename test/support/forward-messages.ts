// Typed messages for tests of redirection and forwarding: what the reader makes of the rows given, no more.

import type { RouteValue } from '../../src/redirect/route-decision.ts';
import type { HeaderRow, NameAddr, SipRequest, SipResponse, Via } from '../../src/sip/types.ts';
import { viaOf } from './sip-request.ts';

export interface GivenMessage {
  readonly vias?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly cseqMethod?: string;
  /** Further rows, `Name: value`. */
  readonly rows?: readonly string[];
  readonly body?: string;
}

export interface GivenRequest extends GivenMessage {
  readonly method?: string;
  readonly uri?: string;
  readonly maxForwards?: number | 'absent';
}

export const DEFAULT_VIA = 'SIP/2.0/UDP 192.0.2.50:5070;branch=z9hG4bKa1;rport=5070;received=192.0.2.50';

const headerRow = (text: string): HeaderRow => {
  const at = text.indexOf(':');
  const as = text.slice(0, at);
  return { name: as.toLowerCase(), as, value: text.slice(at + 1).trim() };
};

/** `<uri>;tag=x` */
const nameAddr = (text: string): NameAddr => {
  const [, uri = '', tag] = /^<([^>]*)>(?:;tag=(.*))?$/.exec(text) ?? [];
  return { uri, params: tag === undefined ? [] : [{ name: 'tag', value: tag }], text };
};

const partsOf = (given: GivenMessage, method: string) => {
  const texts = given.vias ?? [DEFAULT_VIA];
  const [top = viaOf(DEFAULT_VIA), ...below] = texts.map(viaOf);
  const vias: readonly [Via, ...Via[]] = [top, ...below];
  const from = given.from ?? '<sip:alice@biloxi.com>;tag=a1';
  const to = given.to ?? '<sip:bob@example.com>';
  const callId = given.callId ?? 'call-1';
  const cseq = { seq: given.cseq ?? 1, method: given.cseqMethod ?? method };
  const rows: HeaderRow[] = [
    ...texts.map((text) => headerRow(`Via: ${text}`)),
    headerRow(`From: ${from}`),
    headerRow(`To: ${to}`),
    headerRow(`Call-ID: ${callId}`),
    headerRow(`CSeq: ${cseq.seq} ${cseq.method}`),
    ...(given.rows ?? []).map(headerRow),
  ];
  const body = Buffer.from(given.body ?? '', 'latin1');
  return { rows, vias, from: nameAddr(from), to: nameAddr(to), callId, cseq, body };
};

export const requestOf = (given: GivenRequest = {}): SipRequest => {
  const method = given.method ?? 'INVITE';
  const parts = partsOf(given, method);
  const maxForwards = given.maxForwards ?? 70;
  if (maxForwards === 'absent')
    return { kind: 'request', method, uri: given.uri ?? 'sip:bob@example.com', ...parts };
  const rows = [...parts.rows, headerRow(`Max-Forwards: ${maxForwards}`)];
  return { kind: 'request', method, uri: given.uri ?? 'sip:bob@example.com', ...parts, rows, maxForwards };
};

export const responseOf = (given: GivenMessage & { readonly status: number }): SipResponse => ({
  kind: 'response',
  status: given.status,
  reason: 'Reason',
  ...partsOf(given, 'INVITE'),
});

/** The values of Route rows that each hold one `<uri>`. */
export const routesOf = (...texts: readonly string[]): readonly RouteValue[] =>
  texts.map((text) => ({ uri: text.replace(/^<|>.*$/g, ''), text }));
