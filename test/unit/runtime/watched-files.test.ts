import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fileFingerprint, WatchedFiles } from '../../../src/runtime/watched-files.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** A watch of files that a test says the state of; `look` lets it look once. */
const watch = async (states: Record<string, string>) => {
  const clock = new ManualClock();
  let changes = 0;
  const running: Promise<unknown>[] = [];
  const watched = new WatchedFiles(
    {
      clock,
      random: { bytes: (count) => new Uint8Array(count), float: () => 0.5 },
      background: { background: (_, promise) => void running.push(promise) },
      fingerprint: async (path) => states[path] ?? 'ENOENT',
    },
    {
      paths: () => Object.keys(states),
      onChange: async () => {
        changes += 1;
      },
      periodMs: 1_000,
    },
  );
  await watched.start();
  const look = async (): Promise<number> => {
    clock.advance(1_000);
    await Promise.all(running.splice(0));
    return changes;
  };
  return { watched, look };
};

describe('a change', () => {
  test('is told once, when the file has stood still for one look', async () => {
    const states: Record<string, string> = { users: '1' };
    const { look } = await watch(states);
    expect(await look()).toBe(0);
    states['users'] = '2';
    expect([await look(), await look(), await look()]).toEqual([0, 1, 1]);
  });

  test('is not told while somebody is still writing', async () => {
    const states: Record<string, string> = { users: '1' };
    const { look } = await watch(states);
    const told: number[] = [];
    for (const state of ['2', '3', '4', '4']) {
      states['users'] = state;
      told.push(await look());
    }
    expect(told).toEqual([0, 0, 0, 1]);
  });

  test('of several files at once is one', async () => {
    const states: Record<string, string> = { cert: '1', key: '1' };
    const { look } = await watch(states);
    states['cert'] = '2';
    await look();
    states['key'] = '2';
    expect([await look(), await look()]).toEqual([0, 1]);
  });

  test('that was taken back before anybody looked is none', async () => {
    const states: Record<string, string> = { users: '1' };
    const { look } = await watch(states);
    states['users'] = '2';
    await look();
    states['users'] = '1';
    expect([await look(), await look()]).toEqual([0, 0]);
  });

  test('is not looked for after the stop', async () => {
    const states: Record<string, string> = { users: '1' };
    const { watched, look } = await watch(states);
    await watched.stop();
    states['users'] = '2';
    expect([await look(), await look()]).toEqual([0, 0]);
  });
});

describe('a fingerprint differs after', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chordial-watch-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const at = (name: string): string => join(folder, name);

  test.each<[string, () => void]>([
    ['writing in place', () => writeFileSync(at('file'), 'longer')],
    [
      'a rename over it, of the same size',
      () => {
        writeFileSync(at('new'), 'two');
        renameSync(at('new'), at('file'));
      },
    ],
    ['a removal', () => unlinkSync(at('file'))],
  ])('%s', async (_, change) => {
    writeFileSync(at('file'), 'one');
    const before = await fileFingerprint(at('file'));
    change();
    expect(await fileFingerprint(at('file'))).not.toBe(before);
  });

  test('a symbolic link was turned, as certbot and Kubernetes do', async () => {
    writeFileSync(at('one'), 'x');
    writeFileSync(at('two'), 'x');
    symlinkSync(at('one'), at('live'));
    const before = await fileFingerprint(at('live'));
    symlinkSync(at('two'), at('next'));
    renameSync(at('next'), at('live'));
    expect(await fileFingerprint(at('live'))).not.toBe(before);
  });

  test('nothing happened: it is the same', async () => {
    writeFileSync(at('file'), 'one');
    expect(await fileFingerprint(at('file'))).toBe(await fileFingerprint(at('file')));
  });
});
