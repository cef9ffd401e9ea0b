// The version of this build, as package.json has it.
import { createRequire } from 'node:module';

// dist/version.js and src/version.ts are both one folder below package.json; the file is ours and has the field.
export const VERSION = (createRequire(import.meta.url)('../package.json') as { version: string }).version;
