// Members whose knowledge is the node's own peer table, filled with everybody in random order: what the model is held against.
import { PeerTable } from '../../src/dht/peer-table.ts';
import type { Peer } from '../../src/dht/types.ts';
import { randomBelow } from '../../src/runtime/random.ts';
import type { RoutingRing } from './routing-ring.ts';

/** All that the table of `self` holds after it was told of every member once, and its eviction chose. */
export const tableOf = (ring: RoutingRing, self: number, max: number): readonly Peer[] => {
  const table = new PeerTable(ring.at(self).id, { max, heardMax: 1 });
  const rest = [...ring.peers];
  const none = new Set<never>();
  while (rest.length > 0) {
    const at = randomBelow(ring.random, rest.length);
    const peer = rest[at];
    const last = rest.pop();
    if (last !== undefined && at < rest.length) rest[at] = last;
    if (peer !== undefined) table.tell(peer, none);
  }
  return table.everybody.peers;
};
