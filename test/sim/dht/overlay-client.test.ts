// Non-members: they publish and query like members, through whoever answers, and keep a bounded table.
import { describe, expect, test } from 'vitest';
import { entryOf, keyOf, OverlayWorld, PORT } from '../../support/overlay-world.ts';

describe('a client', () => {
  test('stores, finds and is denied as a member is', async () => {
    const overlay = new OverlayWorld({ seed: 31 });
    await overlay.ring(4);
    const client = await overlay.client();
    const key = keyOf('bob');
    const stored = await overlay.world.settle(client.publish(key, [entryOf('bob', 1)], 3000));
    expect(stored).toMatchObject({ kind: 'stored' });
    expect(await overlay.world.settle(client.query(key, 3000))).toMatchObject({ kind: 'entries' });
    expect(await overlay.census([key])).toEqual({ entries: 4 });
    expect(await overlay.world.settle(client.query(keyOf('nobody'), 3000))).toEqual({ kind: 'none' });
    expect((await overlay.world.settle(client.find(key, 3000))).replicas).toHaveLength(3);
  });

  test('goes on when its seeds die, and when the ring has become another one', async () => {
    const overlay = new OverlayWorld({ seed: 32 });
    await overlay.ring(6);
    const client = await overlay.client();
    const ids = await overlay.publishMany(60);
    expect(await overlay.world.settle(client.query(keyOf('user0'), 3000))).toMatchObject({ kind: 'entries' });
    overlay.crash(overlay.at(0));
    await overlay.world.runFor(15_000);
    overlay.crash(overlay.at(0));
    await overlay.boot('newcomer', { host: '10.0.7.7' });
    expect(await overlay.until(() => overlay.settled(), 60_000)).toBe(true);
    for (const key of ids)
      expect(await overlay.world.settle(client.query(key, 3000))).toMatchObject({ kind: 'entries' });
    const written = client.publish(keyOf('new'), [entryOf('new', 1)], 3000);
    expect(await overlay.world.settle(written)).toMatchObject({ kind: 'stored' });
  });

  test('says unavailable, not none, when nobody answers, and ends its promises when stopped', async () => {
    const overlay = new OverlayWorld({ seed: 33 });
    await overlay.ring(1);
    overlay.crash(overlay.at(0));
    await overlay.boot('m9', { host: '10.0.9.9', seeds: [{ host: '10.0.9.8', port: PORT }] });
    const client = await overlay.client();
    const outcome = await overlay.world.settle(client.query(keyOf('bob'), 2000));
    expect(['unavailable', 'timeout']).toContain(outcome.kind);
    const pending = client.publish(keyOf('bob'), [entryOf('bob', 1)], 60_000);
    await overlay.world.settle(client.stop(), 1000);
    expect(await overlay.world.settle(pending, 1000)).toMatchObject({ kind: 'unavailable' });
  });

  test('walks the ring: every member once, in order, nothing amiss', async () => {
    const overlay = new OverlayWorld({ seed: 34 });
    await overlay.ring(5);
    const client = await overlay.client();
    const walk = await overlay.world.settle(client.members());
    expect(walk.members.map(({ peer }) => peer.id)).toEqual(
      overlay.machines.map(({ node }) => node.self?.id).sort(),
    );
    expect(walk.problems).toEqual([]);
    overlay.crash(overlay.at(2));
    const after = await overlay.world.settle(client.members());
    expect(after.members).toHaveLength(4);
    expect(after.problems.join()).toMatch(/does not answer/);
  });
});
