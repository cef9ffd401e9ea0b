// Zave's abstract model of correct Chord: one global state, her operations as pure functions (research B.2–B.4; arXiv 1610.01140).

/** Identifiers are places on a ring of `ids` places. An artificial one lies just behind a place and is never a member's. */
export type Place = number;

/** What a member has begun and not ended. Each part is a step of its own: anything may happen in between. */
export type Doing =
  | { readonly what: 'nothing' }
  /** STABILIZE-1 found a candidate; STABILIZE-2 asks it. */
  | { readonly what: 'stabilizing'; readonly saved: Place }
  /** NOTIFY is on its way; `saved` will run RECTIFY. */
  | { readonly what: 'rectifying'; readonly saved: Place };

export interface Member {
  /** Always full length: where an entry was dropped, artificial ones stand at the end. */
  readonly succ: readonly Place[];
  readonly prdc: Place | undefined;
  readonly doing: Doing;
}

/** By place; undefined where no member is. */
export type Ring = readonly (Member | undefined)[];

/** What can be left out of the protocol to see what it is good for. */
export interface Rules {
  /** Length of a successor list. */
  readonly r: number;
  /** STABILIZE-2: "adopt only because p itself just answered". */
  readonly asksCandidate: boolean;
  /** JOIN: "j.succ := m.succ; j.prdc := m". Without it: the successor alone, as in the papers before. */
  readonly joinsWhole: boolean;
  /** Assumption (c): a principal does not fail while there are no more than r + 1 of them. */
  readonly sparesPrincipals: boolean;
  /** Stabilize, reconcile, update and flush of the SIGCOMM and ToN papers in place of hers. */
  readonly original: boolean;
}

export const ZAVE: Rules = {
  r: 2,
  asksCandidate: true,
  joinsWhole: true,
  sparesPrincipals: true,
  original: false,
};

const ARTIFICIAL = 1 / 16;
const NOTHING: Doing = { what: 'nothing' };

export const isArtificial = (place: Place): boolean => !Number.isInteger(place);

/** "between(a,x,b) = a<b ? a<x<b : (a<x or x<b)". */
export const between = (a: Place, x: Place, b: Place): boolean => (a < b ? a < x && x < b : a < x || x < b);

export const placesOf = (ring: Ring): readonly Place[] =>
  ring.flatMap((member, place) => (member === undefined ? [] : [place]));

export const bestSucc = (ring: Ring, member: Member): Place | undefined =>
  member.succ.find((place) => ring[place] !== undefined);

/** "member p such that for no member m is p strictly between two adjacent entries of ESL(m)": nobody skips p. */
export const principals = (ring: Ring): readonly Place[] =>
  placesOf(ring).filter((p) =>
    ring.every((member, m) => {
      if (member === undefined) return true;
      let from = m;
      for (const to of member.succ) {
        if (between(from, p, to)) return false;
        from = to;
      }
      return true;
    }),
  );

/** The ideal ring of these members, however few: with fewer than r + 1 its lists come round to their owner, as Chord's did. */
export const idealRing = (ids: number, members: readonly Place[], r: number): Ring => {
  const sorted = [...members].sort((a, b) => a - b);
  const at = (index: number): Place => sorted[index % sorted.length] ?? 0;
  return Array.from({ length: ids }, (_, place) => {
    const index = sorted.indexOf(place);
    if (index < 0) return undefined;
    const succ = Array.from({ length: r }, (__, k) => at(index + 1 + k));
    return { succ, prdc: at(index + sorted.length - 1), doing: NOTHING };
  });
};

const withMember = (ring: Ring, place: Place, member: Member | undefined): Ring =>
  ring.map((held, at) => (at === place ? member : held));

const padded = (succ: readonly Place[], r: number): readonly Place[] => {
  const out = succ.slice(0, r);
  while (out.length < r) out.push((out.at(-1) ?? 0) + ARTIFICIAL);
  return out;
};

/** "find m with between(m, j, m.succ[0])": those through whom `j` may join. */
export const joinPoints = (ring: Ring, j: Place): readonly Place[] =>
  ring[j] !== undefined ? [] : placesOf(ring).filter((m) => between(m, j, ring[m]?.succ[0] ?? m));

/** "atomically (one answer from m): j.succ := m.succ; j.prdc := m; j is member". */
export const join = (ring: Ring, j: Place, m: Place, rules: Rules): Ring => {
  const point = ring[m];
  if (point === undefined) return ring;
  const { joinsWhole, original } = rules;
  return withMember(
    ring,
    j,
    joinsWhole && !original
      ? { succ: point.succ, prdc: m, doing: NOTHING }
      : { succ: padded(point.succ.slice(0, 1), rules.r), prdc: undefined, doing: NOTHING },
  );
};

