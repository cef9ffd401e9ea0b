// How a request reaches a peer: by datagram to the address that suits us, or straight to our own handler if it is us.
import type { Id } from '../record/id.ts';
import type { Endpoint } from '../runtime/datagram.ts';
import type { PeerHealth } from './peer-health.ts';
import type { CallOutcome, Peer, Request, RequestHandler, Rpc } from './types.ts';

export interface AskOptions {
  readonly attempts?: number;
  readonly timeoutMs?: number;
}

/** Asks one peer; never rejects. */
export type Ask = (peer: Peer, request: Request, options?: AskOptions) => Promise<CallOutcome>;

/** The peer's address of our socket's family; its preferred one if it has none. */
export const endpointFor = (peer: Peer, local: Endpoint): Endpoint | undefined =>
  peer.endpoints.find(({ host }) => host.includes(':') === local.host.includes(':')) ?? peer.endpoints[0];

/** The request as this peer gets it: with the number of its vnode where that isn't 0. */
export const toMember = (peer: Peer, request: Request): Request =>
  peer.vnode === 0 ? request : { ...request, vnode: peer.vnode };

export const createAsk = (deps: {
  readonly rpc: Pick<Rpc, 'call' | 'local'>;
  readonly health: PeerHealth;
  /** Told of a timeout, beside `health`. */
  readonly onMissed?: (peer: Peer) => void;
  /** Absent for a client: nothing is asked of ourselves. */
  readonly own?: { readonly id: Id; readonly handle: RequestHandler; sizeEstimate(): number };
}): Ask => {
  const { rpc, health, own } = deps;
  return async (peer, request, options = {}) => {
    if (own !== undefined && peer.id === own.id) {
      const answer = await own.handle(request, rpc.local);
      return { ok: true, answer, meta: { from: rpc.local, rttMs: 0, sizeEstimate: own.sizeEstimate() } };
    }
    const endpoint = endpointFor(peer, rpc.local);
    if (endpoint === undefined) return { ok: false, code: 'malformed' };
    const outcome = await rpc.call(endpoint, toMember(peer, request), options);
    if (outcome.ok) health.answered(peer.id, outcome.meta.rttMs);
    else if (outcome.code === 'timeout') {
      health.missed(peer.id);
      deps.onMissed?.(peer);
    }
    return outcome;
  };
};
