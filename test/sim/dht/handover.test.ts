// Arcs that change hands while two members can't talk: a joiner believes no single source, a leaver drops nothing unconfirmed.
import { expect, test } from 'vitest';
import { nodeId } from '../../../src/dht/descriptor.ts';
import { clockwiseFrom, type Id } from '../../../src/record/id.ts';
import { replicasOf } from '../../support/overlay-replicas.ts';
import { entryOf, keyOf, type Machine, OVERLAY, OverlayWorld } from '../../support/overlay-world.ts';

const idOf = (machine: Machine): Id => machine.node.self?.id ?? keyOf('nobody');

/** A name whose node has `machine` as successor in a ring of `machines`. */
const nameBefore = (machines: readonly Machine[], machine: Machine): string => {
  for (let index = 0; index < 1000; index += 1) {
    const name = `j${index}`;
    const id = nodeId(OVERLAY, { domain: `${name}.example`, selector: 0, vnode: 0 });
    if (machines.map(idOf).sort(clockwiseFrom(id))[0] === idOf(machine)) return name;
  }
  throw new Error('no such name');
};

const cut = (overlay: OverlayWorld, a: string, b: string): void => {
  overlay.network.cut(a, b);
  overlay.network.cut(b, a);
};

test('what its first source lacks, a joiner has from the second before it denies anything', async () => {
  const overlay = new OverlayWorld({ seed: 61, replication: { digestMs: 600_000 } });
  await overlay.ring(6);
  const ask = await overlay.stranger();
  const [writer, lacking] = [overlay.at(0), overlay.at(1)];
  // The third copy of what `writer` publishes meanwhile does not reach `lacking`; a quorum of two stores it.
  cut(overlay, writer.host, lacking.host);
  const keys: Id[] = [];
  for (let index = 0; index < 200; index += 1) {
    const key = keyOf(`quorum ${index}`);
    if (!replicasOf(overlay, key).includes(lacking.name) || replicasOf(overlay, key).includes(writer.name))
      continue;
    const outcome = await overlay.world.settle(writer.node.publish(key, [entryOf('call', 1)], 5000));
    expect(outcome.kind).toBe('stored');
    keys.push(key);
  }
  expect(keys.length).toBeGreaterThan(10);
  const name = nameBefore(overlay.machines, lacking);
  const joiner = await overlay.boot(name);
  const answers = new Set<string>();
  const denied: string[] = [];
  for (let round = 0; round < 200; round += 1) {
    for (const key of keys) {
      const answer = await overlay.world.settle(ask(joiner, { type: 'query', key }));
      if (answer?.type === 'entries' && answer.entries.length === 0) denied.push(key);
      answers.add(answer?.type === 'error' ? answer.code : (answer?.type ?? 'silence'));
    }
    await overlay.world.runFor(50);
  }
  expect(denied).toEqual([]);
  expect(answers.has('entries')).toBe(true);
});

test("an arc that became another's is kept as long as one of its new replicas does not confirm it", async () => {
  const overlay = new OverlayWorld({ seed: 62 });
  await overlay.ring(5);
  const keys = await overlay.publishMany(80);
  const joinerHost = `10.0.0.${overlay.machines.length + 1}`;
  const [target] = overlay.machines;
  if (target === undefined) throw new Error('five machines');
  const name = nameBefore(overlay.machines, target);
  const order = [...overlay.machines].sort((a, b) => clockwiseFrom(idOf(target))(idOf(a), idOf(b)));
  // The joiner's replica sets push out its third successor: `target`, the next, and this one.
  const loser = order[1];
  if (loser === undefined) throw new Error('five machines');
  const before = new Set(keys.filter((key) => loser.store.digest(key) !== undefined));
  await overlay.boot(name, { host: joinerHost });
  expect(
    await overlay.until(() => overlay.machines.every(({ node }) => node.members.length === 6), 60_000),
  ).toBe(true);
  // From now on it can't push to the joiner, which others still reach: nobody is declared dead.
  cut(overlay, loser.host, joinerHost);
  const lost = [...before].filter((key) => !replicasOf(overlay, key).includes(loser.name));
  expect(lost.length).toBeGreaterThan(0);
  await overlay.world.runFor(90_000);
  expect(lost.filter((key) => loser.store.digest(key) === undefined)).toEqual([]);
  overlay.network.heal();
  const dropped = (): boolean => lost.every((key) => loser.store.digest(key) === undefined);
  expect(await overlay.until(dropped, 60_000)).toBe(true);
});
