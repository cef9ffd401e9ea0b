// sipvicious as Debian has it, or under a name that no list holds: what most people's scanners are.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './place.ts';
import { requirePrograms } from './program.ts';

const INSTALLED = '/usr/share/sipvicious/sipvicious';
/** What svmap and the others call themselves. */
const NAME = 'friendly-scanner';

export type Tool = 'svmap' | 'svwar' | 'svcrack';

export class Sipvicious {
  readonly #place: Place;
  readonly #renamed: string;

  constructor(place: Place) {
    requirePrograms('svmap', 'python3');
    this.#place = place;
    this.#renamed = join(place.folder, 'renamed');
    cpSync(INSTALLED, join(this.#renamed, 'sipvicious'), {
      recursive: true,
      filter: (path) => !path.includes('__pycache__'),
    });
    const library = join(this.#renamed, 'sipvicious/libs/svhelper.py');
    const text = readFileSync(library, 'utf8');
    if (!text.includes(NAME)) throw new Error(`sipvicious doesn't call itself ${NAME}`);
    writeFileSync(library, text.replaceAll(NAME, 'Yealink SIP-T46G'));
  }

  /** Runs a tool to its end; everything that it printed. */
  async run(tool: Tool, args: readonly string[], { renamed = true } = {}): Promise<string> {
    const command: [string, ...string[]] = renamed
      ? [
          'python3',
          '-c',
          `import sys; sys.path.insert(0, ${JSON.stringify(this.#renamed)}); from sipvicious.${tool} import main; main()`,
        ]
      : [tool];
    const program = this.#place.start(tool, [...command, ...args], { env: { HOME: this.#place.folder } });
    await program.exit(60_000);
    return program.lines.join('\n');
  }
}
