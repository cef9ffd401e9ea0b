// Every fault of test/mutations still means the code as it is, and its tests exist; whether they notice it is shown by hand.
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { apply, MUTATIONS } from '../mutations/apply.ts';

test.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))('%s', (_, mutation) => {
  const source = readFileSync(mutation.file, 'utf8');
  expect(apply(mutation, source)).not.toBe(source);
  expect(mutation.tests.filter((file) => !existsSync(file))).toEqual([]);
});

test('no two faults have one name', () => {
  expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
});
