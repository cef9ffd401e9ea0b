// Arcs that change hands while two members can't talk: a joiner believes no single source, a leaver drops nothing unconfirmed.
import { expect, test } from 'vitest';
import { nodeId } from '../../../src/dht/descriptor.ts';
import { clockwiseFrom, type Id } from '../../../src/record/id.ts';
import { replicasOf } from '../../support/overlay-replicas.ts';
import { entryOf, keyOf, type Machine, OVERLAY, OverlayWorld } from '../../support/overlay-world.ts';

const idOf = (machine: Machine): Id => machine.node.self?.id ?? keyOf('nobody');

/** Of many names the one whose node comes closest before `machine`. */
const nameBefore = (machine: Machine): string => {
  const names = Array.from({ length: 1000 }, (_, index) => `j${index}`);
  const ids = new Map(
    names.map((name) => [nodeId(OVERLAY, { domain: `${name}.example`, selector: 0, vnode: 0 }), name]),
  );
  const last = [...ids.keys()].sort(clockwiseFrom(idOf(machine))).at(-1);
  return (last === undefined ? undefined : ids.get(last)) ?? 'nobody';
};

const cut = (overlay: OverlayWorld, a: string, b: string): void => {
  overlay.network.cut(a, b);
  overlay.network.cut(b, a);
};

test('what its first source lacks, a joiner has from the second before it denies anything', async () => {
  const overlay = new OverlayWorld({ seed: 61, replication: { digestMs: 600_000 } });
  await overlay.ring(6);
  const ask = await overlay.stranger();
  const lacking = overlay.at(1);
  // Far enough from it to hold no copy of what it owns.
  const writer = [...overlay.machines].sort((a, b) => clockwiseFrom(idOf(lacking))(idOf(a), idOf(b)))[3];
  if (writer === undefined) throw new Error('six machines');
  // The third copy of what `writer` publishes meanwhile does not reach `lacking`; a quorum of two stores it.
  cut(overlay, writer.host, lacking.host);
  const keys: Id[] = [];
  for (let index = 0; index < 200; index += 1) {
    const key = keyOf(`quorum ${index}`);
    const replicas = replicasOf(overlay, key);
    // Its arc will be the joiner's, which asks its successor first.
    if (replicas[0] !== lacking.name || replicas.includes(writer.name)) continue;
    const outcome = await overlay.world.settle(writer.node.publish(key, [entryOf('call', 1)], 5000));
    expect(outcome.kind).toBe('stored');
    keys.push(key);
  }
  expect(keys.length).toBeGreaterThan(10);
  const name = nameBefore(lacking);
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
  const name = nameBefore(target);
  const order = [...overlay.machines].sort((a, b) => clockwiseFrom(idOf(target))(idOf(a), idOf(b)));
  // The joiner's replica sets push out its third successor: `target`, the next, and this one.
  const loser = order[1];
  if (loser === undefined) throw new Error('five machines');
  const before = new Set(keys.filter((key) => loser.store.digest(key) !== undefined));
  await overlay.boot(name, { host: joinerHost });
  expect(
    await overlay.until(() => overlay.machines.every(({ node }) => node.members.length === 6), 60_000),
  ).toBe(true);
  // From now on it can't push to one of the new three, whom others still reach: nobody is declared dead.
  cut(overlay, loser.host, target.host);
  const lost = [...before].filter((key) => !replicasOf(overlay, key).includes(loser.name));
  expect(lost.length).toBeGreaterThan(0);
  await overlay.world.runFor(90_000);
  expect(lost.filter((key) => loser.store.digest(key) === undefined)).toEqual([]);
  overlay.network.heal();
  const dropped = (): boolean => lost.every((key) => loser.store.digest(key) === undefined);
  expect(await overlay.until(dropped, 60_000)).toBe(true);
});
