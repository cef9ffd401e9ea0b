// What the overlay's socket counts: datagrams and bytes each way, requests, calls, and a reason for everything dropped.
import type { Metrics } from '../runtime/metrics.ts';
import type { RequestType } from './request-traits.ts';
import type { Tally } from './tally.ts';
import type { Answer, CallOutcome, ErrorCode } from './types.ts';

/** Why a datagram went no further. */
export type DropReason =
  | 'not-lsp'
  | 'too-large'
  | 'truncated'
  | 'bad-parts'
  | 'bad-bitmap'
  | 'unsupported'
  | 'bad-source'
  | 'rate'
  | 'unmatched'
  | 'elsewhere'
  | 'bad-challenge'
  | 'duplicate'
  | 'stage-full'
  | 'busy'
  | 'wrong-overlay'
  | 'malformed'
  | 'unknown-speaker'
  | 'bad-signature'
  | 'fault';

export interface RpcMetrics {
  received(bytes: number): void;
  /** `kind`: of the request that the datagram belongs to, if it is known. */
  sent(bytes: number, kind?: RequestType): void;
  dropped(reason: DropReason): void;
  challenged(): void;
  retransmitted(): void;
  served(type: RequestType, result: 'ok' | ErrorCode): void;
  called(type: RequestType, outcome: CallOutcome, ms: number): void;
  socketError(): void;
}

export const resultOf = (answer: Answer): 'ok' | ErrorCode => (answer.type === 'error' ? answer.code : 'ok');

export const rpcMetrics = (metrics: Metrics, tally: Tally): RpcMetrics => {
  tally.register(metrics);
  const datagrams = metrics.counter('chordial_lsp_datagrams_total', 'LSP datagrams by direction');
  const bytesTotal = metrics.counter('chordial_lsp_bytes_total', 'UDP payload of LSP by direction');
  const drops = metrics.counter(
    'chordial_lsp_dropped_total',
    'What came over the LSP socket and went no further',
  );
  const challenges = metrics.counter(
    'chordial_lsp_challenges_total',
    'Requests answered with a cookie challenge',
  );
  const retransmissions = metrics.counter('chordial_lsp_retransmissions_total', 'Requests sent again');
  const requests = metrics.counter('chordial_lsp_requests_total', 'LSP requests served, by type and result');
  const calls = metrics.counter('chordial_lsp_calls_total', 'LSP requests made, by type and result');
  const seconds = metrics.histogram(
    'chordial_lsp_call_seconds',
    'From an LSP request to its answer, by type',
  );
  const errors = metrics.counter('chordial_lsp_socket_errors_total', 'Errors the LSP socket reported');
  return {
    received(bytes) {
      datagrams.add({ direction: 'in' });
      bytesTotal.add({ direction: 'in' }, bytes);
      tally.received(bytes);
    },
    sent(bytes, kind) {
      datagrams.add({ direction: 'out' });
      bytesTotal.add({ direction: 'out' }, bytes);
      tally.sent(kind, bytes);
    },
    dropped: (reason) => drops.add({ reason }),
    challenged: () => challenges.add(),
    retransmitted: () => retransmissions.add(),
    served(type, result) {
      requests.add({ type, result });
      tally.served(type);
    },
    called(type, outcome, ms) {
      tally.asked(type);
      calls.add({ type, result: outcome.ok ? resultOf(outcome.answer) : outcome.code });
      if (outcome.ok) seconds.observe(ms / 1000, { type });
    },
    socketError: () => errors.add(),
  };
};
