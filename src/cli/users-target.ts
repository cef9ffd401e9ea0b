// Which user file a command of `chordial users` is about, and how it is read and replaced.
import {
  chmodSync,
  chownSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { ArgumentsCamelCase } from 'yargs';
import type { Config } from '../config.ts';
import { aliasesOf } from '../config-of-domain.ts';
import { userSources } from '../config-users.ts';
import { messageOf } from '../runtime/errors.ts';
import { canonicalHost } from '../uri/hosts.ts';
import { readConfig } from './config-options.ts';
import { CliError, EXIT } from './exit-code.ts';

interface Target {
  readonly file: string;
  readonly realm: string;
}

const noFile = (): CliError =>
  new CliError(EXIT.usage, 'no user file is configured (sip.auth.usersFile); give --file FILE');

/** The configuration, whose first domain --domain does not replace here: it chooses one. */
const configured = ({ file, domain: _chosen, ...rest }: ArgumentsCamelCase) =>
  readConfig(typeof file === 'string' ? { ...rest, 'sip.auth.usersFile': file } : rest);

/** Which file and domain: the flags, or what the configuration says. A domain's own file comes before the common one. */
export function targetOf(argv: ArgumentsCamelCase): Target {
  const given = { file: argv['file'], realm: argv['domain'] };
  // With both flags no configuration is needed: adding the first user is what makes it valid.
  if (typeof given.file === 'string' && typeof given.realm === 'string')
    return { file: given.file, realm: given.realm };
  const config = configured(argv);
  if (typeof given.file === 'string') return { file: given.file, realm: config.domain[0] };
  const realm = typeof given.realm === 'string' ? domainIn(config, given.realm) : config.domain[0];
  const sources = userSources(config);
  const source =
    sources.find(({ domain }) => domain === realm) ?? sources.find(({ domain }) => domain === undefined);
  if (source === undefined) throw noFile();
  return { file: source.path, realm };
}

/** Nobody could ever log in to another one: its lines would stand in the file for nothing. */
function domainIn(config: Config, name: string): string {
  const host = canonicalHost(name);
  const domain = config.aliases.includes(host) ? config.domain[0] : (aliasesOf(config).get(host) ?? host);
  if (config.domain.includes(domain)) return domain;
  throw new CliError(
    EXIT.usage,
    `${name} is not a domain or alias of the configuration (${config.domain.join(', ')})`,
  );
}

/** All files that there are, or the one that was given. */
export function filesOf(argv: ArgumentsCamelCase): readonly string[] {
  if (typeof argv['file'] === 'string') return [argv['file']];
  const files = userSources(configured(argv)).map(({ path }) => path);
  if (files.length === 0) throw noFile();
  return files;
}

export function readUsers(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw new CliError(EXIT.failed, `cannot read the user file: ${messageOf(error)}`);
  }
}

/** Written beside and moved into place: a server that re-reads it never sees half a file. Who may read it stays. */
export function writeUsers(file: string, text: string): void {
  const before = statSync(file, { throwIfNoEntry: false });
  // Through a symbolic link, not in its place.
  const place = before === undefined ? file : realpathSync(file);
  const beside = `${place}.${process.pid}.new`;
  try {
    writeFileSync(beside, text, { mode: 0o600, flag: 'wx' });
    if (before !== undefined) {
      chmodSync(beside, before.mode & 0o777);
      // Only root makes a file that is another's, and may give it back.
      if (before.uid !== process.getuid?.()) chownSync(beside, before.uid, before.gid);
    }
    renameSync(beside, place);
  } catch (error) {
    rmSync(beside, { force: true });
    throw new CliError(EXIT.failed, `cannot write the user file: ${messageOf(error)}`);
  }
}
