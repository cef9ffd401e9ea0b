// Who holds a key, by the ids alone: what a settled ring must agree with.
import { clockwiseFrom, type Id } from '../../src/record/id.ts';
import type { OverlayWorld } from './overlay-world.ts';

/** Names of the first `count` machines at or after `key`, the owner first. */
export const replicasOf = (overlay: OverlayWorld, key: Id, count = 3): readonly string[] => {
  const order = clockwiseFrom(key);
  return overlay.machines
    .flatMap(({ name, node }) => (node.self === undefined ? [] : [{ name, id: node.self.id }]))
    .sort((a, b) => (a.id === key ? -1 : b.id === key ? 1 : order(a.id, b.id)))
    .slice(0, count)
    .map(({ name }) => name);
};
