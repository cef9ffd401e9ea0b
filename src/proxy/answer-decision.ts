// What becomes of an answer to a forwarded request (RFC 3261 §16.7), from what it is and what came before it.

export interface AnswerFacts {
  readonly invite: boolean;
  readonly status: number;
  /** `open`: the caller has no final answer; `answered`: he got one that came from a hop; `refused`: one of ours. */
  readonly phase: 'open' | 'answered' | 'refused';
  /**
   * Where the answer is from: the hop that is asked now, the one whose final answer the caller has, or one that was left
   * for another.
   */
  readonly from: 'current' | 'answerer' | 'left';
  /** The caller has cancelled. */
  readonly cancelled: boolean;
}

export type AnswerAction =
  /** To the caller, who waits on. */
  | 'pass'
  /** To the caller, as the end of it. */
  | 'finish'
  /** §16.7 step 5: a 100 is for the hop alone; the caller gets one of ours. */
  | 'trying'
  /** Nobody waits for it any more: CANCEL. */
  | 'cancel'
  /** Nobody hears of it, but its sender wants an ACK. */
  | 'acknowledge'
  /** RFC 3263 §4.3: a 503 is for the next hop to make good. */
  | 'next'
  | 'drop';

const onProvisional = ({ invite, status, phase, from, cancelled }: AnswerFacts): AnswerAction => {
  // RFC 4320 §4.1: no provisional answer but 100 to anything but an INVITE, and that one is ours to give.
  if (!invite || from === 'answerer') return 'drop';
  // §9.1: what was given up may be cancelled only now.
  if (phase !== 'open' || from === 'left' || cancelled) return 'cancel';
  return status === 100 ? 'trying' : 'pass';
};

const onFinal = ({ invite, status, phase, from }: AnswerFacts): AnswerAction => {
  const accepted = status < 300;
  // §16.7 step 5: "After a final response has been sent on the server transaction, the following responses MUST be
  // forwarded immediately: Any 2xx response to an INVITE request". A left hop may be the one that accepts.
  if (invite && accepted) return 'finish';
  // Its answer was asked for again, or is repeated until the ACK gets there.
  if (from === 'answerer') return 'finish';
  if (phase !== 'open') return invite ? 'acknowledge' : 'drop';
  if (status === 503) return from === 'current' ? 'next' : invite ? 'acknowledge' : 'drop';
  // A refusal by a hop that was left does not speak for the one that is asked; another request is simply answered.
  return invite && from === 'left' ? 'acknowledge' : 'finish';
};

export const answerDecision = (facts: AnswerFacts): AnswerAction =>
  facts.status < 200 ? onProvisional(facts) : onFinal(facts);
