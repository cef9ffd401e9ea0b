// Files that are read again when they change: looked at by time, because a rename, a symbolic link or a network file system
// hides from notifications what a stat shows.
import { stat } from 'node:fs/promises';
import type { Clock, Timer } from './clock.ts';
import type { Background } from './lifecycle.ts';
import { jittered, type Random } from './random.ts';

/** What a file is now: another text as soon as it was written, replaced or moved; never rejects. */
export type Fingerprint = (path: string) => Promise<string>;

export const fileFingerprint: Fingerprint = async (path) => {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    // Gone, or not for us to see: that, too, is a state, and another one than before.
    return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
  }
};

export interface WatchedFilesDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly background: Background;
  readonly fingerprint: Fingerprint;
}

export interface WatchedFilesOptions {
  /** Asked at every look. BOUNDED: by the configuration. */
  readonly paths: () => readonly string[];
  /** Called when they have changed and then stood still for one look: who writes in place is let finish. */
  readonly onChange: () => Promise<void>;
  readonly periodMs?: number;
}

/** A stat of a few files costs nothing; an operator waits no more than two of these. */
const PERIOD_MS = 2_000;

export class WatchedFiles {
  readonly #deps: WatchedFilesDeps;
  readonly #options: WatchedFilesOptions;
  #taken = '';
  #seen = '';
  #timer: Timer | undefined;
  #running = false;

  constructor(deps: WatchedFilesDeps, options: WatchedFilesOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#taken = await this.#look();
    this.#seen = this.#taken;
    this.#running = true;
    this.#again();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#timer?.cancel();
  }

  #again(): void {
    if (!this.#running) return;
    const { clock, random, background } = this.#deps;
    const waitMs = jittered(random, this.#options.periodMs ?? PERIOD_MS, 0.25);
    this.#timer = clock.setTimer(waitMs, () =>
      background.background(
        'watched files',
        this.#compare().finally(() => this.#again()),
      ),
    );
  }

  async #look(): Promise<string> {
    const prints = await Promise.all(this.#options.paths().map((path) => this.#deps.fingerprint(path)));
    return prints.join('\n');
  }

  async #compare(): Promise<void> {
    const now = await this.#look();
    const still = now === this.#seen;
    this.#seen = now;
    if (!still || now === this.#taken || !this.#running) return;
    this.#taken = now;
    await this.#options.onChange();
  }
}
