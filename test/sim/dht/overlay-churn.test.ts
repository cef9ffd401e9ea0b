// Churn at random: one member at a time dies, leaves or comes, under reads, writes and loss; what was acknowledged stays.
import { describe, expect, test } from 'vitest';
import type { Id } from '../../../src/record/id.ts';
import { entryOf, keyOf, OverlayWorld, textOf } from '../../support/overlay-world.ts';

/** One repair interval of these tests' timings, the detection of the death included. */
const INTERVAL_MS = 12_000;

interface Acknowledged {
  readonly key: Id;
  readonly seq: number;
}

const churn = async (
  seed: number,
  options: { members: number; successors: number; loss: number; rounds: number },
): Promise<readonly string[]> => {
  const overlay = new OverlayWorld({ seed, successors: options.successors, link: { loss: options.loss } });
  const random = overlay.world.random.fork('churn');
  const below = (n: number): number => Math.floor(random.float() * n);
  await overlay.ring(options.members);
  const wrong: string[] = [];
  // BOUNDED: by the names below.
  const acknowledged = new Map<string, Acknowledged>();
  const seqs = new Map<string, number>();

  const write = async (): Promise<void> => {
    const name = `n${below(60)}`;
    const seq = (seqs.get(name) ?? 0) + 1;
    seqs.set(name, seq);
    const machine = overlay.at(below(overlay.machines.length));
    const outcome = await machine.node.publish(keyOf(name), [entryOf('s', seq)], 5000);
    if (outcome.kind === 'stored' && (acknowledged.get(name)?.seq ?? 0) < seq)
      acknowledged.set(name, { key: keyOf(name), seq });
  };
  const read = async (patient: boolean): Promise<void> => {
    const names = [...acknowledged.keys()];
    const name = names[below(names.length)];
    const wanted = name === undefined ? undefined : acknowledged.get(name);
    if (wanted === undefined) return;
    const machine = overlay.at(below(overlay.machines.length));
    const outcome = await machine.node.query(wanted.key, 3000);
    const where = `${overlay.world.nowMs} ${machine.name} ${name}`;
    if (outcome.kind === 'none') wrong.push(`${where} denied`);
    if (outcome.kind === 'entries') {
      const seq = Math.max(...outcome.entries.map((entry) => Number(textOf(entry).split(' ')[1])));
      if (seq < wanted.seq) wrong.push(`${where} ${seq} instead of ${wanted.seq}`);
    } else if (patient) wrong.push(`${where} ${outcome.kind}`);
  };

  for (let round = 0; round < options.rounds; round += 1) {
    const choice = random.float();
    if (choice < 0.35 && overlay.machines.length > 4)
      overlay.crash(overlay.at(below(overlay.machines.length)));
    else if (choice < 0.55 && overlay.machines.length > 4) {
      const [leaver] = overlay.machines.splice(below(overlay.machines.length), 1);
      if (leaver !== undefined) overlay.world.at(overlay.world.nowMs, () => void leaver.node.stop());
    } else await overlay.boot(`r${round}`, { host: `10.1.${seed % 200}.${round + 1}` });
    const endMs = overlay.world.nowMs + INTERVAL_MS;
    while (overlay.world.nowMs < endMs) {
      const jobs = Array.from({ length: 6 }, (_, index) => (index < 2 ? write() : read(false)));
      await overlay.world.settle(Promise.all(jobs));
      await overlay.world.runFor(100);
    }
  }
  if (!(await overlay.until(() => overlay.settled(), 60_000)))
    wrong.push(
      'did not settle' +
        overlay.machines
          .map((m) => `${m.name} ${m.node.ready} ${m.node.members.length}/${overlay.machines.length}`)
          .join('; '),
    );
  for (const name of acknowledged.keys()) {
    const only = acknowledged.get(name);
    if (only === undefined) continue;
    for (let i = 0; i < 2; i += 1) await overlay.world.settle(read(true));
  }
  return wrong;
};

const seeds = (process.env['SIM_SEEDS'] ?? '101,102').split(',').map(Number);

describe('churn, one change per repair interval', () => {
  for (const seed of seeds) {
    test(`a small ring: nothing acknowledged is denied or old (seed ${seed})`, {
      timeout: 180_000,
    }, async () => {
      expect(await churn(seed, { members: 5, successors: 8, loss: 0.02, rounds: 6 })).toEqual([]);
    });
  }
  for (const seed of seeds.slice(-1)) {
    test(`a large ring: nothing acknowledged is denied or old (seed ${seed})`, {
      timeout: 180_000,
    }, async () => {
      expect(await churn(seed, { members: 12, successors: 4, loss: 0.02, rounds: 6 })).toEqual([]);
    });
  }
});
