// The CANCEL and the ACK that a forwarder writes itself, each for one hop: RFC 3261 §9.1 and §17.1.1.3.
import { writeRequest } from '../sip/codec.ts';
import type { HeaderRow, SipRequest, SipResponse } from '../sip/types.ts';
import type { ForwardPlan } from './forwarded-message.ts';

/** An INVITE as it went out. */
export interface SentInvite {
  /** As it came. */
  readonly request: SipRequest;
  readonly target: ForwardPlan;
  /** Our Via on it. */
  readonly via: string;
}

const MAX_FORWARDS = '70';

const write = (
  { request, target, via }: SentInvite,
  method: 'CANCEL' | 'ACK',
  to: HeaderRow | undefined,
  more: readonly HeaderRow[],
): Uint8Array => {
  const taken = new Set<string>();
  const kept = request.rows.filter(({ name }) => {
    const wanted = (name === 'from' || name === 'call-id') && !taken.has(name);
    taken.add(name);
    return wanted;
  });
  const row = (as: string, value: string): HeaderRow => ({ name: as.toLowerCase(), as, value });
  return writeRequest({
    method,
    uri: target.uri,
    rows: [
      row('Via', via),
      ...target.routes.map(({ text }) => row('Route', text)),
      row('Max-Forwards', MAX_FORWARDS),
      ...kept,
      ...(to === undefined ? [] : [to]),
      row('CSeq', `${request.cseq.seq} ${method}`),
      ...more,
    ],
    body: new Uint8Array(),
  });
};

const toOf = ({ rows }: Pick<SipRequest, 'rows'>): HeaderRow | undefined =>
  rows.find(({ name }) => name === 'to');

/**
 * §9.1: "The Request-URI, Call-ID, To, the numeric part of CSeq, and From header fields in the CANCEL request MUST be
 * identical to those in the request being cancelled, including tags. A CANCEL constructed by a client MUST have only a
 * single Via header field value matching the top Via value in the request being cancelled." `reasons`: what the caller
 * said why (RFC 3326).
 */
export const cancelOf = (invite: SentInvite, reasons: readonly HeaderRow[]): Uint8Array =>
  write(invite, 'CANCEL', toOf(invite.request), reasons);

/**
 * §17.1.1.3: "The To header field in the ACK MUST equal the To header field in the response being acknowledged". For an
 * answer that goes no further; others are acknowledged by the caller.
 */
export const ackOf = (invite: SentInvite, response: SipResponse): Uint8Array =>
  write(invite, 'ACK', toOf(response), []);
