import { describe, expect, test } from 'vitest';
import { Lifecycle } from '../../../src/runtime/lifecycle.ts';
import { silentLog } from '../../../src/runtime/log.ts';

const world = () => {
  const told: string[] = [];
  const lifecycle = new Lifecycle({
    ...silentLog,
    error: (fields, message) => void told.push(`${message} ${JSON.stringify(fields)}`),
  });
  const part = (name: string) => ({
    start: async () => void told.push(`${name} starts`),
    stop: async () => void told.push(`${name} stops`),
  });
  return { lifecycle, told, part };
};

describe('stopping', () => {
  test('goes from the last part to the first, once', async () => {
    const { lifecycle, told, part } = world();
    await lifecycle.start('a', part('a'));
    await lifecycle.start('b', part('b'));
    await Promise.all([lifecycle.stop(), lifecycle.stop()]);
    expect(told).toEqual(['a starts', 'b starts', 'b stops', 'a stops']);
  });

  test('goes on past a part that fails to stop', async () => {
    const { lifecycle, told, part } = world();
    await lifecycle.start('a', part('a'));
    await lifecycle.start('b', { ...part('b'), stop: () => Promise.reject(new Error('stuck')) });
    await lifecycle.stop();
    expect(told).toContain('a part did not stop cleanly {"part":"b","err":"stuck"}');
    expect(told.at(-1)).toBe('a stops');
  });

  test('in the middle of a start waits for that part, and starts no other', async () => {
    const { lifecycle, told, part } = world();
    let bound: () => void = () => undefined;
    const binding = new Promise<void>((resolve) => {
      bound = resolve;
    });
    const started = lifecycle.start('slow', { ...part('slow'), start: () => binding });
    const stopped = lifecycle.stop();
    bound();
    await expect(started).rejects.toMatchObject({ code: 'ERR_STOPPED' });
    await stopped;
    expect(told).toEqual(['slow stops']);
    await expect(lifecycle.start('late', part('late'))).rejects.toMatchObject({ code: 'ERR_STOPPED' });
    expect(told).toEqual(['slow stops']);
  });

  test('after a start that failed still stops what it had begun', async () => {
    const { lifecycle, told, part } = world();
    const failing = { ...part('a'), start: () => Promise.reject(new Error('taken')) };
    await expect(lifecycle.start('a', failing)).rejects.toThrow('taken');
    await lifecycle.stop();
    expect(told).toEqual(['a stops']);
  });
});

test('a background task that fails is told, not thrown', async () => {
  const { lifecycle, told } = world();
  lifecycle.background('canary', Promise.reject(new Error('dead')));
  await new Promise((resolve) => setImmediate(resolve));
  expect(told[0]).toContain('"err":"dead"');
});
