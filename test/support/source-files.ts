// The TypeScript files under a folder, sorted.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export const sourceFiles = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => join(folder, name))
    .sort();
