// The users in force: read again when their files change or SIGHUP says so, without holding up who calls meanwhile.
import { readFile } from 'node:fs/promises';
import type { UserLine } from './auth/user-line.ts';
import { UserTable, userRealms } from './auth/users.ts';
import type { Config } from './config.ts';
import { readUsers, userSources } from './config-users.ts';
import type { Clock } from './runtime/clock.ts';
import { messageOf } from './runtime/errors.ts';
import { inTurns } from './runtime/in-turns.ts';
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

async function readAll(config: Config): Promise<Result<readonly UserLine[], readonly string[]>> {
  const lines: UserLine[] = [];
  const problems: string[] = [];
  for (const source of userSources(config)) {
    let text: string;
    try {
      text = await readFile(source.path, 'utf8');
    } catch (error) {
      problems.push(`${source.key}: cannot read ${source.path}: ${messageOf(error)}`);
      continue;
    }
    const read = await inTurns(readUsers(source, text));
    if (!read.ok) problems.push(...read.error);
    // Not as arguments of push: a large file has more lines than a call may have.
    else for (const line of read.value) lines.push(line);
  }
  return problems.length === 0 ? ok(lines) : fail(problems);
}

export class LiveUsers {
  readonly table: UserTable;
  readonly #deps: LiveUsersDeps;
  readonly #watched: WatchedFiles;
  #config: Config;
  /** The newest order to read: an older one that ends later must not win. */
  #reading = 0;

  constructor(deps: LiveUsersDeps, config: Config, lines: readonly UserLine[] = []) {
    this.#deps = deps;
    this.#config = config;
    this.table = new UserTable(lines);
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

  async #take(why: 'changed' | 'asked'): Promise<void> {
    const { log } = this.#deps;
    if (userSources(this.#config).length === 0) return;
    this.#reading += 1;
    const reading = this.#reading;
    const read = await readAll(this.#config);
    const kept = this.table.size;
    if (!read.ok) {
      log.error({ problems: read.error, kept }, 'the user file was not taken over');
      return;
    }
    const realms = await inTurns(userRealms(read.value));
    if (reading !== this.#reading) return;
    // An editor may have cut the file to nothing before it writes: that nobody may register any more is believed on demand only.
    if (why === 'changed' && read.value.length === 0 && kept > 0) {
      log.error(
        { problems: ['it names no users; SIGHUP takes that over, too'], kept },
        'the user file was not taken over',
      );
      return;
    }
    this.table.replace(realms);
    log.info({ users: this.table.size }, 'users reloaded');
  }
}
