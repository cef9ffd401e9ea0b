import { describe, expect, test } from 'vitest';
import { Canary } from '../../../src/admin/canary.ts';
import type { Binding, LocationService, Publication, PublishResult } from '../../../src/location/types.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const world = (given: { publish?: PublishResult; keeps?: boolean } = {}) => {
  const clock = new ManualClock();
  const published: Publication[] = [];
  let held: readonly Binding[] = [];
  const state = { ...given };
  const location: LocationService = {
    async publish(publication) {
      published.push(publication);
      if (state.publish !== undefined) return state.publish;
      if (state.keeps !== false && publication.changes !== 'all')
        held = publication.changes.map((change) => ({
          ...change,
          expiresAtMs: clock.wallMs() + change.expiresSec * 1000,
        }));
      return { kind: 'stored', bindings: held };
    },
    async query() {
      return held.length === 0 ? { kind: 'none' } : { kind: 'found', bindings: held };
    },
  };
  let next = 0;
  const rounds: Promise<unknown>[] = [];
  const canary = new Canary(
    {
      location,
      clock,
      random: {
        bytes: (count) => {
          next += 1;
          return new Uint8Array(count).fill(next);
        },
        float: () => 0.5,
      },
      background: { background: (_name, promise) => void rounds.push(promise) },
    },
    { domain: 'biloxi.com' },
  );
  const settle = async () => {
    await Promise.all(rounds.splice(0));
  };
  return { clock, canary, published, settle, state };
};

describe('the canary', () => {
  test('has a problem until the first one is read back, and none after', async () => {
    const { canary, settle } = world();
    expect(canary.problem()).toMatch(/on its way/);
    await canary.start();
    await settle();
    expect(canary.problem()).toBeUndefined();
  });

  test('publishes one private name of our domain, in order, with another contact each time', async () => {
    const { canary, clock, published, settle } = world();
    await canary.start();
    await settle();
    clock.advance(10_000);
    await settle();
    expect(published.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(new Set(published.map(({ series, name }) => `${series} ${name.user} ${name.domain}`)).size).toBe(
      1,
    );
    const contacts = published.flatMap(({ changes }) =>
      changes === 'all' ? [] : changes.map((c) => c.contact),
    );
    expect(new Set(contacts).size).toBe(2);
  });

  test('is a problem once its last success is 30 s old', async () => {
    const { canary, clock, settle, state } = world();
    await canary.start();
    await settle();
    state.publish = { kind: 'unavailable', reason: 'no quorum' };
    for (let second = 0; second < 29; second += 1) {
      clock.advance(1_000);
      await settle();
    }
    expect(canary.problem()).toBeUndefined();
    clock.advance(2_000);
    await settle();
    expect(canary.problem()).toBe('the canary publication failed: no quorum');
  });

  test('is well again with the next success', async () => {
    const { canary, clock, settle, state } = world({ publish: { kind: 'unavailable', reason: 'no quorum' } });
    await canary.start();
    await settle();
    expect(canary.problem()).toMatch(/no quorum/);
    delete state.publish;
    clock.advance(1_000);
    await settle();
    expect(canary.problem()).toBeUndefined();
  });

  test('an old answer does not pass for the new one', async () => {
    const { canary, clock, settle, state } = world();
    await canary.start();
    await settle();
    state.keeps = false;
    for (let second = 0; second < 45; second += 1) {
      clock.advance(1_000);
      await settle();
    }
    expect(canary.problem()).toBe('the canary read back is an old one');
  });

  test('sets no timer once it is stopped', async () => {
    const { canary, clock, settle } = world();
    await canary.start();
    await settle();
    await canary.stop();
    await canary.stop();
    expect(clock.timers).toBe(0);
  });

  test('stopped in the middle of a round sets no timer either', async () => {
    const { canary, clock, settle } = world();
    await canary.start();
    await canary.stop();
    await settle();
    expect(clock.timers).toBe(0);
  });
});
