// Phones that register, refresh, unregister and start anew through the registrars of their domain, and callers who ask:
// what was said to each is kept, and every definite answer is judged.
import type { QueryResult } from '../../../src/location/types.ts';
import { nameKeys } from '../../../src/record/keys.ts';
import type { Publication } from '../../../src/record/types.ts';
import type { SimRandom } from '../../../src/sim/sim-random.ts';
import type { LocationName } from '../../../src/uri/types.ts';
import { type Finding, judge, type Operation } from './model.ts';
import { type Plan, SKEW_MAX_MS } from './plan.ts';
import { DOMAINS, type Life, type Registrars } from './registrars.ts';

interface User {
  readonly name: LocationName;
  readonly label: string;
}

/** What the watch over a scenario wants to know of every answer. */
export interface Watch {
  /** A definite answer ("stored" or "none") to what was asked of `life` at `startMs`. */
  onDefinite(life: Life, startMs: number, what: 'stored' | 'none'): void;
  /** `certain`: two replicas that may say what there is stand behind the answer, not one because the others didn't come. */
  onFinding(life: Life, startMs: number, finding: Finding, certain: boolean): void;
  onOdd(what: string): void;
}

/** A member that dies with a question under way never answers it. */
const GIVEN_UP_MS = 12_000;
const READERS = 3;

export class Workload {
  readonly operations: Operation[] = [];
  readonly said: Record<string, number> = {};
  readonly users: readonly User[];
  readonly #registrars: Registrars;
  readonly #watch: Watch;
  readonly #random: SimRandom;
  readonly #phones: number;
  #running = true;

  constructor(plan: Plan, registrars: Registrars, watch: Watch) {
    this.#registrars = registrars;
    this.#watch = watch;
    this.#random = registrars.overlay.world.random.fork('workload');
    this.#phones = plan.phones;
    this.users = Array.from({ length: plan.users }, (_, n) => {
      // A ring of one has registrars of the first domain only.
      const domain = DOMAINS[plan.members > 1 ? n % DOMAINS.length : 0] ?? DOMAINS[0];
      return { name: { scheme: 'sip', user: `u${n}`, domain }, label: `u${n}@${domain}` };
    });
  }

  start(): void {
    for (const user of this.users)
      for (let n = 0; n < this.#phones; n += 1) this.#background(this.#phone(user, `${user.label}/${n}`));
    for (let n = 0; n < READERS; n += 1) this.#background(this.#reader());
  }

  /** No new operation begins; those under way go on. */
  stop(): void {
    this.#running = false;
  }

  /** Asks one registrar for one user; the answer is judged. Undefined: it died, or had no time to answer. */
  async ask(life: Life, user: User): Promise<QueryResult | undefined> {
    const { world } = this.#registrars.overlay;
    const startMs = world.nowMs;
    const result = await this.#within(life.location.query(user.name));
    this.#count(`query ${result?.kind ?? 'unanswered'}`);
    if (result === undefined || result.kind === 'unavailable' || result.kind === 'timeout') return result;
    if (result.kind === 'none') this.#watch.onDefinite(life, startMs, 'none');
    const bindings = result.kind === 'found' ? result.bindings : [];
    const shown = bindings.map(({ contact }) => Number(/;n=(\d+)$/.exec(contact)?.[1] ?? -1));
    const reading = {
      user: user.label,
      startMs,
      endMs: world.nowMs,
      skewMs: this.#registrars.skewMsOf(life),
      shown,
    };
    const operations = this.operations.filter((one) => one.user === user.label);
    const certain = life.certain.get(nameKeys(user.name).key) ?? true;
    for (const finding of judge(reading, operations, { skewMaxMs: SKEW_MAX_MS }))
      this.#watch.onFinding(life, startMs, finding, certain);
    return result;
  }

  async #phone(user: User, phone: string): Promise<void> {
    const random = this.#random.fork(phone);
    let calls = 0;
    let seq = 0;
    let again: Operation | undefined;
    while (this.#running) {
      await this.#sleep(500 + random.float() * 7000);
      const life = this.#anyOf(random, user.name.domain);
      if (life === undefined || !this.#running || !(await this.#awake(life))) continue;
      if (again === undefined) {
        // A phone that starts anew has a new Call-ID, and counts from one again.
        if (calls === 0 || random.float() < 0.06) {
          calls += 1;
          seq = 0;
        }
        seq += 1;
      }
      const operation =
        again ?? this.#operation(random, { user, phone, series: `${phone} call ${calls}`, seq });
      const sent = await this.#publish(life, user, operation);
      // What was not answered is often sent again as it is, Contact and all, to whoever answers.
      again = !sent.acked && random.float() < 0.5 ? { ...sent, endMs: undefined } : undefined;
    }
  }

  #operation(
    random: SimRandom,
    { user, phone, series, seq }: { user: User; phone: string; series: string; seq: number },
  ): Operation {
    const what = random.float();
    const kind = what < 0.78 ? 'register' : what < 0.93 ? 'remove' : 'all';
    return {
      n: 0,
      user: user.label,
      phone,
      kind,
      series,
      seq,
      expiresMs:
        1000 * Math.round(random.float() < 0.3 ? 60 + 20 * random.float() : 120 + 180 * random.float()),
      skewMs: 0,
      startMs: 0,
      endMs: undefined,
      acked: false,
    };
  }

