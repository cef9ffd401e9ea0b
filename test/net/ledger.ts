// What was acknowledged, and whether what is looked up is that: the judge of the tests over real processes.
import { setTimeout as wait } from 'node:timers/promises';
import type { Member } from './fleet.ts';
import { contactOf } from './registrations.ts';

/** Of one user. */
interface Row {
  /** The latest registration that was answered "stored", and when. */
  acked: number;
  /** The latest that was tried: may have been stored without our hearing of it. */
  tried: number;
  /** What those have to show who are cut off from where this user registers: as it was when the cut was made. */
  floor: number;
  busy: boolean;
}

export interface Tally {
  readonly lookups: number;
  readonly found: number;
  /** Neither found nor denied: nobody could say in time. */
  readonly unanswered: number;
  readonly registered: number;
  readonly notRegistered: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;

export class Ledger {
  // BOUNDED: by `users`.
  readonly #rows: readonly Row[];
  /** A denied binding that was acknowledged, or a contact that was not the latest one: there must be none. */
  readonly wrong: string[] = [];
  /**
   * An earlier contact, told by one replica alone while the others did not answer for 700 ms: "a single answer is used
   * only when the others don't come" (DESIGN §5, Read). Old, not wrong, and counted.
   */
  readonly outdated: string[] = [];
  #times: number[] = [];
  #counts = { lookups: 0, found: 0, unanswered: 0, registered: 0, notRegistered: 0 };
  #going = false;
  #lanes: Promise<unknown> = Promise.resolve();

  constructor(users: number) {
    this.#rows = Array.from({ length: users }, () => ({ acked: 0, tried: 0, floor: 0, busy: false }));
  }

  get users(): number {
    return this.#rows.length;
  }

  /** Every user registers once, through `members` in turn. */
  registerAll(members: readonly Member[], lanes = 16): Promise<void> {
    return this.#eachUser(members, lanes, async (user, member) => {
      if (member === undefined || !(await this.register(user, member)))
        throw new Error(`user ${user} could not register at ${member?.name}`);
    });
  }

  async #eachUser(
    members: readonly Member[],
    lanes: number,
    act: (user: number, member: Member | undefined) => Promise<void>,
  ): Promise<void> {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < this.#rows.length) {
        const user = next;
        next += 1;
        await act(user, members[user % members.length]);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  }

  async register(user: number, member: Member): Promise<boolean> {
    const row = this.#rows[user];
    if (row === undefined || row.busy) return false;
    row.busy = true;
    row.tried += 1;
    const seq = row.tried;
    const stored = (await member.order({ do: 'register', user, seq })) === 'stored';
    if (stored) row.acked = seq;
    row.busy = false;
    this.#counts[stored ? 'registered' : 'notRegistered'] += 1;
    return stored;
  }

  /** Must find the latest acknowledged registration of the user, or a later one. `apart`: at least that of the cut. */
  async lookUp(user: number, member: Member, apart = false): Promise<void> {
    const row = this.#rows[user];
    if (row === undefined) return;
    const least = apart ? row.floor : row.acked;
    const found = await member.order({ do: 'lookUp', user });
    if (found === undefined) return;
    this.#counts.lookups += 1;
    this.#times.push(found.ms);
    const good = Array.from({ length: row.tried - least + 1 }, (_, at) => contactOf(user, least + at));
    if (found.kind === 'entries') {
      this.#counts.found += 1;
      const [contact = ''] = found.contacts;
      if (found.contacts.length !== 1 || !good.includes(contact)) {
        const earlier = Array.from({ length: row.tried }, (_, at) => contactOf(user, at + 1)).includes(
          contact,
        );
        const alone = found.answers === 1 && found.contacts.length === 1 && earlier;
        (alone ? this.outdated : this.wrong).push(
          `user ${user} at ${member.name}: ${found.contacts} by ${found.answers} in ${found.ms.toFixed(0)} ms, not ${good}`,
        );
      }
    } else if (found.kind === 'none') {
      if (least > 0) this.wrong.push(`user ${user} at ${member.name}: denied, registered as ${good[0]}`);
    } else this.#counts.unanswered += 1;
  }

  /** Looks up all users, `lanes` at a time, each through the next of `members`. */
  lookUpAll(members: readonly Member[], lanes = 16): Promise<void> {
    return this.#eachUser(members, lanes, async (user, member) => {
      if (member !== undefined) await this.lookUp(user, member);
    });
  }

  /** From here on somebody always calls, and one in ten registers again. `pick` says whom to ask, and for whom. */
  begin(
    pick: () => { readonly user: number; readonly member: Member; readonly apart?: boolean } | undefined,
    options: { readonly lanes: number; readonly pauseMs: number },
  ): void {
    this.#going = true;
    let turn = 0;
    const lane = async (): Promise<void> => {
      while (this.#going) {
        const picked = pick();
        turn += 1;
        if (picked === undefined) await wait(options.pauseMs);
        else if (turn % 10 === 0 && picked.apart !== true) await this.register(picked.user, picked.member);
        else await this.lookUp(picked.user, picked.member, picked.apart);
        await wait(options.pauseMs);
      }
    };
    this.#lanes = Promise.all(Array.from({ length: options.lanes }, lane));
  }

  async end(): Promise<void> {
    this.#going = false;
    await this.#lanes;
  }

  /** Who is cut off from a user's registrations from now on must show at least what is acknowledged now. */
  markFloor(): void {
    for (const row of this.#rows) row.floor = row.acked;
  }

  /** What happened since the last call. */
  tally(): Tally {
    const times = this.#times.sort((a, b) => a - b);
    const tally = { ...this.#counts, p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
    this.#times = [];
    this.#counts = { lookups: 0, found: 0, unanswered: 0, registered: 0, notRegistered: 0 };
    return tally;
  }
}
