// The members of a scenario: registrars of two domains, each with a place (slot), at most one life at a time, and the
// production code from PublicLocation down to the socket.
import type { OverlayClient } from '../../../src/dht/index.ts';
import type { ReplicationTimings } from '../../../src/dht/replication-options.ts';
import type { RingTiming } from '../../../src/dht/ring-options.ts';
import { PublicLocation } from '../../../src/location/public.ts';
import { Publisher } from '../../../src/location/publisher.ts';
import type { Id } from '../../../src/record/id.ts';
import { RECORD_LIMITS } from '../../../src/record/limits.ts';
import { RecordStore } from '../../../src/record/store.ts';
import { EntryVerifier } from '../../../src/record/verify.ts';
import { SIM_EPOCH_MS } from '../../../src/sim/sim-clock.ts';
import {
  SIM_OVERLAY,
  SIM_PORT,
  type SimBoot,
  type SimMember,
  SimOverlay,
} from '../../../src/sim/sim-overlay.ts';
import type { SimProcess } from '../../../src/sim/sim-world.ts';
import { type Plan, SLOTS_MAX } from './plan.ts';

export const DOMAINS = ['a.example', 'b.example'] as const;

export const SHORT_RING: Partial<RingTiming> = {
  stabiliseMs: 1000,
  heartbeatMs: 500,
  foundingMs: 1000,
  healMinMs: 3000,
  healMaxMs: 6000,
};
const SHORT_REPLICATION: Partial<ReplicationTimings> = {
  holdDownMs: 1000,
  holdDownSmallMs: 1000,
  digestMs: 5000,
  keepMs: 3000,
  giveUpMs: 10_000,
};

/** One life of a registrar. */
export interface Life {
  readonly slot: number;
  readonly domain: string;
  readonly member: SimMember;
  readonly location: PublicLocation;
  /** Did two who may say what there is stand behind the last answer for a key? */
  readonly certain: Map<Id, boolean>;
}

