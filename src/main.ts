// The command line: which commands there are, and how a failure ends.
import { hideBin } from 'yargs/helpers';
import yargs from 'yargs/yargs';
import { checkConfigCommand } from './cli/check-config.ts';
import { CliError, EXIT } from './cli/exit-code.ts';
import { keygenCommand } from './cli/keygen.ts';
import { lookupCommand } from './cli/lookup.ts';
import { pingCommand } from './cli/ping.ts';
import { publishCommand, withdrawCommand } from './cli/publish.ts';
import { ringCommand } from './cli/ring.ts';
import { serveCommand } from './cli/serve.ts';
import { usersCommand } from './cli/users.ts';
import { messageOf } from './runtime/errors.ts';
import { VERSION } from './version.ts';

const commands = [
  serveCommand,
  checkConfigCommand,
  lookupCommand,
  publishCommand,
  withdrawCommand,
  ringCommand,
  keygenCommand,
  pingCommand,
  usersCommand,
];

const cli = yargs(hideBin(process.argv))
  .scriptName('chordial')
  .usage(
    '$0 <command>\n\nA SIP registrar that remembers nothing: registrations live in a ring that the domains run together.',
  )
  .version(VERSION)
  .parserConfiguration({ 'dot-notation': false, 'duplicate-arguments-array': true })
  .strict()
  .recommendCommands()
  .wrap(Math.min(110, process.stdout.columns ?? 110))
  .fail((message, error) => {
    throw error ?? new CliError(EXIT.usage, `${message}\nchordial --help tells what there is.`);
  });
for (const command of commands) cli.command(command);

try {
  await cli.parseAsync();
} catch (error) {
  process.stderr.write(`chordial: ${messageOf(error)}\n`);
  process.exitCode = error instanceof CliError ? error.exitCode : EXIT.failed;
}