/** Assumptions (b) and (c). A leave is a failure; either may come in the middle of an operation. */
export const mayFail = (ring: Ring, f: Place, rules: Rules): boolean => {
  if (ring[f] === undefined) return false;
  const left = withMember(ring, f, undefined);
  if (left.some((member) => member !== undefined && bestSucc(left, member) === undefined)) return false;
  if (!rules.sparesPrincipals) return left.some((member) => member !== undefined);
  const spared = principals(ring);
  return spared.length > rules.r + 1 || !spared.includes(f);
};

export const fail = (ring: Ring, f: Place): Ring => withMember(ring, f, undefined);

const notifying = (member: Member): Doing => ({ what: 'rectifying', saved: member.succ[0] ?? 0 });

const stabilize1 = (ring: Ring, t: Place, member: Member, r: number): Ring => {
  const [s = t, ...rest] = member.succ;
  const answer = ring[s];
  if (answer === undefined) {
    const shorter = { ...member, succ: padded(rest, r) };
    return withMember(ring, t, { ...shorter, doing: notifying(shorter) });
  }
  const adopted = { ...member, succ: [s, ...answer.succ.slice(0, r - 1)] };
  const p = answer.prdc;
  const doing: Doing =
    p !== undefined && between(t, p, s) ? { what: 'stabilizing', saved: p } : notifying(adopted);
  return withMember(ring, t, { ...adopted, doing });
};

const stabilize2 = (ring: Ring, t: Place, member: Member, p: Place, rules: Rules): Ring => {
  const answer = ring[p];
  const tail = answer?.succ ?? (rules.asksCandidate ? undefined : member.succ);
  const next = tail === undefined ? member : { ...member, succ: [p, ...tail.slice(0, rules.r - 1)] };
  return withMember(ring, t, { ...next, doing: notifying(next) });
};

/** RECTIFY at `at`, notified by `n`. */
const rectify = (ring: Ring, at: Place, n: Place, original: boolean): Ring => {
  const member = ring[at];
  if (member === undefined || at === n) return ring;
  const { prdc } = member;
  const dead = prdc === undefined || (!original && ring[prdc] === undefined);
  if (!dead && !between(prdc, n, at)) return ring;
  return withMember(ring, at, { ...member, prdc: n });
};

/** The next part of what `t` does, or the first of a new round. */
export const stabilize = (ring: Ring, t: Place, rules: Rules): Ring => {
  const member = ring[t];
  if (member === undefined) return ring;
  const { doing } = member;
  if (doing.what === 'rectifying') {
    const rectified = rectify(ring, doing.saved, t, rules.original);
    const now = rectified[t] ?? member;
    return withMember(rectified, t, { ...now, doing: NOTHING });
  }
  if (rules.original) return originalStabilize(ring, t, member);
  if (doing.what === 'stabilizing') return stabilize2(ring, t, member, doing.saved, rules);
  return stabilize1(ring, t, member, rules.r);
};

// ToN 2003, figures 6 and 7: the head is taken on its successor's word, and only the head.
const originalStabilize = (ring: Ring, t: Place, member: Member): Ring => {
  const [s = t, ...rest] = member.succ;
  const p = ring[s]?.prdc;
  if (p === undefined || !between(t, p, s))
    return withMember(ring, t, { ...member, doing: notifying(member) });
  const adopted = { ...member, succ: [p, ...rest] };
  return withMember(ring, t, { ...adopted, doing: notifying(adopted) });
};

/** Original Chord's other three, each a step of its own; the same ring where it has nothing to do. */
export const originalUpkeep = (ring: Ring, t: Place, r: number): readonly Ring[] => {
  const member = ring[t];
  if (member === undefined) return [];
  const [s = t, ...rest] = member.succ;
  const answer = ring[s];
  const listed =
    answer === undefined
      ? { ...member, succ: padded(rest, r) }
      : { ...member, succ: [s, ...answer.succ.slice(0, r - 1)] };
  const flushed =
    member.prdc !== undefined && ring[member.prdc] === undefined ? { ...member, prdc: undefined } : member;
  return [withMember(ring, t, listed), withMember(ring, t, flushed)];
};

export const isIdle = (ring: Ring): boolean =>
  ring.every((member) => member === undefined || member.doing.what === 'nothing');
