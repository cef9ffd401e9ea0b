// Requests for tests of the SIP room: as text for the wire, and as the typed message that the reader would make.
import type { HeaderRow, SipRequest, Via } from '../../src/sip/types.ts';
import type { Param } from '../../src/uri/types.ts';

export interface RequestText {
  readonly method?: string;
  readonly uri?: string;
  readonly via?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly maxForwards?: number;
  /** From and To as written, tags included. */
  readonly from?: string;
  readonly to?: string;
  readonly fromTag?: string;
  readonly toTag?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** The bytes of a well-formed request, as latin1 text. */
export const requestText = (given: RequestText): string => {
  const method = given.method ?? 'INVITE';
  const body = given.body ?? '';
  return [
    `${method} ${given.uri ?? 'sip:bob@example.com'} SIP/2.0`,
    `Via: ${given.via ?? 'SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bKtest'}`,
    `Max-Forwards: ${given.maxForwards ?? 70}`,
    `From: ${given.from ?? `<sip:alice@example.net>;tag=${given.fromTag ?? 'a1'}`}`,
    `To: ${given.to ?? `<sip:bob@example.com>${given.toTag === undefined ? '' : `;tag=${given.toTag}`}`}`,
    `Call-ID: ${given.callId ?? 'call-1'}`,
    `CSeq: ${given.cseq ?? 1} ${method}`,
    ...(given.headers ?? []),
    `Content-Length: ${Buffer.byteLength(body, 'latin1')}`,
    '',
    body,
  ].join('\r\n');
};

const params = (text: string): readonly Param[] =>
  text
    .split(';')
    .filter((part) => part !== '')
    .map((part) => {
      const [name = '', value] = part.split('=', 2);
      return value === undefined ? { name } : { name, value };
    });

/** `SIP/2.0/UDP host[:port][;params]`, IPv6 in brackets. */
export const viaOf = (text: string): Via => {
  const [, transport = '', host = '', port, rest = ''] =
    /^SIP\/2\.0\/(\w+) (\[[^\]]+\]|[^:;]+)(?::(\d+))?(.*)$/.exec(text) ?? [];
  return {
    transport,
    host: host.replace(/^\[|\]$/g, ''),
    ...(port === undefined ? {} : { port: Number(port) }),
    params: params(rest),
    text,
  };
};

/** A typed request with what the tables look at. */
export const requestOf = (given: RequestText = {}): SipRequest => {
  const method = given.method ?? 'INVITE';
  const via = given.via ?? 'SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bKtest';
  const rows: HeaderRow[] = [
    { name: 'via', as: 'Via', value: via },
    ...(given.headers ?? []).map((row) => {
      const at = row.indexOf(':');
      return { name: row.slice(0, at).toLowerCase(), as: row.slice(0, at), value: row.slice(at + 1).trim() };
    }),
  ];
  return {
    kind: 'request',
    method,
    uri: given.uri ?? 'sip:bob@example.com',
    rows,
    vias: [viaOf(via)],
    from: {
      uri: 'sip:alice@example.net',
      params: [{ name: 'tag', value: given.fromTag ?? 'a1' }],
      text: `<sip:alice@example.net>;tag=${given.fromTag ?? 'a1'}`,
    },
    to: {
      uri: 'sip:bob@example.com',
      params: given.toTag === undefined ? [] : [{ name: 'tag', value: given.toTag }],
      text: '<sip:bob@example.com>',
    },
    callId: given.callId ?? 'call-1',
    cseq: { seq: given.cseq ?? 1, method },
    body: new Uint8Array(),
    ...(given.maxForwards === undefined ? {} : { maxForwards: given.maxForwards }),
  };
};
