// What an ideal ring of a simulated overlay's members would be, by their ids alone.

import { clockwiseFrom, type Id } from '../../src/record/id.ts';
import type { SimOverlay } from '../../src/sim/sim-overlay.ts';

/** A member that is not ready, or misses one of those that follow it; undefined where nothing is wrong. */
export const memberDefect = (overlay: SimOverlay): string | undefined => {
  const ids = overlay.members.flatMap(({ node }) => node.self?.id ?? []);
  for (const { name, node } of overlay.members) {
    const self = node.self?.id;
    if (self === undefined || !node.ready) return `${name} is not ready`;
    const known = new Set(node.members.map(({ id }) => id));
    const near = [...ids].sort(clockwiseFrom(self));
    const missing = near.slice(0, 8).filter((id) => !known.has(id));
    if (missing.length > 0) return `${name} does not know ${missing.length} of those after it`;
  }
  return undefined;
};

/** Those that hold `key` in the ideal ring, the owner first. */
export const ownersOf = (overlay: SimOverlay, key: Id, count = 3): readonly Id[] => {
  const ids = overlay.members.flatMap(({ node }) => node.self?.id ?? []);
  const order = clockwiseFrom(key);
  return ids.sort((a, b) => (a === key ? -1 : b === key ? 1 : order(a, b))).slice(0, count);
};
