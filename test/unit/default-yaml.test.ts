import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { loadConfig } from '../../src/config-sources.ts';

test('config/default.yaml says exactly what the built-in defaults are', () => {
  const text = readFileSync('config/default.yaml', 'utf8');
  const documented = loadConfig({ file: { path: 'config/default.yaml', text }, environment: {}, flags: {} });
  expect(documented).toEqual(parseConfig({}));
});
