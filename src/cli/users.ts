// chordial users: add, remove and list users, aliases and authentication names in the user file.
import type { ArgumentsCamelCase, Argv, CommandModule } from 'yargs';
import { addLink, addUser, removeUser } from '../auth/user-edit.ts';
import { parseUserFile } from '../auth/user-file.ts';
import { withConfigOptions } from './config-options.ts';
import { CliError, EXIT } from './exit-code.ts';
import { printJson, printLine, printTable } from './output.ts';
import { askPassword } from './prompt.ts';
import { filesOf, readUsers, targetOf, writeUsers } from './users-target.ts';

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
    const { aliasOf } = changed.value;
    if (aliasOf !== undefined)
      printLine(`it is an alias of ${aliasOf}: with this password a phone is ${aliasOf}'s`);
  },
};

const removeCommand: CommandModule = {
  command: 'remove <name>',
  describe: 'remove a user, with the aliases and logins that lead to it',
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

/** `users alias 101 alice` and `users login a.smith alice`: one name that leads to a user. */
const linkCommand = (kind: 'alias' | 'login', describe: string, nameIs: string): CommandModule => ({
  command: `${kind} <name> <user>`,
  describe,
  builder: (yargs) =>
    withTarget(yargs)
      .positional('name', { type: 'string', describe: nameIs })
      .positional('user', { type: 'string', describe: 'the user that is meant' }),
  handler: (argv) => {
    const { file, realm } = targetOf(argv);
    const user = String(argv['user']);
    const changed = addLink(readUsers(file), { kind, user: nameOf(argv), realm, of: user });
    if (!changed.ok) throw new CliError(EXIT.usage, changed.error);
    writeUsers(file, changed.value.text);
    printLine(
      `${nameOf(argv)}@${realm} is ${kind === 'alias' ? 'an alias' : 'a login'} of ${user} in ${file}`,
    );
    if (changed.value.wasUser) printLine(`it was a user of its own: from now on its password is for ${user}`);
  },
});

const listCommand: CommandModule = {
  command: 'list',
  describe: 'list the users',
  builder: (yargs) =>
    withTarget(yargs).option('json', { type: 'boolean', default: false, describe: 'print JSON' }),
  handler: (argv) => {
    const lines = filesOf(argv).flatMap((file) => {
      const parsed = parseUserFile(readUsers(file));
      if (parsed.ok) return parsed.value;
      const problems = parsed.error.map(({ line, problem }) => `${file}:${line}: ${problem}`);
      throw new CliError(EXIT.usage, problems.join('\n'));
    });
    if (argv['json'] !== true) {
      printTable(
        ['user', 'domain', 'hash'],
        lines.map((line) => [
          line.user,
          line.realm,
          line.kind === 'password' ? line.algorithm : `${line.kind} of ${line.of}`,
        ]),
      );
      return;
    }
    printJson({
      users: lines.flatMap((line) =>
        line.kind === 'password' ? [{ user: line.user, realm: line.realm, algorithm: line.algorithm }] : [],
      ),
      links: lines.flatMap((line) =>
        line.kind === 'password'
          ? []
          : [{ kind: line.kind, name: line.user, realm: line.realm, user: line.of }],
      ),
    });
  },
};

export const usersCommand: CommandModule = {
  command: 'users <command>',
  describe: 'manage the user file',
  builder: (yargs) =>
    yargs
      .command(addCommand)
      .command(removeCommand)
      .command(linkCommand('alias', 'another name of a user: calls to 101 are for alice', 'the alias'))
      .command(
        linkCommand(
          'login',
          'let an authentication name that has a password here act for a user',
          'the authentication name',
        ),
      )
      .command(listCommand)
      .demandCommand(1, 'users add, remove, alias, login or list?'),
  handler: () => undefined,
};
