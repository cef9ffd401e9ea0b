// Why a request found no way to its next hop, in a status and in words for the caller.
import type { Dns, DnsAnswer } from '../runtime/dns.ts';

/** DNS as one request used it. */
export interface HeardDns {
  readonly dns: Dns;
  /** What it said altogether: `unasked` where an address stood in the URI, `silent` where a question had no answer. */
  readonly said: () => 'unasked' | 'answered' | 'silent';
}

/**
 * Passes every question on and takes down how it ended. Nothing is asked once `isOver`: a zone of many names that its
 * servers are slow to tell would hold the resolver for minutes, long after the caller had his answer.
 */
export const hearing = (dns: Dns, isOver: () => boolean): HeardDns => {
  let said: ReturnType<HeardDns['said']> = 'unasked';
  const note = async <T>(ask: () => Promise<DnsAnswer<T>>): Promise<DnsAnswer<T>> => {
    const answer: DnsAnswer<T> = isOver() ? { kind: 'unavailable' } : await ask();
    const { kind } = answer;
    if (kind === 'unavailable') said = 'silent';
    else if (said === 'unasked') said = 'answered';
    return answer;
  };
  return {
    dns: {
      naptr: (name) => note(() => dns.naptr(name)),
      srv: (name) => note(() => dns.srv(name)),
      addresses: (name, family) => note(() => dns.addresses(name, family)),
    },
    said: () => said,
  };
};

export interface NoWay {
  readonly kind: 'refused';
  readonly status: number;
  /** RFC 3261 §21.4.18: "The reason phrase SHOULD indicate a more precise cause". */
  readonly reason?: string;
  readonly why: string;
}

/** What was found on the way that a request could not go. */
export interface Found {
  /** Hops that took nothing, as the log names them. */
  readonly tried: readonly string[];
  /** Hops that its sender may not have it sent to (next-hop-scope.ts). */
  readonly barred: boolean;
  /** Hops that are ourselves. */
  readonly ourselves: boolean;
  readonly said: ReturnType<HeardDns['said']>;
}

export const noWay = ({ tried, barred, ourselves, said }: Found): NoWay => {
  const untried = tried.length === 0;
  if (untried && ourselves) return { kind: 'refused', status: 482, why: 'the way leads back here' };
  if (untried && barred)
    return {
      kind: 'refused',
      status: 403,
      reason: 'Next Hop Not Allowed',
      why: 'the next hop is an address of this machine or of its links, or none at all',
    };
  // RFC 3261 §16.9: as if it "received a 503 (Service Unavailable) response", which by §16.7 step 6 reaches the caller
  // as 500: that the callee's server is away says nothing about us.
  if (!untried || said === 'unasked') {
    const to = untried ? 'no listener of its transport and address family' : tried.join(', ');
    const why = `no way to the next hop: ${to}`;
    return { kind: 'refused', status: 500, reason: 'Next Hop Unreachable', why };
  }
  // RFC 3261 §21.5.5: "The server did not receive a timely response from an external server it accessed in attempting
  // to process the request." A 480 would be a guess.
  if (said === 'silent')
    return { kind: 'refused', status: 504, reason: 'No Answer From DNS', why: 'DNS could not be asked' };
  // RFC 3261 §16.5: "If the target set remains empty …, the proxy MUST return an error response, which SHOULD be the 480
  // (Temporarily Unavailable) response." Not 404: a domain that lives in the ring alone has no server in DNS, and its
  // user may be back in a minute.
  return {
    kind: 'refused',
    status: 480,
    reason: 'No Server Found For This Domain',
    why: 'DNS has no server of that domain',
  };
};
