// Zave's inductive invariant and what follows from it, over the lists of all members (research B.3): a name for what is broken.
import {
  bestSucc,
  between,
  isArtificial,
  type Place,
  placesOf,
  principals,
  type Ring,
} from './zave-model.ts';

export type Broken =
  | 'I1'
  | 'I2'
  | 'self in a list'
  | 'duplicate in a list'
  | 'list out of order'
  | 'AtMostOneRing'
  | 'OrderedRing'
  | 'ConnectedAppendages';

const brokenList = (ring: Ring): Broken | undefined => {
  for (const m of placesOf(ring)) {
    const succ = ring[m]?.succ ?? [];
    if (succ.includes(m)) return 'self in a list';
    if (new Set(succ).size < succ.length) return 'duplicate in a list';
    // "lists are ordered": each entry lies between the one before it and ourselves.
    let last = m;
    for (const place of succ) {
      if (!between(last, place, m)) return 'list out of order';
      last = place;
    }
  }
  return undefined;
};

/** Where the chain of best successors from `start` ends up going round; undefined if it breaks off. */
const cycleFrom = (ring: Ring, start: Place): readonly Place[] | undefined => {
  const next = (place: Place): Place | undefined => {
    const member = ring[place];
    return member === undefined ? undefined : bestSucc(ring, member);
  };
  let at: Place | undefined = start;
  for (let step = 0; step < ring.length && at !== undefined; step += 1) at = next(at);
  const cycle: Place[] = [];
  while (at !== undefined && !cycle.includes(at)) {
    cycle.push(at);
    at = next(at);
  }
  return at === undefined ? undefined : cycle;
};

/** OneOrderedRing and ConnectedAppendages: the part that must hold whatever else is given up. */
export const brokenRing = (ring: Ring): Broken | undefined => {
  const members = placesOf(ring);
  const cycles = members.map((m) => cycleFrom(ring, m));
  if (cycles.includes(undefined)) return 'ConnectedAppendages';
  const first = cycles[0] ?? [];
  // Two chains end in the same cycle, or in two that share nobody.
  if (cycles.some((cycle) => cycle?.[0] !== undefined && !first.includes(cycle[0]))) return 'AtMostOneRing';
  const ordered = first.every((m, index) => {
    const to = first[(index + 1) % first.length] ?? m;
    return first.every((other) => other === m || other === to || !between(m, other, to));
  });
  return ordered ? undefined : 'OrderedRing';
};

/** The first thing that is broken; undefined where all holds. */
export const broken = (ring: Ring, r: number): Broken | undefined => {
  for (const member of ring) if (member !== undefined && bestSucc(ring, member) === undefined) return 'I1';
  if (principals(ring).length < r + 1) return 'I2';
  return brokenList(ring) ?? brokenRing(ring);
};

/** All members in the ring, every entry globally right, predecessors the mirror image. */
export const isIdeal = (ring: Ring): boolean => {
  const members = placesOf(ring);
  return members.every((m, index) => {
    const member = ring[m];
    const right = (member?.succ ?? []).every(
      (place, k) => place === members[(index + 1 + k) % members.length],
    );
    return right && member?.prdc === members[(index + members.length - 1) % members.length];
  });
};

/** The list without what stands for "nobody known": our code shortens where Zave fills up. */
export const withoutPads = (succ: readonly Place[]): readonly Place[] =>
  succ.filter((place) => !isArtificial(place));
