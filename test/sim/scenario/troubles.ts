// Brings a plan's troubles over a running ring, ends them, and remembers who was touched by them, and when.
import type { Plan, Trouble } from './plan.ts';
import type { Life, Registrars } from './registrars.ts';

interface Span {
  readonly slot: number;
  /** A life that has moved is not where the trouble is. */
  readonly host?: string;
  readonly fromMs: number;
  toMs: number;
}

/** Is what goes from one host to another lost? */
type Cut = (from: string, to: string) => boolean;

/** SIGTERM to exit takes ten seconds at most. */
const LEAVING_MS = 10_001;

export class Troubles {
  readonly #plan: Plan;
  readonly #registrars: Registrars;
  // BOUNDED: all by the plan's troubles.
  readonly #alone: Span[] = [];
  readonly #touched: Span[] = [];
  readonly #cuts = new Set<Cut>();
  #healed = false;

  constructor(plan: Plan, registrars: Registrars) {
    this.#plan = plan;
    this.#registrars = registrars;
    registrars.overlay.network.setFilter(({ from, to }) => {
      for (const cut of this.#cuts) if (cut(from.host, to.host)) return false;
      return true;
    });
  }

  schedule(onError: (what: string) => void): void {
    const { world } = this.#registrars.overlay;
    for (const trouble of this.#plan.troubles)
      world.at(trouble.atMs, () => {
        this.#begin(trouble).catch((error: unknown) => onError(`${trouble.kind} failed: ${String(error)}`));
      });
  }

  /** What is still going on ends, but for pauses, which end by themselves; who was to come back does. */
  async heal(): Promise<void> {
    const { world, network } = this.#registrars.overlay;
    this.#healed = true;
    network.heal();
    this.#cuts.clear();
    for (const one of this.#alone) one.toMs = Math.min(one.toMs, world.nowMs);
    for (const trouble of this.#plan.troubles)
      if ((trouble.kind === 'crash' || trouble.kind === 'stop') && Number.isFinite(trouble.forMs))
        await this.#bootWhenGone(trouble.slot);
  }

  async #bootWhenGone(slot: number): Promise<void> {
    const registrars = this.#registrars;
    await registrars.overlay.world.runUntil(() => !registrars.leaving(slot), { limitMs: LEAVING_MS });
    await registrars.boot(slot);
  }

  /** Since when could this life reach nobody else, if it can't at `atMs`? */
  aloneSince(life: Life, atMs: number): number | undefined {
    return this.#alone.find(
      ({ host, fromMs, toMs }) => host === life.member.host && fromMs <= atMs && atMs < toMs,
    )?.fromMs;
  }

  /** Was it deaf, late or of another time itself, at `atMs` or less than `recoveryMs` before? */
  touched(life: Life, atMs: number, recoveryMs: number): boolean {
    return this.#touched.some(
      ({ slot, fromMs, toMs }) => slot === life.slot && fromMs <= atMs && atMs <= toMs + recoveryMs,
    );
  }

  async #begin(trouble: Trouble): Promise<void> {
    const registrars = this.#registrars;
    const { world, network } = registrars.overlay;
    if (this.#healed) return;
    if (trouble.kind === 'join') return registrars.boot(trouble.slot);
    if (trouble.kind === 'partition') {
      const side = new Set(trouble.slots.flatMap((slot) => registrars.at(slot)?.member.host ?? []));
      for (const slot of trouble.slots) this.#touch(slot, trouble.forMs);
      this.#cut((from, to) => side.has(from) !== side.has(to), trouble.forMs);
      return;
    }
    if (trouble.kind === 'pairs') {
      for (const [a, b] of trouble.pairs)
        this.#sever({ slot: a, other: b, oneWay: false, forMs: trouble.forMs });
      return;
    }
    const { slot, forMs } = trouble;
    const life = registrars.at(slot);
    if (life === undefined) return;
    const { process, host } = life.member;
    this.#touch(slot, forMs);
    switch (trouble.kind) {
      case 'crash':
        registrars.crash(slot);
        this.#bootAfter(slot, forMs, trouble.moves);
        break;
      case 'stop':
        registrars.stop(slot);
        // It may be handing over for ten seconds, and holds its port until then.
        this.#bootAfter(slot, forMs + LEAVING_MS, false);
        break;
      case 'pause':
        process.pause(forMs);
        break;
      case 'clog':
        network.clog(host, forMs);
        break;
      case 'clock':
        registrars.jumpClock(slot, trouble.byMs);
        break;
      case 'isolate':
        this.#alone.push({ slot, host, fromMs: world.nowMs, toMs: world.nowMs + forMs });
        this.#cut((from, to) => from !== to && (from === host || to === host), forMs);
        break;
      case 'cut':
        this.#sever(trouble);
    }
  }

  #sever({ slot, other, oneWay, forMs }: Omit<Extract<Trouble, { kind: 'cut' }>, 'kind' | 'atMs'>): void {
    const one = this.#registrars.at(slot)?.member.host;
    const two = this.#registrars.at(other)?.member.host;
    if (one === undefined || two === undefined || one === two) return;
    this.#touch(slot, forMs);
    this.#touch(other, forMs);
    this.#cut((from, to) => (from === one && to === two) || (!oneWay && from === two && to === one), forMs);
  }

  #touch(slot: number, forMs: number): void {
    const { nowMs } = this.#registrars.overlay.world;
    this.#touched.push({ slot, fromMs: nowMs, toMs: nowMs + forMs });
  }

  #cut(cut: Cut, forMs: number): void {
    const { world } = this.#registrars.overlay;
    this.#cuts.add(cut);
    world.at(world.nowMs + forMs, () => this.#cuts.delete(cut));
  }

  #bootAfter(slot: number, afterMs: number, moves: boolean): void {
    const { world } = this.#registrars.overlay;
    if (!Number.isFinite(afterMs)) return;
    world.at(world.nowMs + afterMs, () => {
      if (!this.#healed) void this.#registrars.boot(slot, moves);
    });
  }
}
