// What is started is stopped, in reverse order; what runs in the background is known and its failure is told.
import { CodedError, messageOf } from './errors.ts';
import type { Log } from './log.ts';

export interface Background {
  /** Takes over a promise nobody awaits: its rejection is logged as a fault of ours. */
  background(name: string, promise: Promise<unknown>): void;
}

export class Lifecycle implements Background {
  readonly #log: Log;
  // BOUNDED: by the parts of the program; each registers once at start.
  readonly #stops: { name: string; stop: () => Promise<void> }[] = [];
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Starts a part and remembers how to stop it. Rejects if it can't start, or if all is being stopped by now. */
  async start(name: string, part: { start(): Promise<void>; stop(): Promise<void> }): Promise<void> {
    this.#refuseStopped();
    this.onStop(name, () => part.stop());
    this.#starting = part.start();
    await this.#starting;
    this.#refuseStopped();
  }

  #refuseStopped(): void {
    if (this.#stopping !== undefined) throw new CodedError('ERR_STOPPED', 'stopped before it had started');
  }

  onStop(name: string, stop: () => Promise<void>): void {
    this.#stops.push({ name, stop });
  }

  /** Stops everything once, last started first; a part that fails to stop does not keep the others from it. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    // A part in the middle of its start would bind what nobody then closes. Whoever started it hears why it failed.
    await this.#starting?.catch(() => undefined);
    for (const { name, stop } of this.#stops.reverse()) {
      try {
        await stop();
      } catch (error) {
        this.#log.error({ part: name, err: messageOf(error) }, 'a part did not stop cleanly');
      }
    }
  }

  background(name: string, promise: Promise<unknown>): void {
    promise.catch((error: unknown) => {
      this.#log.error(
        { task: name, err: messageOf(error), stack: error instanceof Error ? error.stack : '' },
        'a background task failed',
      );
    });
  }
}
