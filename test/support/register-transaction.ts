// A server transaction that keeps its answer: what handlers are tested with.
import { parseNameAddr } from '../../src/sip/name-addr.ts';
import { readRows } from '../../src/sip/rows.ts';
import type { Flow, NameAddr, Reply, ServerTransaction, SipRequest, Transport } from '../../src/sip/types.ts';
import { viaOf } from './sip-request.ts';

export interface FakeTransaction extends ServerTransaction {
  /** The answers given, in order. */
  readonly replies: readonly Reply[];
  readonly released: boolean;
}

export interface FakeSource {
  readonly host?: string;
  readonly port?: number;
  readonly transport?: Transport;
}

const address = (value: string): NameAddr => {
  const parsed = parseNameAddr(value);
  if (!parsed.ok) throw new Error(`${value}: ${parsed.error}`);
  return parsed.value;
};

/** A request as the reader would make it, from its start line and headers (From, To, Call-ID and CSeq among them). */
export const requestFrom = (lines: readonly string[]): SipRequest => {
  const { startLine, rows } = readRows(`${lines.join('\r\n')}\r\n`);
  const [method = '', uri = ''] = startLine.split(' ');
  const value = (name: string): string => rows.find((row) => row.name === name)?.value ?? '';
  const via = viaOf(value('via') || 'SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bKfake');
  return {
    kind: 'request',
    method,
    uri,
    rows,
    vias: [via],
    from: address(value('from')),
    to: address(value('to')),
    callId: value('call-id'),
    cseq: { seq: Number.parseInt(value('cseq'), 10), method },
    body: new Uint8Array(),
  };
};

export const fakeTransaction = (request: SipRequest, source: FakeSource = {}): FakeTransaction => {
  const replies: Reply[] = [];
  let released = false;
  const flow: Flow = {
    transport: source.transport ?? 'udp',
    local: { host: '127.0.0.1', port: 5060 },
    advertised: { host: '127.0.0.1', port: 5060 },
    remote: { host: source.host ?? '192.0.2.4', port: source.port ?? 5060 },
    open: true,
    send: () => true,
  };
  return {
    request,
    flow,
    replies,
    get released() {
      return released;
    },
    get done() {
      return replies.length > 0 || released;
    },
    reply: (reply) => void replies.push(reply),
    prolong: () => undefined,
    release: () => {
      released = true;
    },
  };
};

/** All values of one header of an answer. */
export const headersOf = (reply: Reply | undefined, name: string): readonly string[] =>
  (reply?.headers ?? []).filter(([key]) => key === name).map(([, value]) => value);
