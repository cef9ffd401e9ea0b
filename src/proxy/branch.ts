// The branch of our Via as a stateless proxy computes it (RFC 3261 §16.11): what it is for, what it shows when it comes back.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { SipRequest, SipResponse, Via } from '../sip/types.ts';
import { findParam } from '../uri/params.ts';

// A branch is the cookie and three MACs, each of a fixed length in base64url:
//  transaction  what the received branch names; the same for a retransmission, its CANCEL and its ACK
//  loop         what the way was chosen by (RFC 5393 §4.2.1): seen again below our own Via, the request runs in a circle
//  back         where the answer goes: nobody makes us send one elsewhere by writing Vias of his own
// Behind them stands the number of the attempt where it is not the first: RFC 3263 §4.3 wants for the next server a request
// that "has a different value of the Via branch ID".
const COOKIE = 'z9hG4bK';
const SHAPE = /^z9hG4bK([A-Za-z0-9_-]{22})([A-Za-z0-9_-]{11})([A-Za-z0-9_-]{11})([2-9]?)$/;
const TRANSACTION_BYTES = 16;
const SHORT_BYTES = 8;

export interface Branch {
  readonly transaction: string;
  readonly loop: string;
  readonly back: string;
  /** From 1; absent where it is the first. */
  readonly attempt?: number;
}

export const formatBranch = ({ transaction, loop, back, attempt = 1 }: Branch): string =>
  COOKIE + transaction + loop + back + (attempt > 1 ? String(attempt) : '');

/** The parts of a branch that has the shape of ours; whether it is ours the MACs say. */
export const parseBranch = (text: string | undefined): Branch | undefined => {
  const [, transaction, loop, back, attempt] = SHAPE.exec(text ?? '') ?? [];
  return transaction === undefined || loop === undefined || back === undefined
    ? undefined
    : { transaction, loop, back, attempt: Number(attempt === '' ? 1 : attempt) };
};

const same = (left: string, right: string): boolean =>
  left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));

const branchOf = (via: Via): string | undefined => findParam(via.params, 'branch')?.value;
const sentByOf = (via: Via): string => `${via.host.toLowerCase()} ${via.port ?? ''}`;
const hasCookie = (branch: string | undefined): branch is string =>
  branch?.startsWith(COOKIE) === true && branch.length > COOKIE.length;
const tagOf = ({ params }: SipRequest['from']): string => findParam(params, 'tag')?.value ?? '';

/** Computes and checks branches under one secret. */
export class Branches {
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /**
   * What names the transaction of a request with us, whatever its method. RFC 3261 §16.11: "the branch parameter MUST be
   * computed as a combinatoric function of message parameters which are invariant on retransmission."
   */
  transactionOf(request: SipRequest): string {
    const via = request.vias[0];
    const branch = branchOf(via);
    if (hasCookie(branch)) return this.#transaction(branch, via, request);
    // "Otherwise, the first component of the branch ID is computed as a hash of the topmost Via, the tag in the To header
    // field, the tag in the From header field, the Call-ID header field, the CSeq number (but not method), and the
    // Request-URI": without the To tag, which the ACK has and its INVITE has not.
    return this.#transaction(`${via.text}\0${tagOf(request.from)}\0${request.uri}`, via, request);
  }

  /** The branch that `request` gets when we forward it. */
  of(request: SipRequest): Branch {
    const transaction = this.transactionOf(request);
    return {
      transaction,
      loop: this.#loop(request),
      back: this.#back(transaction, request.vias[0]),
    };
  }

  /**
   * RFC 5393 §4.2.2: "If these values are equal, the request has looped and the proxy MUST reject the request with a
   * 482". A Via of ours with another value is a spiral, and goes on.
   */
  loops(request: SipRequest): boolean {
    // Computed only for a request that bears the shape of our branch at all.
    const seen = request.vias.flatMap((via) => parseBranch(branchOf(via)) ?? []);
    if (seen.length === 0) return false;
    const loop = this.#loop(request);
    return seen.some((branch) => same(branch.loop, loop));
  }

  /** True if we put `branch` on the request that `response` answers, and its second Via is where that came from. */
  isAnswerToOurs(response: SipResponse, branch: Branch): boolean {
    const below = response.vias[1];
    if (below === undefined) return false;
    const received = branchOf(below);
    // What came without the magic cookie is named by fields that an answer does not carry: only the memory knows it.
    return (
      hasCookie(received) &&
      same(this.#transaction(received, below, response), branch.transaction) &&
      same(this.#back(branch.transaction, below), branch.back)
    );
  }

  #transaction(key: string, via: Via, { callId, cseq }: Pick<SipRequest, 'callId' | 'cseq'>): string {
    return this.#mac(['transaction', key, sentByOf(via), callId, String(cseq.seq)], TRANSACTION_BYTES);
  }

  #loop(request: SipRequest): string {
    // RFC 5393 §4.2.1: "the second part MUST depend at least on the received Request-URI and any Route header field
    // values used when processing the received request" and "MUST NOT vary with the request method."
    const { callId, cseq, from, uri } = request;
    const routes = request.rows.flatMap(({ name, value }) => (name === 'route' ? [value] : []));
    return this.#mac(['loop', callId, String(cseq.seq), tagOf(from), uri, ...routes], SHORT_BYTES);
  }

  #back(transaction: string, via: Via): string {
    const received = findParam(via.params, 'received')?.value ?? '';
    const rport = findParam(via.params, 'rport')?.value ?? '';
    return this.#mac(['back', transaction, via.transport, sentByOf(via), received, rport], SHORT_BYTES);
  }

  #mac(fields: readonly string[], bytes: number): string {
    // NUL stands in no field (the reader refuses it), so no two lists make the same text.
    return createHmac('sha256', this.#secret)
      .update(fields.join('\0'), 'latin1')
      .digest()
      .toString('base64url', 0, bytes);
  }
}
