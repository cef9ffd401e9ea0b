// One seed's plan: how large the ring is, how bad its links are, what happens to whom and when. Data from data.
import type { LinkOptions } from '../../../src/sim/sim-network.ts';
import { type SimRandom, simRandom } from '../../../src/sim/sim-random.ts';

/**
 * `within`: one member at a time is dead, deaf or late, and the next trouble comes a repair interval after the last one:
 * what the protocol promises to survive. `beyond`: whatever comes, also several at once and partitions.
 */
export type Discipline = 'within' | 'beyond';

type Duration = { readonly atMs: number; readonly forMs: number };

/** `slot`: the place of a registrar, whatever life or address it has. */
export type Trouble =
  | ({ readonly kind: 'crash'; readonly slot: number; readonly moves: boolean } & Duration)
  | ({ readonly kind: 'stop'; readonly slot: number } & Duration)
  | ({ readonly kind: 'join'; readonly slot: number } & Duration)
  | ({ readonly kind: 'pause' | 'isolate' | 'clog'; readonly slot: number } & Duration)
  | ({
      readonly kind: 'cut';
      readonly slot: number;
      readonly other: number;
      readonly oneWay: boolean;
    } & Duration)
  | ({ readonly kind: 'pairs'; readonly pairs: readonly (readonly [number, number])[] } & Duration)
  | ({ readonly kind: 'clock'; readonly slot: number; readonly byMs: number } & Duration)
  | ({ readonly kind: 'partition'; readonly slots: readonly number[] } & Duration);

export interface Plan {
  readonly seed: number;
  readonly discipline: Discipline;
  readonly members: number;
  /** Boot one after the other through seeds, or begin as an ideal ring. */
  readonly ideal: boolean;
  readonly successors: number;
  readonly timing: 'short' | 'production';
  readonly crypto: 'fast' | 'real';
  readonly link: Partial<LinkOptions>;
  /** Wall clock of each slot against the world's, at its first boot. */
  readonly skewsMs: readonly number[];
  readonly users: number;
  readonly phones: number;
  readonly troubles: readonly Trouble[];
  /** Trouble ends before it; what is left is healed then. */
  readonly endMs: number;
}

export const SLOTS_MAX = 20;
/** "2.3% of all pairs of hosts" can't talk although a third reaches both (Freedman et al., Non-transitive Connectivity and DHTs, 2005). */
const NON_TRANSITIVE = 0.023;
/** No clock is further off than this: two are at most SKEW (60 s) apart, with room for what goes by in between. */
export const SKEW_MAX_MS = 25_000;
/** With the short timings: a death noticed, the arc fetched, what a write missed compared. */
export const REPAIR_MS = { short: 14_000, production: 75_000 } as const;
/** Half of `foundingMs`, a join and a hand-over, per member that boots. */
const BOOT_MS = { short: 4000, production: 12_000 } as const;

const chooser = (random: SimRandom) => {
  const float = (low: number, high: number): number => low + random.float() * (high - low);
  const int = (low: number, high: number): number => Math.floor(float(low, high + 1));
  const pick = <T>(of: readonly [T, ...T[]]): T => of[int(0, of.length - 1)] ?? of[0];
  const chance = (share: number): boolean => random.float() < share;
  return { float, int, pick, chance };
};
type Chooser = ReturnType<typeof chooser>;

const linkOf = ({ float, chance, pick }: Chooser): Partial<LinkOptions> => {
  const delayMs = pick([1, 5, 20, 40]);
  return {
    delayMs,
    jitterMs: pick([1, delayMs]),
    loss: chance(0.5) ? 0 : float(0, 0.05),
    duplicate: chance(0.5) ? 0 : float(0, 0.05),
    reorder: chance(0.5) ? 0 : float(0, 0.1),
  };
};

/** Who runs, as far as the plan knows: what may happen next must leave a ring that can go on. */
interface Standing {
  readonly alive: Set<number>;
  readonly skewsMs: number[];
}

/** As many of all pairs as are severed in the Internet at any time, and one at least. */
const somePairs = (
  alive: readonly number[],
  { chance, int }: Chooser,
): readonly (readonly [number, number])[] => {
  const all = alive.flatMap((a, at) => alive.slice(at + 1).map((b) => [a, b] as const));
  const some = all.filter(() => chance(NON_TRANSITIVE));
  return some.length > 0 ? some : all.slice(int(0, all.length - 1)).slice(0, 1);
};