export class Registrars {
  readonly overlay: SimOverlay;
  readonly #plan: Plan;
  // BOUNDED: all by SLOTS_MAX and the lives of a scenario.
  readonly #lives: (Life | undefined)[] = new Array<Life | undefined>(SLOTS_MAX).fill(undefined);
  readonly #hosts: (string | undefined)[] = new Array<string | undefined>(SLOTS_MAX).fill(undefined);
  readonly #skewsMs: number[];
  readonly #verifiers = new WeakMap<SimProcess, EntryVerifier>();
  readonly lives: Life[] = [];
  readonly #leaving = new Set<Life>();
  #moves = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#skewsMs = [...plan.skewsMs];
    const short = plan.timing === 'short';
    this.overlay = new SimOverlay({
      seed: plan.seed,
      link: plan.link,
      successors: plan.successors,
      crypto: plan.crypto,
      ...(short ? { timing: SHORT_RING, replication: SHORT_REPLICATION } : {}),
      store: (process) => this.#storeOf(process),
      sharedMetrics: true,
    });
  }

  at(slot: number): Life | undefined {
    return this.#lives[slot];
  }

  /** Those that run, dead ones left out; of one domain, if it is named. */
  running(domain?: string): readonly Life[] {
    return this.#lives.flatMap((life) =>
      life === undefined || (domain !== undefined && life.domain !== domain) ? [] : [life],
    );
  }

  slotOf(life: Life): number {
    return life.slot;
  }

  /** How far the wall clock of a life is ahead of the world's. */
  skewMsOf({ member }: Life): number {
    return member.process.clock.wallMs() - SIM_EPOCH_MS - this.overlay.world.nowMs;
  }

  async bootFirst(): Promise<void> {
    const slots = Array.from({ length: this.#plan.members }, (_, slot) => slot);
    for (const slot of slots) this.#hosts[slot] = hostOf(slot, 0);
    if (this.#plan.ideal) {
      const members = await this.overlay.bootSettled(
        slots.map((slot) => ({ name: nameOf(slot), ...this.#wish(slot) })),
      );
      for (const [slot, member] of members.entries()) this.#live(slot, member);
      return;
    }
    for (const slot of slots) {
      await this.boot(slot);
      await this.overlay.world.runFor(this.overlay.world.random.fork(`boot ${slot}`).float() * 2000);
    }
  }

  /** `moves`: at an address it has not had before, as in another container or after a new lease. */
  async boot(slot: number, moves = false): Promise<void> {
    if (this.#lives[slot] !== undefined) return;
    if (moves) this.#moves += 1;
    if (moves || this.#hosts[slot] === undefined) this.#hosts[slot] = hostOf(slot, moves ? this.#moves : 0);
    this.#live(slot, await this.overlay.boot(nameOf(slot), this.#wish(slot)));
  }

  crash(slot: number): void {
    const life = this.#lives[slot];
    if (life === undefined) return;
    this.#skewsMs[slot] = this.skewMsOf(life);
    this.#lives[slot] = undefined;
    this.overlay.crash(life.member);
  }

  /** SIGTERM; the process is gone when it has handed over, or after ten seconds. */
  stop(slot: number): void {
    const life = this.#lives[slot];
    if (life === undefined) return;
    this.#skewsMs[slot] = this.skewMsOf(life);
    this.#lives[slot] = undefined;
    this.#leaving.add(life);
    const gone = (): void => {
      this.#leaving.delete(life);
      this.overlay.crash(life.member);
    };
    life.member.node.stop().then(gone, gone);
    this.overlay.world.at(this.overlay.world.nowMs + 10_000, gone);
  }

  /** It has been told to stop, and still holds its port. */
  leaving(slot: number): boolean {
    return [...this.#leaving].some((life) => life.slot === slot);
  }

  jumpClock(slot: number, byMs: number): void {
    this.#lives[slot]?.member.process.jumpWall(byMs);
  }

  #wish(slot: number): SimBoot {
    return {
      domain: domainOf(slot),
      selector: Math.floor(slot / DOMAINS.length),
      host: this.#hosts[slot] ?? hostOf(slot, 0),
      skewMs: this.#skewsMs[slot] ?? 0,
      // As in the DNS: everybody's latest address, one's own among them.
      seeds: this.#hosts.flatMap((host) => (host === undefined ? [] : [{ host, port: SIM_PORT }])),
    };
  }

  #live(slot: number, member: SimMember): void {
    const { process, node } = member;
    const { clock, random } = process;
    const domain = domainOf(slot);
    const verifier = this.#verifierOf(process);
    const publisher = new Publisher({
      identity: this.overlay.crypto.identity(domain, Math.floor(slot / DOMAINS.length)),
      domains: [domain],
      overlayId: SIM_OVERLAY,
      verifier,
      limits: RECORD_LIMITS,
      clock,
      random,
    });
    const certain = new Map<Id, boolean>();
    const overlay: OverlayClient = {
      publish: (key, entries, deadlineMs) => node.publish(key, entries, deadlineMs),
      find: (key, deadlineMs) => node.find(key, deadlineMs),
      query: async (key, deadlineMs) => {
        const outcome = await node.query(key, deadlineMs);
        certain.set(key, outcome.kind !== 'entries' || outcome.settled !== false);
        return outcome;
      },
    };
    const life = { slot, domain, member, certain, location: new PublicLocation({ overlay, publisher }) };
    this.#lives[slot] = life;
    this.lives.push(life);
  }

  #verifierOf(process: SimProcess): EntryVerifier {
    const known = this.#verifiers.get(process);
    if (known !== undefined) return known;
    const { keys, crypto } = this.overlay;
    const verifier = new EntryVerifier({ keys, overlayId: SIM_OVERLAY, verify: crypto.verify });
    this.#verifiers.set(process, verifier);
    return verifier;
  }

  #storeOf(process: SimProcess): RecordStore {
    return new RecordStore({ verifier: this.#verifierOf(process), wallMs: () => process.clock.wallMs() });
  }
}

const nameOf = (slot: number): string => `r${slot}`;
const domainOf = (slot: number): string => DOMAINS[slot % DOMAINS.length] ?? DOMAINS[0];
const hostOf = (slot: number, move: number): string => `10.1.${move}.${slot + 1}`;
