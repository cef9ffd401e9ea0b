// What the SIP room counts, with every label an enumeration.
import type { Metrics } from '../runtime/metrics.ts';
import { methodLabel } from './methods.ts';
import type { Transport } from './types.ts';

/** Why something that came, or an answer of ours, went no further. */
export type DropReason =
  /** A source sent more than its share: a datagram is dropped, a connection is not read from for a while. */
  | 'rate'
  /** From a source that is banned; unread. */
  | 'banned'
  /** From a program that looks for victims, by its own word (User-Agent). */
  | 'scanner'
  | 'held'
  | 'too-large'
  | 'keep-alive'
  /** Unreadable, and nobody to tell. */
  | 'malformed'
  /** Unreadable or refused, but RFC 3261 has no answer for ACK and for responses. */
  | 'unanswerable'
  /** An ACK that belongs to no answer of ours and that nobody forwards. */
  | 'stray-ack'
  | 'stray-response'
  | 'retransmission'
  /** A fault of ours; an error line says more. */
  | 'fault'
  /** The connection was gone, or its write buffer full, when the answer was ready. */
  | 'answer-undeliverable'
  | 'connections'
  | 'connections-per-source'
  /** Too many connections at once whose handshake (TLS, WebSocket) is not done, or that have said nothing yet (TCP, TLS). */
  | 'handshakes'
  /** A handshake that came to nothing: no TLS, no certificate that suited the client. */
  | 'handshake'
  /** A connection closed: nothing came for long, a message or a handshake took too long, its peer doesn't read, its bytes aren't SIP. */
  | 'idle'
  | 'slow-sender'
  | 'slow-reader'
  | 'stream-garbage'
  /** A connection closed within a message. */
  | 'truncated'
  | 'socket-error';

export interface SipMetrics {
  answered(method: string, code: number, transport: Transport, seconds: number): void;
  dropped(reason: DropReason): void;
  /** An ACK of an answer of ours came and ends here (RFC 3261 §17.2.1). */
  acknowledged(): void;
}

export const createSipMetrics = (metrics: Metrics): SipMetrics => {
  const requests = metrics.counter(
    'chordial_sip_requests_total',
    'SIP requests by method, answer and transport',
  );
  const dropped = metrics.counter(
    'chordial_sip_dropped_total',
    'What came over SIP sockets and went no further',
  );
  const acks = metrics.counter('chordial_sip_acks_total', 'ACKs of answers of ours');
  const seconds = metrics.histogram('chordial_sip_request_seconds', 'From a SIP request to its final answer');
  return {
    answered(method, code, transport, tookSeconds) {
      const label = methodLabel(method);
      requests.add({ method: label, code, transport });
      seconds.observe(tookSeconds, { method: label });
    },
    dropped: (reason) => dropped.add({ reason }),
    acknowledged: () => acks.add(),
  };
};
