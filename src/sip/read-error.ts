// What is wrong with bytes that should have been a SIP message, and whether anybody can be told.
import type { SipRequest } from './types.ts';

export type SipReadErrorCode =
  /** No SIP at all: no start line that begins like one. */
  | 'ERR_SIP_NOT_SIP'
  | 'ERR_SIP_START_LINE'
  | 'ERR_SIP_VERSION'
  | 'ERR_SIP_LINE'
  | 'ERR_SIP_LIMIT'
  | 'ERR_SIP_HEADER'
  | 'ERR_SIP_MISSING'
  | 'ERR_SIP_CONTENT_LENGTH'
  | 'ERR_SIP_TOO_LARGE';

export interface SipReadError {
  readonly code: SipReadErrorCode;
  readonly status: 400 | 501 | 505 | 513;
  /** Words for the reason phrase: ours alone, nothing of the input. */
  readonly reason: string;
  /**
   * What could be read of the request, enough to send `status` to where it came from; blank where a header was missing or
   * unreadable. Good for its answer and for nothing else. Absent for responses, ACK, and what has no Via to go by.
   */
  readonly request?: SipRequest;
}

/** The first thing that was wrong. */
export type Fault = Pick<SipReadError, 'code' | 'status' | 'reason'>;

export const faultOf = (code: SipReadErrorCode, reason: string, status: Fault['status'] = 400): Fault => ({
  code,
  status,
  reason,
});