const troubleAt = (atMs: number, choose: Chooser, standing: Standing, discipline: Discipline): Trouble => {
  const { int, pick, chance, float } = choose;
  const alive = [...standing.alive];
  const slot = alive[int(0, alive.length - 1)] ?? 0;
  const other = alive[int(0, alive.length - 1)] ?? 0;
  const absent = Array.from({ length: SLOTS_MAX }, (_, n) => n).filter((n) => !standing.alive.has(n));
  const spare = absent[int(0, absent.length - 1)];
  const forMs = int(5000, 30_000);
  const beyond = discipline === 'beyond';
  const kinds = ['pause', 'isolate', 'clog', 'clock', 'cut', 'cut', 'pairs'] as const;
  // A crash of the only one loses everything; of two, one copy is left: nothing is promised there.
  const deadly = alive.length >= 3 || beyond ? (['crash', 'crash', 'crash', 'stop'] as const) : [];
  const split = beyond && alive.length >= 2 ? (['partition', 'partition'] as const) : [];
  const kind = chance(0.12) && spare !== undefined ? 'join' : pick([...kinds, ...deadly, ...split]);
  switch (kind) {
    case 'join':
      standing.alive.add(spare ?? slot);
      return { kind, slot: spare ?? slot, atMs, forMs: 0 };
    case 'crash':
    case 'stop': {
      const returns = chance(0.8) || alive.length <= 3;
      if (!returns) standing.alive.delete(slot);
      const awayMs = returns ? pick([0, int(0, 3000), int(3000, 20_000)]) : Number.POSITIVE_INFINITY;
      return kind === 'stop'
        ? { kind, slot, atMs, forMs: awayMs }
        : { kind, slot, atMs, forMs: awayMs, moves: chance(0.3) };
    }
    case 'clog':
      return { kind, slot, atMs, forMs: int(500, 8000) };
    case 'cut':
      return { kind, slot, other, oneWay: chance(0.5), atMs, forMs };
    case 'pairs':
      return { kind, pairs: somePairs(alive, choose), atMs, forMs };
    case 'clock': {
      const now = standing.skewsMs[slot] ?? 0;
      const next = chance(0.5)
        ? float(-SKEW_MAX_MS, SKEW_MAX_MS)
        : Math.max(-SKEW_MAX_MS, Math.min(SKEW_MAX_MS, now + float(-3000, 3000)));
      standing.skewsMs[slot] = next;
      return { kind, slot, byMs: Math.round(next - now), atMs, forMs: 0 };
    }
    case 'partition':
      return { kind, slots: alive.filter(() => chance(0.5)), atMs, forMs };
    default:
      return { kind, slot, atMs, forMs };
  }
};

export const planOf = (seed: number, options: { readonly minutes: number }): Plan => {
  const choose = chooser(simRandom(`plan ${seed}`));
  const { int, pick, chance, float } = choose;
  const discipline: Discipline = chance(0.65) ? 'within' : 'beyond';
  const members = pick([1, 2, int(3, 5), int(3, 5), int(3, 6), int(4, 7), int(4, 9), int(8, 16)]);
  const successors = pick([4, 5, 8, 8]);
  const timing = chance(0.1) ? 'production' : 'short';
  const ideal = chance(0.5);
  const skewsMs = Array.from({ length: SLOTS_MAX }, () =>
    chance(0.5) ? 0 : Math.round(float(-SKEW_MAX_MS, SKEW_MAX_MS)),
  );
  const beginMs = ideal ? 5000 : members * BOOT_MS[timing] + 5000;
  const endMs = beginMs + options.minutes * 60_000;
  const standing = { alive: new Set(Array.from({ length: members }, (_, n) => n)), skewsMs: [...skewsMs] };
  const troubles: Trouble[] = [];
  let atMs = beginMs + int(0, 5000);
  while (atMs < endMs) {
    const trouble = troubleAt(atMs, choose, standing, discipline);
    troubles.push(trouble);
    const overMs = Number.isFinite(trouble.forMs) ? trouble.forMs : 0;
    atMs += discipline === 'within' ? overMs + REPAIR_MS[timing] + int(0, 4000) : int(0, 12_000);
  }
  return {
    seed,
    discipline,
    members,
    ideal,
    successors,
    timing,
    crypto: chance(0.04) ? 'real' : 'fast',
    link: linkOf(choose),
    skewsMs,
    users: int(2, 6),
    phones: int(1, 3),
    troubles,
    endMs,
  };
};

export const describePlan = (plan: Plan): string => {
  const kinds = new Map<string, number>();
  for (const { kind } of plan.troubles) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const troubles = [...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ');
  return `${plan.members} members, ${plan.successors} successors, ${plan.timing} timing, ${plan.discipline}: ${troubles}`;
};
