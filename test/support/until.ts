// Waiting for what other processes do: asked again and again until it holds, never a fixed sleep.
import { setTimeout as wait } from 'node:timers/promises';

const STEP_MS = 50;

/** How many milliseconds it took until `holds`; rejects with `what` after `limitMs`. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 30_000,
): Promise<number> {
  const startedMs = performance.now();
  while (!(await holds())) {
    if (performance.now() - startedMs > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await wait(STEP_MS);
  }
  return Math.round(performance.now() - startedMs);
}
