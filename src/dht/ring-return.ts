// Said to be gone, we come back with a life that nobody has spoken of: at once the first time, the more rarely the more often it is said.
import { jittered } from '../runtime/random.ts';
import { isCredibleLife } from './membership.ts';
import type { RingCore } from './ring-core.ts';
import type { RingDeps } from './ring-options.ts';
import type { Tasks } from './tasks.ts';

/** A life ends for all who know it, and all are told of the next: one liar must not have that done as it likes. */
const WAIT_MIN_MS = 5000;
const WAIT_MAX_MS = 640_000;

export class RingReturn {
  readonly #core: RingCore;
  readonly #deps: RingDeps;
  readonly #tasks: Tasks;
  readonly #onReturn: () => void;
  #said = Number.NEGATIVE_INFINITY;
  #waiting = false;
  #waitMs = 0;
  #returnedMs = Number.NEGATIVE_INFINITY;

  constructor(core: RingCore, deps: RingDeps, parts: { readonly tasks: Tasks; onReturn(): void }) {
    this.#core = core;
    this.#deps = deps;
    this.#tasks = parts.tasks;
    this.#onReturn = () => parts.onReturn();
  }

  /** It is said that this life of ours is over. */
  said(bootSequence: number): void {
    const own = this.#core.self.bootSequence;
    if (bootSequence < own || !isCredibleLife(bootSequence, own)) return;
    this.#said = Math.max(this.#said, bootSequence);
    if (this.#waiting) return;
    const { clock, random } = this.#deps;
    const passedMs = clock.monoMs() - this.#returnedMs;
    if (passedMs >= this.#waitMs) {
      this.#return();
      return;
    }
    this.#waiting = true;
    this.#tasks.run('return', async () => {
      await this.#tasks.sleep(jittered(random, this.#waitMs - passedMs, 0.1));
      this.#waiting = false;
      if (!this.#tasks.stopping && this.#core.phase === 'joined') this.#return();
    });
  }

  #return(): void {
    const core = this.#core;
    const said = this.#said;
    this.#said = Number.NEGATIVE_INFINITY;
    // Meanwhile there may have been another reason for a new life.
    if (said < core.self.bootSequence) return;
    const nowMs = this.#deps.clock.monoMs();
    const calm = nowMs - this.#returnedMs > 3 * this.#waitMs;
    this.#waitMs = calm ? WAIT_MIN_MS : Math.min(WAIT_MAX_MS, 2 * this.#waitMs);
    this.#returnedMs = nowMs;
    this.#onReturn();
    core.reincarnate(said + 1);
    core.wasBuried();
  }
}
