// The load generator's process as the bench sees it: prepare, read the servers' CPU, go, read it again.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpuMicros } from './cpu.ts';
import type { FromLoad, LoadPlan, LoadResult, ToLoad } from './load-plan.ts';

export interface Measured extends LoadResult {
  /** Of all processes that served, for one transaction. */
  readonly cpuMicrosEach: number;
}

export class Generator {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(): Promise<Generator> {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', new URL('./load.ts', import.meta.url).pathname],
      {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      },
    );
    const generator = new Generator(child);
    await generator.#heard('prepared');
    return generator;
  }

  /** Runs `plan` against processes with these ids and all their children. */
  async run(plan: LoadPlan, pids: readonly number[]): Promise<Measured> {
    this.#say({ kind: 'prepare', plan });
    await this.#heard('prepared');
    const before = cpuMicros(pids);
    this.#say({ kind: 'go' });
    const { result } = await this.#heard('result');
    const spent = cpuMicros(pids) - before;
    return { ...result, cpuMicrosEach: spent / Math.max(1, result.done) };
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }

  #say(message: ToLoad): void {
    this.#child.send(message);
  }

  #heard<K extends FromLoad['kind']>(kind: K): Promise<Extract<FromLoad, { kind: K }>> {
    return new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error('the load generator ended'));
      this.#child.once('exit', onExit);
      this.#child.once('message', (message: FromLoad) => {
        this.#child.off('exit', onExit);
        if (message.kind !== kind) reject(new Error(`the load generator said ${message.kind}, not ${kind}`));
        // The kind says which member of the union it is; the type parameter can't.
        else resolve(message as Extract<FromLoad, { kind: K }>);
      });
    });
  }
}
