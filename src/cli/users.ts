// chordial users: add, remove and list the users of the user file.
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
import type { ArgumentsCamelCase, Argv, CommandModule } from 'yargs';
import { addUser, parseUserFile, removeUser } from '../auth/user-file.ts';
import { messageOf } from '../runtime/errors.ts';
import { readConfig, withConfigOptions } from './config-options.ts';
import { CliError, EXIT } from './exit-code.ts';
import { printJson, printLine, printTable } from './output.ts';
import { askPassword } from './prompt.ts';

interface Target {
  readonly file: string;
  readonly realm: string;
}

/** Which file and domain: the flags, or what the configuration says. */
function targetOf(argv: ArgumentsCamelCase): Target {
  const given = { file: argv['file'], realm: argv['domain'] };
  // With both flags no configuration is needed: adding the first user is what makes it valid.
  if (typeof given.file === 'string' && typeof given.realm === 'string')
    return { file: given.file, realm: given.realm };
  const withFile = typeof given.file === 'string' ? { ...argv, 'sip.auth.usersFile': given.file } : argv;
  const config = readConfig(withFile);
  const file = config.sip.auth.usersFile;
  if (file === '')
    throw new CliError(EXIT.usage, 'no user file is configured (sip.auth.usersFile); give --file FILE');
  return { file, realm: config.domain[0] ?? '' };
}

function readUsers(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw new CliError(EXIT.failed, `cannot read the user file: ${messageOf(error)}`);
  }
}

/** Written beside and moved into place: a server that re-reads it never sees half a file. Who may read it stays. */
function writeUsers(file: string, text: string): void {
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

const withTarget = (yargs: Argv): Argv =>
  withConfigOptions(
    yargs.option('file', {
      type: 'string',
      requiresArg: true,
      describe: 'the user file (default: as configured)',
    }),
    { domain: 'the domain of the user (default: the first configured)' },
  );
const nameOf = (argv: ArgumentsCamelCase): string => String(argv['name']);

const addCommand: CommandModule = {
  command: 'add <name>',
  describe: 'add a user or set the password (asked for, or the first line of stdin)',
  builder: (yargs) =>
    withTarget(yargs)
      .positional('name', { type: 'string', describe: 'the user part: alice of alice@example.org' })
      .option('sha256', {
        type: 'boolean',
        default: false,
        describe: 'also store a SHA-256 hash (RFC 8760)',
      })
      .option('sha512-256', {
        type: 'boolean',
        default: false,
        describe: 'also store a SHA-512/256 hash (RFC 8760)',
      }),
  handler: async (argv) => {
    const { file, realm } = targetOf(argv);
    const before = readUsers(file);
    const password = await askPassword(`${nameOf(argv)}@${realm}`);
    const changed = addUser(before, {
      user: nameOf(argv),
      realm,
      password,
      algorithms: [
        'MD5',
        ...(argv['sha256'] === true ? (['SHA-256'] as const) : []),
        ...(argv['sha512-256'] === true ? (['SHA-512-256'] as const) : []),
      ],
    });
    if (!changed.ok) throw new CliError(EXIT.usage, changed.error);
    writeUsers(file, changed.value.text);
    printLine(`${changed.value.replaced ? 'changed' : 'added'} ${nameOf(argv)}@${realm} in ${file}`);
  },
};

const removeCommand: CommandModule = {
  command: 'remove <name>',
  describe: 'remove a user',
  builder: (yargs) => withTarget(yargs).positional('name', { type: 'string', describe: 'the user part' }),
  handler: (argv) => {
    const { file, realm } = targetOf(argv);
    const changed = removeUser(readUsers(file), { user: nameOf(argv), realm });
    if (changed.removed === 0)
      throw new CliError(EXIT.notFound, `there is no ${nameOf(argv)}@${realm} in ${file}`);
    writeUsers(file, changed.text);
    printLine(`removed ${nameOf(argv)}@${realm} from ${file}`);
  },
};

const listCommand: CommandModule = {
  command: 'list',
  describe: 'list the users',
  builder: (yargs) =>
    withTarget(yargs).option('json', { type: 'boolean', default: false, describe: 'print JSON' }),
  handler: (argv) => {
    const { file } = targetOf(argv);
    const parsed = parseUserFile(readUsers(file));
    if (!parsed.ok)
      throw new CliError(
        EXIT.usage,
        parsed.error.map(({ line, problem }) => `${file}:${line}: ${problem}`).join('\n'),
      );
    const users = parsed.value.map(({ user, realm, algorithm }) => ({ user, realm, algorithm }));
    if (argv['json'] === true) printJson({ users });
    else
      printTable(
        ['user', 'domain', 'hash'],
        users.map(({ user, realm, algorithm }) => [user, realm, algorithm]),
      );
  },
};

export const usersCommand: CommandModule = {
  command: 'users <command>',
  describe: 'manage the user file',
  builder: (yargs) =>
    yargs
      .command(addCommand)
      .command(removeCommand)
      .command(listCommand)
      .demandCommand(1, 'users add, remove or list?'),
  handler: () => undefined,
};