  async #publish(life: Life, user: User, wish: Operation): Promise<Operation> {
    const { world } = this.#registrars.overlay;
    const operation: Operation = {
      ...wish,
      n: wish.n === 0 ? this.operations.length + 1 : wish.n,
      skewMs: this.#registrars.skewMsOf(life),
      startMs: world.nowMs,
    };
    this.operations.push(operation);
    const result = await this.#within(life.location.publish(publicationOf(user, operation)));
    operation.endMs = world.nowMs;
    this.#count(`publish ${result?.kind ?? 'unanswered'}`);
    if (result?.kind === 'stored') {
      operation.acked = true;
      this.#watch.onDefinite(life, operation.startMs, 'stored');
    } else if (result?.kind === 'stale' || result?.kind === 'refused')
      this.#watch.onOdd(`${operation.kind} ${operation.n} of ${operation.phone}: ${JSON.stringify(result)}`);
    return operation;
  }

  async #reader(): Promise<void> {
    const random = this.#random.fork(`reader ${this.#random.float()}`);
    while (this.#running) {
      await this.#sleep(100 + random.float() * 1500);
      const user = this.users[Math.floor(random.float() * this.users.length)];
      const life = this.#anyOf(random);
      if (user !== undefined && life !== undefined && this.#running && (await this.#awake(life)))
        await this.ask(life, user);
    }
  }

  #anyOf(random: SimRandom, domain?: string): Life | undefined {
    const running = this.#registrars.running(domain);
    return running[Math.floor(random.float() * running.length)];
  }

  /** A process that stands still, or is dead, is asked nothing. */
  #awake({ member }: Life): Promise<boolean> {
    const runs = new Promise<boolean>((resolve) => member.process.clock.setTimer(0, () => resolve(true)));
    return Promise.race([runs, this.#sleep(1).then(() => false)]);
  }

  #count(what: string): void {
    this.said[what] = (this.said[what] ?? 0) + 1;
  }

  #sleep(ms: number): Promise<void> {
    const { world } = this.#registrars.overlay;
    return new Promise((resolve) => world.at(world.nowMs + ms, resolve));
  }

  #within<T>(promise: Promise<T>): Promise<T | undefined> {
    return Promise.race([promise, this.#sleep(GIVEN_UP_MS).then(() => undefined)]);
  }

  #background(work: Promise<void>): void {
    work.catch((error: unknown) => this.#watch.onOdd(`the workload failed: ${String(error)}`));
  }
}

const publicationOf = (
  { name }: User,
  { phone, kind, series, seq, n, expiresMs }: Operation,
): Publication => {
  const contact = `sip:${name.user}@192.0.2.7:5060;n=${n}`;
  const instance = `<urn:x:${phone}>`;
  const change = { contact, canonicalContact: contact, instance, regId: 1, params: [], path: [] };
  return {
    name,
    series,
    seq,
    changes: kind === 'all' ? 'all' : [{ ...change, expiresSec: kind === 'remove' ? 0 : expiresMs / 1000 }],
  };
};
