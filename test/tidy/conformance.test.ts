// docs/conformance.md names the tests that show what it says: they exist, and no table of test/spec is left out.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const page = readFileSync('docs/conformance.md', 'utf8');
const named = new Set([...page.matchAll(/`(test\/[^`\s]+\.ts)`/g)].map((match) => match[1] ?? ''));

test('every test that docs/conformance.md names exists', () => {
  expect(named.size).toBeGreaterThan(0);
  expect([...named].filter((file) => !existsSync(file))).toEqual([]);
});

test('every table under test/spec is named in docs/conformance.md', () => {
  const tables = readdirSync('test/spec', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => `test/spec/${file.replaceAll('\\', '/')}`);
  expect(tables.filter((file) => !named.has(file))).toEqual([]);
});

test('every row of docs/conformance.md says yes, partly, passes or no', () => {
  const rows = page.split('\n').filter((line) => /^\| (§|\d)/.test(line));
  expect(rows.length).toBeGreaterThan(0);
  const verdicts = rows.map((row) => row.split(' | ')[2]?.trim());
  expect(verdicts.filter((verdict) => !/^(yes|partly|passes|no)$/.test(verdict ?? ''))).toEqual([]);
});
