// Two rings that grow apart and meet: real records in both, signed by two registrars of one domain with unequal clocks.
import { buildEntries } from '../../src/record/build.ts';
import type { Entry } from '../../src/record/entry-codec.ts';
import { versionFromMs } from '../../src/record/hybrid-clock.ts';
import type { Id } from '../../src/record/id.ts';
import { nameKeys } from '../../src/record/keys.ts';
import { RECORD_LIMITS } from '../../src/record/limits.ts';
import { settle, visible } from '../../src/record/merge.ts';
import { openBindings, readEntries } from '../../src/record/read.ts';
import { RecordStore } from '../../src/record/store.ts';
import type { EntryBytes } from '../../src/record/types.ts';
import { EntryVerifier } from '../../src/record/verify.ts';
import { SIM_OVERLAY, SIM_PORT, type SimMember, SimOverlay } from '../../src/sim/sim-overlay.ts';

/** The clock of side 1 is so far ahead of that of side 0. */
export const AHEAD_MS = 20_000;
const DOMAIN = 'biloxi.example';

export type Side = 0 | 1;

/** What a phone's REGISTER asks for; no contact: `Contact: *`. */
export interface Wish {
  readonly user: string;
  readonly series: string;
  readonly seq: number;
  readonly contact?: string;
  readonly expiresSec?: number;
}

export class MergeWorld {
  readonly overlay: SimOverlay;
  readonly sides: readonly [SimMember[], SimMember[]] = [[], []];
  readonly #verifier: EntryVerifier;
  /** BOUNDED: by the test. All that was acknowledged anywhere, by user. */
  readonly #acknowledged = new Map<string, EntryBytes[]>();

  constructor(seed: string) {
    this.overlay = new SimOverlay({
      seed,
      minMembers: 1,
      traced: false,
      link: { delayMs: 10, jitterMs: 5 },
      timing: { foundingMs: 1000, healMinMs: 3000, healMaxMs: 6000 },
      replication: { digestMs: 5000, keepMs: 3000, holdDownSmallMs: 1000, holdDownMs: 1000 },
      store: ({ clock }) => new RecordStore({ verifier: this.#verifier, wallMs: () => clock.wallMs() }),
    });
    const { keys, crypto } = this.overlay;
    this.#verifier = new EntryVerifier({ keys, overlayId: SIM_OVERLAY, verify: crypto.verify });
  }

  /** `left` and `right` members that do not reach each other, but have one another among their seeds. */
  async apart(left: number, right: number): Promise<void> {
    const hosts = Array.from({ length: left + right }, (_, index) => `10.0.1.${index + 1}`);
    this.overlay.network.partition(hosts.slice(0, left), hosts.slice(left));
    const seeds = hosts.map((host) => ({ host, port: SIM_PORT }));
    for (const [index, host] of hosts.entries()) {
      const side = index < left ? 0 : 1;
      const member = await this.overlay.boot(`m${index}`, { host, seeds, skewMs: side * AHEAD_MS });
      this.sides[side].push(member);
    }
    const formed = (): boolean =>
      this.sides.every((side) => side.every(({ node }) => node.ready && node.members.length === side.length));
    if (!(await this.overlay.until(formed, 60_000))) throw new Error('two rings did not form');
    await this.overlay.world.runFor(20_000);
  }

  get merged(): boolean {
    const { members } = this.overlay;
    return members.every(({ node }) => node.ready && node.members.length === members.length);
  }

  /** Signs by the clock of `side`, publishes there; throws unless it is stored. */
  async register(side: Side, wish: Wish): Promise<void> {
    const entries = this.#sign(side, wish);
    await this.publish(side, wish.user, entries);
  }

  async publish(side: Side, user: string, entries: readonly EntryBytes[]): Promise<void> {
    const [first] = this.sides[side];
    if (first === undefined) throw new Error('nobody on that side');
    const outcome = await this.overlay.world.settle(first.node.publish(this.keyOf(user), entries, 5000));
    if (outcome.kind !== 'stored') throw new Error(`${user} on side ${side}: ${outcome.kind}`);
    this.#acknowledged.set(user, [...(this.#acknowledged.get(user) ?? []), ...entries]);
  }

  keyOf(user: string): Id {
    return nameKeys({ scheme: 'sip', user, domain: DOMAIN }).key;
  }

  #sign(side: Side, wish: Wish): readonly EntryBytes[] {
    const signer = this.sides[side][0];
    if (signer === undefined) throw new Error('nobody on that side');
    const { clock, random } = signer.process;
    const wallMs = clock.wallMs();
    const { user, series, seq, contact, expiresSec = 3600 } = wish;
    const change = {
      contact: contact ?? '',
      canonicalContact: contact ?? '',
      params: [],
      path: [],
      expiresSec,
    };
    const name = { scheme: 'sip', user, domain: DOMAIN };
    const changes = contact === undefined ? ('all' as const) : [change];
    const identity = this.overlay.crypto.identity(DOMAIN, side);
    const signing = { identity, overlayId: SIM_OVERLAY, version: versionFromMs(wallMs), wallMs, random };
    const built = buildEntries({ name, series, seq, changes }, nameKeys(name), signing);
    if (!built.ok) throw new Error(built.error);
    return built.value;
  }

  /** The contacts that the merge rule shows for all that was ever acknowledged. */
  async expected(user: string): Promise<readonly string[]> {
    return this.#contacts(user, this.#acknowledged.get(user) ?? []);
  }

  /** The contacts that a query through each member shows, and 'none' or worse where that is the outcome. */
  async shown(user: string): Promise<readonly (readonly string[])[]> {
    const outcomes = this.overlay.members.map(({ node }) => node.query(this.keyOf(user), 5000));
    const answers = await this.overlay.world.settle(Promise.all(outcomes));
    return Promise.all(
      answers.map((answer) =>
        answer.kind === 'entries' ? this.#contacts(user, answer.entries) : [`(${answer.kind})`],
      ),
    );
  }

  async #contacts(user: string, bytes: readonly Uint8Array[]): Promise<readonly string[]> {
    const keys = nameKeys({ scheme: 'sip', user, domain: DOMAIN });
    const context = { keys, verifier: this.#verifier, limits: RECORD_LIMITS };
    const { records } = await readEntries(bytes, context);
    const wallMs = this.overlay.members[0]?.process.clock.wallMs() ?? 0;
    // The cross-check: the rule's own words on all of them at once, whatever readEntries did.
    const states: readonly Entry[] = visible(settle(records, RECORD_LIMITS), wallMs, RECORD_LIMITS);
    const bindings = openBindings(records, { keys, nowMs: wallMs, limits: RECORD_LIMITS });
    if (bindings.length !== states.length) throw new Error('a visible binding could not be opened');
    return bindings.map(({ contact }) => contact).sort();
  }

  /** Digests of one name at every member that holds it. */
  digests(user: string): readonly string[] {
    const key = this.keyOf(user);
    return this.overlay.members.flatMap(({ store }) => {
      const digest = store.digest(key);
      return digest === undefined ? [] : [Buffer.from(digest).toString('hex')];
    });
  }
}
