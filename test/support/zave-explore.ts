// All that can happen to a small ring: every state that joins, failures and stabilising reach, up to rotation of the identifiers.
import { type Broken, broken, isIdeal } from './zave-invariant.ts';
import {
  fail,
  idealRing,
  isArtificial,
  isIdle,
  join,
  joinPoints,
  type Member,
  mayFail,
  originalUpkeep,
  type Place,
  placesOf,
  type Ring,
  type Rules,
  stabilize,
} from './zave-model.ts';

export interface Explored {
  readonly states: number;
  readonly steps: number;
  /** What broke first, and the shortest way there. */
  readonly violation: { readonly what: Broken; readonly story: readonly string[] } | undefined;
  /** All states were seen; false where `statesMax` ended it. */
  readonly complete: boolean;
}

export interface Exploration {
  readonly ids: number;
  readonly rules: Rules;
  /** Rings of so many members to begin with, and of any more. */
  readonly founders: number;
  readonly statesMax?: number;
  readonly check?: (ring: Ring) => Broken | undefined;
  /** Called once for every state. */
  readonly visit?: (ring: Ring) => void;
}

const NONE = 7;

/** Relative to its owner, so that turning the ring turns the codes and changes none. */
const codeOf = (member: Member | undefined, self: Place, ids: number): string => {
  if (member === undefined) return '\0\0';
  const { succ, prdc, doing } = member;
  let code = doing.what === 'nothing' ? 1 : doing.what === 'stabilizing' ? 2 : 3;
  const add = (place: Place | undefined): void => {
    const none = place === undefined || isArtificial(place);
    code = code * 8 + (none ? NONE : (place - self + ids) % ids);
  };
  for (const place of succ) add(place);
  add(prdc);
  add(doing.what === 'nothing' ? undefined : doing.saved);
  return String.fromCharCode(code & 0xff_ff, code >> 16);
};

/** The same for a state and for all its rotations: `between` knows no first identifier, so nothing else tells them apart. */
export const keyOf = (ring: Ring): string => {
  let codes = '';
  for (let place = 0; place < ring.length; place += 1) codes += codeOf(ring[place], place, ring.length);
  let least = codes;
  const twice = codes + codes;
  for (let turn = 2; turn < codes.length; turn += 2) {
    const turned = twice.slice(turn, turn + codes.length);
    if (turned < least) least = turned;
  }
  return least;
};

/** Every step that may be next, with what it is called. */
export const nextOf = (ring: Ring, rules: Rules): readonly (readonly [string, Ring])[] => {
  const out: (readonly [string, Ring])[] = [];
  for (let place = 0; place < ring.length; place += 1) {
    if (ring[place] === undefined) {
      for (const m of joinPoints(ring, place))
        out.push([`join ${place} after ${m}`, join(ring, place, m, rules)]);
      continue;
    }
    if (mayFail(ring, place, rules)) out.push([`fail ${place}`, fail(ring, place)]);
    out.push([`stabilize ${place}`, stabilize(ring, place, rules)]);
    if (rules.original)
      for (const kept of originalUpkeep(ring, place, rules.r)) out.push([`upkeep ${place}`, kept]);
  }
  return out;
};

const subsets = (ids: number, least: number): readonly (readonly Place[])[] =>
  Array.from({ length: 2 ** ids }, (_, mask) =>
    Array.from({ length: ids }, (__, place) => place).filter((place) => (mask >> place) % 2 === 1),
  ).filter((members) => members.length >= least);

/** Breadth first, so that a violation is found by one of the shortest ways. */
export const explore = (exploration: Exploration): Explored => {
  const { ids, rules, founders, statesMax = Infinity } = exploration;
  const check = exploration.check ?? ((ring: Ring) => broken(ring, rules.r));
  const seen = new Set<string>();
  let frontier: (readonly [Ring, Story])[] = [];
  let steps = 0;
  for (const members of subsets(ids, founders)) {
    const ring = idealRing(ids, members, rules.r);
    const key = keyOf(ring);
    if (seen.has(key)) continue;
    seen.add(key);
    exploration.visit?.(ring);
    frontier.push([ring, { step: `founded by ${members.join(', ')}`, before: undefined }]);
  }
  while (frontier.length > 0) {
    const reached: (readonly [Ring, Story])[] = [];
    for (const [ring, story] of frontier) {
      for (const [step, next] of nextOf(ring, rules)) {
        steps += 1;
        const key = keyOf(next);
        if (seen.has(key)) continue;
        if (seen.size >= statesMax)
          return { states: seen.size, steps, violation: undefined, complete: false };
        seen.add(key);
        const told: Story = { step, before: story };
        const what = check(next);
        if (what !== undefined)
          return { states: seen.size, steps, violation: { what, story: tell(told) }, complete: false };
        exploration.visit?.(next);
        reached.push([next, told]);
      }
    }
    frontier = reached;
  }
  return { states: seen.size, steps, violation: undefined, complete: true };
};

interface Story {
  readonly step: string;
  readonly before: Story | undefined;
}
const tell = (story: Story): readonly string[] => {
  const steps: string[] = [];
  for (let at: Story | undefined = story; at !== undefined; at = at.before) steps.unshift(at.step);
  return steps;
};

/** Rounds of one part for each member in turn until the ring is ideal; undefined if it never is. */
export const roundsToIdeal = (start: Ring, rules: Rules, roundsMax = 40): number | undefined => {
  let ring = start;
  for (let round = 0; round <= roundsMax; round += 1) {
    if (isIdeal(ring)) return round;
    for (const place of placesOf(ring)) ring = stabilize(ring, place, rules);
  }
  return undefined;
};

/** "If not Ideal and nobody mid-operation, some stabilize/rectify changes the state; if Ideal none does." */
export const makesProgress = (ring: Ring, rules: Rules): boolean => {
  if (!isIdle(ring)) return true;
  const before = keyOf(ring);
  const changes = placesOf(ring).some((place) => {
    let next = stabilize(ring, place, rules);
    while (!isIdle(next)) next = stabilize(next, place, rules);
    return keyOf(next) !== before;
  });
  return changes !== isIdeal(ring);
};
