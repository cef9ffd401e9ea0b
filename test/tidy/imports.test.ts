import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sourceFiles } from '../support/source-files.ts';

// A datagram's way is the import order (DESIGN §8). A folder may import itself and what stands in its row.
const BELOW: Readonly<Record<string, readonly string[]>> = {
  runtime: [],
  uri: ['runtime'],
  record: ['uri', 'runtime'],
  sip: ['uri', 'runtime'],
  dht: ['record', 'uri', 'runtime'],
  auth: ['sip', 'record', 'uri', 'runtime'],
  location: ['dht', 'record', 'uri', 'runtime'],
  bridge: ['location', 'auth', 'sip', 'record', 'uri', 'runtime'],
  redirect: ['location', 'auth', 'sip', 'record', 'uri', 'runtime'],
  proxy: ['location', 'auth', 'sip', 'record', 'uri', 'runtime'],
  sim: ['dht', 'record', 'uri', 'runtime'],
  admin: ['location', 'dht', 'record', 'uri', 'runtime'],
};

const importsOf = (file: string): string[] =>
  [
    ...readFileSync(file, 'utf8').matchAll(/(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*['"]([^'"]+)['"]/g),
  ].map((match) => match[1] ?? '');

const folderOf = (file: string): string => relative('src', file).split('/')[0] ?? '';

describe('imports', () => {
  test.each(Object.keys(BELOW))('src/%s imports only what lies below it', (folder) => {
    const wrong: string[] = [];
    const allowed = new Set([folder, ...(BELOW[folder] ?? [])]);
    for (const file of sourceFiles(`src/${folder}`))
      for (const target of importsOf(file)) {
        if (!target.startsWith('.')) continue;
        const resolved = join(dirname(file), target);
        if (!allowed.has(folderOf(resolved)) || relative('src', resolved).split('/').length < 2)
          wrong.push(`${file}: ${target}`);
      }
    expect(wrong).toEqual([]);
  });

  test('every folder of src has a row', () => {
    const folders = new Set(
      sourceFiles('src')
        .filter((file) => relative('src', file).includes('/'))
        .map(folderOf),
    );
    folders.delete('cli');
    expect([...folders].filter((folder) => !(folder in BELOW))).toEqual([]);
  });

  test('location and what lies above it see only the public face of the ring', () => {
    const wrong: string[] = [];
    for (const folder of ['location', 'bridge', 'redirect', 'proxy', 'admin'])
      for (const file of sourceFiles(`src/${folder}`))
        for (const target of importsOf(file))
          if (/\/dht\//.test(target) && !/\/dht\/index\.ts$/.test(target)) wrong.push(`${file}: ${target}`);
    expect(wrong).toEqual([]);
  });

  test('the npm package sip is imported by the codec alone', () => {
    expect(sourceFiles('src').filter((file) => importsOf(file).includes('sip'))).toEqual([
      'src/sip/codec.ts',
    ]);
  });
});
