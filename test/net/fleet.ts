// Starts members as processes, on loopback or in network namespaces, gives them orders, and ends them.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Endpoint } from '../../src/runtime/datagram.ts';
import { CLEAR_LINE, type Line } from './impaired.ts';
import type { MemberOptions, MemberState, Order, Results } from './member.ts';

const MEMBER = new URL('./member.ts', import.meta.url).pathname;
const PORT = 7184;

export interface FleetOptions {
  readonly line?: Line;
  readonly successors?: number;
  readonly ringTiming?: Readonly<Record<string, number>>;
  readonly replicationTiming?: Readonly<Record<string, number>>;
  /** The network namespace of the member at this address; absent: everybody is on loopback. */
  readonly namespaceOf?: (host: string) => string;
}

export class Member {
  readonly name: string;
  readonly at: Endpoint;
  readonly child: ChildProcess;
  alive = true;
  /** It said that it is ready, and was not told to stop since: a load balancer would send callers to it. */
  serving = false;
  // BOUNDED: by the orders of one test.
  readonly #open = new Map<number, (value: never | undefined) => void>();
  #orders = 0;

  constructor(name: string, at: Endpoint, child: ChildProcess) {
    this.name = name;
    this.at = at;
    this.child = child;
    child.on('message', ({ id, value }: { id: number; value: never }) => {
      this.#open.get(id)?.(value);
      this.#open.delete(id);
    });
    child.once('exit', () => {
      this.alive = false;
      for (const close of this.#open.values()) close(undefined);
      this.#open.clear();
    });
  }

  /** Resolves when the socket is bound. */
  async started(): Promise<void> {
    const bound = await new Promise((resolve) => this.#open.set(0, resolve));
    if (bound === undefined) throw new Error(`${this.name} could not start`);
  }

  /** Undefined if it dies before it answers. */
  order<D extends Order['do']>(order: Extract<Order, { do: D }>): Promise<Results[D] | undefined> {
    this.#orders += 1;
    const id = this.#orders;
    return new Promise((resolve) => {
      if (!this.alive) return resolve(undefined);
      this.#open.set(id, resolve);
      this.child.send({ id, order }, () => undefined);
    });
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.alive) return;
    this.alive = false;
    const ended = once(this.child, 'exit');
    this.child.kill(signal);
    await ended;
  }

  /** Leaves the ring and exits. */
  async stop(): Promise<void> {
    this.serving = false;
    await this.order({ do: 'stop' });
    await this.end('SIGKILL');
  }
}

export class Fleet {
  readonly #options: FleetOptions;
  // BOUNDED: by the test.
  readonly #all: Member[] = [];
  readonly #endAll: () => void;

  constructor(options: FleetOptions = {}) {
    this.#options = options;
    // A test that fails before it can end its members leaves none behind.
    this.#endAll = () => {
      for (const { child } of this.living) child.kill('SIGKILL');
    };
    process.once('exit', this.#endAll);
  }

  get living(): readonly Member[] {
    return this.#all.filter(({ alive }) => alive);
  }

  /** Starts one that joins through three of those that live; `more` for one that is special. */
  async start(name: string, host: string, more: Partial<MemberOptions> = {}): Promise<Member> {
    const { line = CLEAR_LINE, successors = 8, ringTiming = {}, replicationTiming = {} } = this.#options;
    const at = more.advertise ?? { host, port: PORT };
    const options: MemberOptions = {
      name,
      listen: { host, port: PORT },
      seeds: this.living.slice(0, 3).map((one) => one.at),
      line,
      successors,
      ringTiming,
      replicationTiming,
      ...more,
    };
    const args = [process.execPath, '--import', 'tsx', MEMBER, JSON.stringify(options)];
    const namespace = this.#options.namespaceOf?.(host);
    const [command = '', ...rest] =
      namespace === undefined ? args : ['ip', 'netns', 'exec', namespace, ...args];
    const child = spawn(command, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const member = new Member(name, at, child);
    this.#all.push(member);
    await member.started();
    return member;
  }

  async states(): Promise<readonly MemberState[]> {
    const states = await Promise.all(
      this.living.map(async (one) => {
        const state = await one.order({ do: 'state' });
        if (state?.ready === true) one.serving = true;
        return state;
      }),
    );
    return states.flatMap((state) => (state === undefined ? [] : [state]));
  }

  /** Everybody alive is ready; in a small ring everybody knows everybody. */
  async settled(): Promise<boolean> {
    const states = await this.states();
    const all = this.living.length;
    return (
      states.length === all &&
      states.every(({ ready, members, mode }) => ready && (mode === 'full' || members === all))
    );
  }

  async end(): Promise<void> {
    await Promise.all(this.#all.map((one) => one.end('SIGKILL')));
    process.off('exit', this.#endAll);
  }
}
