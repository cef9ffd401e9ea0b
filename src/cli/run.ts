// The command line: which commands there are, and how a failure ends.
import yargs from 'yargs/yargs';
import { messageOf } from '../runtime/errors.ts';
import { VERSION } from '../version.ts';
import { bansCommand } from './bans.ts';
import { checkConfigCommand } from './check-config.ts';
import { CliError, EXIT } from './exit-code.ts';
import { findCommand } from './find.ts';
import { keygenCommand } from './keygen.ts';
import { lookupCommand } from './lookup.ts';
import { printableLines } from './output.ts';
import { pingCommand } from './ping.ts';
import { publishCommand, withdrawCommand } from './publish.ts';
import { ringCommand } from './ring.ts';
import { serveCommand } from './serve.ts';
import { simCommand } from './sim.ts';
import { sipTraceCommand } from './sip-trace.ts';
import { traceCommand } from './trace.ts';
import { usersCommand } from './users.ts';

const commands = [
  serveCommand,
  checkConfigCommand,
  lookupCommand,
  findCommand,
  traceCommand,
  publishCommand,
  withdrawCommand,
  ringCommand,
  simCommand,
  keygenCommand,
  pingCommand,
  usersCommand,
  bansCommand,
  sipTraceCommand,
];

const WIDTH_MAX = 110;

const commandNames: ReadonlySet<string> = new Set(
  commands.flatMap(({ command }) => [command ?? []].flat().map((form) => form.split(' ', 1).join())),
);

/** `serve` is what runs without a command, so that a misspelt one is to yargs no more than an argument too many. */
function unknownInWords(message: string, args: readonly string[]): string {
  const unknown = /^Unknown arguments?: (.+)$/.exec(message)?.[1];
  if (unknown === undefined) return message;
  const [first = ''] = args;
  if (!first.startsWith('-') && !commandNames.has(first)) return `there is no command ${first}`;
  const names = unknown.split(', ').map((name) => (args.includes(name) ? name : `--${name}`));
  return `unknown: ${names.join(', ')}`;
}

/** Runs one command line and tells its exit status. Never rejects. */
export async function runCli(args: readonly string[]): Promise<number> {
  const cli = yargs([...args])
    .scriptName('chordial')
    .usage(
      '$0 <command>\n\nA SIP registrar that remembers nothing: registrations live in a ring that the domains run together.',
    )
    .version(VERSION)
    .alias('h', 'help')
    .parserConfiguration({ 'dot-notation': false, 'duplicate-arguments-array': true })
    .strict()
    .exitProcess(false)
    .wrap(Math.min(WIDTH_MAX, process.stdout.columns ?? WIDTH_MAX))
    // A handler that fails comes without a message; with one, the command line is what is wrong.
    .fail((message: string | null | undefined, error) => {
      if (message === null || message === undefined) throw error;
      throw new CliError(
        EXIT.usage,
        `${unknownInWords(message, args)}\nchordial --help tells what there is.`,
      );
    });
  for (const command of commands) cli.command(command);
  try {
    await cli.parseAsync();
    return EXIT.ok;
  } catch (error) {
    process.stderr.write(`chordial: ${printableLines(messageOf(error))}\n`);
    return error instanceof CliError ? error.exitCode : EXIT.failed;
  }
}
