// chordial as it is installed, one process per domain, with a configuration file like an operator's.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Domain } from './domains.ts';
import type { Place } from './place.ts';
import type { Program } from './program.ts';

const BIN = join(import.meta.dirname, '../../../bin/chordial.js');
const OVERLAY_PORT = 7184;
export const WSS_PORT = 8443;

export interface RegistrarOptions {
  /** The overlay is reached through these domains' registrars; none: this one founds the ring. */
  readonly seeds?: readonly Domain[];
  /** Further keys of the configuration, by section. */
  readonly config?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** What the registrar says of a call, in its log. */
export interface CallLine {
  readonly method: string;
  readonly aor: string;
  readonly source: string;
  readonly code?: number;
  readonly why: string;
}

export class Registrar {
  readonly domain: Domain;
  readonly #place: Place;
  readonly #options: RegistrarOptions;
  #program: Program | undefined;

  constructor(place: Place, domain: Domain, options: RegistrarOptions = {}) {
    this.#place = place;
    this.domain = domain;
    this.#options = options;
  }

  /** Resolves once it is ready: listening, joined, and a canary published and read back. */
  async start(): Promise<void> {
    const { name, address, keyFile, usersFile, tls } = this.domain;
    const { seeds = [], config = {} } = this.#options;
    const file = join(this.#place.folder, `${name}.yaml`);
    const sections = {
      domain: name,
      publication: 'public',
      sip: {
        listen: [
          `udp:${address}:5060`,
          `tcp:${address}:5060`,
          `tls:${address}:5061`,
          `wss:${address}:${WSS_PORT}`,
        ],
        tls,
        auth: { usersFile },
        ...config['sip'],
      },
      registrar: { ...config['registrar'] },
      overlay: {
        listen: `${address}:${OVERLAY_PORT}`,
        seeds: seeds.map((one) => `${one.address}:${OVERLAY_PORT}`),
        ...config['overlay'],
      },
      identity: { keyFile },
      trust: { ...config['trust'] },
      limits: { ...config['limits'] },
      admin: { listen: '127.0.0.1:0' },
    };
    writeFileSync(file, stringify(sections));
    this.#program = this.#place.start(`chordial of ${name}`, [process.execPath, BIN, 'serve', '-c', file]);
    await this.#program.line(/"msg":"ready"/, { deadlineMs: 30_000 });
  }

  /** As a power cut. */
  async kill(): Promise<void> {
    await this.program.end('SIGKILL');
  }

  get program(): Program {
    if (this.#program === undefined) throw new Error('the registrar was not started');
    return this.#program;
  }

  get mark(): number {
    return this.program.mark;
  }

  /** What it did with the INVITEs that came after `mark`, once it has told of `count`. */
  async calls(mark: number, count: number): Promise<CallLine[]> {
    const lines = await this.program.matching(/"msg":"call"/, count, { mark });
    return lines.map((line) => JSON.parse(line) as CallLine); // our own log line
  }
}

/** One ring of these domains: the first founds it, the others join one after the other. */
export async function startRing(
  place: Place,
  domains: readonly Domain[],
  config: RegistrarOptions['config'] = {},
): Promise<Registrar[]> {
  const registrars: Registrar[] = [];
  for (const domain of domains) {
    const registrar = new Registrar(place, domain, { seeds: domains.slice(0, registrars.length), config });
    await registrar.start();
    registrars.push(registrar);
  }
  return registrars;
}
