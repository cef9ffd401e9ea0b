// What an ideal ring of a simulated overlay's members would be, by their ids alone.

import { clockwiseFrom, type Id } from '../../src/record/id.ts';
import type { SimOverlay } from '../../src/sim/sim-overlay.ts';

/** A member that is not ready, or takes others for the eight that follow it; undefined where nothing is wrong. */
export const memberDefect = (overlay: SimOverlay): string | undefined => {
  const ids = overlay.members.flatMap(({ node }) => node.self?.id ?? []);
  for (const { name, node } of overlay.members) {
    const self = node.self?.id;
    if (self === undefined || !node.ready) return `${name} is not ready`;
    const order = clockwiseFrom(self);
    const near = ids.filter((id) => id !== self).sort(order);
    const known = node.members.flatMap(({ id }) => (id === self ? [] : [id])).sort(order);
    if (near.slice(0, 8).join() !== known.slice(0, 8).join()) return `${name} knows others after it`;
  }
  return undefined;
};

/** Those that hold `key` in the ideal ring, the owner first. */
export const ownersOf = (overlay: SimOverlay, key: Id, count = 3): readonly Id[] => {
  const ids = overlay.members.flatMap(({ node }) => node.self?.id ?? []);
  const order = clockwiseFrom(key);
  return ids.sort((a, b) => (a === key ? -1 : b === key ? 1 : order(a, b))).slice(0, count);
};
