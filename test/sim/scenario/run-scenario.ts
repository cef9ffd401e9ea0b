// One seed from its plan to its verdict: the ring boots, works and suffers under watch, is healed, and must be whole again.
import type { Finding } from './model.ts';
import { describePlan, type Plan, planOf, REPAIR_MS } from './plan.ts';
import { type Life, Registrars } from './registrars.ts';
import { listFaults, replicaDefect, ringDefect } from './ring-checks.ts';
import { type Peak, TrafficChecks } from './traffic-checks.ts';
import { Troubles } from './troubles.ts';
import { type Watch, Workload } from './workload.ts';

const REPLICAS = 3;
const LOOK_MS = 500;
/** Lease: three stabilise periods; and what was on its way when it ended. */
const LEASE_MS = { short: 3500, production: 16_000 } as const;
const SETTLE_MS = { short: 90_000, production: 420_000 } as const;
const COMPARED_MS = { short: 40_000, production: 240_000 } as const;
/** Timers and datagrams under way for each life there ever was. */
const PENDING_MAX = 5000;

export interface ScenarioReport {
  readonly seed: number;
  readonly plan: string;
  readonly hash: string;
  readonly simulatedMs: number;
  readonly events: number;
  readonly said: Readonly<Record<string, number>>;
  /** Broken promises: any of them fails the seed. */
  readonly violations: readonly string[];
  /** Wrong answers that no promise covers, because more went wrong at once than the protocol survives. */
  readonly beyond: number;
  readonly peak: Peak;
}

const REPORTED_MAX = 20;

class Watcher implements Watch {
  readonly violations: string[] = [];
  beyond = 0;
  readonly #plan: Plan;
  readonly #registrars: Registrars;
  readonly #troubles: Troubles;
  readonly traffic = new TrafficChecks();
  #healed = false;

  constructor(plan: Plan, registrars: Registrars, troubles: Troubles) {
    this.#plan = plan;
    this.#registrars = registrars;
    this.#troubles = troubles;
    registrars.overlay.network.setTap((packet) => this.traffic.add(packet));
  }

  fail(what: string): void {
    if (this.violations.length < REPORTED_MAX)
      this.violations.push(`${Math.round(this.#registrars.overlay.world.nowMs)} ${what}`);
  }

  onOdd(what: string): void {
    this.fail(what);
  }

  onDefinite(life: Life, startMs: number, what: 'stored' | 'none'): void {
    const { nowMs } = this.#registrars.overlay.world;
    const since = this.#troubles.aloneSince(life, nowMs);
    if (since === undefined || this.#plan.members === 1) return;
    if (startMs - since > LEASE_MS[this.#plan.timing])
      this.fail(`${life.member.name}, cut off ${Math.round(nowMs - since)} ms ago, says "${what}"`);
  }

  onFinding(life: Life, startMs: number, { verdict, detail }: Finding, certain: boolean): void {
    const always = verdict === 'forged' || verdict === 'expired';
    // Who was cut off or stood still may have something older, and so may one replica when the others don't come; but
    // nobody ever says that there is nothing at all.
    const touched = this.#troubles.touched(life, startMs, REPAIR_MS[this.#plan.timing]);
    const excused = verdict !== 'denied' && (touched || !certain);
    if (always || (this.#plan.discipline === 'within' && !excused))
      this.fail(`${life.member.name} asked at ${Math.round(startMs)}: ${verdict}: ${detail}`);
    else this.beyond += 1;
  }

  /** Every half second of the world. */
  look(): void {
    const { overlay } = this.#registrars;
    for (const fault of listFaults(this.#registrars.running())) this.fail(fault);
    for (const fault of this.traffic.look()) this.fail(fault);
    const { pending } = overlay.world;
    if (pending > PENDING_MAX * this.#registrars.lives.length)
      this.fail(`${pending} timers and datagrams under way`);
    for (const fault of overlay.faults.splice(0)) this.fail(fault);
    for (const { member } of this.#registrars.lives)
      for (const code of member.fatal.splice(0)) this.fail(`${member.name} gave up: ${code}`);
    if (!this.#healed) overlay.world.at(overlay.world.nowMs + LOOK_MS, () => this.look());
  }

  stop(): void {
    this.#healed = true;
  }
}

export const runScenario = async (
  seed: number,
  options: { readonly minutes: number },
): Promise<ScenarioReport> => {
  const plan = planOf(seed, options);
  const registrars = new Registrars(plan);
  const { overlay } = registrars;
  const { world } = overlay;
  const troubles = new Troubles(plan, registrars);
  const watcher = new Watcher(plan, registrars, troubles);
  const workload = new Workload(plan, registrars, watcher);
  const counted = { successors: plan.successors, replicas: REPLICAS };

  watcher.look();
  await registrars.bootFirst();
  troubles.schedule((what) => watcher.fail(what));
  workload.start();
  await world.run(plan.endMs);

  await troubles.heal();
  // A pause may last half a minute more, and so may a boot that waits for one who stops.
  const settled = await world.runUntil(() => ringDefect(registrars.running(), counted) === undefined, {
    limitMs: SETTLE_MS[plan.timing],
    stepMs: 250,
  });
  if (!settled) watcher.fail(`not settled: ${ringDefect(registrars.running(), counted)}`);
  workload.stop();
  // What is under way ends, then what it missed is compared.
  await world.runFor(15_000);
  const same = await world.runUntil(() => replicaDefect(registrars.running(), REPLICAS) === undefined, {
    limitMs: COMPARED_MS[plan.timing],
    stepMs: 500,
  });
  if (!same) watcher.fail(`replicas differ: ${replicaDefect(registrars.running(), REPLICAS)}`);
  for (const life of registrars.running())
    for (const user of workload.users) {
      const result = await world.settle(workload.ask(life, user));
      if (result === undefined || result.kind === 'unavailable' || result.kind === 'timeout')
        watcher.fail(`${life.member.name} has no answer for ${user.label}: ${JSON.stringify(result)}`);
    }
  watcher.look();
  watcher.stop();
  return {
    seed,
    plan: describePlan(plan),
    hash: world.traceHash(),
    simulatedMs: world.nowMs,
    events: world.events,
    said: workload.said,
    violations: watcher.violations,
    beyond: watcher.beyond,
    peak: watcher.traffic.peak,
  };
};
