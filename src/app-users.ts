// The users in force: read again when their files change or SIGHUP says so, without holding up who calls meanwhile.
import { readFile } from 'node:fs/promises';
import type { UserLine } from './auth/user-line.ts';
import { type Realms, UserTable, userRealms } from './auth/users.ts';
import type { Config } from './config.ts';
import { readUsers, type UserSource, userSources } from './config-users.ts';
import type { Clock } from './runtime/clock.ts';
import { messageOf } from './runtime/errors.ts';
import { atOnce, inTurns } from './runtime/in-turns.ts';
import type { Background } from './runtime/lifecycle.ts';
import type { Log } from './runtime/log.ts';
import type { Random } from './runtime/random.ts';
import { fail, ok, type Result } from './runtime/result.ts';
import { type Fingerprint, fileFingerprint, WatchedFiles } from './runtime/watched-files.ts';

export interface LiveUsersDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly background: Background;
  readonly fingerprint?: Fingerprint;
}

/** A file's lines are its own: each realm stands in one file (config-users.ts). */
const isIn = ({ realm }: UserLine, { domain, elsewhere }: UserSource): boolean =>
  domain === undefined ? !elsewhere.has(realm) : realm === domain;

const countOf = (realms: Realms | undefined): number => {
  let count = 0;
  for (const { users } of realms?.values() ?? []) count += users.size;
  return count;
};

export class LiveUsers {
  readonly table: UserTable;
  readonly #deps: LiveUsersDeps;
  readonly #watched: WatchedFiles;
  #config: Config;
  /** What each file said when it was last taken over. BOUNDED: by the configuration, and the lines of each file. */
  #taken: ReadonlyMap<string, Realms>;
  /** The newest order to read: an older one that ends later must not win. */
  #reading = 0;

  constructor(deps: LiveUsersDeps, config: Config, lines: readonly UserLine[] = []) {
    this.#deps = deps;
    this.#config = config;
    this.#taken = new Map(
      userSources(config).map((source) => [
        source.path,
        atOnce(userRealms(lines.filter((line) => isIn(line, source)))),
      ]),
    );
    this.table = new UserTable();
    this.#show();
    this.#watched = new WatchedFiles(
      { ...deps, fingerprint: deps.fingerprint ?? fileFingerprint },
      {
        paths: () => userSources(this.#config).map(({ path }) => path),
        onChange: () => this.#take('changed'),
      },
    );
  }

  start(): Promise<void> {
    return this.#watched.start();
  }

  stop(): Promise<void> {
    return this.#watched.stop();
  }

  /** SIGHUP: the files that `next` names, whether they changed or not. */
  reload(next: Config): Promise<void> {
    this.#config = next;
    return this.#take('asked');
  }

  /** At once: a request sees all of the old or all of the new. */
  #show(): void {
    this.table.replace(new Map([...this.#taken.values()].flatMap((realms) => [...realms])));
  }

  async #take(why: 'changed' | 'asked'): Promise<void> {
    const { log } = this.#deps;
    const sources = userSources(this.#config);
    if (sources.length === 0) return;
    this.#reading += 1;
    const reading = this.#reading;
    // BOUNDED: by the configuration.
    const next = new Map<string, Realms>();
    let changed = false;
    for (const source of sources) {
      const before = this.#taken.get(source.path);
      const read = await readSource(source);
      const kept = countOf(before);
      // An editor may have cut the file to nothing before it writes: that nobody may register any more is believed on demand only.
      const problems = !read.ok
        ? read.error
        : why === 'changed' && countOf(read.value) === 0 && kept > 0
          ? [`${source.key}: ${source.path} names no users; SIGHUP takes that over, too`]
          : [];
      if (reading !== this.#reading) return;
      // A tenant's mistake is the tenant's: the other files are taken over.
      if (problems.length > 0) log.error({ problems, kept }, 'the user file was not taken over');
      else changed = true;
      const realms = problems.length === 0 && read.ok ? read.value : before;
      if (realms !== undefined) next.set(source.path, realms);
    }
    this.#taken = next;
    this.#show();
    if (changed) log.info({ users: this.table.size }, 'users reloaded');
  }
}

async function readSource(source: UserSource): Promise<Result<Realms, readonly string[]>> {
  let text: string;
  try {
    text = await readFile(source.path, 'utf8');
  } catch (error) {
    return fail([`${source.key}: cannot read ${source.path}: ${messageOf(error)}`]);
  }
  const read = await inTurns(readUsers(source, text));
  return read.ok ? ok(await inTurns(userRealms(read.value))) : read;
}
