// How soon a member of a large ring is ready: news of it goes through the lists at once, not a stabilise period for each step.
import { expect, test } from 'vitest';
import { SIM_PORT, type SimMember, SimOverlay } from '../../../src/sim/sim-overlay.ts';

const NODES = 12;
const READY_MS = 5000;
/** A joiner whose first round was lost waits for the next one. */
const LOSSY_MS = 15_000;

test.each([
  [0, READY_MS],
  [0.01, LOSSY_MS],
])('with a loss of %d a joiner, and one that comes back, is ready within %d ms', async (loss, limitMs) => {
  const overlay = new SimOverlay({ seed: `join ${loss}`, link: { delayMs: 10, jitterMs: 5, loss } });
  const members = await overlay.bootIdeal(NODES);
  await overlay.world.runFor(30_000);
  const seeds = members.slice(0, 3).map(({ host }) => ({ host, port: SIM_PORT }));
  const comes = async (name: string, host?: string): Promise<SimMember> => {
    const member = await overlay.boot(name, { seeds, ...(host === undefined ? {} : { host }) });
    expect(await overlay.until(() => member.node.ready, limitMs)).toBe(true);
    await overlay.world.runFor(10_000);
    return member;
  };
  for (const name of ['a', 'b', 'c']) {
    const fresh = await comes(name);
    expect(fresh.node.mode).toBe('full');
    await overlay.stop(fresh);
    await overlay.world.runFor(2000);
    const back = await comes(name, fresh.host);
    overlay.crash(back);
    await overlay.world.runFor(2000);
    await comes(name, fresh.host);
  }
  expect(overlay.faults).toEqual([]);
});
