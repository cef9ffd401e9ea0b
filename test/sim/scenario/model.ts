// What readers may be shown, judged from what was published and acknowledged: the simulator's second opinion. Pure.

/** One publication of one phone. Times are the world's. */
export interface Operation {
  /** Grows with every publication of the world: part of the contact that it publishes. */
  readonly n: number;
  readonly user: string;
  readonly phone: string;
  readonly kind: 'register' | 'remove' | 'all';
  readonly series: string;
  readonly seq: number;
  readonly expiresMs: number;
  /** How far the wall clock of the registrar was ahead of the world's. */
  readonly skewMs: number;
  readonly startMs: number;
  /** When the registrar answered; until then, and if it said anything but "stored", it may or may not take effect. */
  endMs: number | undefined;
  acked: boolean;
}

/** A definite answer to a question for one user. */
export interface Reading {
  readonly user: string;
  readonly startMs: number;
  readonly endMs: number;
  /** How far the reader's wall clock was ahead. */
  readonly skewMs: number;
  /** The operations whose contacts were shown, by their n; empty for "none". */
  readonly shown: readonly number[];
}

export type Verdict =
  /** Shown, and never published. */
  | 'forged'
  /** Shown after its signed expiry, by the reader's own clock. */
  | 'expired'
  /** Shown although a later publication of the same phone, or its removal, had been acknowledged. */
  | 'outdated'
  /** Not shown although acknowledged and neither removed nor expired; `denied` if nothing at all was shown. */
  | 'lost'
  | 'denied';

export interface Finding {
  readonly verdict: Verdict;
  readonly detail: string;
}

/** A lifetime counts in whole seconds, from when the registrar signed: at once, or again within its deadline. */
const SLACK_MS = 2000;
/** When an operation that never was answered can last have been signed. */
const SIGNED_WITHIN_MS = 6000;

const overMs = (one: Operation): number =>
  (one.endMs ?? one.startMs + SIGNED_WITHIN_MS) + one.skewMs + one.expiresMs + SLACK_MS;

const later = (a: Operation, b: Operation): boolean => (b.endMs ?? Number.POSITIVE_INFINITY) <= a.startMs;

/** Is `after` an acknowledged word of the same phone that `before` can't outrank? */
const supersedes = (after: Operation, before: Operation): boolean =>
  after.acked &&
  after.n > before.n &&
  (after.series === before.series || (before.acked && later(after, before)));

const buriesAll = (all: Operation, entry: Operation): boolean =>
  all.kind === 'all' &&
  all.acked &&
  ((entry.acked && later(all, entry)) || (all.series === entry.series && all.seq > entry.seq));

/** May some unacknowledged or simultaneous removal have taken `entry` away by `untilMs`? */
const maybeRemoved = (entry: Operation, operations: readonly Operation[], untilMs: number): boolean =>
  operations.some((one) => {
    if (one.kind === 'register' || one.startMs > untilMs) return false;
    if (one.kind === 'remove' && one.phone !== entry.phone) return false;
    if (one.series === entry.series) return one.n > entry.n;
    // Of another series, and stamped by another clock: it counts by version, and only if it was over is that lower.
    return !(one.acked && later(entry, one));
  });

/** `operations`: all of the reading's user. */
export const judge = (
  reading: Reading,
  operations: readonly Operation[],
  options: { readonly skewMaxMs: number },
): readonly Finding[] => {
  const findings: Finding[] = [];
  const known = operations.filter(({ startMs }) => startMs <= reading.endMs);
  const settled = known.filter(({ endMs, acked }) => acked && (endMs ?? 0) <= reading.startMs);
  const say = (verdict: Verdict, detail: string): void => {
    findings.push({ verdict, detail });
  };
  for (const n of reading.shown) {
    const shown = known.find((one) => one.n === n && one.kind === 'register');
    if (shown === undefined) {
      say('forged', `${n} of ${reading.user}`);
      continue;
    }
    // The same may have been sent again, which is signed anew.
    const sendings = known.filter((one) => one.n === n);
    if (sendings.every((one) => reading.startMs + reading.skewMs > overMs(one)))
      say('expired', `${n} of ${shown.phone}`);
    const better = settled.find(
      (one) =>
        (one.kind !== 'all' && one.phone === shown.phone && supersedes(one, shown)) || buriesAll(one, shown),
    );
    if (better !== undefined)
      say('outdated', `${n} of ${shown.phone} instead of ${better.n} (${better.kind})`);
  }
  const phones = new Set(settled.filter(({ kind }) => kind === 'register').map(({ phone }) => phone));
  for (const phone of phones) {
    const last = settled.filter((one) => one.phone === phone && one.kind !== 'all').at(-1);
    if (last === undefined || last.kind !== 'register' || maybeRemoved(last, known, reading.endMs)) continue;
    if (reading.endMs + options.skewMaxMs >= last.startMs + last.skewMs + last.expiresMs - SLACK_MS) continue;
    // A later registration may have been shorter, and be over.
    if (known.some((one) => one.phone === phone && one.n > last.n)) continue;
    const there = known.some((one) => one.phone === phone && reading.shown.includes(one.n));
    if (!there) say(reading.shown.length === 0 ? 'denied' : 'lost', `${last.n} of ${phone}`);
  }
  return findings;
};
