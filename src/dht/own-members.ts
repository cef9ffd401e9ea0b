// What our own process is asked is answered without a datagram: a process that is several members would talk to itself.
import type { Endpoint } from '../runtime/datagram.ts';
import { sameEndpoint } from './address.ts';
import type { RequestHandler, Rpc } from './types.ts';

export type Calls = Pick<Rpc, 'call' | 'local'>;

export interface OwnMembers {
  /** Where we listen and what we say of it. */
  readonly endpoints: () => readonly Endpoint[];
  readonly handle: RequestHandler;
  sizeEstimate(): number;
}

export const withOwnMembers = (rpc: Calls, own: OwnMembers): Calls => ({
  get local() {
    return rpc.local;
  },
  async call(to, request, options) {
    if (!own.endpoints().some((one) => sameEndpoint(one, to))) return rpc.call(to, request, options);
    const answer = await own.handle(request, rpc.local, true);
    return { ok: true, answer, meta: { from: to, rttMs: 0, sizeEstimate: own.sizeEstimate() } };
  },
});
