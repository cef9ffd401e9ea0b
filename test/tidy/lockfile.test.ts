// The lock file names every package of every platform: `npm ci` refuses one that doesn't, on any machine.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Locked {
  readonly version?: string;
  readonly os?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

test('each optional dependency has an entry of its own, other platforms included', () => {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>; // npm's own format
  };
  const wanted = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).map((name) => ({ path, name })),
  );
  const missing = wanted.filter(
    ({ path, name }) =>
      lock.packages[`${path}/node_modules/${name}`] === undefined &&
      lock.packages[`node_modules/${name}`] === undefined,
  );
  expect(wanted.length).toBeGreaterThan(0);
  expect(missing).toEqual([]);
});
