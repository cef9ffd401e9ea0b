// How a request reaches a peer: at the address that suits our socket, with the number of its virtual node.
import type { Endpoint } from '../runtime/datagram.ts';
import type { PeerHealth } from './peer-health.ts';
import type { CallOutcome, Peer, Request, Rpc } from './types.ts';

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
export const toMember = ({ vnode }: Pick<Peer, 'vnode'>, request: Request): Request =>
  vnode === 0 ? request : { ...request, vnode };

export const createAsk = (deps: {
  readonly rpc: Pick<Rpc, 'call' | 'local'>;
  readonly health: PeerHealth;
  /** Told of those that an answer names as better ones. */
  readonly onTold?: (peers: readonly Peer[]) => void;
  /** Told of a timeout, beside `health`. */
  readonly onMissed?: (peer: Peer) => void;
}): Ask => {
  const { rpc, health } = deps;
  return async (peer, request, options = {}) => {
    const endpoint = endpointFor(peer, rpc.local);
    if (endpoint === undefined) return { ok: false, code: 'malformed' };
    const outcome = await rpc.call(endpoint, toMember(peer, request), options);
    if (outcome.ok) {
      health.answered(peer.id, outcome.meta.rttMs);
      if (outcome.answer.type === 'error' && outcome.answer.code === 'not-mine')
        deps.onTold?.(outcome.answer.peers);
    } else if (outcome.code === 'timeout') {
      health.missed(peer.id);
      deps.onMissed?.(peer);
    }
    return outcome;
  };
};
