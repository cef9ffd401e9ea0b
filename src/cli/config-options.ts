// The options that every command with a configuration has: -c FILE and one flag per key.
import { readFileSync } from 'node:fs';
import type { Argv } from 'yargs';
import type { Config } from '../config.ts';
import { CONFIG_KEYS } from '../config-keys.ts';
import { CONFIG_FILE_VARIABLE, loadConfig } from '../config-sources.ts';
import { messageOf } from '../runtime/errors.ts';
import { CliError, EXIT } from './exit-code.ts';

/** Adds the options; values stay text, the schema decides. `shown`: those that --help is to list, with its words. */
export function withConfigOptions<T>(
  yargs: Argv<T>,
  shown: Readonly<Record<string, string>> = {},
): Argv<T & { config: string | undefined }> {
  const withFile = yargs.option('config', {
    alias: 'c',
    type: 'string',
    requiresArg: true,
    describe: 'configuration file (YAML)',
  });
  for (const { path } of CONFIG_KEYS) {
    const describe = shown[path.join('.')];
    withFile.option(path.join('.'), {
      type: 'string',
      requiresArg: true,
      describe: describe ?? '',
      hidden: describe === undefined,
    });
  }
  return withFile.epilogue(
    'Every key of the configuration is also a flag (--sip.advertise HOST) and an environment variable\n(CHORDIAL_SIP__ADVERTISE); config/default.yaml explains them all. Flags > environment > file > defaults.',
  );
}

/** The effective configuration, or a CliError that tells every problem at once. */
export function readConfig(argv: Readonly<Record<string, unknown>>): Config {
  const given = typeof argv['config'] === 'string' ? argv['config'] : process.env[CONFIG_FILE_VARIABLE];
  const flags: Record<string, string> = {};
  for (const { path } of CONFIG_KEYS) {
    const value = argv[path.join('.')];
    if (value !== undefined) flags[path.join('.')] = Array.isArray(value) ? value.join(',') : String(value);
  }
  const loaded = loadConfig({
    ...(given === undefined || given === '' ? {} : { file: { path: given, text: readText(given) } }),
    environment: process.env,
    flags,
  });
  if (!loaded.ok) throw new CliError(EXIT.usage, problemText(loaded.error));
  return loaded.value;
}

export const problemText = (problems: readonly string[]): string =>
  `${problems.length === 1 ? 'One problem' : `${problems.length} problems`} with the configuration:\n${problems.map((problem) => `  ${problem}`).join('\n')}`;

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CliError(EXIT.usage, `cannot read the configuration ${path}: ${messageOf(error)}`);
  }
}
